//! What each command does, one file each.

mod build;
mod call;
mod completions;
mod dev;
mod doctor;
mod events;
mod explain;
mod inspect;
mod list;
mod logs;
mod man;
mod new;
mod quarantine;
mod rollback;
mod run;
mod swap;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::error::CliError;
use crate::output;
use crate::status::ExitStatus;

/// Reads the command line, does what it says, and prints an error if there was one.
pub(crate) fn main() -> ExitStatus {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            // Help that nobody reads to its end is no error.
            let _ = message.print();
            return if message.use_stderr() { ExitStatus::Usage } else { ExitStatus::Done };
        }
    };
    output::be(cli.verbosity);
    dispatch(&cli.command).unwrap_or_else(|error| {
        if !error.is_closed_pipe() {
            output::error(&error);
        }
        error.status()
    })
}

fn dispatch(command: &Command) -> Result<ExitStatus, CliError> {
    match command {
        Command::Run(args) => run::run(args),
        Command::List(args) => list::list(args),
        Command::Inspect(args) => inspect::inspect(args),
        Command::Call(args) => call::call(args),
        Command::Swap(args) => swap::swap(args),
        Command::Rollback(args) => rollback::rollback(args),
        Command::Quarantine(args) => quarantine::quarantine(args),
        Command::Events(args) => events::events(args),
        Command::Logs(args) => logs::logs(args),
        Command::New(args) => new::new(args),
        Command::Build(args) => build::build(args),
        Command::Dev(args) => dev::dev(args),
        Command::Doctor(args) => doctor::doctor(args),
        Command::Explain(args) => explain::explain(args),
        Command::Man(args) => man::man(args),
        Command::Completions(args) => completions::completions(args),
    }
}

/// [`ExitStatus::Done`] if `ok`.
fn done_if(ok: bool) -> ExitStatus {
    if ok { ExitStatus::Done } else { ExitStatus::Failed }
}
