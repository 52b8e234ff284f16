//! `reactor call`: one action of one plugin, in the host that runs it or in one of its own.

use std::io::Read as _;
use std::path::PathBuf;

use reactor_host::control::{Client, ControlError};
use reactor_host::discover::DiscoverError;
use reactor_host::{OutcomeStatus, PluginId, PluginInfo, PluginStatus, Report, Value};

use crate::args::CallArgs;
use crate::data_folder;
use crate::error::CliError;
use crate::output::{self, Output};
use crate::private_host::{self, Files};
use crate::running_host;
use crate::status::ExitStatus;

/// See the module.
pub(super) fn call(args: &CallArgs) -> Result<ExitStatus, CliError> {
    let value = read(&args.value)?;
    if !args.private
        && let Some(mut host) = running(args)?
    {
        let answer = host.call(&args.id, &args.action, &value);
        let answer = answer.map_err(|error| told_who_is_there(error, &args.id, &mut host))?;
        Output::new(args.format).put(&answer, Value::to_string)?;
        return Ok(ExitStatus::Done);
    }
    for path in &args.plugins {
        let listed = path.read_dir().map(drop);
        listed.map_err(|source| DiscoverError::Folder { path: path.clone(), source })?;
    }
    let shared = args.sharing.allow_shared_folders;
    let host = private_host::build(&args.plugins, Files::AsTheyAre, None, shared)?;
    let report = host.start()?;
    if let Some(OutcomeStatus::Failed { code, message, .. }) =
        report.get(&args.id).map(|outcome| &outcome.status)
    {
        return Err(CliError::Answer { code: code.clone(), message: message.clone() });
    }
    if report.get(&args.id).is_none() {
        return Err(absent(&args.id, &report));
    }
    let answer = host.invoke(&args.id, &args.action, &value);
    let answer = answer.map_err(|error| told_what_is_called(error.code().to_owned(), error.to_string()))?;
    // The plugins are stopped before the answer is printed: whoever reads it may rely on what they did in `stop`.
    drop(host);
    Output::new(args.format).put(&answer, Value::to_string)?;
    Ok(ExitStatus::Done)
}

/// The host that runs the first of the folders that has one. A folder without a place for a host's data has none.
fn running(args: &CallArgs) -> Result<Option<Client>, CliError> {
    if let Some(data) = args.data.path.as_deref() {
        let host = running_host::at(data)?;
        let plugins = args.plugins.first().map(PathBuf::as_path);
        return if host.is_none() && plugins.is_none() {
            Err(running_host::none(plugins, Some(data), data))
        } else {
            Ok(host)
        };
    }
    for data in args.plugins.iter().filter_map(|plugins| data_folder::of(None, plugins).ok()) {
        if let Some(host) = running_host::at(&data)? {
            return Ok(Some(host));
        }
    }
    Ok(None)
}

/// Adds which plugins the host runs to its answer that this one is not there.
fn told_who_is_there(error: ControlError, id: &str, host: &mut Client) -> CliError {
    let ControlError::Answer { code, message } = error else { return error.into() };
    if code != "RE0601" {
        return told_what_is_called(code, message);
    }
    let list = host.list().unwrap_or_default();
    let serves = |info: &&PluginInfo| matches!(info.status, PluginStatus::Running { .. });
    let here = list.iter().filter(serves).filter_map(|info| info.plugin.as_ref().map(PluginId::as_str));
    let here = among(here.filter(|here| *here != id).collect());
    CliError::Answer {
        code,
        message: format!("{message}; plugins that run in {}: {here}", host.hello().name()),
    }
}

/// Adds to the answer that there is no such action what else a plugin may have.
fn told_what_is_called(code: String, message: String) -> CliError {
    let message = if code == "RE0602" {
        format!(
            "{message}; this command calls actions: interfaces that a plugin provides are called by applications and \
             other plugins"
        )
    } else {
        message
    };
    CliError::Answer { code, message }
}

/// Which plugins there are instead. What was refused is told first: the one that is meant may be among it.
fn absent(id: &str, report: &Report) -> CliError {
    for failure in report.failures() {
        if let OutcomeStatus::Failed { code, message, .. } = &failure.status {
            output::warning(&CliError::Answer { code: code.clone(), message: message.clone() });
        }
    }
    let runs =
        report.outcomes.iter().filter(|outcome| !matches!(outcome.status, OutcomeStatus::Failed { .. }));
    let here = among(runs.filter_map(|outcome| outcome.plugin.as_ref().map(PluginId::as_str)).collect());
    CliError::Answer {
        code: "RE0601".to_owned(),
        message: format!("{id} is in none of these folders; plugins here: {here}"),
    }
}

/// Names in order, or that there are none.
fn among(mut names: Vec<&str>) -> String {
    names.sort_unstable();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn read(text: &str) -> Result<Value, CliError> {
    let from_stdin = text == "-";
    let mut input = String::new();
    let text = if from_stdin {
        std::io::stdin().read_to_string(&mut input).map_err(|source| CliError::Input { source })?;
        &input
    } else {
        text
    };
    serde_json::from_str(text).map_err(|source| CliError::BadValue { from_stdin, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::ExitStatus;

    #[test]
    fn a_value_is_json_or_a_usage_error() {
        assert_eq!(read(r#"{"name": "Ada"}"#).expect("JSON").to_string(), r#"{"name":"Ada"}"#);
        let error = read("{name: Ada}").expect_err("no JSON");
        assert_eq!((error.code(), error.status()), ("RE0907", ExitStatus::Usage));
        assert!(error.to_string().contains("shell"), "{error}");
        let source = serde_json::from_str::<Value>("{").expect_err("no JSON");
        let error = CliError::BadValue { from_stdin: true, source };
        assert!(!error.to_string().contains("shell"), "{error}");
    }
}
