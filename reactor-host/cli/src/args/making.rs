//! Commands for who writes plugins: they have cargo build them.

use std::path::PathBuf;

use clap::Args;

use super::{DataFolder, Format, View};

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
