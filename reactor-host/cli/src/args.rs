//! The one definition of commands and flags: parsing and help both come from it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Run, inspect, build and live-reload native plugins.
#[derive(Debug, Parser)]
#[command(
    name = "reactor",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 what was asked failed, 2 the command line is wrong.\n\
                  Native plugins run inside this process with all its rights: run only code that you trust."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunArgs),
    List(ListArgs),
    Inspect(InspectArgs),
    Call(CallArgs),
    Build(BuildArgs),
    Dev(DevArgs),
}

/// Run the plugins of a folder, and follow the folder
///
/// Plugins that appear in the folder are loaded, rebuilt ones are swapped while they run, deleted ones are stopped.
/// A folder that is not there yet is waited for. Ctrl-C stops them all in order; a second one ends at once.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reactor run plugins\n  reactor run plugins --json | jq .event\n  \
                        reactor run plugins --once   # does everything load? (exit code 1 if not)")]
pub(crate) struct RunArgs {
    /// The folder with the plugins
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Stop after the first load; fail if any plugin was refused or failed
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) sharing: Sharing,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// List the plugins of a folder without running any
///
/// Says of each one that a host would refuse why it would, as far as the files tell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reactor list plugins\n  reactor list plugins --json")]
pub(crate) struct ListArgs {
    /// The folder with the plugins
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) sharing: Sharing,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Show what a library says about itself without running it
///
/// Reads manifest, build facts, exports and needed libraries from the file. Fails if a host would refuse it, and says
/// why.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reactor inspect plugins/greeting/libgreeting.so\n  \
                        reactor inspect plugins/greeting --json")]
pub(crate) struct InspectArgs {
    /// The library, or a plugin's own folder
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Call one action of a plugin and print its answer as JSON
///
/// The plugins run in a host of their own that keeps nothing: a program that has them loaded does not notice.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  reactor call --plugins plugins greeting greet '{\"name\": \"Ada\"}'\n  \
                        reactor call --plugins plugins word-count total\n  \
                        reactor call --plugins plugins markdown render - < request.json"
)]
pub(crate) struct CallArgs {
    /// A folder with plugins; may be given more than once
    #[arg(long = "plugins", value_name = "DIR", required = true)]
    pub(crate) plugins: Vec<PathBuf>,
    /// The plugin's id
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The action's name
    #[arg(value_name = "ACTION")]
    pub(crate) action: String,
    /// The value to send, as JSON; `-` reads it from standard input
    #[arg(value_name = "JSON", default_value = "null", allow_hyphen_values = true)]
    pub(crate) value: String,
    #[command(flatten)]
    pub(crate) sharing: Sharing,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Build plugin crates into folders that can be dropped anywhere
///
/// Every plugin gets a folder named by its id, with its plugin.toml and its library. A folder that is there already
/// is updated so that a host following it never sees half a plugin.
///
/// Fails if a path yields no plugin, something does not compile, or a host would refuse what was built; the others are
/// built all the same.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reactor build . --out plugins\n  \
                        reactor build example-plugins --out plugins --release")]
pub(crate) struct BuildArgs {
    #[command(flatten)]
    pub(crate) crates: Crates,
    /// The folder to put the plugins into; made if it is missing
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Build plugin crates, run them, and swap each one when its source changes
///
/// Cargo builds all of them, a private host runs them, and their sources are followed. A change that does not compile
/// leaves the running plugin as it is. Ctrl-C ends it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  reactor dev                    # the crate or workspace in this folder\n  \
                        reactor dev example-plugins    # a folder of crates\n  \
                        reactor dev example-plugins --once   # does everything build and load?"
)]
pub(crate) struct DevArgs {
    #[command(flatten)]
    pub(crate) crates: Crates,
    /// Stop after the first load; fail if a plugin did not compile or does not run
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Which plugin crates, and how cargo builds them.
#[derive(Debug, Args)]
pub(crate) struct Crates {
    /// Plugin crates, workspaces, or folders of crates. A plugin crate makes a cdylib and has a plugin.toml
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
    /// Build with optimisations
    #[arg(long)]
    pub(crate) release: bool,
}

/// Whose plugins are taken.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Sharing {
    /// Take plugins from files and folders that others can write to, and let them decide what runs here
    #[arg(long)]
    pub(crate) allow_shared_folders: bool,
}

/// For whom the output is.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Format {
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
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
    fn values_that_look_like_flags_are_values() {
        for value in ["-", "-1", "[1]"] {
            let parsed = parse(&format!("call --plugins a clock ticks {value}"));
            assert!(matches!(parsed, Ok(Command::Call(call)) if call.value == value), "{value}");
        }
    }

    #[test]
    fn incomplete_lines_are_usage_errors() {
        for line in ["", "run", "list", "inspect", "call clock ticks", "build .", "dev --fast", "fly"] {
            let error = parse(line).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
