//! The flags of `reactor new`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::shared::Format;

/// Make a plugin, an interface or an application that compiles and passes its tests at once
///
/// The last part of PATH is the name: lower-case letters, digits and single hyphens. Nothing is asked. A folder that is
/// there already must be empty.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reactor new greeting                       # a plugin\n  \
                        reactor new text-stats --template interface\n  \
                        reactor new editor --template app          # interface, host and plugin in one workspace")]
pub(crate) struct NewArgs {
    /// The folder to make
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// What to make
    #[arg(long, value_enum, default_value_t = Template::Plugin)]
    pub(crate) template: Template,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// What can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// A crate with a plugin that keeps its state when it is swapped
    Plugin,
    /// A crate with one trait, by which an application and its plugins know each other
    Interface,
    /// A workspace: an interface, an application that calls it, and a plugin that provides it
    App,
}
