//! Why something in a plugin folder cannot be offered.

use std::io;
use std::path::{Path, PathBuf};

use semver::Version;
use thiserror::Error;

use super::owner::Exposed;
use crate::manifest::{Disagreement, ManifestError, PluginId};
use crate::object_file::ObjectError;

/// Why a file or folder is not a plugin that can be offered.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}; {}", path.display(), file_advice(source))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The name belongs to something that is no regular file; it was not opened for reading.
    #[error("{} is {kind}, not a regular file; remove it from the plugin folder", path.display())]
    NotRegular {
        /// Where it stands.
        path: PathBuf,
        /// What it is, with its article: "a named pipe".
        kind: &'static str,
    },
    /// The file is larger than the limit; it was not read.
    #[error("{} has {bytes} bytes, more than the limit of {limit}; strip it or raise the limit", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit it passed.
        limit: u64,
    },
    /// A manifest whose library is not there (yet).
    #[error("{} has no library beside it; put one of {} there", manifest.display(), looked_for.join(", "))]
    NoLibrary {
        /// The manifest.
        manifest: PathBuf,
        /// The file names that would have served.
        looked_for: Vec<String>,
    },
    /// More than one file could be the library of this folder.
    #[error("{} holds several libraries ({}); keep one, or name it in plugin.toml", folder.display(), names.join(", "))]
    SeveralLibraries {
        /// The plugin's folder.
        folder: PathBuf,
        /// Their file names.
        names: Vec<String>,
    },
    /// A library with no manifest beside it and none inside.
    #[error(
        "{} has no manifest: none of {} is beside it and none is embedded; write one, or export the plugin with \
         `export_plugin!`", library.display(), looked_for.join(", ")
    )]
    NoManifest {
        /// The library.
        library: PathBuf,
        /// The file names that would have served.
        looked_for: Vec<String>,
    },
    /// More than one manifest stands beside a lone library.
    #[error("{} has several manifests beside it ({}); keep one", library.display(), names.join(", "))]
    SeveralManifests {
        /// The library.
        library: PathBuf,
        /// Their file names.
        names: Vec<String>,
    },
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The library's bytes are wrong.
    #[error("{}: {source}", path.display())]
    Object {
        /// The library.
        path: PathBuf,
        /// What is wrong with it.
        source: ObjectError,
    },
    /// The manifest file and the embedded manifest contradict each other.
    #[error("{} and {}: {source}", manifest.display(), library.display())]
    Disagreement {
        /// The manifest file.
        manifest: PathBuf,
        /// The library.
        library: PathBuf,
        /// The key that differs, with both values.
        source: Box<Disagreement>,
    },
    /// The library is for another machine or system.
    #[error("{} is for {found}, this host is {expected}; install the build for {expected}", library.display())]
    WrongTarget {
        /// The library.
        library: PathBuf,
        /// Architecture and system of the library.
        found: String,
        /// Architecture and system of this host.
        expected: String,
    },
    /// The file changed while it was read; a later scan reads it again.
    #[error("{} changed while it was read; it is read again when it rests", path.display())]
    Changing {
        /// The file.
        path: PathBuf,
    },
    /// Another path offers the same plugin in a version at least as high.
    #[error(transparent)]
    Shadowed(Box<Shadowed>),
    /// Others than this user and root can change it, or a folder on the way to it.
    #[error(transparent)]
    Exposed(Box<Exposed>),
    /// The host's policy does not accept this build.
    #[error("{id} from {} is not accepted: {reason}", path.display())]
    Unacceptable {
        /// The plugin.
        id: PluginId,
        /// Where it stands.
        path: PathBuf,
        /// The policy's words.
        reason: String,
    },
    /// A plugin folder is missing or cannot be listed.
    #[error("cannot list the folder {}: {source}; {}", path.display(), folder_advice(path, source))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder with neither manifest nor library.
    #[error("{} holds neither a plugin.toml nor a library", path.display())]
    NotAPlugin {
        /// The folder.
        path: PathBuf,
    },
}

/// What to do about a file that the system does not let us read.
fn file_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::PermissionDenied => "check its permissions",
        io::ErrorKind::NotADirectory => "a file stands where the path names a folder: check the path",
        io::ErrorKind::IsADirectory => "it is a folder: give the file",
        _ if is_circle(error) => "its links lead in a circle: remove them",
        _ => "check the disk, and try again",
    }
}

/// Whether links lead to each other without end.
#[cfg(unix)]
fn is_circle(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_circle(_: &io::Error) -> bool {
    false
}

/// What to do about a folder that the system does not let us list.
fn folder_advice(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "check the path, or create it".to_owned(),
        io::ErrorKind::PermissionDenied => "check its permissions".to_owned(),
        io::ErrorKind::NotADirectory => {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let parent = parent.unwrap_or(Path::new("."));
            format!("it is a file: give the folder that it is in: {}", parent.display())
        }
        _ => "check the disk, and try again".to_owned(),
    }
}

/// A version that is not used since another path serves the same plugin.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{id} {version} from {} is not used: {} has version {by_version}; remove one of them", path.display(), by.display()
)]
#[non_exhaustive]
pub struct Shadowed {
    /// The plugin.
    pub id: PluginId,
    /// The version that is not used.
    pub version: Version,
    /// Where it stands.
    pub path: PathBuf,
    /// The path that serves instead.
    pub by: PathBuf,
    /// The version that serves.
    pub by_version: Version,
}

impl DiscoverError {
    /// The stable code of this kind of error; a manifest's or an object file's own where one of them is the cause.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "RE0140",
            Self::NotRegular { .. } => "RE0141",
            Self::TooLarge { .. } => "RE0142",
            Self::NoLibrary { .. } => "RE0143",
            Self::SeveralLibraries { .. } => "RE0144",
            Self::NoManifest { .. } => "RE0145",
            Self::SeveralManifests { .. } => "RE0146",
            Self::Manifest(source) => source.code(),
            Self::Object { source, .. } => source.code(),
            Self::Disagreement { source, .. } => source.code(),
            Self::WrongTarget { .. } => "RE0147",
            Self::Changing { .. } => "RE0148",
            Self::Shadowed(_) => "RE0149",
            Self::Exposed(exposed) => exposed.code(),
            Self::Unacceptable { .. } => "RE0150",
            Self::Folder { .. } => "RE0151",
            Self::NotAPlugin { .. } => "RE0152",
        }
    }

    /// Whether writing that goes on may cure this: the file changed under the reader or does not hold all its bytes.
    pub fn is_unsettled(&self) -> bool {
        match self {
            Self::Changing { .. } => true,
            Self::Object { source, .. } => source.is_unfinished(),
            _ => false,
        }
    }
}
