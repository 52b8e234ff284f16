//! A clock that a test moves by hand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reactor_host::Host;
use reactor_host::clock::Clock;

use crate::puppet::{Script, host_of, running};

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

/// A host that goes by a clock of the test's, with these puppets, which all run.
///
/// # Panics
///
/// When one does not.
#[track_caller]
pub fn clocked(scripts: impl IntoIterator<Item = Script>) -> (Host, HandClock) {
    let clock = HandClock::new();
    let builder = Host::builder("dev.reactor.tests", "1.0.0").clock(Arc::new(clock.clone()));
    (running(host_of(builder, scripts)), clock)
}

impl Clock for HandClock {
    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unix(&self) -> Duration {
        self.monotonic()
    }
}
