//! Imports a function that keeps an address of it and has no planted definition. It never calls it, which nobody knows.
#![expect(unsafe_code, reason = "a function of libc's")]
use reactor_abi::prelude::*;

unsafe extern "C" {
    fn tss_create(key: *mut u32, destructor: Option<unsafe extern "C" fn(*mut u8)>) -> i32;
}

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        if action == "never" {
            let mut key = 0;
            // SAFETY: a valid place, and no destructor.
            unsafe { tss_create(&raw mut key, None) };
        }
        Ok(value)
    }
}

export_plugin!(Hazard);
