//! Why the store could not be opened, or something not be stored.

use std::path::PathBuf;

use super::holder::HeldBy;
use crate::discover::ContentHash;

/// Why the store could not be opened, or something not be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The data folder can not be used.
    #[error("can not keep anything at {}: {message}; name another data folder, or check its permissions", .path.display())]
    Folder {
        /// The file or folder that stands in the way.
        path: PathBuf,
        /// The system's words.
        message: String,
    },
    /// Another host has the data folder.
    #[error(
        "the data folder {} is held by {holder}; end that one, or name another folder: each host needs one of its own",
        .folder.display())]
    Held {
        /// The data folder.
        folder: PathBuf,
        /// Who has it.
        holder: HeldBy,
    },
    /// The database is not what was written.
    #[error(
        "{} can not be read: {message}; move it away to begin anew (what is quarantined, what can be rolled back to and \
         what plugins saved is forgotten then), or bring an older copy back", .path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The database is of a later version of this crate.
    #[error(
        "{} has schema {found}, and this program knows schemas up to {known}: a newer version of it wrote the file; run \
         that one, or name another data folder", .path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: u64,
        /// The newest that this program knows.
        known: u64,
    },
    /// Something could not be written.
    #[error(
        "can not write {}: {message}; it is kept in memory and tried again with the next write: make room, or correct \
         what the message says", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        message: String,
    },
    /// A stored library is not what was stored.
    #[error("the stored library {} ({}) can not be used: {message}; install that build again", .path.display(), .build.short())]
    Library {
        /// The file.
        path: PathBuf,
        /// What it should be.
        build: ContentHash,
        /// What is wrong.
        message: String,
    },
    /// The system gives no thread.
    #[error(
        "the system gives no thread for the store: {message}; end something, or raise the limit of threads"
    )]
    Thread {
        /// The system's words.
        message: String,
    },
    /// The store was closed.
    #[error("the store was closed before this was written; store it while the host runs")]
    Closed,
}

impl StoreError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "RE0701",
            Self::Held { .. } => "RE0702",
            Self::Damaged { .. } => "RE0703",
            Self::Newer { .. } => "RE0704",
            Self::Write { .. } => "RE0705",
            Self::Library { .. } => "RE0706",
            Self::Thread { .. } => "RE0708",
            Self::Closed => "RE0707",
        }
    }
}
