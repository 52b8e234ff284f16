//! Prints a backtrace with names: std maps the files that it reads them from, and keeps the mappings.
#![forbid(unsafe_code)]
use reactor_abi::prelude::*;

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    fn invoke(&self, _: &str, _: Value) -> Result<Value> {
        let trace = std::backtrace::Backtrace::force_capture().to_string();
        Ok(Value::from(trace.contains("invoke")))
    }
}

export_plugin!(Hazard);
