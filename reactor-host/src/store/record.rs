//! What is stored, as those who store it see it. Pure data.

use std::path::PathBuf;
use std::sync::Arc;

use semver::Version;

use crate::discover::{Candidate, ContentHash, DiscoverError, ManifestOrigin, recall};
use crate::manifest::PluginId;

/// A build of a plugin that is not to be tried again until its bytes change or a person lifts it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quarantined {
    /// The plugin.
    pub plugin: PluginId,
    /// The hash of its library.
    pub build: ContentHash,
    /// The version that its manifest names.
    pub version: Version,
    /// The stable code of the error that it was quarantined for.
    pub code: String,
    /// That error in words.
    pub message: String,
    /// When: milliseconds since 1970; 0 where an older schema did not tell.
    pub unix_ms: u64,
    /// Where its file was. Empty where an older schema did not tell.
    pub source: PathBuf,
}

impl Quarantined {
    /// A record without a time and a file; what is known of those is set afterwards.
    pub fn new(
        plugin: PluginId,
        build: ContentHash,
        version: Version,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { plugin, build, version, code, message, unix_ms: 0, source: PathBuf::new() }
    }
}

/// A manifest that stood in a file beside its library.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManifestText {
    /// The file's path, for messages.
    pub path: PathBuf,
    /// All of its text.
    pub text: String,
}

/// What a plugin can be rolled back to: everything that is needed to run the build again without its file. The
/// library's bytes are stored beside it, under their hash.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RollbackPoint {
    /// The hash of the library.
    pub build: ContentHash,
    /// Its version.
    pub version: Version,
    /// The manifest that held; `None`: the copy inside the library.
    pub manifest: Option<ManifestText>,
    /// Where the library's file was.
    pub source: PathBuf,
    /// The user's folder, for the plugin's assets.
    pub folder: PathBuf,
    /// The state that belongs to it; `None` where the plugin has none.
    pub state: Option<SavedState>,
    /// When it was stored: milliseconds since 1970.
    pub unix_ms: u64,
}

impl RollbackPoint {
    /// What is to be kept of a plugin beside its bytes.
    pub fn of(candidate: &Candidate, state: Option<SavedState>, unix_ms: u64) -> Self {
        let manifest = match (&candidate.manifest_origin, &candidate.manifest_text) {
            (ManifestOrigin::File(path), Some(text)) => {
                Some(ManifestText { path: path.clone(), text: text.to_string() })
            }
            _ => None,
        };
        Self {
            build: candidate.hash,
            version: candidate.manifest.version.clone(),
            manifest,
            source: candidate.source.clone(),
            folder: candidate.folder.clone(),
            state,
            unix_ms,
        }
    }

    /// The plugin as it was, with the bytes that [`Store::library`](super::Store::library) has of it.
    ///
    /// # Errors
    ///
    /// This program can not read it any more: whatever [`read_one`](crate::discover::read_one) would have reported.
    pub fn recall(&self, library: Arc<[u8]>) -> Result<Candidate, DiscoverError> {
        let manifest = self.manifest.as_ref().map(|manifest| (manifest.path.clone(), manifest.text.as_str()));
        recall(self.source.clone(), &self.folder, manifest, library)
    }
}

/// What a plugin saved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SavedState {
    /// The schema that its bytes follow.
    pub schema: u32,
    /// The bytes, as [`reactor_abi::State`] has them.
    pub bytes: Arc<[u8]>,
    /// When it was saved: milliseconds since 1970.
    pub unix_ms: u64,
    /// The number of the generation that saved it, in the host that it ran in.
    pub generation: u64,
    /// The hash of the library that saved it; `None` for a plugin that is linked into the program.
    pub build: Option<ContentHash>,
}

impl SavedState {
    /// What a generation of a plugin saved that is linked into the program, without the time; what is known beside is set
    /// afterwards.
    pub fn new(schema: u32, bytes: impl Into<Arc<[u8]>>, generation: u64) -> Self {
        Self { schema, bytes: bytes.into(), unix_ms: 0, generation, build: None }
    }
}

/// One change of what is stored. See [`Store::apply`](super::Store::apply).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// As [`Store::quarantine`](super::Store::quarantine).
    Quarantine(Quarantined),
    /// As [`Store::lift`](super::Store::lift).
    Lift {
        /// The plugin.
        plugin: PluginId,
        /// The build that may be tried again.
        build: ContentHash,
    },
    /// As [`Store::set_rollback`](super::Store::set_rollback).
    SetRollback {
        /// The plugin.
        plugin: PluginId,
        /// What it can be rolled back to.
        point: RollbackPoint,
        /// The library, whose hash `point.build` is.
        library: Arc<[u8]>,
    },
    /// As [`Store::remove_rollback`](super::Store::remove_rollback).
    RemoveRollback {
        /// The plugin.
        plugin: PluginId,
    },
    /// As [`Store::put_state`](super::Store::put_state).
    PutState {
        /// The plugin.
        plugin: PluginId,
        /// What it saved.
        state: SavedState,
    },
    /// As [`Store::remove_state`](super::Store::remove_state).
    RemoveState {
        /// The plugin.
        plugin: PluginId,
    },
    /// As [`Store::checked`](super::Store::checked).
    Checked {
        /// The build whose layout was found good.
        build: ContentHash,
        /// The program that found it good.
        program: Arc<str>,
        /// The ABI fingerprint of that program.
        fingerprint: u64,
    },
}
