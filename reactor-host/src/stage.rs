//! Private copies: the loader is given a path that was never used before, and never the user's own file.
//!
//! Owns one folder per host, readable and writable by its user alone, and the files in it. The user's file can
//! be overwritten, truncated or replaced at any time without harm, and every build has a path of its own, since
//! loaders recognise a path (and a device and inode) that they have open and answer with the old code.

use std::fs::{self, File, OpenOptions};
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
    /// Locked for as long as this host lives: a folder whose lock is free belongs to one that was killed.
    #[cfg_attr(not(test), expect(dead_code, reason = "holding it is its use"))]
    lock: File,
}

/// How the folders begin, and the lock in each.
const PREFIX: &str = "reactor-";
const LOCK: &str = "lock";

impl Stager {
    /// Makes the folder inside `parent`, for this user alone (mode 0700 on Unix).
    pub(crate) fn new(parent: &Path) -> Result<Self, StageError> {
        let failed = |error: std::io::Error| StageError::Folder {
            path: parent.to_owned(),
            message: error.to_string(),
        };
        fs::create_dir_all(parent).map_err(failed)?;
        sweep(parent);
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o700));
        }
        let folder = builder.tempdir_in(parent).map_err(failed)?;
        let lock = lock(folder.path()).map_err(failed)?;
        Ok(Self { folder: Arc::new(folder), lock })
    }

    /// Writes `bytes`, those of `candidate` or what policy made of them, to a new path. Generation numbers do not repeat
    /// in a host, so neither does the path.
    pub(crate) fn stage(
        &self,
        candidate: &Candidate,
        bytes: &[u8],
        number: u64,
    ) -> Result<Staged, StageError> {
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
        file.write_all(bytes).map_err(failed)?;
        Ok(staged)
    }
}

/// Libraries that stay open keep their mappings; the folder goes with the host all the same.
impl Drop for Stager {
    fn drop(&mut self) {
        // What can not be removed now is swept by the next host.
        let _ = fs::remove_dir_all(self.folder.path());
    }
}

/// Puts a locked lock into a folder. It gets its name when it is locked: nobody finds it free before.
fn lock(folder: &Path) -> std::io::Result<File> {
    let unnamed = folder.join(".lock");
    let lock = File::create_new(&unnamed)?;
    lock.lock()?;
    fs::rename(&unnamed, folder.join(LOCK))?;
    Ok(lock)
}

/// Removes the folders that killed hosts of this user left behind. What can not be removed is nobody's trouble.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if !ours || !is_own_folder(&entry.path()) {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join(LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether a path is a folder, no link, of this very user.
#[cfg(unix)]
fn is_own_folder(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::geteuid().as_raw();
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == user)
}

#[cfg(not(unix))]
fn is_own_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
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

    /// A copy that the host has made, for a plugin's own process: the host removes it.
    #[cfg(unix)]
    pub(crate) fn by_the_host(path: PathBuf) -> Self {
        Self { path, folder: None }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_host_that_was_killed_is_swept_and_that_of_a_living_one_is_not() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let living = Stager::new(parent.path()).expect("a folder");
        let killed = Stager::new(parent.path()).expect("a folder");
        let (kept, left) = (living.folder.path().to_owned(), killed.folder.path().to_owned());
        fs::write(left.join("1-plugin.so"), "copy").expect("the folder is writable");
        // As the system does when a process is killed: the lock is let go, nothing is removed.
        let lock = killed.lock.try_clone().expect("a descriptor");
        std::mem::forget(killed);
        lock.unlock().expect("it was locked");
        let _next = Stager::new(parent.path()).expect("a folder");
        assert!(kept.is_dir(), "a living host keeps its folder");
        assert!(!left.exists(), "what was left is removed");
    }
}
