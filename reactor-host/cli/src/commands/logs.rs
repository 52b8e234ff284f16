//! `reactor logs`: what plugins of a running host logged.

use reactor_host::PluginInfo;
use reactor_host::control::Request;

use crate::args::{LogsArgs, Span};
use crate::error::CliError;
use crate::output;
use crate::running_host;
use crate::status::ExitStatus;

/// See the module.
pub(super) fn logs(args: &LogsArgs) -> Result<ExitStatus, CliError> {
    let Span { follow, since } = args.span;
    let mut client = running_host::find(&args.host)?;
    let unknown = match &args.id {
        Some(id) if !is_there(id, &client.list()?) => Some(no_such_plugin(id)),
        _ => None,
    };
    // It may come, and what a plugin logged that has left is kept.
    if let Some(unknown) = unknown.as_ref().filter(|_| follow) {
        output::warning(unknown);
    }
    let told = running_host::print(client, &Request::logs(follow, since, args.id.clone()), args.format)?;
    unknown.filter(|_| told == 0 && !follow).map_or(Ok(ExitStatus::Done), Err)
}

fn is_there(id: &str, list: &[PluginInfo]) -> bool {
    list.iter().any(|info| info.plugin.as_ref().is_some_and(|plugin| plugin.as_str() == id))
}

fn no_such_plugin(id: &str) -> CliError {
    let message = format!(
        "there is no plugin `{id}`, and nothing is kept that it logged; `reactor list` shows which ones are there"
    );
    CliError::Answer { code: "RE0416".to_owned(), message }
}
