//! Why a plugin cannot run among the others.

use std::fmt::Write as _;
use std::sync::Arc;

use semver::{Version, VersionReq};
use thiserror::Error;

use crate::manifest::PluginId;

/// Why a plugin cannot run in this host among these plugins, or, in a warning, why it may run worse.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// Made for other versions of the plugin API.
    #[error("{id} needs plugin API {range}, this host speaks {found}; {}", update(range, found))]
    Api {
        /// The plugin.
        id: PluginId,
        /// The versions that it was made for.
        range: VersionReq,
        /// The version of this host.
        found: Version,
    },
    /// Made for another application.
    #[error(
        "{id} is for the application {wanted}, this is {found}; remove it from this application's plugins"
    )]
    HostApp {
        /// The plugin.
        id: PluginId,
        /// The application that it is for.
        wanted: String,
        /// This application.
        found: String,
    },
    /// Made for other versions of this application.
    #[error("{id} needs {app} {range}, this is {found}; {}", update(range, found))]
    HostVersion {
        /// The plugin.
        id: PluginId,
        /// This application.
        app: String,
        /// The versions that the plugin was made for.
        range: VersionReq,
        /// This version.
        found: Version,
    },
    /// A dependency that is not there.
    #[error("{id} depends on {dependency} {range}, which is not here; install it")]
    MissingDependency {
        /// The plugin.
        id: PluginId,
        /// The plugin that it needs.
        dependency: PluginId,
        /// In these versions.
        range: VersionReq,
    },
    /// A dependency in another version.
    #[error("{id} depends on {dependency} {range}, found {found}; install a version in that range")]
    DependencyVersion {
        /// The plugin.
        id: PluginId,
        /// The plugin that it needs.
        dependency: PluginId,
        /// In these versions.
        range: VersionReq,
        /// The version that is here.
        found: Version,
    },
    /// An interface that nobody provides in a version that would do.
    #[error(
        "{id} requires the interface {interface} {range}, {}; install a plugin that provides it",
        offers(found)
    )]
    MissingInterface {
        /// The plugin.
        id: PluginId,
        /// The interface.
        interface: String,
        /// In these versions.
        range: VersionReq,
        /// Who provides it in other versions; `None` is the host.
        found: Arc<[(Option<PluginId>, Version)]>,
    },
    /// Plugins that each wait for the next.
    #[error("{id} is in a cycle: {}; remove one of these dependencies", arrows(cycle))]
    Cycle {
        /// The plugin.
        id: PluginId,
        /// The whole cycle: each needs the next, the last is the first again.
        cycle: Arc<[PluginId]>,
    },
    /// Two plugins of which either says that they cannot run together.
    #[error("{id} and {with} are in conflict; disable one of them")]
    Conflict {
        /// The plugin.
        id: PluginId,
        /// The other one.
        with: PluginId,
    },
    /// A dependency is here and cannot run itself.
    #[error("{id} is blocked by {by}, which cannot run; see why there")]
    Blocked {
        /// The plugin.
        id: PluginId,
        /// The dependency.
        by: PluginId,
    },
    /// Everybody who provides a required interface cannot run.
    #[error("{id} is blocked: {interface} is provided by {} only, which cannot run; see why there", list(by))]
    BlockedInterface {
        /// The plugin.
        id: PluginId,
        /// The interface.
        interface: String,
        /// Those who provide it.
        by: Arc<[PluginId]>,
    },
    /// The same id came before.
    #[error("{id} {version} is not used: {id} {by} comes before it; remove one of them")]
    Duplicate {
        /// The plugin.
        id: PluginId,
        /// The version that is not used.
        version: Version,
        /// The version that is.
        by: Version,
    },
    /// A peer that is not there.
    #[error("{id} expects its peer {peer} {range}, which is not here; install it")]
    MissingPeer {
        /// The plugin.
        id: PluginId,
        /// The peer.
        peer: PluginId,
        /// In these versions.
        range: VersionReq,
    },
    /// A peer in another version.
    #[error("{id} expects its peer {peer} {range}, found {found}; install a version in that range")]
    PeerVersion {
        /// The plugin.
        id: PluginId,
        /// The peer.
        peer: PluginId,
        /// In these versions.
        range: VersionReq,
        /// The version that is here.
        found: Version,
    },
}

impl ResolveError {
    /// The stable code of this kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Api { .. } => "RE0401",
            Self::HostApp { .. } => "RE0402",
            Self::HostVersion { .. } => "RE0403",
            Self::MissingDependency { .. } => "RE0404",
            Self::DependencyVersion { .. } => "RE0405",
            Self::MissingInterface { .. } => "RE0406",
            Self::Cycle { .. } => "RE0407",
            Self::Conflict { .. } => "RE0408",
            Self::Blocked { .. } => "RE0409",
            Self::BlockedInterface { .. } => "RE0410",
            Self::Duplicate { .. } => "RE0411",
            Self::MissingPeer { .. } => "RE0412",
            Self::PeerVersion { .. } => "RE0413",
        }
    }
}

/// Which side is behind: the range asks for something later than what was found, or not.
fn update(range: &VersionReq, found: &Version) -> &'static str {
    let later = range.comparators.iter().any(|asked| {
        (asked.major, asked.minor.unwrap_or(0), asked.patch.unwrap_or(0))
            > (found.major, found.minor, found.patch)
    });
    if later { "update the application" } else { "install a newer build of the plugin" }
}

fn offers(found: &[(Option<PluginId>, Version)]) -> String {
    if found.is_empty() {
        return "which nobody provides".to_owned();
    }
    let offers = found.iter().map(|(by, version)| match by {
        Some(by) => format!("{version} from {by}"),
        None => format!("{version} from the host"),
    });
    format!("found {}", offers.collect::<Vec<_>>().join(", "))
}

fn list(ids: &[PluginId]) -> String {
    ids.iter().map(PluginId::as_str).collect::<Vec<_>>().join(", ")
}

fn arrows(cycle: &[PluginId]) -> String {
    let mut text = String::new();
    for id in cycle {
        let arrow = if text.is_empty() { "" } else { " → " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{arrow}{id}");
    }
    text
}
