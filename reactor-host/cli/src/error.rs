//! Why a command could not do what was asked.

use std::io;
use std::path::PathBuf;

use reactor_host::discover::DiscoverError;
use reactor_host::manifest::{ManifestError, PluginId};
use thiserror::Error;

use crate::status::ExitStatus;

/// An error of a command, or of what it used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum CliError {
    /// Cargo cannot be started.
    #[error(
        "cannot start {program}: {source}; install Rust's toolchain, or name cargo in the variable CARGO"
    )]
    CargoMissing {
        /// The program that was tried.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// Cargo does not understand a package or workspace.
    #[error("cargo cannot read the packages in {}: {message}", folder.display())]
    Metadata {
        /// Where cargo was run.
        folder: PathBuf,
        /// Cargo's words.
        message: String,
    },
    /// No plugin crate was found.
    #[error("no plugin to build: {why}")]
    NoPlugins {
        /// The path that was named.
        path: PathBuf,
        /// What is missing there, and what to do.
        why: String,
    },
    /// A file of a plugin cannot be read or put in its place.
    #[error("cannot {what} {}: {source}; {}", path.display(), advice(source))]
    File {
        /// What was tried: `read`, `write`.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Two crates are one plugin.
    #[error("{id} is the id of two crates, {} and {}; give one of them another id", first.display(), second.display())]
    SameId {
        /// The id.
        id: PluginId,
        /// The crate that has it.
        first: PathBuf,
        /// The crate that wants it too.
        second: PathBuf,
    },
    /// Cargo built without making the library that was expected.
    #[error("{} of {} did not compile: {}; cargo's messages above say why", failed.len(), total, failed.join(", "))]
    NotCompiled {
        /// The plugins.
        failed: Vec<String>,
        /// How many were to be built.
        total: usize,
    },
    /// The value for a call is no JSON.
    #[error("{}", bad_value(source, *from_stdin))]
    BadValue {
        /// Whether it came on standard input.
        from_stdin: bool,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// Standard input cannot be read.
    #[error("cannot read standard input: {source}; give the value on the command line instead")]
    Input {
        /// What the system said.
        source: io::Error,
    },
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}; check where it leads")]
    Output(#[from] io::Error),
    /// Ctrl-C cannot be caught.
    #[error("cannot listen for Ctrl-C: {0}; end the command with another signal")]
    Interrupt(#[from] ctrlc::Error),
    /// A thread cannot be started.
    #[error("cannot start a thread: {source}; raise the limit of threads")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
    /// There is no such error code.
    #[error("{}", no_such_code(text, near))]
    NoSuchCode {
        /// What was asked for.
        text: String,
        /// Codes that may have been meant.
        near: Vec<&'static str>,
    },
    /// There is no place for what lasts.
    #[error("no data folder for {}: {why}; name one with --data DIR or the variable REACTOR_DATA", plugins.display())]
    NoDataFolder {
        /// The plugin folder.
        plugins: PathBuf,
        /// What is missing.
        why: &'static str,
    },
    /// A command for a running host, and none runs.
    #[error(
        "no host runs on {what}: nobody serves a control socket in {}; start one with `{start}`",
        data.display()
    )]
    NotRunning {
        /// What was named.
        what: String,
        /// Where it was looked for.
        data: PathBuf,
        /// How to start one.
        start: String,
    },
    /// Events came faster than they were printed.
    #[error(
        "{count} events were left out here: they came faster than they were read; the numbers (`seq`) show the gap"
    )]
    Lost {
        /// How many.
        count: u64,
    },
    /// What is to be made cannot be called that.
    #[error(
        "{name:?} is no name for a plugin or crate: {why}; use lower-case letters, digits and single hyphens, as in \
         `word-count`"
    )]
    BadName {
        /// The name.
        name: String,
        /// The rule that it breaks.
        why: String,
    },
    /// Something is there already.
    #[error("{} is there and is not empty: choose another name, or move it away", path.display())]
    FolderTaken {
        /// The folder.
        path: PathBuf,
    },
    /// An application, which is a workspace, where it would be a member of another one.
    #[error(
        "{} would be a member of the workspace {}, and an application is a workspace of its own: make it elsewhere, or \
         name it under `exclude` there first",
        path.display(),
        root.join("Cargo.toml").display()
    )]
    WithinWorkspace {
        /// What was to be made.
        path: PathBuf,
        /// The workspace's folder.
        root: PathBuf,
    },
    /// The control socket.
    #[error(transparent)]
    Control(#[from] reactor_host::control::ControlError),
    /// Something in a plugin folder.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// A crate's plugin.toml.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// File events.
    #[error(transparent)]
    Watch(#[from] reactor_host::watch::WatchError),
    /// The host.
    #[error(transparent)]
    Host(#[from] reactor_host::HostError),
    /// What a plugin, or the host on its behalf, answered.
    #[error("{message}")]
    Answer {
        /// Its stable code.
        code: String,
        /// Its words.
        message: String,
    },
}

impl CliError {
    /// The stable code of this kind of error; that of the cause where there is one.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::CargoMissing { .. } => "RE0901",
            Self::Metadata { .. } => "RE0902",
            Self::NoPlugins { .. } => "RE0903",
            Self::File { .. } => "RE0904",
            Self::SameId { .. } => "RE0905",
            Self::NotCompiled { .. } => "RE0906",
            Self::BadValue { .. } => "RE0907",
            Self::Input { .. } => "RE0908",
            Self::Output(_) => "RE0909",
            Self::Interrupt(_) => "RE0910",
            Self::Thread { .. } => "RE0911",
            Self::NoSuchCode { .. } => "RE0920",
            Self::NoDataFolder { .. } => "RE0930",
            Self::NotRunning { .. } => "RE0931",
            Self::Lost { .. } => "RE0932",
            Self::BadName { .. } => "RE0940",
            Self::FolderTaken { .. } => "RE0941",
            Self::WithinWorkspace { .. } => "RE0942",
            Self::Control(error) => error.code(),
            Self::Discover(error) => error.code(),
            Self::Manifest(error) => error.code(),
            Self::Watch(error) => error.code(),
            Self::Host(error) => error.code(),
            Self::Answer { code, .. } => code,
        }
    }

    /// How the command ends with it. Whoever reads our output and stops reading, has what was wanted.
    pub(crate) fn status(&self) -> ExitStatus {
        match self {
            Self::BadValue { .. } | Self::NoSuchCode { .. } | Self::BadName { .. } => ExitStatus::Usage,
            error if error.is_closed_pipe() => ExitStatus::Done,
            _ => ExitStatus::Failed,
        }
    }

    /// Whether the reader of our output is gone.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Reading `path` failed.
    pub(crate) fn reading(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what: "read", path, source }
    }

    /// Writing `path` failed.
    pub(crate) fn writing(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what: "write", path, source }
    }
}

