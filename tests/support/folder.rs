//! A plugin folder of a test's own.

use std::path::{Path, PathBuf};

/// See the module. Removed when dropped.
pub struct Folder {
    root: tempfile::TempDir,
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Folder {
    /// An empty folder.
    ///
    /// # Panics
    ///
    /// When the system gives none.
    pub fn new() -> Self {
        Self { root: tempfile::tempdir().expect("a temporary folder") }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Puts bytes under a name in one step, as a careful builder does: written aside, moved in.
    ///
    /// # Panics
    ///
    /// When the file can not be written.
    pub fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let (aside, path) = (self.root.path().join(format!(".{name}.aside")), self.root.path().join(name));
        std::fs::write(&aside, bytes).expect("the folder is writable");
        std::fs::rename(&aside, &path).expect("a rename in one folder");
        path
    }

    /// Removes a file.
    ///
    /// # Panics
    ///
    /// When it is not there.
    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.root.path().join(name)).expect("the file is there");
    }
}
