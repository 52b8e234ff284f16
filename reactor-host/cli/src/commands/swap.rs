//! `reactor swap`: a plugin of a running host.

use crate::args::{OnePlugin, SwapArgs};
use crate::error::CliError;
use crate::running_host;
use crate::status::ExitStatus;

/// See the module.
pub(super) fn swap(args: &SwapArgs) -> Result<ExitStatus, CliError> {
    let OnePlugin { host, id, format } = &args.one;
    running_host::tell(&running_host::find(host)?.swap(id)?, *format)
}
