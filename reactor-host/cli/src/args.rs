//! The one definition of commands and flags: parsing and help both come from it.

mod new;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use self::new::{NewArgs, Template};

/// Run, inspect, build and live-reload native plugins.
#[derive(Debug, Parser)]
#[command(
    name = "reactor",
    version,
    arg_required_else_help = true,
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
    pub(crate) data: DataFolder,
    #[command(flatten)]
    pub(crate) sharing: Sharing,
    #[command(flatten)]
    pub(crate) view: View,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// How a command that goes on and on shows itself.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct View {
    /// Print lines, also on a terminal, where else a table is kept up to date
    #[arg(long)]
    pub(crate) plain: bool,
}

/// List the plugins of a folder, as the host that runs it knows them
///
/// Where no host runs, the files are read, and nothing is run: it says of each one that a host would refuse why it would,
/// as far as they tell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reactor list plugins\n  reactor list plugins --json\n  \
                        reactor list --data ~/.editor/plugins   # an application's own host")]
pub(crate) struct ListArgs {
    /// The folder with the plugins
    #[arg(value_name = "DIR", required_unless_present = "data")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataFolder,
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
/// Asks the host that runs the folder: `reactor run`, `reactor dev`, or an application that serves a control socket. Where
/// none does, the plugins run in a host of their own that keeps nothing and ends with the call.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  reactor call --plugins plugins greeting greet '{\"name\": \"Ada\"}'\n  \
                        reactor call --plugins plugins word-count total\n  \
                        reactor call --plugins plugins markdown render - < request.json"
)]
pub(crate) struct CallArgs {
    /// A folder with plugins; may be given more than once, and then the first one that a host runs is asked
    #[arg(long = "plugins", value_name = "DIR", required_unless_present = "data")]
    pub(crate) plugins: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Run the plugins in a host of their own, whether or not one runs already
    #[arg(long, requires = "plugins")]
    pub(crate) private: bool,
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

/// Swap a plugin of a running host: its files are read again, whether or not they changed
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reactor swap --plugins plugins greeting\n  \
                        reactor swap --plugins example-plugins greeting   # of `reactor dev example-plugins`")]
pub(crate) struct SwapArgs {
    #[command(flatten)]
    pub(crate) host: RunningHost,
    /// The plugin's id
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Take a plugin of a running host back to the build before
///
/// The build that serves now is quarantined: it is not tried again until its bytes change or it is lifted.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reactor rollback --plugins plugins greeting")]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub(crate) host: RunningHost,
    /// The plugin's id
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Show which builds a running host does not try again, or have one tried again
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reactor quarantine --plugins plugins\n  \
                        reactor quarantine --plugins plugins --lift greeting")]
pub(crate) struct QuarantineArgs {
    #[command(flatten)]
    pub(crate) host: RunningHost,
    /// Have the quarantined builds of this plugin tried again
    #[arg(long, value_name = "ID")]
    pub(crate) lift: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Show what happened in a running host: the last events that it keeps
///
/// With `-f` those that come are shown too, until Ctrl-C or the end of the host.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reactor events --plugins plugins\n  \
                        reactor events --plugins plugins -f --json | jq .event")]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    pub(crate) host: RunningHost,
    #[command(flatten)]
    pub(crate) span: Span,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Show what plugins of a running host logged: the last lines that it keeps
///
/// With `-f` those that come are shown too, until Ctrl-C or the end of the host.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reactor logs --plugins plugins\n  \
                        reactor logs --plugins plugins -f clock")]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) host: RunningHost,
    /// Only what this plugin logged
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) span: Span,
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
                        reactor dev example-plugins --once   # does everything build and load?\n  \
                        reactor dev . --out installed  # for an application that follows the folder"
)]
pub(crate) struct DevArgs {
    #[command(flatten)]
    pub(crate) crates: Crates,
    /// Stop after the first load; fail if a plugin did not compile or does not run
    #[arg(long)]
    pub(crate) once: bool,
    /// Run no host: put what is built into this folder, which an application's own host follows
    #[arg(long, value_name = "DIR", conflicts_with = "data")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataFolder,
    #[command(flatten)]
    pub(crate) view: View,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Look at what a host needs of this system, and say what to do where it is not there
///
/// Looks at the system, its loader, the folders, limits, the toolchain, and at hosts that run. Each line is `ok`,
/// `warn` or `FAIL`, with what to do. Runs no plugin. Fails if a line does.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reactor doctor\n  reactor doctor plugins\n  \
                        reactor doctor plugins --json | jq 'select(.verdict != \"ok\")'")]
pub(crate) struct DoctorArgs {
    /// A folder with plugins to look at too
    #[arg(value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataFolder,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Say what an error code means and what to do
///
/// Without a code it lists all of them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  reactor explain RE0103\n  reactor explain 0103\n  reactor explain | less"
)]
pub(crate) struct ExplainArgs {
    /// The code, as errors show it in brackets
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Print this command's manual page, or write one page for each subcommand
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reactor man | man -l -\n  \
                        reactor man --out ~/.local/share/man/man1 && man reactor-dev")]
pub(crate) struct ManArgs {
    /// The folder to write all pages into; made if it is missing
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Print what a shell completes this command line by
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        reactor completions bash > ~/.local/share/bash-completion/completions/reactor\n  \
        reactor completions zsh > ~/.zfunc/_reactor   # a folder of $fpath\n  \
        reactor completions fish > ~/.config/fish/completions/reactor.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
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

/// Which running host is meant.
#[derive(Debug, Args)]
pub(crate) struct RunningHost {
    /// The folder with the plugins that it runs; for `reactor dev` the path that it was given
    #[arg(long, value_name = "DIR", required_unless_present = "data")]
    pub(crate) plugins: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataFolder,
}

/// Where a host keeps what lasts, and where it is found.
#[derive(Debug, Args)]
pub(crate) struct DataFolder {
    /// The host's data folder, in place of the one that belongs to its plugin folder
    #[arg(long = "data", value_name = "DIR", id = "data", env = "REACTOR_DATA")]
    pub(crate) path: Option<PathBuf>,
}

/// Which events.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Span {
    /// Go on with what comes, until Ctrl-C or the end of the host
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Leave out what has this number (`seq`) or a lower one
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    pub(crate) since: u64,
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