impl From<reactor_abi::Error> for CliError {
    fn from(error: reactor_abi::Error) -> Self {
        Self::Answer { code: error.code().to_owned(), message: error.to_string() }
    }
}

fn bad_value(source: &serde_json::Error, from_stdin: bool) -> String {
    if from_stdin {
        return format!("what came on standard input is not JSON: {source}");
    }
    format!("the value to send is not JSON: {source}; quote it for the shell: '{{\"name\": \"Ada\"}}'")
}

fn no_such_code(text: &str, near: &[&str]) -> String {
    if let [first, rest @ ..] = near {
        let more = std::iter::once(first).chain(rest).copied().collect::<Vec<_>>().join(", ");
        return format!("there is no error code {text}; did you mean {more}?");
    }
    let looks_like_ours = text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("RE"));
    if looks_like_ours || text.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("there is no error code {text}; `reactor explain` lists all of them");
    }
    format!(
        "{text} is no code of Reactor's, which are RE and four digits; a plugin chooses its own: ask its author"
    )
}

/// What to do about a file or folder that the system does not give.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file stands where a folder is needed: name another folder, or move the file away"
        }
        io::ErrorKind::IsADirectory => "a folder stands where a file is needed: move it away",
        io::ErrorKind::PermissionDenied => "check its permissions",
        io::ErrorKind::ReadOnlyFilesystem => "nothing can be written there: name another folder",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make space on the disk",
        _ => "check the disk, and try again",
    }
}
