//! A gate: plugin code stops at it, and the test goes on when it has.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::wait::DEADLINE;

/// See the module. Clones are the same gate.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    arrived: u32,
    open: bool,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Arrives, and waits until the gate is open.
    ///
    /// # Panics
    ///
    /// When nobody opens it by the deadline.
    pub fn pass(&self) {
        self.change(|state| state.arrived += 1);
        self.wait("the gate was not opened", |state| state.open);
    }

    /// Waits until `count` have arrived since the gate was made.
    ///
    /// # Panics
    ///
    /// When they have not by the deadline.
    #[track_caller]
    pub fn arrived(&self, count: u32) {
        self.wait("nobody came to the gate", |state| state.arrived >= count);
    }

    /// Lets everybody pass from here on.
    pub fn open(&self) {
        self.change(|state| state.open = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.1.notify_all();
    }

    #[track_caller]
    fn wait(&self, complaint: &str, done: impl Fn(&State) -> bool) {
        let state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(state, DEADLINE, |state| !done(state));
        let late = waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        assert!(!late, "{complaint}");
    }
}
