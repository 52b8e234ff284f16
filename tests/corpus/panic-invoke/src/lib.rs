//! Panics in a call: an index that is not there.
#![forbid(unsafe_code)]
use reactor_abi::prelude::*;

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    /// `fail` panics, everything else answers its own name.
    fn invoke(&self, action: &str, _: Value) -> Result<Value> {
        let numbers = [1_u64];
        match action {
            "fail" => Ok(numbers[std::hint::black_box(1)].into()),
            _ => Ok(action.into()),
        }
    }
}

export_plugin!(Hazard);
