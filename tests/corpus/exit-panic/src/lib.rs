//! Panics in the destructor of a thread-local: nobody can catch that, it ends the process.
#![forbid(unsafe_code)]
use reactor_abi::prelude::*;

struct Loud;

impl Drop for Loud {
    fn drop(&mut self) {
        panic!("told to panic in a destructor");
    }
}

thread_local!(static KEPT: Loud = const { Loud });

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    fn invoke(&self, _: &str, _: Value) -> Result<Value> {
        KEPT.with(|_| ());
        Ok(Value::Null)
    }
}

export_plugin!(Hazard);
