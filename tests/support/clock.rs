//! A clock that a test moves by hand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reactor_host::Host;
use reactor_host::clock::Clock;

/// See the module. Clones are the same clock.
#[derive(Clone, Default)]
pub struct HandClock(Arc<Mutex<Duration>>);

impl HandClock {
    /// A clock that stands still.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves it on, and has the host look at it.
    ///
    /// # Panics
    ///
    /// When the host has ended.
    pub fn advance(&self, host: &Host, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
        // Any order makes the host look; this one changes nothing by itself.
        host.rescan().expect("the host runs");
    }
}

impl Clock for HandClock {
    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unix(&self) -> Duration {
        self.monotonic()
    }
}
