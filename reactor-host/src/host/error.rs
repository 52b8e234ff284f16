//! Why a host could not be built, or an order not be carried out.

use crate::manifest::{IdError, ManifestError, PluginId};
use crate::stage::StageError;
use crate::store::StoreError;
use crate::watch::WatchError;

/// Why a host could not be built, or an order not be carried out.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// Folders were named, but native code was not accepted.
    #[error(
        "plugin folders are named, but native code is not accepted: a library in them runs with this program's rights; \
         say `unsafe {{ builder.trust_native_code() }}` if that is meant"
    )]
    NotTrusted,
    /// The application's own version is none.
    #[error("`{text}` is no version of the application: {source}")]
    Version {
        /// What was given.
        text: String,
        /// Why it is none.
        source: semver::Error,
    },
    /// The manifest of a linked plugin is not good.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Two linked plugins have one id.
    #[error("two plugins of id `{id}` are linked into the program")]
    Twice {
        /// The id.
        id: PluginId,
    },
    /// No plugin id.
    #[error("`{text}` is no plugin id: {source}")]
    Id {
        /// What was given.
        text: String,
        /// Why it is none.
        source: IdError,
    },
    /// The private folder could not be made.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// What lasts can not be kept in the data folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the application provides can not be provided.
    #[error("{message}")]
    Interface {
        /// The stable code.
        code: &'static str,
        /// Why, and what to do.
        message: String,
    },
    /// The system gives no thread.
    #[error("the system gives no thread: {source}")]
    Thread {
        /// The system's error.
        source: std::io::Error,
    },
    /// The folders can not be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// The folders are watched already.
    #[error("the folders are watched already: keep the first guard")]
    Watched,
    /// Asked from inside a plugin's call.
    #[error(
        "this would wait for itself: a plugin's own call is on this thread; use the plugin's services, which queue the \
         request"
    )]
    InsidePlugin,
    /// The host is ending.
    #[error("the host has shut down")]
    ShutDown,
}

impl HostError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotTrusted => "RE0801",
            Self::Version { .. } => "RE0802",
            Self::Manifest(error) => error.code(),
            Self::Twice { .. } => "RE0803",
            Self::Id { .. } => "RE0804",
            Self::Stage(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Interface { code, .. } => code,
            Self::Thread { .. } => "RE0805",
            Self::Watch(error) => error.code(),
            Self::Watched => "RE0806",
            Self::InsidePlugin => "RE0807",
            Self::ShutDown => "RE0605",
        }
    }
}

/// As text, with its code: what a `main` that returns it prints.
impl std::fmt::Debug for HostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}] {self}", self.code())
    }
}
