//! The clocks that plugins read; an application or a test may bring its own.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Two clocks.
pub trait Clock: Send + Sync {
    /// Time since some fixed point; never goes back.
    fn monotonic(&self) -> Duration;
    /// Time since 1970-01-01 00:00 UTC; may jump.
    fn unix(&self) -> Duration;
}

/// The system's clocks; the monotonic one counts from the moment this was made.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn unix(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}
