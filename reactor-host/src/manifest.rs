//! What a plugin says about itself, before any of its code runs.
//!
//! A manifest is TOML: beside the library, or embedded in it. This module turns its text into a [`Manifest`]
//! or into a [`ManifestError`] that points at the line. It opens no files; whoever has the text brings it.
//!
//! Invariant: a `Manifest` that exists obeys every rule that can be checked without knowing another plugin or
//! the host. Ranges, conflicts and permissions are weighed elsewhere.

mod error;
mod event;
mod id;
mod keys;
mod parse;
mod quantity;
mod reader;
mod rules;
mod sections;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use semver::{Version, VersionReq};
use serde::Serialize;

pub use error::{Disagreement, ManifestError, Problem};
pub use event::{Activation, Deactivation};
pub use id::{IdError, MAX_ID_BYTES, PluginId};
pub use keys::{Key, SECTIONS, Section};
pub use sections::{
    About, Command, ContributionPoint, Dependency, Handoff, Health, HostApp, Isolation, Network, Peer,
    Permissions, Requirement, Run, StateRules, Unload,
};

/// Whether a manifest could list an interface of this name.
pub(crate) fn is_interface_name(text: &str) -> bool {
    rules::name(text).is_ok()
}

/// The largest manifest, in bytes. A larger one is refused unread.
pub const MAX_MANIFEST_BYTES: usize = 64 * 1024;

/// A plugin's manifest. [`SECTIONS`] lists every key of the file with its default.
///
/// Serialised (as JSON, say) it has the keys of the file, durations as `"50ms"` and sizes as `"256MiB"`.
///
/// ```
/// use std::path::Path;
/// use reactor_host::manifest::Manifest;
///
/// let text = r#"
///     schema = 1
///     id = "acme.word-count"
///     version = "1.4.2"
///     api = "^1"
/// "#;
/// let manifest = Manifest::parse(text, Path::new("plugin.toml"))?;
/// assert_eq!(manifest.library_stem(), "acme_word_count");
/// assert!(!manifest.has_state());
/// # Ok::<(), reactor_host::manifest::ManifestError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Manifest {
    /// The form of the manifest: always 1.
    pub schema: u32,
    /// What the plugin is known by.
    pub id: PluginId,
    /// The plugin's version.
    pub version: Version,
    /// The versions of the plugin API that it was made for.
    pub api: VersionReq,
    /// The stem of the library's file name, if given; see [`Manifest::library_stem`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library: Option<String>,
    /// What people read about it.
    #[serde(flatten)]
    pub about: About,
    /// The events that open the library. With none, only a dependant opens it.
    pub activation: Vec<Activation>,
    /// The events that stand it down.
    pub deactivation: Vec<Deactivation>,
    /// Plugins that cannot run beside it.
    pub conflicts_with: Vec<PluginId>,
    /// Tenants that may use it unless their own switch says otherwise; `*` is all of them.
    pub tenants: Vec<String>,
    /// Whether disabling keeps what the plugin built.
    pub preserve_output: bool,
    /// The application that it is for; `None` is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<HostApp>,
    /// Plugins that must run first.
    pub dependencies: BTreeMap<PluginId, Dependency>,
    /// Plugins that it works with.
    pub peer_dependencies: BTreeMap<PluginId, Peer>,
    /// Interfaces that it offers, by name.
    pub provides: BTreeMap<String, Version>,
    /// Interfaces that it needs, by name.
    pub requires: BTreeMap<String, Requirement>,
    /// Contribution points that it opens, by id.
    pub contribution_points: BTreeMap<String, ContributionPoint>,
    /// Commands that it offers, by id.
    pub commands: BTreeMap<String, Command>,
    /// Defaults of its configuration.
    pub config: toml::Table,
    /// How its state crosses a swap; `None` when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateRules>,
    /// How a new build is watched.
    pub health: Health,
    /// Where and how its code runs.
    pub run: Run,
    /// What it may use in a process of its own.
    pub permissions: Permissions,
}

impl Manifest {
    /// Reads a manifest. `origin` is where the text stood, for messages.
    ///
    /// # Errors
    /// [`ManifestError`] with the first thing wrong, its line and its column.
    pub fn parse(text: &str, origin: &Path) -> Result<Self, ManifestError> {
        if text.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::too_large(origin, u64::try_from(text.len()).unwrap_or(u64::MAX)));
        }
        // Editors on Windows may put a byte-order mark first; columns should not count it.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        parse::manifest(&reader::Source { text, path: origin })
    }

    /// Reads a manifest from the bytes of a file.
    ///
    /// # Errors
    /// Those of [`Manifest::parse`], and bytes that are not UTF-8.
    pub fn parse_bytes(bytes: &[u8], origin: &Path) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::too_large(origin, u64::try_from(bytes.len()).unwrap_or(u64::MAX)));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(text, origin),
            Err(error) => {
                let at = error.valid_up_to();
                let readable = String::from_utf8_lossy(bytes);
                let reason = "the bytes here are not UTF-8; save the file as UTF-8".to_owned();
                Err(ManifestError::at(origin, &readable, at..at + 1, Problem::Syntax { reason }))
            }
        }
    }

    /// The stem of the library's file name: `library`, else the id with `_` for `.` and `-`.
    pub fn library_stem(&self) -> String {
        self.library.clone().unwrap_or_else(|| self.id.as_str().replace(['.', '-'], "_"))
    }

    /// The name that people see: `name`, else the id.
    pub fn display_name(&self) -> &str {
        self.about.name.as_deref().unwrap_or(self.id.as_str())
    }

    /// Whether a swap hands state over: whether there is a `[state]` table.
    pub fn has_state(&self) -> bool {
        self.state.is_some()
    }

    /// Compares this manifest, of a file, with the one `embedded` in the library beside it.
    ///
    /// # Errors
    /// [`Disagreement`] with the first of id, version, API range and provided interfaces that differs.
    pub fn agrees_with(&self, embedded: &Self) -> Result<(), Disagreement> {
        let differs = |field, file: String, embedded: String| Err(Disagreement { field, file, embedded });
        if self.id != embedded.id {
            return differs("id", format!("`{}`", self.id), format!("`{}`", embedded.id));
        }
        if self.version != embedded.version {
            return differs("version", format!("`{}`", self.version), format!("`{}`", embedded.version));
        }
        if self.api != embedded.api {
            return differs("api", format!("`{}`", self.api), format!("`{}`", embedded.api));
        }
        if self.provides != embedded.provides {
            // Only what differs, so that two long lists need not be compared by eye.
            let only = |of: &Self, other: &Self| {
                let changed =
                    of.provides.iter().filter(|(name, version)| other.provides.get(*name) != Some(version));
                let texts: Vec<_> = changed.map(|(name, version)| format!("`{name} {version}`")).collect();
                if texts.is_empty() { "nothing more".to_owned() } else { texts.join(", ") }
            };
            return differs("provides", only(self, embedded), only(embedded, self));
        }
        Ok(())
    }
}
