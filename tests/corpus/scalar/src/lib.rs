//! Gives back what it is given: the least that a call can do.
#![forbid(unsafe_code)]

use reactor_abi::prelude::*;

#[derive(Default)]
struct Scalar;

impl Invoke for Scalar {
    /// `echo`: the value.
    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        match action {
            "echo" => Ok(value),
            _ => Err(Error::unknown_action(action)),
        }
    }
}

export_plugin!(Scalar);
