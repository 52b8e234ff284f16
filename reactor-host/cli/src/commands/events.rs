//! `reactor events`: what happened in a running host.

use reactor_host::control::Request;

use crate::args::{EventsArgs, Span};
use crate::error::CliError;
use crate::running_host;
use crate::status::ExitStatus;

/// See the module.
pub(super) fn events(args: &EventsArgs) -> Result<ExitStatus, CliError> {
    let Span { follow, since } = args.span;
    running_host::print(running_host::find(&args.host)?, &Request::events(follow, since), args.format)?;
    Ok(ExitStatus::Done)
}
