//! How much people are told.

use std::sync::atomic::{AtomicI16, Ordering};

use reactor_host::{EventKind, Verdict};

use crate::args::Verbosity;

/// What the command line says: 0 is what is usual, above it more is told, below it less. It is said once, before
/// anything else is done, and holds for the whole process.
static LEVEL: AtomicI16 = AtomicI16::new(0);

/// Makes the whole process as quiet or verbose as this.
pub(crate) fn be(verbosity: Verbosity) {
    LEVEL.store(level(verbosity), Ordering::Relaxed);
}

fn level(verbosity: Verbosity) -> i16 {
    i16::from(verbosity.verbose) - i16::from(verbosity.quiet)
}

/// How much something matters to who watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// For who looks for the cause of something: traces, and when each thing happened.
    Trace,
    /// What only confirms that all is well.
    Detail,
    /// What is usually told.
    News,
    /// Something goes on, but not as it should.
    Warning,
    /// Something does not run. It is always told.
    Error,
}

impl Weight {
    /// Whether people are told of it in this process.
    pub(crate) fn is_told(self) -> bool {
        self.is_told_at(LEVEL.load(Ordering::Relaxed))
    }

    fn is_told_at(self, level: i16) -> bool {
        match self {
            Self::Error => true,
            Self::Warning => level >= -1,
            Self::News => level >= 0,
            Self::Detail => level >= 1,
            Self::Trace => level >= 2,
        }
    }

    /// That of an event.
    pub(crate) fn of(kind: &EventKind) -> Self {
        match kind {
            EventKind::Refused { .. } | EventKind::Failed { .. } | EventKind::Quarantined { .. } => {
                Self::Error
            }
            EventKind::Warned { .. } | EventKind::RolledBack { .. } => Self::Warning,
            // Which interfaces there are, who starts a plugin knows; another version matters to callers.
            EventKind::InterfaceChanged { before, version, .. } if before != version => Self::News,
            EventKind::Discovered { .. }
            | EventKind::InterfaceProvided { .. }
            | EventKind::InterfaceChanged { .. }
            | EventKind::InterfaceWithdrawn { .. }
            | EventKind::TrialPassed { .. }
            | EventKind::Retired { verdict: Verdict::Unloaded | Verdict::Linked, .. } => Self::Detail,
            EventKind::Log { level, .. } => match *level {
                "error" => Self::Error,
                "warn" => Self::Warning,
                "debug" => Self::Detail,
                "trace" => Self::Trace,
                _ => Self::News,
            },
            _ => Self::News,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_always_told_and_the_rest_as_much_as_is_asked_for() {
        for (quiet, verbose, told) in [
            (2, 0, &[Weight::Error][..]),
            (1, 0, &[Weight::Error, Weight::Warning]),
            (0, 0, &[Weight::Error, Weight::Warning, Weight::News]),
            (0, 1, &[Weight::Error, Weight::Warning, Weight::News, Weight::Detail]),
            (0, 2, &[Weight::Error, Weight::Warning, Weight::News, Weight::Detail, Weight::Trace]),
            (255, 0, &[Weight::Error]),
        ] {
            for weight in [Weight::Error, Weight::Warning, Weight::News, Weight::Detail, Weight::Trace] {
                let level = level(Verbosity { quiet, verbose });
                assert_eq!(weight.is_told_at(level), told.contains(&weight), "{weight:?} at {level}");
            }
        }
    }
}
