//! Looking at and reading one file, without ever waiting on a pipe or trusting a name twice.

use std::fs::Metadata;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use super::owner::{self, Fault};
use super::{DiscoverError, FileStamp, Look};

/// The whole of one file, with the stamp that it had before and after reading.
pub(super) struct FileBytes {
    pub(super) bytes: Arc<[u8]>,
    pub(super) stamp: FileStamp,
}

/// The stamp of the regular file at `path`, `None` where nothing is.
pub(super) fn stamp(path: &Path) -> Result<Option<FileStamp>, DiscoverError> {
    match std::fs::metadata(path) {
        Ok(metadata) => regular(path, &metadata).map(|()| Some(FileStamp::of(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => Ok(None),
        Err(error) => Err(unreadable(path, error)),
    }
}

/// Reads the regular file at `path` once, from one descriptor, whose owner and rights were judged.
///
/// # Errors
///
/// [`DiscoverError::Changing`] when the file was written to meanwhile; `Unreadable`, `NotRegular`, `TooLarge`,
/// `Exposed`.
pub(super) fn read(path: &Path, limit: u64, look: &Look<'_>) -> Result<FileBytes, DiscoverError> {
    let tell = |metadata: io::Result<Metadata>| metadata.map_err(|error| unreadable(path, error));
    // The type is known before opening, since opening a device can act on it, and asked again of the descriptor,
    // since the name may have been given to something else in between.
    regular(path, &tell(std::fs::metadata(path))?)?;
    let mut file = owner::open(path, look.options.allow_shared_folders).map_err(|fault| match fault {
        Fault::System(error) => unreadable(path, error),
        Fault::Exposed(exposed) => DiscoverError::Exposed(exposed),
    })?;
    let before = tell(file.metadata())?;
    regular(path, &before)?;
    let stamp = FileStamp::of(&before);
    let changing = || DiscoverError::Changing { path: path.to_owned() };
    let too_large = || DiscoverError::TooLarge { path: path.to_owned(), bytes: stamp.size, limit };
    let size = usize::try_from(stamp.size).ok().filter(|_| stamp.size <= limit).ok_or_else(too_large)?;

    look.files_read.set(look.files_read.get() + 1);
    // Copied once more below, which is cheaper than filling a shared slice byte by byte where nothing is optimised.
    let mut buffer = vec![0; size];
    match file.read_exact(&mut buffer) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(changing()),
        Err(error) => return Err(unreadable(path, error)),
    }
    if FileStamp::of(&tell(file.metadata())?) != stamp {
        return Err(changing());
    }
    Ok(FileBytes { bytes: buffer.into(), stamp })
}

fn unreadable(path: &Path, source: io::Error) -> DiscoverError {
    DiscoverError::Unreadable { path: path.to_owned(), source }
}

fn regular(path: &Path, metadata: &Metadata) -> Result<(), DiscoverError> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(DiscoverError::NotRegular { path: path.to_owned(), kind: kind(metadata) })
}

#[cfg(unix)]
fn kind(metadata: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = metadata.file_type();
    match () {
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () if kind.is_block_device() || kind.is_char_device() => "a device",
        () => "a special file",
    }
}

#[cfg(not(unix))]
fn kind(metadata: &Metadata) -> &'static str {
    if metadata.is_dir() { "a folder" } else { "a special file" }
}
