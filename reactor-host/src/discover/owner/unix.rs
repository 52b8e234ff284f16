//! The walk from the root to a file, one descriptor at a time.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Stat, fstat, open as open_at_path, openat, readlinkat, statat,
};

use super::private_group::is_private;
use super::{Culprit, Exposed, Exposure, Fault};

/// As many links as Linux follows in one path.
const MAX_LINKS: usize = 40;

const STICKY: u32 = 0o1000;
const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
const OTHERS_WRITE: u32 = 0o002;

/// A pipe that took the name after the check neither blocks the reader nor becomes its terminal.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Folders are passed through, not listed.
#[cfg(target_os = "linux")]
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opens `path` for reading. Unless `shared` folders are accepted, the file and the way to it are judged first, and the
/// file is the one that was judged.
pub(in super::super) fn open(path: &Path, shared: bool) -> Result<File, Fault> {
    if shared {
        return Ok(File::from(open_at_path(path, FILE, Mode::empty()).map_err(io::Error::from)?));
    }
    walk(path, FILE).map(File::from)
}

/// Judges the folder at `path`, and the way to it.
pub(in super::super) fn check_folder(path: &Path) -> Result<(), Fault> {
    walk(path, FOLDER).map(drop)
}

/// Judges the folder at `path` where the way to its name was judged before: one look, unless it is reached by a link or
/// something is wrong with it.
pub(in super::super) fn check_folder_here(path: &Path) -> Result<(), Fault> {
    use std::os::unix::fs::MetadataExt as _;
    let seen = path.symlink_metadata()?;
    let ours = [rustix::process::geteuid().as_raw(), 0].contains(&seen.uid());
    if seen.is_dir() && ours && seen.mode() & GROUP_OR_OTHERS_WRITE == 0 {
        return Ok(());
    }
    check_folder(path)
}

/// A folder on the way.
struct Step {
    path: PathBuf,
    folder: OwnedFd,
    stat: Stat,
}

/// What was found on the way so far.
struct Judge {
    user: u32,
    culprits: Vec<Culprit>,
}

impl Judge {
    fn is_ours(&self, stat: &Stat) -> bool {
        [self.user, 0].contains(&stat.st_uid)
    }

    /// Whether anybody else can write to it. A group with nobody but the user in it is nobody else; it is looked up anew
    /// each time, since it is seldom asked for and may change.
    fn others_write(&self, stat: &Stat) -> bool {
        let mode = mode(stat);
        if mode & GROUP_OR_OTHERS_WRITE == 0 {
            return false;
        }
        if mode & OTHERS_WRITE != 0 {
            return true;
        }
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        !is_private(stat.st_gid, self.user, &read("/etc/passwd"), &read("/etc/group"))
    }

    fn blame(&mut self, path: &Path, stat: &Stat, exposure: Exposure) {
        if self.culprits.iter().any(|known| known.path == path && known.exposure == exposure) {
            return;
        }
        let (mode, owner) = (mode(stat) & 0o7777, stat.st_uid);
        self.culprits.push(Culprit { path: path.to_owned(), exposure, mode, owner });
    }

    /// What is used itself, or holds what is used: nobody else may write to it, sticky or not.
    fn strictly(&mut self, path: &Path, stat: &Stat) {
        if !self.is_ours(stat) {
            self.blame(path, stat, Exposure::Foreign);
        }
        if self.others_write(stat) {
            self.blame(path, stat, Exposure::Writable);
        }
    }

    /// A folder further up. In a sticky one others can add names, and can neither rename nor remove what is not theirs.
    fn on_the_way(&mut self, folder: &Step, child: &Path, child_stat: &Stat) {
        if !self.is_ours(&folder.stat) {
            self.blame(&folder.path, &folder.stat, Exposure::Foreign);
        }
        if !self.others_write(&folder.stat) {
            return;
        }
        if mode(&folder.stat) & STICKY == 0 {
            self.blame(&folder.path, &folder.stat, Exposure::Writable);
        } else if !self.is_ours(child_stat) {
            self.blame(child, child_stat, Exposure::Foreign);
        }
    }
}

/// Goes to `path` and opens it with `flags`; every folder on the way, every link's folder, and the end are judged.
fn walk(path: &Path, flags: OFlags) -> Result<OwnedFd, Fault> {
    let mut judge = Judge { user: rustix::process::geteuid().as_raw(), culprits: Vec::new() };
    let mut todo: Vec<OsString> = Vec::new();
    plan(&std::path::absolute(path)?, &mut todo);
    let root = open_at_path("/", FOLDER, Mode::empty()).map_err(io::Error::from)?;
    let stat = fstat(&root).map_err(io::Error::from)?;
    let mut way = vec![Step { path: PathBuf::from("/"), folder: root, stat }];
    let mut links = 0;
    let mut end = None;
    while let Some(name) = todo.pop() {
        let Some(holder) = way.last() else { break };
        if name == ".." {
            if way.len() > 1 {
                way.pop();
            }
            continue;
        }
        let place = holder.path.join(&name);
        let seen = statat(&holder.folder, &name, AtFlags::SYMLINK_NOFOLLOW).map_err(io::Error::from)?;
        let is_last = todo.is_empty();
        if is_last && flags == FILE {
            judge.strictly(&holder.path, &holder.stat);
        } else {
            judge.on_the_way(holder, &place, &seen);
        }
        if FileType::from_raw_mode(seen.st_mode) == FileType::Symlink {
            links += 1;
            if links > MAX_LINKS {
                return Err(io::Error::from(rustix::io::Errno::LOOP).into());
            }
            let target = readlinkat(&holder.folder, &name, Vec::new()).map_err(io::Error::from)?;
            let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
            if target.is_absolute() {
                way.truncate(1);
            }
            plan(&target, &mut todo);
            continue;
        }
        // The name may have been given to something else since: that is then no link, and is judged like any other.
        let flags = if is_last { flags } else { FOLDER };
        let opened = openat(&holder.folder, &name, flags | OFlags::NOFOLLOW, Mode::empty())
            .map_err(io::Error::from)?;
        let stat = fstat(&opened).map_err(io::Error::from)?;
        if is_last {
            judge.strictly(&place, &stat);
            end = Some(opened);
        } else {
            way.push(Step { path: place, folder: opened, stat });
        }
    }
    // A way that ends with `..`, or at the root.
    if let (None, Some(last)) = (&end, way.last()) {
        judge.strictly(&last.path, &last.stat);
    }
    let Judge { user, culprits } = judge;
    match end.or_else(|| way.pop().map(|last| last.folder)) {
        _ if !culprits.is_empty() => {
            Err(Fault::Exposed(Box::new(Exposed { path: path.to_owned(), user, culprits })))
        }
        Some(end) => Ok(end),
        None => Err(io::Error::from(io::ErrorKind::NotFound).into()),
    }
}

/// Puts the names of `path` on top of what is still to go.
fn plan(path: &Path, todo: &mut Vec<OsString>) {
    let names = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        Component::ParentDir => Some(OsStr::new("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    todo.extend(names.map(OsStr::to_owned));
}

#[cfg(target_os = "linux")]
fn mode(stat: &Stat) -> u32 {
    stat.st_mode
}

#[cfg(not(target_os = "linux"))]
fn mode(stat: &Stat) -> u32 {
    stat.st_mode.into()
}
