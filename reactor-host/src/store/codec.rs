//! Records as bytes: what is stored under each key of the database. The tables' names and the forms of the rows are what
//! the schema number counts.
//!
//! A row is a head in postcard and, where there are bytes of a plugin's, those bytes as they are behind it. Must never
//! know the database. A row that can not be read is an error; nothing is guessed.

use std::path::PathBuf;
use std::sync::Arc;

use semver::Version;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::record::{ManifestText, Quarantined, RollbackPoint, SavedState};
use super::tables::Checked;
use crate::discover::{ContentHash, FileStamp};
use crate::manifest::PluginId;

/// What is wrong with a row.
pub(super) type Wrong = String;

#[derive(Serialize, Deserialize)]
struct QuarantineRow {
    version: Version,
    code: String,
    message: String,
    unix_ms: u64,
    source: RawPath,
}

#[derive(Serialize, Deserialize)]
struct StateHead {
    schema: u32,
    unix_ms: u64,
    generation: u64,
    build: Option<[u8; 32]>,
}

#[derive(Serialize, Deserialize)]
struct RollbackHead {
    build: [u8; 32],
    version: Version,
    manifest: Option<(RawPath, String)>,
    source: RawPath,
    folder: RawPath,
    unix_ms: u64,
    /// The bytes of the state stand behind the head.
    state: Option<StateHead>,
}

#[derive(Serialize, Deserialize)]
struct CheckedRow {
    program: String,
    fingerprint: u64,
    number: u64,
}

#[derive(Serialize, Deserialize)]
struct LibraryRow {
    device: u64,
    inode: u64,
    size: u64,
    modified_ns: i64,
    changed_ns: i64,
}

/// A path, whatever its bytes are: they need be no text.
#[derive(Serialize, Deserialize)]
struct RawPath(Vec<u8>);

impl RawPath {
    #[cfg(unix)]
    fn of(path: &std::path::Path) -> Self {
        use std::os::unix::ffi::OsStrExt as _;
        Self(path.as_os_str().as_bytes().to_vec())
    }

    /// Elsewhere paths that are no text are kept as well as text can.
    #[cfg(not(unix))]
    fn of(path: &std::path::Path) -> Self {
        Self(path.to_string_lossy().into_owned().into_bytes())
    }

    #[cfg(unix)]
    fn path(self) -> PathBuf {
        use std::os::unix::ffi::OsStringExt as _;
        std::ffi::OsString::from_vec(self.0).into()
    }

    #[cfg(not(unix))]
    fn path(self) -> PathBuf {
        String::from_utf8_lossy(&self.0).into_owned().into()
    }
}

/// A head; a head that is no record of ours does not exist, so that encoding can not fail.
fn head<T: Serialize>(row: &T) -> Vec<u8> {
    postcard::to_stdvec(row).unwrap_or_default()
}

/// A row that is a head and nothing else.
fn whole<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Wrong> {
    match postcard::take_from_bytes(bytes) {
        Ok((row, [])) => Ok(row),
        Ok((_, rest)) => Err(format!("a record is followed by {} more bytes", rest.len())),
        Err(error) => Err(format!("a record can not be read: {error}")),
    }
}

/// A row with the bytes behind its head.
fn with_rest<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8]), Wrong> {
    postcard::take_from_bytes(bytes).map_err(|error| format!("a record can not be read: {error}"))
}

pub(super) fn plugin(text: &str) -> Result<PluginId, Wrong> {
    PluginId::new(text).map_err(|error| format!("`{text}` stands for a plugin, and is no id: {error}"))
}

pub(super) fn quarantine_row(record: &Quarantined) -> Vec<u8> {
    head(&QuarantineRow {
        version: record.version.clone(),
        code: record.code.clone(),
        message: record.message.clone(),
        unix_ms: record.unix_ms,
        source: RawPath::of(&record.source),
    })
}

pub(super) fn quarantine(plugin: PluginId, build: ContentHash, row: &[u8]) -> Result<Quarantined, Wrong> {
    let QuarantineRow { version, code, message, unix_ms, source } = whole(row)?;
    Ok(Quarantined { plugin, build, version, code, message, unix_ms, source: source.path() })
}

