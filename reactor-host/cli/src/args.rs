//! The one definition of commands and flags: parsing and help both come from it.

mod about;
mod live;
mod making;
mod new;
mod running;
mod shared;

use clap::{ArgAction, Args, Parser, Subcommand};

pub(crate) use self::about::{CompletionsArgs, DoctorArgs, ExplainArgs, ManArgs};
pub(crate) use self::live::{EventsArgs, LogsArgs, OnePlugin, QuarantineArgs, RollbackArgs, Span, SwapArgs};
pub(crate) use self::making::{BuildArgs, DevArgs};
pub(crate) use self::new::{NewArgs, Template};
pub(crate) use self::running::{CallArgs, InspectArgs, ListArgs, RunArgs};
pub(crate) use self::shared::{DataFolder, Format, RunningHost, Sharing, View};

/// Run, inspect, build and live-reload native plugins.
#[derive(Debug, Parser)]
#[command(
    name = "reactor",
    version,
    arg_required_else_help = true,
    max_term_width = 120,
    after_help = "Exit codes: 0 done, 1 what was asked failed, 2 the command line is wrong.\n\
                  `reactor explain CODE` says what an error code means and what to do.\n\
                  Native plugins run inside this process with all its rights: run only code that you trust."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) verbosity: Verbosity,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How much people are told. JSON is for programs, which choose themselves: it is always whole.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Verbosity {
    /// Tell only what went wrong, and what was asked for; twice: only errors
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "verbose")]
    pub(crate) quiet: u8,
    /// Tell more: what only confirms that all is well, and what plugins log for debugging; twice: traces and times
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunArgs),
    List(ListArgs),
    Inspect(InspectArgs),
    Call(CallArgs),
    Swap(SwapArgs),
    Rollback(RollbackArgs),
    Quarantine(QuarantineArgs),
    Events(EventsArgs),
    Logs(LogsArgs),
    New(NewArgs),
    Build(BuildArgs),
    Dev(DevArgs),
    Doctor(DoctorArgs),
    Explain(ExplainArgs),
    Man(ManArgs),
    Completions(CompletionsArgs),
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Cli::try_parse_from(std::iter::once("reactor").chain(line.split_whitespace())).map(|cli| cli.command)
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let Ok(Command::Dev(dev)) = parse("dev") else { panic!("`dev` alone is enough") };
        assert_eq!(dev.crates.paths, [PathBuf::from(".")]);
        assert!(!dev.once && !dev.crates.release && !dev.format.json);
        let Ok(Command::Call(call)) = parse("call --plugins a --plugins b clock ticks") else {
            panic!("a call")
        };
        assert_eq!((call.plugins.len(), call.value.as_str()), (2, "null"));
    }

    #[test]
    fn a_data_folder_does_in_place_of_a_plugin_folder() {
        for line in [
            "list",
            "call clock ticks",
            "swap clock",
            "rollback clock",
            "quarantine",
            "events -f",
            "logs clock",
        ] {
            let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
            parse(&format!("{command} --data d {rest}")).expect(line);
        }
    }

    #[test]
    fn values_that_look_like_flags_are_values() {
        for value in ["-", "-1", "[1]"] {
            let parsed = parse(&format!("call --plugins a clock ticks {value}"));
            assert!(matches!(parsed, Ok(Command::Call(call)) if call.value == value), "{value}");
        }
    }

    #[test]
    fn how_much_is_told_can_be_said_anywhere() {
        for (line, quiet, verbose) in
            [("-q run .", 1, 0), ("run . -qq", 2, 0), ("run -v . -v", 0, 2), ("run .", 0, 0)]
        {
            let cli =
                Cli::try_parse_from(std::iter::once("reactor").chain(line.split_whitespace())).expect(line);
            assert_eq!((cli.verbosity.quiet, cli.verbosity.verbose), (quiet, verbose), "{line}");
        }
    }

    #[test]
    fn incomplete_lines_are_usage_errors() {
        for line in [
            "",
            "run",
            "list",
            "inspect",
            "call clock ticks",
            "call --private --data d clock ticks",
            "swap clock",
            "swap --plugins a",
            "rollback --plugins a",
            "quarantine",
            "quarantine --plugins a greeting",
            "events",
            "logs clock",
            "events --plugins a --since soon",
            "build .",
            "dev --fast",
            "fly",
            "completions",
            "run . -q -v",
        ] {
            let error = parse(line).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
