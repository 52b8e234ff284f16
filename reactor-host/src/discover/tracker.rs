//! From successive scans to changes: what appeared, was rebuilt, went away for good.
//!
//! Pure: it knows neither files nor clocks. A file that is still being written must not be offered, a file that a
//! build deletes and writes again must not stop its plugin, and of several files that offer one id exactly one
//! serves.

mod place;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use self::place::{Place, Verdict};
use super::{Candidate, DiscoverError, Entry, FileStamp, Outcome, Scan, Shadowed};
use crate::manifest::{Manifest, PluginId};

/// How the folders are looked at, and how long the tracker waits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a file must rest before it is taken for whole, unless it was seen to be closed or moved in.
    pub quiet: Duration,
    /// How long a deleted library may stay away before its plugin goes; `None` leaves it to each manifest
    /// (`run.delete-grace`, 3 s unless set).
    pub delete_grace: Option<Duration>,
    /// Looks at the folders this often and asks for no file events: for network and other file systems that have none
    /// to give. `None` follows the system's events.
    pub poll_every: Option<Duration>,
    /// Whether files and folders are taken that others than this user and root can change. For development only: who
    /// can write there decides what runs here.
    pub allow_shared_folders: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(100),
            delete_grace: None,
            poll_every: None,
            allow_shared_folders: false,
        }
    }
}

/// What a scan changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Change {
    /// A plugin is offered. When its id serves from another path already, this one takes its place: a swap.
    Appeared(Box<Candidate>),
    /// The path that serves holds a new build (another hash or another manifest), of whatever version.
    Rebuilt(Box<Candidate>),
    /// The library that served came back unchanged, within its grace or after a build that was refused: what serves is
    /// what stands there.
    Restored {
        /// The library.
        source: PathBuf,
    },
    /// The library that served stayed away for its grace, or its path now holds another plugin. An
    /// [`Appeared`](Change::Appeared) of the same id in the same batch takes its place.
    Removed {
        /// The library.
        source: PathBuf,
        /// The plugin that served from it.
        id: PluginId,
    },
    /// What stands at `source` is not used, and why; said once per state of its files. A build that serves from
    /// there goes on serving.
    Refused {
        /// The library, or what stands in its stead.
        source: PathBuf,
        /// The plugin, where it could be told.
        id: Option<PluginId>,
        /// The reason.
        error: DiscoverError,
    },
    /// Something that was refused, or listed but not serving, is no longer there.
    Gone {
        /// What was refused.
        source: PathBuf,
    },
}

impl Change {
    /// The path that this is about.
    pub fn source(&self) -> &Path {
        match self {
            Self::Appeared(candidate) | Self::Rebuilt(candidate) => &candidate.source,
            Self::Restored { source }
            | Self::Removed { source, .. }
            | Self::Refused { source, .. }
            | Self::Gone { source } => source,
        }
    }
}

type Policy = Box<dyn Fn(&Candidate) -> Result<(), String> + Send>;

/// Turns scans into [`Change`]s.
///
/// ```
/// use std::time::Instant;
/// use reactor_host::discover::{Known, Settings, Tracker, scan};
///
/// let (mut known, mut tracker) = (Known::new(), Tracker::new(Settings::default()));
/// let found = scan(&[], &known);
/// known.update(&found);
/// let changes = tracker.adopt(found, Instant::now());
/// assert!(changes.is_empty() && tracker.next_deadline().is_none());
/// ```
pub struct Tracker {
    settings: Settings,
    policy: Option<Policy>,
    places: BTreeMap<PathBuf, Place>,
    serving: BTreeMap<PluginId, PathBuf>,
    last: Option<Instant>,
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker").field("serving", &self.serving).finish_non_exhaustive()
    }
}

impl Tracker {
    /// A tracker that has seen nothing.
    pub fn new(settings: Settings) -> Self {
        Self { settings, policy: None, places: BTreeMap::new(), serving: BTreeMap::new(), last: None }
    }

    /// Has `accept` asked about every complete candidate; what it refuses, with its reason, never takes the place of
    /// a version that it accepts.
    #[must_use]
    pub fn accepting(mut self, accept: impl Fn(&Candidate) -> Result<(), String> + Send + 'static) -> Self {
        self.policy = Some(Box::new(accept));
        self
    }

    /// How the folders are looked at.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The path that serves `id`.
    pub fn serving(&self, id: &PluginId) -> Option<&Path> {
        self.serving.get(id).map(PathBuf::as_path)
    }

