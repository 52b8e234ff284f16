//! `reactor call`: one action of one plugin.

use std::io::Read as _;

use reactor_host::{OutcomeStatus, Value};

use crate::args::CallArgs;
use crate::error::CliError;
use crate::output::Output;
use crate::private_host::{self, Files};
use crate::status::ExitStatus;

/// See the module.
pub(super) fn call(args: &CallArgs) -> Result<ExitStatus, CliError> {
    let value = read(&args.value)?;
    let host = private_host::build(&args.plugins, Files::AsTheyAre)?;
    let report = host.start()?;
    if let Some(OutcomeStatus::Failed { code, message, .. }) =
        report.get(&args.id).map(|outcome| &outcome.status)
    {
        return Err(CliError::Answer { code: code.clone(), message: message.clone() });
    }
    let answer = host.invoke(&args.id, &args.action, &value)?;
    // The plugins are stopped before the answer is printed: whoever reads it may rely on what they did in `stop`.
    drop(host);
    Output::new(args.format).put(&answer, Value::to_string)?;
    Ok(ExitStatus::Done)
}

fn read(text: &str) -> Result<Value, CliError> {
    let mut input = String::new();
    let text = if text == "-" {
        std::io::stdin().read_to_string(&mut input).map_err(|source| CliError::Input { source })?;
        &input
    } else {
        text
    };
    serde_json::from_str(text).map_err(|source| CliError::BadValue { source })
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
    }
}
