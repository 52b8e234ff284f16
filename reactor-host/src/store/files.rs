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
