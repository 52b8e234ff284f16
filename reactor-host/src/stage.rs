//! Private copies: the loader is given a path that was never used before, and never the user's own file.
//!
//! Owns one folder per host, readable and writable by its user alone, and the files in it. The user's file can
//! be overwritten, truncated or replaced at any time without harm, and every build has a path of its own, since
//! loaders recognise a path (and a device and inode) that they have open and answer with the old code.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::discover::Candidate;

/// Why a private copy could not be made.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// The folder could not be made.
    #[error("can not make a private folder in {}: {message}; name another one as the data folder", .path.display())]
    Folder {
        /// Where it was to be.
        path: PathBuf,
        /// The system's words.
        message: String,
    },
    /// The copy could not be written.
    #[error("can not write the private copy {}: {message}", .path.display())]
    Write {
        /// The copy.
        path: PathBuf,
        /// The system's words.
        message: String,
    },
}

impl StageError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "RE0201",
            Self::Write { .. } => "RE0202",
        }
    }
}

/// Makes private copies in one folder.
pub(crate) struct Stager {
    folder: Arc<tempfile::TempDir>,
}

impl Stager {
    /// Makes the folder inside `parent`, for this user alone (mode 0700 on Unix).
    pub(crate) fn new(parent: &Path) -> Result<Self, StageError> {
        let failed = |error: std::io::Error| StageError::Folder {
            path: parent.to_owned(),
            message: error.to_string(),
        };
        fs::create_dir_all(parent).map_err(failed)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix("reactor-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o700));
        }
        let folder = builder.tempdir_in(parent).map_err(failed)?;
        Ok(Self { folder: Arc::new(folder) })
    }

    /// Writes the bytes of `candidate` to a new path. Generation numbers do not repeat in a host, so neither does
    /// the path.
    pub(crate) fn stage(&self, candidate: &Candidate, number: u64) -> Result<Staged, StageError> {
        let name = candidate.source.file_name().unwrap_or_else(|| "plugin".as_ref());
        let mut file_name = std::ffi::OsString::from(format!("{number}-"));
        file_name.push(name);
        let path = self.folder.path().join(file_name);
        let failed =
            |error: std::io::Error| StageError::Write { path: path.clone(), message: error.to_string() };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o500);
        }
        let mut file = options.open(&path).map_err(failed)?;
        let staged = Staged { path: path.clone(), folder: Some(Arc::clone(&self.folder)) };
        file.write_all(&candidate.bytes).map_err(failed)?;
        Ok(staged)
    }
}

/// One private copy, removed when dropped.
pub(crate) struct Staged {
    path: PathBuf,
    folder: Option<Arc<tempfile::TempDir>>,
}

impl Staged {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves the file where it is for as long as the host's folder lives: a library that stays open is read for
    /// backtraces.
    pub(crate) fn keep(mut self) {
        self.folder = None;
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.folder.take().is_some() {
            // Removing is tidiness; the folder goes with the host anyhow.
            let _ = fs::remove_file(&self.path);
        }
    }
}
