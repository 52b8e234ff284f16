//! Asking the system. What it does not say stays unknown; nothing here is judged.

mod host;
mod loader;
#[cfg(target_os = "linux")]
mod proc;

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use reactor_host::discover::{Change, Known, Settings, Tracker, scan};

use super::facts::{Facts, Folder, FolderState, Home, Limits, Open, Plugins, System, Tool};
use crate::verdict::Refusal;

/// Everything, of this system, and of a folder with plugins and its host if they are named.
pub(super) fn facts(plugins: Option<&Path>, data: Option<&Path>) -> Facts {
    let temporary = Home { check: "temporary", option: "TMPDIR", folder: writable(&std::env::temp_dir()) };
    let mut homes = vec![temporary];
    if let Some(data) = data {
        // One that is not there yet is made where it would stand.
        let there = data.ancestors().find(|folder| folder.exists()).unwrap_or(data);
        homes.push(Home { check: "data", option: "--data", folder: writable(there) });
    }
    let copies = homes.last().map(|home| home.folder.path.clone()).unwrap_or_default();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Facts {
        system: System {
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
            kernel: kernel(),
            libc: libc(),
        },
        loader: loader::try_it(&copies),
        user: user(),
        plugins: plugins.map(look),
        homes,
        host: data.map(host::ask),
        limits: limits(),
        rustc: tool(Command::new("rustc")),
        cargo: tool(Command::new(cargo)),
        compiler: tool(Command::new("cc")),
    }
}

/// What `program --version` says.
fn tool(mut program: Command) -> Tool {
    let said = program.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let text = said.ok().filter(|said| said.status.success());
    let text = text.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
    let line = text.and_then(|text| text.lines().next().map(|line| line.trim().to_owned()));
    line.map_or(Tool::Missing, Tool::Found)
}

fn look(path: &Path) -> Plugins {
    let folder = Folder { path: path.to_owned(), state: state(path, false) };
    let (mut usable, mut refused) = (0, 0);
    if matches!(folder.state, FolderState::Open(_)) {
        // As `reactor list` looks.
        let found = scan(&[path.to_owned()], &Known::new());
        for change in Tracker::new(Settings::default()).adopt(found, Instant::now()) {
            match change {
                Change::Appeared(candidate) | Change::Rebuilt(candidate)
                    if Refusal::of(&candidate).is_none() =>
                {
                    usable += 1;
                }
                Change::Appeared(_) | Change::Rebuilt(_) | Change::Refused { .. } => refused += 1,
                _ => {}
            }
        }
    }
    Plugins { folder, usable, refused }
}

fn writable(path: &Path) -> Folder {
    Folder { path: path.to_owned(), state: state(path, true) }
}

fn state(path: &Path, to_be_written: bool) -> FolderState {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return FolderState::Missing,
        Err(error) => return FolderState::Closed(error.to_string()),
    };
    if !metadata.is_dir() {
        return FolderState::NotAFolder;
    }
    if let Err(error) = fs::read_dir(path) {
        return FolderState::Closed(error.to_string());
    }
    let tried = || tempfile::tempfile_in(path).map(drop).map_err(|error| error.to_string());
    let mut open = Open { writable: to_be_written.then(tried), ..Open::default() };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        open.owner = Some(metadata.uid());
        open.mode = Some(metadata.mode() & 0o7777);
        let space = rustix::fs::statvfs(path).ok();
        open.free_bytes = space.map(|space| space.f_bavail.saturating_mul(space.f_frsize));
    }
    #[cfg(target_os = "linux")]
    {
        open.mount = proc::mount_of(path);
    }
    FolderState::Open(open)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn user() -> Option<u32> {
    None
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems do not tell")]
fn kernel() -> Option<String> {
    let name = rustix::system::uname();
    Some(format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy()))
}

#[cfg(not(unix))]
fn kernel() -> Option<String> {
    None
}

/// The C library, as its own tool says.
#[cfg(target_os = "linux")]
fn libc() -> Option<String> {
    if cfg!(target_env = "musl") {
        return Some("musl".to_owned());
    }
    let mut command = Command::new("getconf");
    let said = command.arg("GNU_LIBC_VERSION").stderr(Stdio::null()).output().ok()?;
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    (said.status.success() && !version.is_empty()).then_some(version)
}

#[cfg(not(target_os = "linux"))]
fn libc() -> Option<String> {
    None
}

#[cfg(unix)]
fn limits() -> Limits {
    use rustix::process::{Resource, getrlimit};

    // No limit is as good as a large one.
    let limit = |resource| Some(getrlimit(resource).current.unwrap_or(u64::MAX));
    let mut limits =
        Limits { files: limit(Resource::Nofile), threads: limit(Resource::Nproc), ..Limits::default() };
    #[cfg(target_os = "linux")]
    proc::limits(&mut limits);
    limits
}

#[cfg(not(unix))]
fn limits() -> Limits {
    Limits::default()
}
