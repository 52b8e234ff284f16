//! `reactor completions`: what shells complete by, from the definition of the command line.

use clap::CommandFactory as _;

use crate::args::{Cli, CompletionsArgs};
use crate::error::CliError;
use crate::output;
use crate::status::ExitStatus;

/// See the module.
pub(super) fn completions(args: &CompletionsArgs) -> Result<ExitStatus, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "reactor", &mut script);
    output::whole(&script)?;
    Ok(ExitStatus::Done)
}
