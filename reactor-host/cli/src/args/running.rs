//! Commands over a folder of plugins: run it, and look at or call what is in it.

use std::path::PathBuf;

use clap::Args;

use super::shared::host;
use super::{DataFolder, Format, Sharing, View};

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
    group(host()),
    after_help = "Examples:\n  reactor call --plugins plugins greeting greet '{\"name\": \"Ada\"}'\n  \
                        reactor call --plugins plugins word-count total\n  \
                        reactor call --plugins plugins markdown render - < request.json"
)]
pub(crate) struct CallArgs {
    /// A folder with plugins; may be given more than once, and then the first one that a host runs is asked
    #[arg(long = "plugins", value_name = "DIR")]
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
