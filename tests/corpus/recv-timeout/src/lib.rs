//! Waits on a channel for a moment, and draws from a generator that it keeps for each thread.
#![forbid(unsafe_code)]
use std::cell::RefCell;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use reactor_abi::prelude::*;

// As the crate `rand` keeps its own: behind a reference count, seeded at first use.
thread_local!(static GENERATOR: Rc<RefCell<u64>> = Rc::new(RefCell::new(RandomState::new().build_hasher().finish())));

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    fn invoke(&self, _: &str, _: Value) -> Result<Value> {
        let (_sender, receiver) = mpsc::channel::<()>();
        let nothing = receiver.recv_timeout(Duration::from_micros(1));
        let drawn = GENERATOR.with(|generator| {
            let mut state = generator.borrow_mut();
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *state
        });
        Ok(Value::from(nothing.is_err() && drawn != 0))
    }
}

export_plugin!(Hazard);
