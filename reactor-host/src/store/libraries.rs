//! The libraries of rollback points: plain files, each named by the hash of its bytes.
//!
//! A file is there before the database lists it and is removed after the database has ceased to, so that a kill in
//! between leaves a file too many and never one too few. Files that are not listed are swept when the store is opened.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::StoreError;
use super::files;
use crate::discover::{ContentHash, FileStamp};

/// Begins the names of files that are not whole yet.
const ASIDE: &str = ".new-";

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Libraries {
    folder: PathBuf,
}

/// What a look at all of them came to.
#[derive(Default)]
pub(super) struct Looked {
    /// Files that were not listed, and are gone.
    pub(super) swept: Vec<PathBuf>,
    /// What is listed and can not be used, and why.
    pub(super) unusable: Vec<(ContentHash, String)>,
    /// What was found to be whole under another stamp than the one that is listed.
    pub(super) restamped: Vec<(ContentHash, FileStamp)>,
}

impl Libraries {
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        files::private_folder(&folder)?;
        Ok(Self { folder })
    }

    pub(super) fn path(&self, build: &ContentHash) -> PathBuf {
        self.folder.join(build.to_string())
    }

    /// Removes what is not listed, and looks whether what is listed is there and whole. A file under the stamp that it
    /// was stored with is taken for whole; [`read`](Self::read) makes sure.
    pub(super) fn look(&self, listed: &BTreeMap<ContentHash, FileStamp>) -> io::Result<Looked> {
        let mut looked = Looked::default();
        let names: BTreeMap<String, ContentHash> =
            listed.keys().map(|build| (build.to_string(), *build)).collect();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| names.contains_key(name)) {
                continue;
            }
            let removed = if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())
            } else {
                fs::remove_file(entry.path())
            };
            removed?;
            looked.swept.push(entry.path());
        }
        for (build, stamp) in listed {
            match fs::metadata(self.path(build)) {
                Ok(metadata) if FileStamp::of(&metadata) == *stamp => {}
                Ok(metadata) => match self.read(build) {
                    Ok(_) => looked.restamped.push((*build, FileStamp::of(&metadata))),
                    Err(error) => looked.unusable.push((*build, words(error))),
                },
                Err(error) => looked.unusable.push((*build, error.to_string())),
            }
        }
        Ok(looked)
    }

    /// Stores a library. Its name lasts from the next [`sync`](Self::sync) on.
    pub(super) fn write(&self, build: &ContentHash, bytes: &[u8]) -> Result<FileStamp, StoreError> {
        let path = self.path(build);
        files::write_whole(&path, &self.folder.join(format!("{ASIDE}{build}")), bytes)
            .and_then(|()| fs::metadata(&path))
            .map(|metadata| FileStamp::of(&metadata))
            .map_err(|error| StoreError::Write { path, message: error.to_string() })
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        files::sync_folder(&self.folder)
            .map_err(|error| StoreError::Write { path: self.folder.clone(), message: error.to_string() })
    }

    /// Removes a library; what can not be removed now is swept later.
    pub(super) fn remove(&self, build: &ContentHash) {
        let _ = fs::remove_file(self.path(build));
    }

    /// Reads a library, and makes sure that its bytes are those that were stored.
    pub(super) fn read(&self, build: &ContentHash) -> Result<Arc<[u8]>, StoreError> {
        let path = self.path(build);
        let unusable = |message: String| StoreError::Library { path: path.clone(), build: *build, message };
        let bytes = fs::read(&path).map_err(|error| unusable(error.to_string()))?;
        let found = ContentHash::of(&bytes);
        if found == *build {
            Ok(bytes.into())
        } else {
            Err(unusable(format!("its bytes have the hash {}", found.short())))
        }
    }
}

fn words(error: StoreError) -> String {
    match error {
        StoreError::Library { message, .. } => message,
        other => other.to_string(),
    }
}
