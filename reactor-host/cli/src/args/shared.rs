//! What several commands take.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

/// How a command that goes on and on shows itself.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct View {
    /// Print lines, also on a terminal, where else a table is kept up to date
    #[arg(long)]
    pub(crate) plain: bool,
}

/// Which running host is meant.
#[derive(Debug, Args)]
#[command(group(host()))]
pub(crate) struct RunningHost {
    /// The folder with the plugins that it runs; for `reactor dev` the path that it was given
    #[arg(long, value_name = "DIR")]
    pub(crate) plugins: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataFolder,
}

/// A host is named by its plugin folder, its data folder or both.
pub(super) fn host() -> ArgGroup {
    ArgGroup::new("host").args(["plugins", "data"]).required(true).multiple(true)
}

/// Where a host keeps what lasts, and where it is found.
#[derive(Debug, Args)]
pub(crate) struct DataFolder {
    /// The host's data folder, in place of the one that belongs to its plugin folder
    #[arg(long = "data", value_name = "DIR", id = "data", env = "REACTOR_DATA")]
    pub(crate) path: Option<PathBuf>,
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
