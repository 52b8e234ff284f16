//! What an application would do without Reactor: copy, open, close.
#![expect(unsafe_code, reason = "opens libraries by hand, to compare with")]

use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

/// Opens a library as the host does.
///
/// # Panics
///
/// When the loader refuses.
pub(crate) fn open(path: &Path) -> Library {
    // SAFETY: the corpus is this repository's own, and its constructors do nothing.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.expect("the corpus can be opened")
}

/// Makes copies to open, each at a path that was never used before.
pub(crate) struct Copies {
    folder: tempfile::TempDir,
    made: u64,
}

impl Copies {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), made: 0 }
    }

    /// The next path.
    pub(crate) fn fresh(&mut self) -> PathBuf {
        self.made += 1;
        self.folder.path().join(format!("{}.so", self.made))
    }
}

/// Copies, opens and closes one library.
pub(crate) fn copy_open_close(library: &Path, copy: &Path) {
    std::fs::copy(library, copy).expect("there is room for a copy");
    open_close(copy);
}

/// Opens and closes it where it is.
pub(crate) fn open_close(library: &Path) {
    open(library).close().expect("the loader closes what it opened");
}
