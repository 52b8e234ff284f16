//! Hints, folded together as they come.
//!
//! Owns what has been heard and not yet looked at. However many events come, it holds a bounded number of paths: a
//! thousand events about a file are worth one look, and so are a million about a thousand files.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use super::Hint;

/// The most paths that are remembered as whole. A file beyond that is taken when it has rested, like one whose end of
/// writing nobody saw.
pub(super) const MOST_SETTLED: usize = 4096;

/// What was heard since the last look at the inbox.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Files and folders that are whole, as the system told.
    pub(super) settled: HashSet<PathBuf>,
    /// Something happened to a file that may still be written to.
    pub(super) touched: bool,
    /// Look at everything, now.
    pub(super) rescan: bool,
    /// Nobody wants to know any more.
    pub(super) stop: bool,
}

impl Heard {
    fn is_empty(&self) -> bool {
        !(self.touched || self.rescan || self.stop) && self.settled.is_empty()
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    heard: Mutex<Heard>,
    news: Condvar,
}

impl Inbox {
    pub(super) fn put(&self, hint: Hint) {
        self.change(|heard| match hint {
            Hint::Settled(path) if heard.settled.len() < MOST_SETTLED || heard.settled.contains(&path) => {
                heard.settled.insert(path);
            }
            Hint::Settled(_) | Hint::Touched(_) => heard.touched = true,
            Hint::Rescan => heard.rescan = true,
        });
    }

    pub(super) fn stop(&self) {
        self.change(|heard| heard.stop = true);
    }

    fn change(&self, change: impl FnOnce(&mut Heard)) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = heard.is_empty();
        change(&mut heard);
        if was_empty {
            self.news.notify_one();
        }
    }

    /// What was heard. Waits until there is something, or until `at`.
    pub(super) fn take(&self, at: Option<Instant>) -> Heard {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        while heard.is_empty() {
            heard = match at.map(|at| at.saturating_duration_since(Instant::now())) {
                None => self.news.wait(heard).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => break,
                Some(left) => self.news.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        std::mem::take(&mut *heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_of_events_takes_bounded_memory_and_is_one_look() {
        let inbox = Inbox::default();
        for number in 0..1_000_000_u32 {
            inbox.put(Hint::Settled(PathBuf::from(format!("{}.so", number % 100_000))));
        }
        let heard = inbox.take(None);
        assert_eq!(heard.settled.len(), MOST_SETTLED);
        assert!(heard.touched, "the others are looked at when they have rested");
        let now = Instant::now();
        assert!(inbox.take(Some(now)).is_empty(), "everything was taken at once");
    }
}
