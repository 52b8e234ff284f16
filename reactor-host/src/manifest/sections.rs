//! The tables of a manifest, as values.

use std::time::Duration;

use semver::VersionReq;
use serde::Serialize;

use super::quantity::{serialize_duration, serialize_duration_option, serialize_size};

/// What people read about a plugin; the host acts on none of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct About {
    /// The name that people see; [`Manifest::display_name`](super::Manifest::display_name) falls back to the
    /// id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// Its licence, as an SPDX expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// A character or an image file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Where a catalogue lists it.
    pub categories: Vec<String>,
    /// Its web page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// Where its source is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Where its manual is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documentation: Option<String>,
    /// A file in the plugin's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readme: Option<String>,
    /// A file in the plugin's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changelog: Option<String>,
    /// Image files in the plugin's folder.
    pub screenshots: Vec<String>,
}

/// `[host]`: the application that a plugin is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HostApp {
    /// The application's id.
    pub app: String,
    /// The versions of it that do.
    pub version: VersionReq,
}

/// An entry of `[dependencies]`: a plugin that must run first.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Dependency {
    /// The versions that do.
    pub version: VersionReq,
    /// Whether the plugin runs without it.
    pub optional: bool,
    /// What is asked of the dependency's configuration.
    #[serde(skip_serializing_if = "toml::Table::is_empty")]
    pub config: toml::Table,
}

/// An entry of `[peer-dependencies]`: a plugin that is neither ordered nor pulled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Peer {
    /// The versions that do.
    pub version: VersionReq,
    /// Whether its absence goes unmentioned.
    pub optional: bool,
}

/// An entry of `[requires]`: an interface whose provider must run first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Requirement {
    /// The versions that do.
    pub version: VersionReq,
    /// Whether the plugin runs without it.
    pub optional: bool,
}

/// An entry of `[contribution-points]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ContributionPoint {
    /// What belongs there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// An entry of `[commands]`: what is offered before the library is opened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Command {
    /// The name that people see; else the command's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A key binding such as `Mod+Shift+P`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// `[state]`: a plugin with this table has state that a swap hands over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct StateRules {
    /// The schema of what `save` writes.
    pub schema: u32,
    /// The schemas that `restore` understands; `schema` is among them.
    pub reads: Vec<u32>,
    /// Earlier schemas that can be written for a rollback.
    pub downgrades_to: Vec<u32>,
    /// Whether callers wait while state is handed over.
    pub handoff: Handoff,
    /// The longest that a call waits under [`Handoff::Pause`].
    #[serde(serialize_with = "serialize_duration")]
    pub pause_deadline: Duration,
}

/// What happens to calls while state is handed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Handoff {
    /// Calls wait for at most the deadline; no change is lost.
    #[default]
    Pause,
    /// Nobody waits; changes made after `save` began are lost unless they are in signals.
    Snapshot,
}

/// `[health]`: how a new build is watched after a swap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Health {
    /// The time between health checks: 5 s unless set.
    #[serde(serialize_with = "serialize_duration")]
    pub check_every: Duration,
    /// How long the old generation is kept ready: 60 s unless set.
    #[serde(serialize_with = "serialize_duration")]
    pub trial: Duration,
    /// Panics allowed in the trial, 3 unless set; one more rolls back.
    pub max_panics: u32,
}

impl Default for Health {
    fn default() -> Self {
        Self { check_every: Duration::from_secs(5), trial: Duration::from_mins(1), max_panics: 3 }
    }
}

/// `[run]`: where and how the code runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Run {
    /// In which process; the host's policy can only tighten it.
    pub isolation: Isolation,
    /// Whether unused generations are closed.
    pub unload: Unload,
    /// How long `stop` may take: 2 s unless set.
    #[serde(serialize_with = "serialize_duration")]
    pub stop_deadline: Duration,
    /// How long a deleted library may be missing before the plugin stops: 3 s unless set.
    #[serde(serialize_with = "serialize_duration")]
    pub delete_grace: Duration,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            isolation: Isolation::default(),
            unload: Unload::default(),
            stop_deadline: Duration::from_secs(2),
            delete_grace: Duration::from_secs(3),
        }
    }
}

/// In which process a plugin's code runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Isolation {
    /// The host's.
    #[default]
    InProcess,
    /// A confined one of its own.
    Subprocess,
    /// Whichever the host's policy prefers.
    Auto,
}

/// Whether unused generations are closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unload {
    /// When they are proved unused.
    #[default]
    Auto,
    /// Never: they stay mapped.
    Never,
}

/// `[permissions]`: what a plugin asks for in a process of its own. What is left out is the host's to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Permissions {
    /// Folders and files that it reads: under `$PLUGIN`, under `$STATE`, or absolute.
    pub fs_read: Vec<String>,
    /// Folders and files that it writes, likewise.
    pub fs_write: Vec<String>,
    /// Whether it reaches the network.
    pub net: Network,
    /// Environment variables that it sees.
    pub env: Vec<String>,
    /// The most memory, in bytes.
    #[serde(rename = "memory", serialize_with = "serialize_size", skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// The most processor time of a call.
    #[serde(serialize_with = "serialize_duration_option", skip_serializing_if = "Option::is_none")]
    pub cpu_per_call: Option<Duration>,
    /// The longest call.
    #[serde(serialize_with = "serialize_duration_option", skip_serializing_if = "Option::is_none")]
    pub wall_per_call: Option<Duration>,
    /// The most threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// The most open files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_descriptors: Option<u32>,
    /// The largest answer to a call, in bytes.
    #[serde(rename = "reply", serialize_with = "serialize_size", skip_serializing_if = "Option::is_none")]
    pub reply_bytes: Option<u64>,
}

/// How much of the network a plugin reaches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Network {
    /// Nothing.
    #[default]
    None,
    /// All of it.
    All,
}
