//! Commands about this system and this command.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::{DataFolder, Format};

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
