//! The host that commands run plugins in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reactor_host::Host;
use reactor_host::control::{Control, ControlError};
use reactor_host::discover::Settings;

use crate::error::CliError;
use crate::output;

/// How a host is told that files in its folders are complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Files {
    /// Somebody may be writing them: a file that was not seen to be closed must rest first, and one that is deleted may
    /// come back. For a host that follows its folders, and so looks again.
    MayChange,
    /// They are as they are meant to be: what is there counts at once, what is gone is gone. For a host that looks only
    /// when it is told to, where a file passed over for its youth would be missed in silence.
    AsTheyAre,
}

impl Files {
    fn settings(self) -> Settings {
        match self {
            Self::MayChange => Settings::default(),
            Self::AsTheyAre => {
                Settings { quiet: Duration::ZERO, delete_grace: Some(Duration::ZERO), ..Settings::default() }
            }
        }
    }
}

/// A host over plugin folders. Without a data folder it keeps nothing when it ends. `shared`: whether plugins are taken
/// from where others can write.
///
/// # Errors
///
/// What the host says, such as a folder for private copies that cannot be made.
#[expect(
    unsafe_code,
    reason = "whoever names a plugin folder on the command line asks for its native code to run"
)]
pub(crate) fn build(
    folders: &[PathBuf],
    files: Files,
    data: Option<&Path>,
    shared: bool,
) -> Result<Host, CliError> {
    let mut builder = Host::builder("dev.reactor.cli", env!("CARGO_PKG_VERSION"))
        .watching(files.settings())
        .try_again_after_rebuild(files == Files::AsTheyAre)
        .allow_shared_folders(shared);
    if let Some(data) = data {
        builder = builder.data_dir(data);
    }
    for folder in folders {
        builder = builder.plugins_dir(folder);
    }
    // SAFETY: the command's help says that native plugins run with all rights of this process and asks for trust; no
    // folder is loaded but those that the person named, or crates of theirs built by cargo just now.
    let builder = unsafe { builder.trust_native_code() };
    Ok(builder.build()?)
}

/// Lets other commands reach a host with a data folder. Where the system gives no socket there, that is said, and the host
/// runs without one.
///
/// # Errors
///
/// Another host has the folder.
pub(crate) fn serve(host: &Host) -> Result<Option<Control>, CliError> {
    match host.serve_control() {
        Ok(control) => Ok(Some(control)),
        Err(error @ ControlError::Held { .. }) => Err(error.into()),
        Err(error) => {
            output::warning(&error.into());
            Ok(None)
        }
    }
}
