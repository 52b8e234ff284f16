//! Those that are measured.

pub(crate) mod hot_lib_reloader;
pub(crate) mod reactor;
pub(crate) mod relib;

use std::time::Duration;

use crate::measure::Times;

/// How long anything may take before the bench gives up.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);

/// One that reloads a plugin.
pub(crate) trait Subject {
    /// As the table has it.
    fn name(&self) -> &'static str;

    /// Edits its plugin so that it answers `number`, and returns when it has.
    fn edit(&mut self, number: u64) -> Times;

    /// What it says of itself, in milliseconds for each edit, and what that is.
    fn own_words(&self) -> Option<(&'static str, &[f64])> {
        None
    }
}
