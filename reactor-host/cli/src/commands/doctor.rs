//! `reactor doctor`: what a host needs of this system, looked at.
//!
//! [`facts`] is what there is to know, [`gather`] asks the system for it, and [`judge`] says what it means; it is pure.

mod facts;
mod gather;
mod judge;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::args::DoctorArgs;
use crate::data_folder;
use crate::error::CliError;
use crate::output::{BAD, GOOD, Output, plain};
use crate::status::ExitStatus;

/// How well it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// As it should be.
    Ok,
    /// Plugins run, but something is missing or will be soon.
    Warn,
    /// Plugins cannot run like this.
    Fail,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Line {
    /// What was looked at.
    check: &'static str,
    verdict: Verdict,
    /// What there is.
    found: String,
    /// What to do, unless all is well.
    remedy: Option<String>,
}

/// See the module.
pub(super) fn doctor(args: &DoctorArgs) -> Result<ExitStatus, CliError> {
    let output = Output::new(args.format);
    let named = args.data.path.as_deref();
    let data = match &args.dir {
        Some(dir) => Some(data_folder::of(named, dir)?),
        None => named.map(Path::to_owned),
    };
    let facts = gather::facts(args.dir.as_deref(), data.as_deref());
    let lines = judge::judge(&facts);
    for line in &lines {
        output.put(line, text)?;
    }
    Ok(super::done_if(lines.iter().all(|line| line.verdict != Verdict::Fail)))
}

fn text(line: &Line) -> String {
    let (style, word) = match line.verdict {
        Verdict::Ok => (GOOD, "ok"),
        Verdict::Warn => (anstyle::AnsiColor::Yellow.on_default(), "warn"),
        Verdict::Fail => (BAD, "FAIL"),
    };
    let mut text = format!("{style}{word:4}{style:#}  {:9}  {}", line.check, plain(&line.found));
    if let Some(remedy) = &line.remedy {
        // Writing to a text can not fail.
        let _ = write!(text, "\n                 → {}", plain(remedy));
    }
    text
}
