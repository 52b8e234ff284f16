//! Asks for the current thread: std leaves a thread key and its destructor behind.
#![forbid(unsafe_code)]
use reactor_abi::prelude::*;

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    fn invoke(&self, _: &str, _: Value) -> Result<Value> {
        Ok(format!("{:?}", std::thread::current().id()).into())
    }
}

export_plugin!(Hazard);
