//! The host that commands run plugins in.

use std::path::PathBuf;

use reactor_host::Host;

use crate::error::CliError;

/// A host over plugin folders that keeps nothing when it ends.
///
/// # Errors
///
/// What the host says, such as a folder for private copies that cannot be made.
#[expect(unsafe_code, reason = "whoever names a plugin folder on the command line asks for its native code to run")]
pub(crate) fn build(folders: &[PathBuf]) -> Result<Host, CliError> {
    let mut builder = Host::builder("dev.reactor.cli", env!("CARGO_PKG_VERSION"));
    for folder in folders {
        builder = builder.plugins_dir(folder);
    }
    // SAFETY: the command's help says that native plugins run with all rights of this process and asks for trust; no
    // folder is loaded but those that the person named, or crates of theirs built by cargo just now.
    let builder = unsafe { builder.trust_native_code() };
    Ok(builder.build()?)
}
