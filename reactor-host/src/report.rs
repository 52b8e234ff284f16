//! What the host answers about plugins: the outcome of an order, and the list.

use std::path::PathBuf;

use semver::Version;
use serde::Serialize;

use crate::generation::PhaseFailure;
use crate::manifest::PluginId;

/// Every outcome of a start or a rescan, not the first error.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// One per plugin or file that was looked at and was not simply unchanged.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// Whether all that was found runs.
    pub fn is_ok(&self) -> bool {
        self.failures().next().is_none()
    }

    /// What does not run, or did not swap.
    pub fn failures(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| matches!(outcome.status, OutcomeStatus::Failed { .. }))
    }

    /// The outcome for a plugin.
    pub fn get(&self, plugin: &str) -> Option<&Outcome> {
        self.outcomes.iter().find(|outcome| outcome.plugin.as_ref().is_some_and(|id| id.as_str() == plugin))
    }
}

/// What an order came to for one plugin.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Outcome {
    /// The plugin, where it could be told.
    pub plugin: Option<PluginId>,
    /// Its version, where it could be told.
    pub version: Option<Version>,
    /// The library, where there is one.
    pub path: Option<PathBuf>,
    /// How it went.
    #[serde(flatten)]
    pub status: OutcomeStatus,
}

/// See [`Outcome`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutcomeStatus {
    /// It runs.
    Loaded {
        /// The generation.
        generation: u64,
        /// From the bytes in memory to the first possible call, in microseconds.
        micros: u64,
    },
    /// A new generation has taken over.
    Swapped {
        /// The new generation.
        generation: u64,
        /// The generation before.
        from: u64,
        /// From the bytes in memory to the new generation's first possible call, in microseconds.
        micros: u64,
        /// For how long calls from outside were made to wait, in microseconds.
        paused_micros: u64,
        /// Whether a state was handed over.
        state_handed_over: bool,
    },
    /// It is there no longer.
    Stopped,
    /// It does not run, or (when a generation is named) that one goes on instead of the new build.
    Failed {
        /// The stable code.
        code: String,
        /// Why, and what to do.
        message: String,
        /// The generation that goes on.
        serving: Option<u64>,
    },
}

/// One plugin, as the host knows it now.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PluginInfo {
    /// The plugin, where it could be told.
    pub plugin: Option<PluginId>,
    /// Its version, where it could be told.
    pub version: Option<Version>,
    /// The library, where there is one.
    pub path: Option<PathBuf>,
    /// The content hash of the library that serves, in hexadecimal.
    pub hash: Option<String>,
    /// What it does.
    #[serde(flatten)]
    pub status: PluginStatus,
    /// Why the newest build is not the one that serves, if so.
    pub refused_build: Option<Reason>,
}

/// See [`PluginInfo`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PluginStatus {
    /// It serves.
    Running {
        /// The generation.
        generation: u64,
    },
    /// A phase of it failed.
    Failed(Reason),
    /// It can not run as things are.
    Refused(Reason),
    /// It was switched off.
    Disabled,
    /// It was stopped.
    Stopped,
}

/// Why something is not so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reason {
    /// The stable code.
    pub code: String,
    /// Why, and what to do.
    pub message: String,
}

impl Reason {
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}

impl From<PhaseFailure> for Reason {
    fn from(failure: PhaseFailure) -> Self {
        let message = failure.to_string();
        Self::new(failure.code, message)
    }
}
