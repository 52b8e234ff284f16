//! Is linked `-z nodelete`: the loader never unloads it.
#![forbid(unsafe_code)]
use reactor_abi::prelude::*;

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    fn invoke(&self, _: &str, value: Value) -> Result<Value> {
        Ok(value)
    }
}

export_plugin!(Hazard);
