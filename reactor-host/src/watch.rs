//! Events of the file system, as hints of when to look at the plugin folders again.
//!
//! No event is trusted to say what happened: events are lost, reordered and named differently by each system. They
//! say that a look is worth it, and, where the system tells, that a file was closed after writing or moved in whole.
//! [`Follow`] does the looking.
//!
//! Architecture invariant: this is the only file that knows the `notify` crate.

mod follow;
mod inbox;
mod pulse;
mod roots;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use thiserror::Error;

pub use self::follow::{Effort, Follow, FollowSettings};
use self::roots::Roots;

/// When to look at the plugin folders again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// This file was closed after writing, or this file or folder was moved in: it is whole.
    Settled(PathBuf),
    /// Something happened at this path; a file there may still be written to.
    Touched(PathBuf),
    /// Events were lost, or cannot be told apart: look at everything.
    Rescan,
}

/// Why the plugin folders are not watched, or not all of them.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WatchError {
    /// The system's file events are not to be had.
    #[error("file events are not available: {source}; changes are found by looking every so often")]
    Unavailable {
        /// What the system said.
        source: notify::Error,
    },
    /// A folder cannot be watched; on Linux most often since `fs.inotify.max_user_watches` is used up.
    #[error(
        "cannot watch {}: {source}; changes there are found by looking every so often, or raise the system's limit of \
         watches", path.display()
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: notify::Error,
    },
    /// The thread that follows the folders cannot be started.
    #[error("cannot start a thread to follow the plugin folders: {source}; raise the limit of threads")]
    Thread {
        /// What the system said.
        source: std::io::Error,
    },
}

impl WatchError {
    /// The stable code of this kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "RE0160",
            Self::Folder { .. } => "RE0161",
            Self::Thread { .. } => "RE0162",
        }
    }
}

/// The most paths that are remembered as perhaps replaced; beyond that everything is watched anew.
const MOST_LOST: usize = 4096;

/// Watches plugin folders, and each folder in them, until it is dropped.
///
/// Of a folder that does not exist the nearest existing parent is watched. Folders that appear later are watched from
/// the next [`refresh`](Self::refresh) on; take a scan after each, since what happened before it was not seen.
#[derive(Debug)]
pub struct Watcher {
    notify: RecommendedWatcher,
    shared: Arc<Shared>,
    dirs: Vec<PathBuf>,
    /// What is watched, and what the folder was then.
    watched: BTreeMap<PathBuf, (u64, u64)>,
}

#[derive(Debug)]
struct Shared {
    stopped: AtomicBool,
    roots: Mutex<Roots>,
    /// Watched folders that were removed, moved or replaced: the system dropped their watches.
    lost: Mutex<HashSet<PathBuf>>,
    /// Events were lost, and with them, perhaps, that a folder was replaced by one that got its number.
    all_lost: AtomicBool,
}

impl Watcher {
    /// Starts watching `dirs`; each hint goes to `sender`, on a thread of the watcher.
    ///
    /// Paths in hints begin as those in `dirs` do.
    ///
    /// # Errors
    ///
    /// [`WatchError::Unavailable`] where the system has no file events to give, [`WatchError::Folder`] where it can
    /// watch none of the folders; [`refresh`](Self::refresh) tells of single ones.
    pub fn start(dirs: Vec<PathBuf>, sender: impl Fn(Hint) + Send + 'static) -> Result<Self, WatchError> {
        let shared = Arc::new(Shared {
            stopped: AtomicBool::new(false),
            roots: Mutex::new(Roots::of(&dirs)),
            lost: Mutex::new(HashSet::new()),
            all_lost: AtomicBool::new(false),
        });
        let events = shared.clone();
        let notify = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if !events.stopped.load(Ordering::Acquire) {
                events.hints(event, &sender);
            }
        });
        let notify = notify.map_err(|source| WatchError::Unavailable { source })?;
        let mut watcher = Self { notify, shared, dirs, watched: BTreeMap::new() };
        match watcher.refresh() {
            Err(error) if watcher.watched.is_empty() => Err(error),
            _ => Ok(watcher),
        }
    }

    /// Watches what has appeared, and watches anew what was replaced.
    ///
    /// # Errors
    ///
    /// [`WatchError::Folder`] for the first folder that cannot be watched; the others are.
    pub fn refresh(&mut self) -> Result<(), WatchError> {
        *lock(&self.shared.roots) = Roots::of(&self.dirs);
        // Released before anything is asked of the system's thread, which takes it for each event.
        let mut lost = std::mem::take(&mut *lock(&self.shared.lost));
        if self.shared.all_lost.swap(false, Ordering::AcqRel) {
            lost.extend(self.watched.keys().cloned());
        }
        for lost in lost {
            self.unwatch(&lost);
        }
        let wanted = wanted(&self.dirs);
        let stale = |path: &PathBuf, identity: &(u64, u64)| wanted.get(path) != Some(identity);
        let gone: Vec<PathBuf> =
            self.watched.iter().filter(|(p, n)| stale(p, n)).map(|(p, _)| p.clone()).collect();
        for path in gone {
            self.unwatch(&path);
        }
        let mut first = None;
        for (path, identity) in wanted {
            if self.watched.contains_key(&path) {
                continue;
            }
            match self.notify.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(path, identity);
                }
                // It went away in between: its parent's event brings the next look.
                Err(_) if !path.exists() => {}
                Err(source) => first = first.or(Some(WatchError::Folder { path, source })),
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// Has the next [`refresh`](Self::refresh) watch everything anew, whatever it looks like.
    pub fn distrust(&self) {
        self.shared.all_lost.store(true, Ordering::Release);
    }

    fn unwatch(&mut self, path: &Path) {
        if self.watched.remove(path).is_some() {
            // An error says that the system dropped the watch before.
            let _ = self.notify.unwatch(path);
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
    }
}

impl Shared {
    fn lose(&self, path: PathBuf) {
        let mut lost = lock(&self.lost);
        if lost.len() < MOST_LOST {
            lost.insert(path);
        } else {
            self.all_lost.store(true, Ordering::Release);
        }
    }

    fn hints(&self, event: notify::Result<Event>, sender: &impl Fn(Hint)) {
        let event = match event {
            Ok(event) if !event.need_rescan() => event,
            _ => {
                self.all_lost.store(true, Ordering::Release);
                return sender(Hint::Rescan);
            }
        };
        let whole = leaves_whole(event.kind);
        match event.kind {
            _ if whole => {}
            // The scan itself opens and reads, and following that would never end; a rename of both names was told
            // before, name by name.
            EventKind::Access(_) | EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => return,
            _ => {}
        }
        let replaces = matches!(
            event.kind,
            EventKind::Create(_)
                | EventKind::Remove(_)
                | EventKind::Modify(ModifyKind::Name(_) | ModifyKind::Any)
        );
        for path in event.paths {
            let place = lock(&self.roots).place(&path);
            // Nothing is watched that has no place; names that come and go do not pile up here.
            if replaces && place.is_some() {
                self.lose(path);
            }
            match place {
                Some(path) if whole => sender(Hint::Settled(path)),
                Some(path) => sender(Hint::Touched(path)),
                None => {}
            }
        }
    }
}

/// Whether the file is whole after such an event: it was closed after writing, or moved in.
fn leaves_whole(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Name(RenameMode::To))
    )
}

