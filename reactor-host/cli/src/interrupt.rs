//! Ctrl-C and its relatives: the first one asks for an orderly end, the second takes it.

use std::time::{Duration, Instant};

use crate::error::CliError;

/// What shells report for a program that Ctrl-C ended.
const KILLED_BY_INTERRUPT: i32 = 130;

/// Two signals that are no further apart count as one.
const ONE_WISH: Duration = Duration::from_millis(250);

/// Calls `end` on the first SIGINT, SIGTERM or SIGHUP (Ctrl-C or a closed console on Windows), on a thread of its
/// own; a second one ends the process at once.
///
/// # Errors
///
/// [`CliError::Interrupt`] where the system does not let us listen.
pub(crate) fn on_first(end: impl FnOnce() + Send + 'static) -> Result<(), CliError> {
    let mut end = Some(end);
    let mut first = Instant::now();
    ctrlc::set_handler(move || {
        if let Some(end) = end.take() {
            first = Instant::now();
            return end();
        }
        // A signal to the process and its group is one wish that comes twice.
        if first.elapsed() < ONE_WISH {
            return;
        }
        crate::live::restore();
        std::process::exit(KILLED_BY_INTERRUPT)
    })?;
    Ok(())
}
