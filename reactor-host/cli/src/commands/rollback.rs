//! `reactor rollback`: a plugin of a running host goes back to the build before.

use reactor_host::{Outcome, OutcomeStatus};

use crate::args::RollbackArgs;
use crate::error::CliError;
use crate::output::{CHANGED, Output};
use crate::running_host;
use crate::status::ExitStatus;

/// What a host says of a build that was taken back since somebody asked for it.
const BY_HAND: &str = "RE0524";

/// See the module.
pub(super) fn rollback(args: &RollbackArgs) -> Result<ExitStatus, CliError> {
    let mut report = running_host::find(&args.one.host)?.rollback(&args.one.id)?;
    let swapped = |one: &Outcome| matches!(one.status, OutcomeStatus::Swapped { .. });
    // Where the build before had to be loaded again, the swap to it is told, and tells enough.
    let loaded = report.outcomes.iter().any(swapped);
    let (mut back, rest): (Vec<_>, Vec<_>) = report.outcomes.into_iter().partition(is_back);
    report.outcomes = rest;
    if loaded {
        back.clear();
    }
    let output = Output::new(args.one.format);
    for outcome in &back {
        output.put(outcome, line)?;
    }
    if report.outcomes.is_empty() && !back.is_empty() {
        return Ok(ExitStatus::Done);
    }
    running_host::tell(&report, args.one.format)
}

/// Whether the build failed by having been taken back: that is what was asked for.
fn is_back(outcome: &Outcome) -> bool {
    matches!(&outcome.status, OutcomeStatus::Failed { code, serving: Some(_), .. } if code == BY_HAND)
}

fn line(outcome: &Outcome) -> String {
    let OutcomeStatus::Failed { serving: Some(serving), .. } = outcome.status else {
        return outcome.to_string();
    };
    let plugin = outcome.plugin.as_ref().map_or("?", |plugin| plugin.as_str());
    let build = "the build that served is quarantined";
    format!("{CHANGED}~{CHANGED:#} {plugin}  generation {serving} serves; {build}")
}
