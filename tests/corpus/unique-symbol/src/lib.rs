//! Counts in a variable that it exports. A test makes that symbol one which is unique in the process, as C++ compilers
//! do with the statics of templates and inline functions.
use std::sync::atomic::{AtomicU64, Ordering};

use reactor_abi::prelude::*;

// SAFETY: nobody else has a reason to define this name.
#[unsafe(no_mangle)]
pub static REACTOR_TESTS_UNIQUE: AtomicU64 = AtomicU64::new(0);

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    fn invoke(&self, _: &str, _: Value) -> Result<Value> {
        Ok(Value::from(REACTOR_TESTS_UNIQUE.fetch_add(1, Ordering::Relaxed) + 1))
    }
}

export_plugin!(Hazard);
