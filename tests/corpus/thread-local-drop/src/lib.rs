//! Keeps something with a destructor in a thread-local: libc is asked to run it when the thread ends.
#![forbid(unsafe_code)]
use std::cell::RefCell;

use reactor_abi::prelude::*;

thread_local!(static KEPT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) });

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    fn invoke(&self, _: &str, value: Value) -> Result<Value> {
        KEPT.with_borrow_mut(|kept| {
            kept.push(value.to_string());
            Ok(u64::try_from(kept.len())?.into())
        })
    }
}

export_plugin!(Hazard);
