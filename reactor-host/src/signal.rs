//! A bell: whoever waits for something that other threads bring about parks here.
//!
//! A listener notes the count, looks at what it waits for, and parks until the count has moved. The bell knows
//! nothing of what is waited for.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// See the module.
#[derive(Default)]
pub(crate) struct Signal {
    rung: Mutex<u64>,
    bell: Condvar,
}

impl Signal {
    /// Wakes everybody.
    pub(crate) fn notify(&self) {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        *rung = rung.wrapping_add(1);
        self.bell.notify_all();
    }

    /// How often it was rung.
    pub(crate) fn count(&self) -> u64 {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Parks until it was rung since `seen`, or until `deadline`. `None`: waits for ever.
    pub(crate) fn park(&self, seen: u64, deadline: Option<Instant>) {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        while *rung == seen {
            match deadline {
                None => rung = self.bell.wait(rung).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let Some(left) = deadline.checked_duration_since(Instant::now()) else { return };
                    rung = self.bell.wait_timeout(rung, left).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// Waits until `done`, looking again after each ring. `false`: the deadline passed first.
    pub(crate) fn wait_until(&self, deadline: Option<Instant>, mut done: impl FnMut() -> bool) -> bool {
        loop {
            let seen = self.count();
            if done() {
                return true;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return false;
            }
            self.park(seen, deadline);
        }
    }
}
