//! What there is to know of a system. Data; what the system does not say is absent.

use std::path::PathBuf;

/// All of it.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) system: System,
    pub(super) loader: Loader,
    /// This user; absent where users have no numbers.
    pub(super) user: Option<u32>,
    /// The folder with the plugins that was named.
    pub(super) plugins: Option<Plugins>,
    /// Where private copies go, and what lasts.
    pub(super) homes: Vec<Home>,
    /// The host that runs the folder with the plugins; absent where no folder is named.
    pub(super) host: Option<Host>,
    pub(super) limits: Limits,
    pub(super) rustc: Tool,
    pub(super) cargo: Tool,
    pub(super) compiler: Tool,
}

#[derive(Clone, Debug)]
pub(super) struct System {
    pub(super) os: &'static str,
    pub(super) arch: &'static str,
    /// Its name and release.
    pub(super) kernel: Option<String>,
    pub(super) libc: Option<String>,
}

/// Whether libraries can be loaded.
#[derive(Clone, Debug)]
pub(super) enum Loader {
    /// This program is linked so that it has no loader.
    Absent,
    /// A copy of this library, in the folder for private copies, was opened.
    Opened(String),
    /// It was not; the loader's words.
    Refused(String),
    /// Nothing was tried, since there was nothing to try it with.
    NotTried(&'static str),
}

/// A folder that a host writes to and loads from.
#[derive(Clone, Debug)]
pub(super) struct Home {
    /// What it is for.
    pub(super) check: &'static str,
    /// How another one is named: `TMPDIR`.
    pub(super) option: &'static str,
    pub(super) folder: Folder,
}

/// A host that may run.
#[derive(Clone, Debug)]
pub(super) enum Host {
    /// None does.
    Absent,
    /// One seems to, and gives no answer; why.
    Silent(String),
    Running(Running),
}

/// What a running host says.
#[derive(Clone, Debug, Default)]
pub(super) struct Running {
    /// The application, its version and its process.
    pub(super) name: String,
    /// How many plugins run.
    pub(super) plugins: usize,
    /// Those that failed or were refused.
    pub(super) troubled: Vec<String>,
    /// Plugins with generations that serve no more and can not be closed, and how many.
    pub(super) retained: Vec<(String, usize)>,
    /// Plugins with a build that is not tried again, and for which error code.
    pub(super) quarantined: Vec<(String, String)>,
    /// Mappings of its process.
    pub(super) mappings: Option<u64>,
}

/// A folder with plugins.
#[derive(Clone, Debug)]
pub(super) struct Plugins {
    pub(super) folder: Folder,
    /// How many a host would take.
    pub(super) usable: usize,
    /// How many files a host would refuse.
    pub(super) refused: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) state: FolderState,
}

#[derive(Clone, Debug)]
pub(super) enum FolderState {
    Missing,
    NotAFolder,
    /// It can not be listed; the system's words.
    Closed(String),
    Open(Open),
}

/// What is known of a folder that can be listed.
#[derive(Clone, Debug, Default)]
pub(super) struct Open {
    /// The number of the user whose it is.
    pub(super) owner: Option<u32>,
    /// The permission bits, with the sticky bit.
    pub(super) mode: Option<u32>,
    pub(super) mount: Option<Mount>,
    /// For this user.
    pub(super) free_bytes: Option<u64>,
    /// Whether a file can be made there, or the system's words; absent where nobody tried.
    pub(super) writable: Option<Result<(), String>>,
}

/// The file system that a folder stands on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) point: PathBuf,
    pub(super) kind: String,
    /// No code can be run from it, nor mapped.
    pub(super) noexec: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    /// Open files of a process.
    pub(super) files: Option<u64>,
    /// Processes and threads of this user.
    pub(super) threads: Option<u64>,
    /// Mappings of a process.
    pub(super) mappings: Option<u64>,
    pub(super) watches: Option<Used>,
    pub(super) instances: Option<Used>,
}

/// A limit of this user's, and what processes that we can look into use of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Used {
    pub(super) most: u64,
    pub(super) used: u64,
}

/// A program that `dev` and `build` need.
#[derive(Clone, Debug)]
pub(super) enum Tool {
    Missing,
    /// What it says of its version, in one line.
    Found(String),
}