fn state_head(state: &SavedState) -> StateHead {
    let SavedState { schema, unix_ms, generation, build, .. } = *state;
    StateHead { schema, unix_ms, generation, build: build.map(|build| build.0) }
}

fn state_of(head: &StateHead, bytes: &[u8]) -> SavedState {
    let StateHead { schema, unix_ms, generation, build } = *head;
    SavedState { schema, bytes: Arc::from(bytes), unix_ms, generation, build: build.map(ContentHash) }
}

pub(super) fn state_row(state: &SavedState) -> Vec<u8> {
    let mut row = head(&state_head(state));
    row.extend_from_slice(&state.bytes);
    row
}

pub(super) fn state(row: &[u8]) -> Result<SavedState, Wrong> {
    let (head, bytes) = with_rest(row)?;
    Ok(state_of(&head, bytes))
}

pub(super) fn rollback_row(point: &RollbackPoint) -> Vec<u8> {
    let mut row = head(&RollbackHead {
        build: point.build.0,
        version: point.version.clone(),
        manifest: point
            .manifest
            .as_ref()
            .map(|manifest| (RawPath::of(&manifest.path), manifest.text.clone())),
        source: RawPath::of(&point.source),
        folder: RawPath::of(&point.folder),
        unix_ms: point.unix_ms,
        state: point.state.as_ref().map(state_head),
    });
    if let Some(state) = &point.state {
        row.extend_from_slice(&state.bytes);
    }
    row
}

pub(super) fn rollback(row: &[u8]) -> Result<RollbackPoint, Wrong> {
    let (head, bytes): (RollbackHead, _) = with_rest(row)?;
    if head.state.is_none() && !bytes.is_empty() {
        return Err(format!("a rollback point without a state is followed by {} more bytes", bytes.len()));
    }
    Ok(RollbackPoint {
        build: ContentHash(head.build),
        version: head.version,
        manifest: head.manifest.map(|(path, text)| ManifestText { path: path.path(), text }),
        source: head.source.path(),
        folder: head.folder.path(),
        unix_ms: head.unix_ms,
        state: head.state.map(|head| state_of(&head, bytes)),
    })
}

pub(super) fn checked_row(checked: &Checked) -> Vec<u8> {
    let Checked { program, fingerprint, number } = checked;
    head(&CheckedRow { program: program.to_string(), fingerprint: *fingerprint, number: *number })
}

pub(super) fn checked(row: &[u8]) -> Result<Checked, Wrong> {
    let CheckedRow { program, fingerprint, number } = whole(row)?;
    Ok(Checked { program: program.into(), fingerprint, number })
}

pub(super) fn library_row(stamp: &FileStamp) -> Vec<u8> {
    let FileStamp { device, inode, size, modified_ns, changed_ns } = *stamp;
    head(&LibraryRow { device, inode, size, modified_ns, changed_ns })
}

pub(super) fn library(row: &[u8]) -> Result<FileStamp, Wrong> {
    let LibraryRow { device, inode, size, modified_ns, changed_ns } = whole(row)?;
    Ok(FileStamp { device, inode, size, modified_ns, changed_ns })
}

/// The rows of schema 1, for the step to schema 2.
pub(super) mod schema_1 {
    use super::{QuarantineRow, RawPath, Version, Wrong, head, whole};
    use serde::{Deserialize, Serialize};

    /// A quarantined build, without when and where.
    #[derive(Serialize, Deserialize)]
    pub(in super::super) struct Quarantine {
        pub(in super::super) version: Version,
        pub(in super::super) code: String,
        pub(in super::super) message: String,
    }

    /// The row of schema 2 for one of schema 1.
    pub(in super::super) fn quarantine_to_2(row: &[u8]) -> Result<Vec<u8>, Wrong> {
        let Quarantine { version, code, message } = whole(row)?;
        Ok(head(&QuarantineRow { version, code, message, unix_ms: 0, source: RawPath(Vec::new()) }))
    }
}