/// Watches source code until it is dropped: of some folders what stands in them, of others everything below too.
///
/// For tools that build plugins. Unlike [`Watcher`] it filters nothing and maps no paths. A file that was closed after
/// writing, or moved in, is [`Settled`](Hint::Settled).
#[derive(Debug)]
pub struct SourceWatcher {
    notify: RecommendedWatcher,
}

impl SourceWatcher {
    /// Starts a watcher that watches nothing yet; each hint goes to `sender`, on a thread of the watcher.
    ///
    /// # Errors
    ///
    /// [`WatchError::Unavailable`] where the system has no file events to give.
    pub fn start(sender: impl Fn(Hint) + Send + 'static) -> Result<Self, WatchError> {
        let tell = move |event: notify::Result<Event>| match event {
            Ok(event) if event.need_rescan() => sender(Hint::Rescan),
            // Whoever builds opens and reads: following that would never end.
            Ok(Event { kind: EventKind::Access(kind), .. })
                if kind != AccessKind::Close(AccessMode::Write) => {}
            // It was told before, name by name.
            Ok(Event { kind: EventKind::Modify(ModifyKind::Name(RenameMode::Both)), .. }) => {}
            Ok(event) if leaves_whole(event.kind) => {
                event.paths.into_iter().map(Hint::Settled).for_each(&sender);
            }
            Ok(event) => event.paths.into_iter().map(Hint::Touched).for_each(&sender),
            Err(_) => sender(Hint::Rescan),
        };
        let notify =
            notify::recommended_watcher(tell).map_err(|source| WatchError::Unavailable { source })?;
        Ok(Self { notify })
    }

    /// Watches `folder`, and with `below` all folders in it, those included that appear later. Watching again what
    /// is watched already does no harm, and is needed for a folder that was deleted and made anew. A folder that
    /// does not exist is none to watch.
    ///
    /// # Errors
    ///
    /// [`WatchError::Folder`] when the system refuses.
    pub fn watch(&mut self, folder: &Path, below: bool) -> Result<(), WatchError> {
        let mode = if below { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        match self.notify.watch(folder, mode) {
            Err(source) if folder.exists() => Err(WatchError::Folder { path: folder.to_owned(), source }),
            _ => Ok(()),
        }
    }
}

/// The folders to watch now, with what they are.
fn wanted(dirs: &[PathBuf]) -> BTreeMap<PathBuf, (u64, u64)> {
    let mut wanted = BTreeMap::new();
    for dir in dirs {
        let Ok(absolute) = std::path::absolute(dir) else { continue };
        for existing in absolute.ancestors() {
            let Ok(metadata) = existing.metadata() else { continue };
            wanted.insert(existing.to_owned(), identity(&metadata));
            break;
        }
        let Ok(entries) = absolute.read_dir() else { continue };
        for entry in entries.flatten().filter(|entry| !crate::discover::is_passing(&entry.file_name())) {
            let path = entry.path();
            if let Some(metadata) = path.metadata().ok().filter(std::fs::Metadata::is_dir) {
                wanted.insert(path, identity(&metadata));
            }
        }
    }
    wanted
}

/// Which folder it is, whatever its name: device and number.
#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> (u64, u64) {
    (0, 0)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is behind these locks is replaced whole, never left half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
