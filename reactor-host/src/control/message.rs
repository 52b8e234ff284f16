//! What is said: one JSON object a line.

use std::path::PathBuf;

use reactor_abi::Value;
use reactor_abi::facts::API_VERSION;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::{ControlError, PROTOCOL};
use crate::event::Event;
use crate::host::HostError;
use crate::manifest::PluginId;
use crate::store::Quarantined;

/// The host's first line: who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Hello {
    /// Always `control`: tells this protocol from any other.
    pub reactor: String,
    /// See [`PROTOCOL`].
    pub protocol: u32,
    /// The application's id, as its builder was given it.
    pub host: String,
    /// The application's version.
    pub version: String,
    /// The version of the plugin API.
    pub api: String,
    /// The process.
    pub pid: u32,
}

impl Hello {
    /// That of this process.
    pub(super) fn of(host: &str, version: &str) -> Self {
        Self {
            reactor: "control".to_owned(),
            protocol: PROTOCOL,
            host: host.to_owned(),
            version: version.to_owned(),
            api: API_VERSION.to_owned(),
            pid: std::process::id(),
        }
    }

    /// `dev.example.editor 1.6.0 (process 4711)`.
    pub fn name(&self) -> String {
        format!("{} {} (process {})", self.host, self.version, self.pid)
    }
}

/// What can be asked. The field `do` names it; what is not known is an error, and so is a field that is not. Those without
/// fields are written as if they had some, since a field is not looked for where there can be none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Request {
    /// Every plugin: a list of [`PluginInfo`](crate::PluginInfo).
    #[non_exhaustive]
    List {},
    /// Runs an action of a plugin: the answer is a [`Value`].
    #[non_exhaustive]
    Call {
        /// The plugin.
        plugin: String,
        /// The action.
        action: String,
        /// What is sent; null unless given.
        #[serde(default)]
        value: Value,
    },
    /// As [`Host::swap`](crate::Host::swap): a [`Report`](crate::Report).
    #[non_exhaustive]
    Swap {
        /// The plugin.
        plugin: String,
    },
    /// As [`Host::rollback`](crate::Host::rollback): a [`Report`](crate::Report).
    #[non_exhaustive]
    Rollback {
        /// The plugin.
        plugin: String,
    },
    /// What is quarantined: a list of [`QuarantinedBuild`].
    #[non_exhaustive]
    Quarantined {},
    /// As [`Host::lift_quarantine`](crate::Host::lift_quarantine): a [`Report`](crate::Report).
    #[non_exhaustive]
    Lift {
        /// The plugin.
        plugin: String,
    },
    /// What was counted of each plugin: a list of [`Account`](crate::account::Account).
    #[non_exhaustive]
    Accounts {},
    /// What is retained, and how much may be: a [`RetainedList`](crate::RetainedList).
    #[non_exhaustive]
    Retained {},
    /// As [`Host::enable`](crate::Host::enable): a [`Report`](crate::Report).
    #[non_exhaustive]
    Enable {
        /// The plugin.
        plugin: String,
    },
    /// As [`Host::disable`](crate::Host::disable): a [`Report`](crate::Report).
    #[non_exhaustive]
    Disable {
        /// The plugin.
        plugin: String,
    },
    /// As [`Host::rescan`](crate::Host::rescan): a [`Report`](crate::Report).
    #[non_exhaustive]
    Rescan {},
    /// The events that the host keeps, each as an `event`, and then an [`End`].
    #[non_exhaustive]
    Events {
        /// Whether to go on with those that come, until the host ends.
        #[serde(default)]
        follow: bool,
        /// Leaves out those up to this number.
        #[serde(default)]
        since: u64,
    },
    /// As `Events`, of what plugins logged.
    #[non_exhaustive]
    Logs {
        /// As with `Events`.
        #[serde(default)]
        follow: bool,
        /// As with `Events`.
        #[serde(default)]
        since: u64,
        /// Only what this plugin logged.
        #[serde(default)]
        plugin: Option<String>,
    },
}

impl Request {
    /// [`Events`](Self::Events) after number `since`.
    pub fn events(follow: bool, since: u64) -> Self {
        Self::Events { follow, since }
    }

    /// [`Logs`](Self::Logs) after number `since`, of one plugin or of all.
    pub fn logs(follow: bool, since: u64, plugin: Option<String>) -> Self {
        Self::Logs { follow, since, plugin }
    }
}

/// A build that is not tried again until its bytes change or it is lifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QuarantinedBuild {
    /// The plugin.
    pub plugin: PluginId,
    /// Its version.
    pub version: Version,
    /// What the build is known by, as in the event `quarantined`: the hash of its library, or of that with the manifest's
    /// text where a file beside the library has it.
    pub build: String,
    /// The stable code of what it was quarantined for.
    pub code: String,
    /// What it did.
    pub message: String,
    /// When, in milliseconds since 1970; 0 where that is not known.
    pub unix_ms: u64,
    /// Where its file was; empty where that is not known.
    #[serde(serialize_with = "crate::report::lossy")]
    pub path: PathBuf,
}

impl From<Quarantined> for QuarantinedBuild {
    fn from(of: Quarantined) -> Self {
        let Quarantined { plugin, build, version, code, message, unix_ms, source } = of;
        Self { plugin, version, build: build.to_string(), code, message, unix_ms, path: source }
    }
}

/// What the host says to a request.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply<T> {
    /// It is done, and this is the answer.
    Ok(T),
    /// It is not.
    Error {
        /// The stable code.
        code: String,
        /// Why, and what to do.
        message: String,
    },
    /// More is to come: an event.
    Event(Box<Event>),
    /// More is to come: so many events were dropped here, since they were not read.
    Lost(u64),
}

/// Why a feed of events ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
#[non_exhaustive]
pub enum End {
    /// It was not to be followed, and these were all.
    CaughtUp,
    /// The host has ended, or serves no more.
    Host,
}

impl Reply<()> {
    pub(super) fn refuse(error: &ControlError) -> Self {
        Self::Error { code: error.code().to_owned(), message: error.to_string() }
    }
}

impl From<HostError> for ControlError {
    fn from(error: HostError) -> Self {
        Self::Answer { code: error.code().to_owned(), message: error.to_string() }
    }
}

impl From<reactor_abi::Error> for ControlError {
    fn from(error: reactor_abi::Error) -> Self {
        Self::Answer { code: error.code().to_owned(), message: error.to_string() }
    }
}
