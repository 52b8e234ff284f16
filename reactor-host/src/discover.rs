//! What stands in the plugin folders.
//!
//! A plugin is either a folder inside one of the plugin folders, holding `plugin.toml` and its library, or a lone
//! library with its manifest beside it (`foo.toml` or `libfoo.toml` for `libfoo.so`) or inside it. [`scan`] looks at
//! everything and says of each place what it found; it never stops at a bad one. Bytes are read once, from one
//! descriptor, and everything later (checks, staging, loading) works on those bytes.
//!
//! A scan is the truth; events of the file system (see [`crate::watch`]) only say when to take the next one.
//! [`Tracker`] turns successive scans into changes.

mod error;
mod file;
#[cfg(test)]
pub(crate) mod fixture;
mod folder;
mod hash;
mod owner;
mod read;
mod stamp;
#[cfg(test)]
mod tests;
mod tracker;

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

pub use self::error::{DiscoverError, Shadowed};
pub(crate) use self::folder::is_passing;
pub use self::hash::ContentHash;
pub use self::owner::{Culprit, Exposed, Exposure};
pub use self::stamp::{FileStamp, Known, Stamp};
pub use self::tracker::{Change, Settings, Tracker};
use crate::manifest::{Manifest, PluginId};
use crate::object_file::ObjectFile;

/// The most bytes of a library that a scan reads unless it is told otherwise: 512 MiB.
pub const MAX_LIBRARY_BYTES: u64 = 512 << 20;

/// Where a candidate's manifest was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestOrigin {
    /// A file beside the library.
    File(PathBuf),
    /// The copy inside the library.
    Embedded,
}

/// A complete plugin: bytes that were read once, and what they and the manifest say. None of its code has run.
#[derive(Clone)]
pub struct Candidate {
    /// The manifest that holds.
    pub manifest: Manifest,
    /// Where that manifest was found.
    pub manifest_origin: ManifestOrigin,
    /// Its text, where that is a file's; that of the copy inside the library stands in `object`.
    pub manifest_text: Option<Arc<str>>,
    /// The facts of the object file.
    pub object: ObjectFile,
    /// The library, whole.
    pub bytes: Arc<[u8]>,
    /// The hash of `bytes`.
    pub hash: ContentHash,
    /// The library's path, by which the running plugin is known to have a new build.
    pub source: PathBuf,
    /// The user's folder, for the plugin's assets.
    pub folder: PathBuf,
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate")
            .field("id", &self.manifest.id)
            .field("version", &self.manifest.version)
            .field("manifest_origin", &self.manifest_origin)
            .field("bytes", &self.bytes.len())
            .field("hash", &self.hash)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// What one place came to.
#[derive(Debug)]
pub enum Outcome {
    /// The same files as [`Known`] holds; nothing was read.
    Unchanged,
    /// Complete and consistent.
    Candidate(Box<Candidate>),
    /// Not whole yet: being written, or cut short.
    Unsettled {
        /// What is wrong with it as it stands.
        reason: DiscoverError,
    },
    /// Not a plugin that can be offered.
    Refused(DiscoverError),
}

/// One place in the plugin folders where a plugin is, or should be.
#[derive(Debug)]
pub struct Entry {
    /// The library's path; the path of what is wrong where there is no library.
    pub source: PathBuf,
    /// The user's folder: the plugin's own, or the plugin folder of a lone library.
    pub folder: PathBuf,
    /// The manifest file beside the library, if there is one.
    pub manifest_path: Option<PathBuf>,
    /// The plugin, where it could be told.
    pub id: Option<PluginId>,
    /// What the file system says about the files.
    pub stamp: Stamp,
    /// What it came to.
    pub outcome: Outcome,
}

/// Everything that one look at the plugin folders found.
#[derive(Debug)]
pub struct Scan {
    /// One entry per place, by id and then by path; places without a known id come last.
    pub found: Vec<Entry>,
    /// The wall clock when the scan began.
    pub at: SystemTime,
    /// Whether a link was followed: events of the linked file are not seen in the folder.
    pub has_links: bool,
    /// How many files were read: libraries and manifests that earlier scans did not prove unchanged.
    pub files_read: u64,
}

impl Scan {
    /// Whether something is not used for rights that may be put right where no event tells of it.
    pub(crate) fn is_exposed(&self) -> bool {
        let exposed = |entry: &Entry| matches!(entry.outcome, Outcome::Refused(DiscoverError::Exposed(_)));
        self.found.iter().any(exposed)
    }
}

/// The limits of a scan, its clock, and whom it trusts.
#[derive(Clone, Debug)]
pub struct ScanOptions {
    /// The most bytes of a library that are read.
    pub max_library_bytes: u64,
    /// The wall clock, against which the times of files are held.
    pub now: SystemTime,
    /// Whether files and folders are taken that others than this user and root can change.
    pub allow_shared_folders: bool,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self { max_library_bytes: MAX_LIBRARY_BYTES, now: SystemTime::now(), allow_shared_folders: false }
    }
}

