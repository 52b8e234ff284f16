//! What no file event tells: a folder further up was renamed, something was mounted over a folder or unmounted.
//!
//! Owns a picture of where the plugin folders are, cheap enough to take every so often: one look at each folder's
//! number and, on Linux, one read of the list of mounts. It reads no plugin folder.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;

use super::identity;

/// See the module.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pulse {
    folders: Vec<Option<(u64, u64)>>,
    mounts: Option<u64>,
}

impl Pulse {
    pub(super) fn of(dirs: &[PathBuf]) -> Self {
        let folders = dirs.iter().map(|dir| dir.metadata().ok().map(|metadata| identity(&metadata)));
        Self { folders: folders.collect(), mounts: mounts() }
    }
}

/// A hash over what is mounted where; `None` where the system does not tell.
fn mounts() -> Option<u64> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let list = std::fs::read("/proc/self/mountinfo").ok()?;
    let mut hasher = DefaultHasher::new();
    list.hash(&mut hasher);
    Some(hasher.finish())
}
