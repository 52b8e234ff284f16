//! Commands to a host that runs.

use clap::Args;

use super::{Format, RunningHost};

/// Swap a plugin of a running host: its files are read again, whether or not they changed
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reactor swap --plugins plugins greeting\n  \
                        reactor swap --plugins example-plugins greeting   # of `reactor dev example-plugins`")]
pub(crate) struct SwapArgs {
    #[command(flatten)]
    pub(crate) one: OnePlugin,
}

/// Take a plugin of a running host back to the build before
///
/// The build that serves now is quarantined: it is not tried again until its bytes change or it is lifted.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reactor rollback --plugins plugins greeting")]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub(crate) one: OnePlugin,
}

/// One plugin of a running host.
#[derive(Debug, Args)]
pub(crate) struct OnePlugin {
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
/// With `-f` those that come are shown too, until Ctrl-C or the end of the host. As with `reactor run`, `-v` tells more of
/// them and `-q` fewer.
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
/// With `-f` those that come are shown too, until Ctrl-C or the end of the host. As with `reactor run`, `-v` tells more of
/// them and `-q` fewer.
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
