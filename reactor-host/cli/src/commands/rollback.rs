//! `reactor rollback`: a plugin of a running host goes back to the build before.

use crate::args::RollbackArgs;
use crate::error::CliError;
use crate::running_host;
use crate::status::ExitStatus;

/// See the module.
pub(super) fn rollback(args: &RollbackArgs) -> Result<ExitStatus, CliError> {
    let report = running_host::find(&args.host)?.rollback(&args.id)?;
    running_host::tell(&report, args.format)
}
