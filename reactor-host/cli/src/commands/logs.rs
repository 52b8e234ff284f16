//! `reactor logs`: what plugins of a running host logged.

use reactor_host::control::Request;

use crate::args::{LogsArgs, Span};
use crate::error::CliError;
use crate::running_host;
use crate::status::ExitStatus;

/// See the module.
pub(super) fn logs(args: &LogsArgs) -> Result<ExitStatus, CliError> {
    let Span { follow, since } = args.span;
    let request = Request::logs(follow, since, args.id.clone());
    running_host::print(running_host::find(&args.host)?, &request, args.format)
}