    /// Takes a scan as it is, waiting for no file to rest: for the first scan of a host that starts.
    pub fn adopt(&mut self, scan: Scan, now: Instant) -> Vec<Change> {
        let all =
            scan.found.iter().flat_map(|entry| entry.manifest_path.iter().chain([&entry.source])).cloned();
        let settled = all.collect();
        self.observe(scan, &settled, now)
    }

    /// Takes a scan, and the paths that were seen to be closed after writing, or moved in, before it began.
    ///
    /// A file that changed less than the quiet time before the scan, and is not among `settled_paths`, is held until
    /// it has rested.
    pub fn observe(&mut self, scan: Scan, settled_paths: &HashSet<PathBuf>, now: Instant) -> Vec<Change> {
        let mut changes = Vec::new();
        self.last = Some(now);
        let (at, quiet) = (scan.at, self.settings.quiet);
        let unlisted: Vec<PathBuf> = scan.found.iter().filter_map(unlisted).collect();
        // A build may delete the library first: the grace decides, and only then the reason is told.
        let (absent, there): (Vec<Entry>, Vec<Entry>) =
            scan.found.into_iter().partition(|entry| lacks_library(entry) && self.serves(&entry.source));
        let present: HashSet<PathBuf> = there.iter().map(|entry| entry.source.clone()).collect();

        let mut accepted = Vec::new();
        for entry in there {
            let rested = rested(&entry, at, quiet, settled_paths);
            accepted.extend(self.look(entry, rested, now, &mut changes));
        }
        // What cannot be listed for a moment is not deleted.
        let is_there =
            |path: &Path| present.contains(path) || unlisted.iter().any(|dir| path.starts_with(dir));
        self.miss(is_there, now, &mut changes);
        for entry in absent {
            if !self.serves(&entry.source) {
                accepted.extend(self.look(entry, true, now, &mut changes));
            }
        }
        accepted.sort_by_cached_key(|candidate| {
            let Manifest { id, version, .. } = &candidate.manifest;
            (id.clone(), Reverse(version.clone()), candidate.source.clone())
        });
        for candidate in accepted {
            self.accept(candidate, &mut changes);
        }
        changes
    }

    /// When the next scan is due even if nothing happens: a file has rested, or a grace has ended.
    pub fn next_deadline(&self) -> Option<Instant> {
        let wanted = self.places.values().any(|place| place.wanted);
        let waits = self.places.iter().filter_map(|(source, place)| {
            let gone = place.missing_since.filter(|_| self.serves(source));
            // A grace beyond what the clock can count never ends.
            let grace = gone.and_then(|since| since.checked_add(self.grace(place)));
            [place.deadline(self.settings.quiet), grace].into_iter().flatten().min()
        });
        waits.chain(self.last.filter(|_| wanted)).min()
    }

    /// The paths whose bytes the next scan must deliver, changed or not (see [`super::Known::forget`]): they are next
    /// in line for an id whose server went.
    pub fn wanted(&self) -> impl Iterator<Item = &Path> {
        self.places.iter().filter(|(_, place)| place.wanted).map(|(source, _)| source.as_path())
    }

    fn serves(&self, source: &Path) -> bool {
        self.places.get(source).and_then(|place| place.build.as_ref()).is_some_and(|build| {
            self.serving.get(&build.manifest.id).is_some_and(|serving| serving == source)
        })
    }

    fn grace(&self, place: &Place) -> Duration {
        let own = || place.build.as_ref().map_or(Duration::ZERO, |build| build.manifest.run.delete_grace);
        self.settings.delete_grace.unwrap_or_else(own)
    }

    fn look(
        &mut self,
        entry: Entry,
        rested: bool,
        now: Instant,
        changes: &mut Vec<Change>,
    ) -> Option<Box<Candidate>> {
        let place = self.places.entry(entry.source.clone()).or_default();
        match place.observe(entry, rested, self.settings.quiet, now) {
            Verdict::Nothing => return None,
            Verdict::Complete(candidate) => return Some(candidate),
            // Another path may have taken over while it was away.
            Verdict::Restored(source) if !self.serves(&source) => {}
            Verdict::Restored(source) => changes.push(Change::Restored { source }),
            Verdict::Refused { source, id, error } => changes.push(Change::Refused { source, id, error }),
        }
        None
    }

    /// Everything that is not there: those that serve have their grace, the others go at once.
    fn miss(&mut self, is_there: impl Fn(&Path) -> bool, now: Instant, changes: &mut Vec<Change>) {
        let missing: Vec<PathBuf> = self.places.keys().filter(|path| !is_there(path)).cloned().collect();
        for source in missing {
            let serves = self.serves(&source);
            let Some(place) = self.places.get_mut(&source) else { continue };
            let since = place.miss(now);
            let told = place.is_told();
            if serves {
                let grace = self.places.get(&source).map_or(Duration::ZERO, |place| self.grace(place));
                if now.saturating_duration_since(since) < grace {
                    continue;
                }
            }
            let Some(place) = self.places.remove(&source) else { continue };
            match place.build {
                Some(build) if serves => self.retire(source, build.manifest.id, changes),
                _ if told => changes.push(Change::Gone { source }),
                _ => {}
            }
        }
    }

