//! Standing in for cargo: starts the real one, and writes down how long it ran.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The file that times are written into, for the program that stands in.
const LOG: &str = "EDIT_TO_LIVE_LOG";

/// The real cargo, for the program that stands in.
const REAL: &str = "EDIT_TO_LIVE_CARGO";

/// The real cargo: the one that started this program, else the one on the path.
pub(crate) fn cargo() -> OsString {
    std::env::var_os(REAL).or_else(|| std::env::var_os("CARGO")).unwrap_or_else(|| "cargo".into())
}

/// Has `command` take this program for cargo.
pub(crate) fn stand_in(command: &mut Command, log: &Path) {
    let this = std::env::current_exe().expect("this program's own path");
    command.env("CARGO", this).env(REAL, cargo()).env(LOG, log);
}

/// Whether this process stands in for cargo.
pub(crate) fn is_wanted() -> bool {
    std::env::var_os(LOG).is_some()
}

/// Does so, and ends.
pub(crate) fn run() -> ! {
    let log = std::env::var_os(LOG).expect("asked before");
    let began = Instant::now();
    let mut cargo = Command::new(cargo());
    let status = cargo.args(std::env::args_os().skip(1)).env_remove(LOG).env_remove("CARGO").status();
    let took = began.elapsed();
    let mut log = std::fs::File::options().append(true).create(true).open(log).expect("the log");
    writeln!(log, "{}", took.as_micros()).expect("the log");
    std::process::exit(status.ok().and_then(|status| status.code()).unwrap_or(1))
}

/// How long the last cargo ran, once `count` of them have ended.
pub(crate) fn nth(log: &Path, count: usize) -> Option<Duration> {
    let text = std::fs::read_to_string(log).ok()?;
    // A line that is being written has no end yet.
    let whole = text.rfind('\n').map(|end| &text[..end])?;
    let line = whole.lines().nth(count.checked_sub(1)?)?;
    line.parse().ok().map(Duration::from_micros)
}

/// How many have ended.
pub(crate) fn count(log: &Path) -> usize {
    std::fs::read_to_string(log).map_or(0, |text| text.matches('\n').count())
}
