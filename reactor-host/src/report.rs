//! What the host answers about plugins: the outcome of an order, and the list.

use std::fmt;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::{Deserialize, Serialize, Serializer};

use crate::generation::PhaseFailure;
use crate::manifest::PluginId;

/// A path as text: a name that is no UTF-8 must not keep the rest from being told.
pub(crate) fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// As [`lossy`].
#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
pub(crate) fn lossy_option<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
}

/// Every outcome of a start or a rescan, not the first error.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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

/// What an order came to for one plugin. As text it is a line for people: `greeting 0.1.0: refused [RE0301]: …`.
///
/// ```
/// # fn show(report: &reactor_host::Report) {
/// for failure in report.failures() {
///     eprintln!("{failure}");
/// }
/// # }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outcome {
    /// The plugin, where it could be told.
    pub plugin: Option<PluginId>,
    /// Its version, where it could be told.
    pub version: Option<Version>,
    /// The library, where there is one.
    #[serde(serialize_with = "lossy_option")]
    pub path: Option<PathBuf>,
    /// How it went.
    #[serde(flatten)]
    pub status: OutcomeStatus,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.plugin, &self.version, &self.path) {
            (Some(plugin), Some(version), _) => write!(f, "{plugin} {version}")?,
            (Some(plugin), None, _) => write!(f, "{plugin}")?,
            (None, _, Some(path)) => write!(f, "{}", path.display())?,
            (None, _, None) => f.write_str("?")?,
        }
        write!(f, ": {}", self.status)
    }
}

/// See [`Outcome`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Somebody asked for the build before, and it serves again. The one that served is quarantined, unless they are the
    /// same bytes.
    RolledBack {
        /// The generation that serves.
        generation: u64,
        /// The generation that served.
        from: u64,
        /// The version that serves.
        to: Version,
    },
    /// It is there no longer.
    Stopped,
    /// Its state was saved, and is kept.
    Saved {
        /// The schema of the state.
        schema: u32,
        /// Its length.
        bytes: u64,
    },
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

impl fmt::Display for OutcomeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loaded { generation, .. } => write!(f, "runs as generation {generation}"),
            Self::Swapped { generation, from, .. } => {
                write!(f, "generation {generation} has taken over from generation {from}")
            }
            Self::RolledBack { generation, from, to } => {
                write!(f, "rolled back to {to}: generation {generation} serves in place of generation {from}")
            }
            Self::Stopped => f.write_str("stopped"),
            Self::Saved { schema, bytes } => write!(f, "saved {bytes} bytes of schema {schema}"),
            Self::Failed { code, message, serving } => {
                // What runs and fails has a code of the running host's, or one of its own.
                let ran = code.starts_with("RE06") || !code.starts_with("RE0");
                write!(f, "{} [{code}]", if ran { "failed" } else { "refused" })?;
                if let Some(generation) = serving {
                    write!(f, ", generation {generation} goes on")?;
                }
                write!(f, ": {message}")
            }
        }
    }
}

/// One plugin, as the host knows it now.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PluginInfo {
    /// The plugin, where it could be told.
    pub plugin: Option<PluginId>,
    /// Its version, where it could be told.
    pub version: Option<Version>,
    /// The library, where there is one.
    #[serde(serialize_with = "lossy_option")]
    pub path: Option<PathBuf>,
    /// The content hash of the library that serves, in hexadecimal.
    pub hash: Option<String>,
    /// What it does.
    #[serde(flatten)]
    pub status: PluginStatus,
    /// Why the newest build is not the one that serves, if so.
    pub refused_build: Option<Reason>,
    /// While the generation that serves is on trial: the one before, which is suspended and ready to go back to.
    pub kept_ready: Option<u64>,
}

/// See [`PluginInfo`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// Why something is not so. As text: `[RE0301] message`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reason {
    /// The stable code.
    pub code: String,
    /// Why, and what to do.
    pub message: String,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.code, self.message)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: OutcomeStatus) -> Outcome {
        let plugin = PluginId::new("greeting").expect("an id");
        Outcome { plugin: Some(plugin), version: Some(Version::new(0, 1, 0)), path: None, status }
    }

    fn failed(code: &str, serving: Option<u64>) -> OutcomeStatus {
        OutcomeStatus::Failed { code: code.to_owned(), message: "why, and what to do".to_owned(), serving }
    }

    #[test]
    fn an_outcome_is_a_line_for_people() {
        for (status, line) in [
            (failed("RE0301", None), "greeting 0.1.0: refused [RE0301]: why, and what to do"),
            (
                failed("RE0301", Some(3)),
                "greeting 0.1.0: refused [RE0301], generation 3 goes on: why, and what to do",
            ),
            (failed("RE0603", None), "greeting 0.1.0: failed [RE0603]: why, and what to do"),
            (failed("plugin.error", None), "greeting 0.1.0: failed [plugin.error]: why, and what to do"),
            (OutcomeStatus::Loaded { generation: 1, micros: 5 }, "greeting 0.1.0: runs as generation 1"),
            (OutcomeStatus::Stopped, "greeting 0.1.0: stopped"),
            (
                OutcomeStatus::RolledBack { generation: 1, from: 2, to: Version::new(0, 0, 9) },
                "greeting 0.1.0: rolled back to 0.0.9: generation 1 serves in place of generation 2",
            ),
        ] {
            assert_eq!(outcome(status).to_string(), line);
        }
        let nameless = Outcome { plugin: None, path: Some("a.so".into()), ..outcome(failed("RE0120", None)) };
        assert!(nameless.to_string().starts_with("a.so") && nameless.to_string().contains("[RE0120]"));
        assert_eq!(Reason::new("RE0301", "why").to_string(), "[RE0301] why");
    }
}