    /// Takes `id` away from `source`, and has everybody else who offers it read again.
    fn retire(&mut self, source: PathBuf, id: PluginId, changes: &mut Vec<Change>) {
        self.serving.remove(&id);
        for place in self.places.values_mut() {
            if place.missing_since.is_none()
                && place.build.as_ref().is_some_and(|build| build.manifest.id == id)
            {
                place.want();
            }
        }
        changes.push(Change::Removed { source, id });
    }

    fn accept(&mut self, candidate: Box<Candidate>, changes: &mut Vec<Change>) {
        let (id, source) = (candidate.manifest.id.clone(), candidate.source.clone());
        if let Some(Err(reason)) = self.policy.as_ref().map(|accept| accept(&candidate)) {
            let error = DiscoverError::Unacceptable { id: id.clone(), path: source.clone(), reason };
            if let Some(place) = self.places.get_mut(&source) {
                place.decline(&candidate);
            }
            return self.refuse(source, id, error, changes);
        }
        let served =
            self.places.get(&source).and_then(|place| place.build.as_ref()).map(|b| b.manifest.id.clone());
        if let Some(old) = served.filter(|old| *old != id && self.serves(&source)) {
            self.retire(source.clone(), old, changes);
        }
        let other = self.serving.get(&id).filter(|serving| **serving != source).cloned();
        let rival = other.and_then(|path| Some((self.places.get(&path)?.version()?.clone(), path)));
        let again = self.serves(&source);
        if let Some(place) = self.places.get_mut(&source) {
            place.take(&candidate);
        }
        match rival {
            Some((by_version, by)) if by_version >= candidate.manifest.version => {
                let version = candidate.manifest.version.clone();
                let error = Shadowed { id: id.clone(), version, path: source.clone(), by, by_version };
                self.refuse(source, id, DiscoverError::Shadowed(error.into()), changes);
            }
            rival => {
                self.serving.insert(id.clone(), source.clone());
                let by_version = candidate.manifest.version.clone();
                changes.push(if again { Change::Rebuilt(candidate) } else { Change::Appeared(candidate) });
                if let Some((version, path)) = rival {
                    let error =
                        Shadowed { id: id.clone(), version, path: path.clone(), by: source, by_version };
                    self.refuse(path, id, DiscoverError::Shadowed(error.into()), changes);
                }
            }
        }
    }

    fn refuse(&mut self, source: PathBuf, id: PluginId, error: DiscoverError, changes: &mut Vec<Change>) {
        if let Some(place) = self.places.get_mut(&source) {
            place.tell();
        }
        changes.push(Change::Refused { source, id: Some(id), error });
    }
}

/// Whether both files of `entry` were closed, moved in, or have not changed for `quiet`.
fn rested(entry: &Entry, at: SystemTime, quiet: Duration, settled: &HashSet<PathBuf>) -> bool {
    // A plugin's own folder that was moved in brings everything with it.
    let folder = settled.contains(&entry.folder);
    let file = |stamp: Option<FileStamp>, path: Option<&PathBuf>| {
        stamp.is_none_or(|stamp| stamp.age(at) >= quiet) || path.is_some_and(|path| settled.contains(path))
    };
    folder
        || (file(entry.stamp.library, Some(&entry.source))
            && file(entry.stamp.manifest, entry.manifest_path.as_ref()))
}

/// Whether the library is not there: a manifest without one, or a link that leads nowhere.
fn lacks_library(entry: &Entry) -> bool {
    match &entry.outcome {
        Outcome::Refused(DiscoverError::NoLibrary { .. }) => true,
        Outcome::Refused(DiscoverError::Unreadable { path, source }) => {
            *path == entry.source && source.kind() == ErrorKind::NotFound
        }
        _ => false,
    }
}

/// The folder of an entry that says that a folder is there but could not be listed, or is not looked into.
fn unlisted(entry: &Entry) -> Option<PathBuf> {
    match &entry.outcome {
        Outcome::Refused(DiscoverError::Folder { path, source }) if source.kind() != ErrorKind::NotFound => {
            Some(path.clone())
        }
        // Not looked into: what serves from there goes on, as with a file that is refused.
        Outcome::Refused(DiscoverError::Exposed(_)) if entry.source == entry.folder => {
            Some(entry.folder.clone())
        }
        _ => None,
    }
}
