//! Makes a thread key in a constructor, which runs before there is a host to ask.
#![expect(unsafe_code, reason = "a constructor")]
use reactor_abi::prelude::*;

extern "C" fn constructor() {
    let mut key = 0;
    // SAFETY: a valid place, and no destructor.
    unsafe { libc::pthread_key_create(&raw mut key, None) };
}

// SAFETY: what stands in this section are functions without arguments.
#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = constructor;

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    fn invoke(&self, _: &str, value: Value) -> Result<Value> {
        Ok(value)
    }
}

export_plugin!(Hazard);
