//! `reactor swap`: a plugin of a running host.

use crate::args::SwapArgs;
use crate::error::CliError;
use crate::running_host;
use crate::status::ExitStatus;

/// See the module.
pub(super) fn swap(args: &SwapArgs) -> Result<ExitStatus, CliError> {
    let report = running_host::find(&args.host)?.swap(&args.id)?;
    running_host::tell(&report, args.format)
}
