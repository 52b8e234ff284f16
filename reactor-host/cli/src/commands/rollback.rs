//! `reactor rollback`: a plugin of a running host goes back to the build before.

use crate::args::{OnePlugin, RollbackArgs};
use crate::error::CliError;
use crate::running_host;
use crate::status::ExitStatus;

/// See the module.
pub(super) fn rollback(args: &RollbackArgs) -> Result<ExitStatus, CliError> {
    let OnePlugin { host, id, format } = &args.one;
    running_host::tell(&running_host::find(host)?.rollback(id)?, *format)
}
