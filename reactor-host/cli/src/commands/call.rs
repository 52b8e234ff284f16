//! `reactor call`: one action of one plugin.

use std::io::Read as _;

use reactor_host::discover::DiscoverError;
use reactor_host::{OutcomeStatus, PluginId, Report, Value};

use crate::args::CallArgs;
use crate::error::CliError;
use crate::output::{self, Output};
use crate::private_host::{self, Files};
use crate::status::ExitStatus;

/// See the module.
pub(super) fn call(args: &CallArgs) -> Result<ExitStatus, CliError> {
    let value = read(&args.value)?;
    for path in &args.plugins {
        let listed = path.read_dir().map(drop);
        listed.map_err(|source| DiscoverError::Folder { path: path.clone(), source })?;
    }
    let host = private_host::build(&args.plugins, Files::AsTheyAre, args.sharing.allow_shared_folders)?;
    let report = host.start()?;
    if let Some(OutcomeStatus::Failed { code, message, .. }) =
        report.get(&args.id).map(|outcome| &outcome.status)
    {
        return Err(CliError::Answer { code: code.clone(), message: message.clone() });
    }
    if report.get(&args.id).is_none() {
        return Err(absent(&args.id, &report));
    }
    let answer = host.invoke(&args.id, &args.action, &value)?;
    // The plugins are stopped before the answer is printed: whoever reads it may rely on what they did in `stop`.
    drop(host);
    Output::new(args.format).put(&answer, Value::to_string)?;
    Ok(ExitStatus::Done)
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
    let mut here: Vec<&str> =
        runs.filter_map(|outcome| outcome.plugin.as_ref().map(PluginId::as_str)).collect();
    here.sort_unstable();
    let here = if here.is_empty() { "none".to_owned() } else { here.join(", ") };
    CliError::Answer {
        code: "RE0601".to_owned(),
        message: format!("{id} is in none of these folders; plugins here: {here}"),
    }
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
