//! Files for this user alone, and names that last.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// How a file for this user alone is opened: for reading and writing; made if need be, and if `create` allows it.
pub(super) fn private(create: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(create).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// Makes a folder, and those above it, for this user alone; one that is there keeps its permissions.
pub(super) fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Whether only this user can change what stands at `path`, as far as its own permissions tell; nothing may stand there
/// either. Code is run that is kept below, so another user's file is none of ours.
#[cfg(unix)]
pub(super) fn check_own(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    let user = rustix::process::geteuid().as_raw();
    let refused = |message: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    if metadata.is_symlink() {
        return refused("it is a link".to_owned());
    }
    if metadata.uid() != user {
        return refused(format!("it belongs to user {}, and this one is {user}", metadata.uid()));
    }
    if metadata.mode() & 0o002 != 0 {
        return refused("every user can write to it".to_owned());
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn check_own(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether other users can not take away, rename or replace what stands in a folder.
#[cfg(unix)]
pub(super) fn check_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let mode = fs::metadata(path)?.mode();
    // As in the system's folder for temporary files: everybody may write, and nobody may take another's away.
    let sticky = mode & 0o1000 != 0;
    if mode & 0o002 == 0 || sticky {
        return Ok(());
    }
    let message = "every user can write to it, and so change what is run from it";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
}

#[cfg(not(unix))]
pub(super) fn check_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Writes a whole file under a name that it has never half: aside first, then renamed. The name itself lasts from the
/// next [`sync_folder`] on.
pub(super) fn write_whole(path: &Path, aside: &Path, bytes: &[u8]) -> io::Result<()> {
    let write = || {
        let mut file = private(true).open(aside)?;
        file.set_len(0)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(aside, path)
    };
    write().inspect_err(|_| {
        // What is left half is removed now, or by the next sweep.
        let _ = fs::remove_file(aside);
    })
}

/// Makes the names in a folder last.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