/// What one look goes by, and what it has done so far.
struct Look<'a> {
    known: &'a Known,
    options: &'a ScanOptions,
    files_read: Cell<u64>,
}

/// Looks at all plugin folders with the default limits.
///
/// ```no_run
/// use reactor_host::discover::{Known, Outcome, scan};
///
/// let mut known = Known::new();
/// let first = scan(&["plugins".into()], &known);
/// for entry in &first.found {
///     match &entry.outcome {
///         Outcome::Candidate(plugin) => println!("{} {}", plugin.manifest.id, plugin.hash.short()),
///         Outcome::Refused(error) => eprintln!("{}: {error}", error.code()),
///         _ => {}
///     }
/// }
/// known.update(&first); // the next scan reads only what changed
/// ```
pub fn scan(dirs: &[PathBuf], known: &Known) -> Scan {
    scan_with(dirs, known, &ScanOptions::default())
}

/// Looks at all plugin folders.
pub fn scan_with(dirs: &[PathBuf], known: &Known, options: &ScanOptions) -> Scan {
    let look = Look { known, options, files_read: Cell::new(0) };
    let mut scan = Scan { found: Vec::new(), at: options.now, has_links: false, files_read: 0 };
    for dir in dirs {
        folder::scan_dir(dir, &look, &mut scan);
    }
    scan.files_read = look.files_read.get();
    scan.found.sort_by(|a, b| (a.id.is_none(), &a.id, &a.source).cmp(&(b.id.is_none(), &b.id, &b.source)));
    // A folder that was named twice offers everything once.
    let mut seen = HashSet::new();
    scan.found.retain(|entry| seen.insert(entry.source.clone()));
    scan
}

/// Reads a single plugin: its library, or its folder.
///
/// # Errors
///
/// Whatever [`scan`] would have reported for it, [`DiscoverError::Changing`] and incomplete files among it, and
/// [`DiscoverError::NotAPlugin`] for a folder without manifest and library.
pub fn read_one(path: &Path) -> Result<Candidate, DiscoverError> {
    read_one_with(path, &ScanOptions::default())
}

/// Reads a single plugin within other limits than the default ones.
///
/// # Errors
///
/// As [`read_one`].
pub fn read_one_with(path: &Path, options: &ScanOptions) -> Result<Candidate, DiscoverError> {
    let look = Look { known: &Known::new(), options, files_read: Cell::new(0) };
    let entry = if path.is_dir() {
        folder::plugin_folder(path, &look)
            .ok_or_else(|| DiscoverError::NotAPlugin { path: path.to_owned() })?
    } else {
        folder::one_library(path, &look)
    };
    match entry.outcome {
        Outcome::Candidate(candidate) => Ok(*candidate),
        Outcome::Unsettled { reason } | Outcome::Refused(reason) => Err(reason),
        // Nothing was known, so that nothing can be unchanged.
        Outcome::Unchanged => Err(DiscoverError::Changing { path: path.to_owned() }),
    }
}

/// Makes a plugin of what was kept of one: the library's bytes, where its file and its folder were, and the path and the
/// text of its manifest where that stood in a file. What is at those paths now is not looked at.
///
/// # Errors
///
/// Whatever [`read_one`] would have reported for these bytes and this text.
pub fn recall(
    source: PathBuf,
    folder: &Path,
    manifest: Option<(PathBuf, &str)>,
    library: Arc<[u8]>,
) -> Result<Candidate, DiscoverError> {
    let mut place = read::Place::new(source, folder);
    let mut parsed = None;
    if let Some((path, text)) = manifest {
        parsed = Some((Manifest::parse(text, &path)?, text.into()));
        place.manifest_path = Some(path);
    }
    read::assemble(&place, parsed, library)
}
