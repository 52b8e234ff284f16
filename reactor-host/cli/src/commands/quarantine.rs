//! `reactor quarantine`: builds that a running host does not try again.

use reactor_host::control::QuarantinedBuild;

use crate::args::QuarantineArgs;
use crate::error::CliError;
use crate::output::{BAD, FAINT, Output, plain};
use crate::running_host;
use crate::status::ExitStatus;

/// See the module.
pub(super) fn quarantine(args: &QuarantineArgs) -> Result<ExitStatus, CliError> {
    let mut host = running_host::find(&args.host)?;
    if let Some(plugin) = &args.lift {
        return running_host::tell(&host.lift_quarantine(plugin)?, args.format);
    }
    let output = Output::new(args.format);
    let builds = host.quarantined()?;
    for build in &builds {
        output.put(build, line)?;
    }
    if builds.is_empty() {
        output.say("nothing is quarantined")?;
    }
    Ok(ExitStatus::Done)
}

fn line(build: &QuarantinedBuild) -> String {
    let QuarantinedBuild { plugin, version, build, code, message, .. } = build;
    let short: String = build.chars().take(12).collect();
    format!("{BAD}!{BAD:#} {plugin} {version}  {FAINT}{short}{FAINT:#}  [{code}]: {}", plain(message))
}
