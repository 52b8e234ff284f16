//! What the file system says about a file without its bytes being read, and what may be concluded from that.

use std::collections::{BTreeMap, HashSet};
use std::fs::Metadata;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{DiscoverError, Entry, Outcome, Scan};
use crate::manifest::PluginId;

/// How old the last change must have been when a file was read for an equal stamp to prove equal bytes: clocks of
/// file systems tick coarsely, so that two writes may share one time.
const SETTLED: Duration = Duration::from_secs(1);

/// Identity, size and times of one file. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileStamp {
    /// The device that holds the file; 0 where the system has no such number.
    pub device: u64,
    /// The file's number on the device; 0 where the system has no such number.
    pub inode: u64,
    /// The size in bytes.
    pub size: u64,
    /// When the bytes last changed.
    pub modified_ns: i64,
    /// When bytes or attributes last changed; equal to `modified_ns` where the system does not tell.
    pub changed_ns: i64,
}

impl FileStamp {
    /// Takes the stamp out of `metadata`.
    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let nanos = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified_ns: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: nanos(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Takes the stamp out of `metadata`.
    #[cfg(not(unix))]
    pub fn of(metadata: &Metadata) -> Self {
        let modified_ns = metadata.modified().map_or(0, nanos_of);
        Self { device: 0, inode: 0, size: metadata.len(), modified_ns, changed_ns: modified_ns }
    }

    /// How long ago the file last changed, as seen at `now`; zero when its time lies ahead of the clock. Only the time
    /// that the system keeps is asked: whoever writes a file can set the other one to anything.
    pub fn age(&self, now: SystemTime) -> Duration {
        let last = self.changed_ns;
        Duration::from_nanos(u64::try_from(nanos_of(now).saturating_sub(last)).unwrap_or(0))
    }

    /// Whether bytes that were read at `read_at` under this stamp are the file's bytes for as long as the stamp
    /// stays equal. A file that had changed less than a second before may change again under the same stamp.
    pub fn proves_bytes_read_at(&self, read_at: SystemTime) -> bool {
        self.age(read_at) >= SETTLED
    }
}

fn nanos_of(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    }
}

/// The stamps of everything that one entry was made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// The library; `None` where it is not there or could not be looked at.
    pub library: Option<FileStamp>,
    /// The manifest file; `None` where there is none.
    pub manifest: Option<FileStamp>,
}

impl Stamp {
    fn proves_bytes_read_at(&self, read_at: SystemTime) -> bool {
        self.library.is_some()
            && [self.library, self.manifest].iter().flatten().all(|file| file.proves_bytes_read_at(read_at))
    }
}

#[derive(Clone, Debug)]
pub(super) struct KnownFile {
    stamp: Stamp,
    read_at: SystemTime,
    pub(super) manifest_path: Option<PathBuf>,
    pub(super) id: Option<PluginId>,
}

/// What earlier scans have read, so that unchanged files are not read again.
#[derive(Clone, Debug, Default)]
pub struct Known {
    files: BTreeMap<PathBuf, KnownFile>,
}

impl Known {
    /// Nothing is known: everything is read.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over what `scan` has read and forgets what it did not find.
    pub fn update(&mut self, scan: &Scan) {
        let mut files = BTreeMap::new();
        for entry in &scan.found {
            if let Some(file) = self.next(entry, scan.at) {
                files.insert(entry.source.clone(), file);
            }
        }
        self.files = files;
    }

    /// Has the library at `source` read by the next scan, changed or not.
    pub fn forget(&mut self, source: &Path) {
        self.files.remove(source);
    }

    /// Has everything read again that was made from one of `files`: libraries, or manifests.
    pub(crate) fn forget_all(&mut self, files: &HashSet<PathBuf>) {
        if files.is_empty() {
            return;
        }
        self.files.retain(|source, file| {
            !(files.contains(source) || file.manifest_path.as_ref().is_some_and(|path| files.contains(path)))
        });
    }

    fn next(&self, entry: &Entry, at: SystemTime) -> Option<KnownFile> {
        match &entry.outcome {
            Outcome::Unchanged => self.files.get(&entry.source).cloned(),
            // What is wrong may stand in folders further up, whose change shows in no stamp.
            Outcome::Refused(DiscoverError::Exposed(_)) => None,
            Outcome::Candidate(_) | Outcome::Refused(_) if entry.stamp.library.is_some() => Some(KnownFile {
                stamp: entry.stamp,
                read_at: at,
                manifest_path: entry.manifest_path.clone(),
                id: entry.id.clone(),
            }),
            _ => None,
        }
    }

    pub(super) fn get(&self, source: &Path) -> Option<&KnownFile> {
        self.files.get(source)
    }

    /// The known libraries that stand directly in `folder`.
    pub(super) fn in_folder<'a>(
        &'a self,
        folder: &'a Path,
    ) -> impl Iterator<Item = (&'a Path, &'a KnownFile)> {
        self.files
            .range::<Path, _>((Bound::Included(folder), Bound::Unbounded))
            .take_while(move |(source, _)| source.starts_with(folder))
            .filter(move |(source, _)| source.parent() == Some(folder))
            .map(|(source, file)| (source.as_path(), file))
    }

    /// Whether what stands at `source` is proved to be what was read before.
    pub(super) fn holds(&self, source: &Path, manifest_path: Option<&Path>, stamp: &Stamp) -> bool {
        self.files.get(source).is_some_and(|known| {
            known.stamp == *stamp
                && known.manifest_path.as_deref() == manifest_path
                && known.stamp.proves_bytes_read_at(known.read_at)
        })
    }
}
