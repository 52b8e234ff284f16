//! From bytes to an open, checked library.
//!
//! Owns the order of the checks: embedded facts before anything is opened, a private copy, the loader, the layout,
//! the root. Must never know why a library is loaded, nor what becomes of it.

use std::path::PathBuf;

use reactor_abi::facts::{API_VERSION, FINGERPRINT, TARGET};

use crate::discover::{Candidate, ContentHash, FileStamp};
use crate::manifest::PluginId;
use crate::native::Image;
pub use crate::native::layout::LayoutMismatch;
use crate::native::open::Forecast;
use crate::object_file::BuildFacts;
use crate::stage::{StageError, Staged, Stager};
use crate::store::Store;

/// Why a library could not be loaded.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The private copy could not be made.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The embedder did not accept native code.
    #[error(
        "{id}: this host does not load native code; build it with `trust_native_code`, or link the plugin into the \
         program"
    )]
    NotTrusted {
        /// The plugin.
        id: PluginId,
    },
    /// The manifest asks for a process of its own, and there is no library to be handed to one.
    #[error(
        "{id}: asks for `isolation = \"subprocess\"`, but is linked into the program; it is not run without a process of \
         its own. Use `in-process`, or load it as a library"
    )]
    NoIsolation {
        /// The plugin.
        id: PluginId,
    },
    /// The manifest asks for a process of its own, and nothing is known to start as one.
    #[error(
        "{id}: asks for a process of its own, and there is no program to start as one: call \
         `reactor_host::serve_if_runner()` at the top of `main`, or name `reactor-runner` by `HostBuilder::runner`, or \
         put it to {}", .looked_at.display())]
    NoRunner {
        /// The plugin.
        id: PluginId,
        /// Where it was looked for last.
        looked_at: PathBuf,
    },
    /// The program for plugins' processes could not be started.
    #[error("{id}: {} could not be started as its process: {message}", .runner.display())]
    NotStarted {
        /// The plugin.
        id: PluginId,
        /// The program.
        runner: PathBuf,
        /// The system's words.
        message: String,
    },
    /// What was started is no program for plugins' processes, or ended at once.
    #[error(
        "{id}: {} was started as its process and did not answer as one: {message}; it must be `reactor-runner`, or call \
         `reactor_host::serve_if_runner()` before anything else", .runner.display())]
    NoAnswer {
        /// The plugin.
        id: PluginId,
        /// The program.
        runner: PathBuf,
        /// What it did.
        message: String,
    },
    /// The program for plugins' processes was built from another version of this crate.
    #[error(
        "{id}: {} does not belong to this host: {difference}; build both of the same version of reactor-host", .runner.display())]
    OtherRunner {
        /// The plugin.
        id: PluginId,
        /// The program.
        runner: PathBuf,
        /// What differs, with both values.
        difference: String,
    },
    /// This system has no processes for plugins.
    #[error(
        "{id}: asks for a process of its own, which this version of Reactor gives on Unix systems only; it is not run \
         without one. Use `in-process` if you trust the code"
    )]
    NoProcesses {
        /// The plugin.
        id: PluginId,
    },
    /// The plugin's process could not open it.
    #[error("{id}: its process could not open it: {message}")]
    Elsewhere {
        /// The plugin.
        id: PluginId,
        /// The code of what went wrong there, if it is one that this version knows.
        code: Option<&'static str>,
        /// What went wrong there.
        message: String,
    },
    /// Opening it, or its `init`, did not return.
    #[error("{id}: did not come up within {deadline:?}; its thread was given up")]
    Late {
        /// The plugin.
        id: PluginId,
        /// How long it was given.
        deadline: std::time::Duration,
    },
    /// No facts of a build are embedded.
    #[error(
        "{}: it carries no build facts: add `export_plugin!(YourType);` to the plugin's lib.rs, then rebuild it", .path.display())]
    NoFacts {
        /// The library.
        path: PathBuf,
    },
    /// The frozen types differ.
    #[error(
        "{}: built against another plugin API: ABI fingerprint {found:016x} (API {api}, {compiler}), this host has \
         {expected:016x} (API {API_VERSION}); rebuild it against this host's reactor-abi", .path.display())]
    Fingerprint {
        /// The library.
        path: PathBuf,
        /// This host's fingerprint.
        expected: u64,
        /// The library's.
        found: u64,
        /// The API version that the library was built against.
        api: semver::Version,
        /// The compiler that built it.
        compiler: String,
    },
    /// It is built so that a panic would take the host down.
    #[error("{}: built with `panic = \"{panic}\"`; a plugin must unwind: remove that from its profile", .path.display())]
    Panic {
        /// The library.
        path: PathBuf,
        /// The strategy that it was built with.
        panic: String,
    },
    /// It was made for another system.
    #[error("{}: built for {found}, this host runs on {expected}; build it for this target", .path.display())]
    Target {
        /// The library.
        path: PathBuf,
        /// This host's target.
        expected: &'static str,
        /// The library's.
        found: String,
    },
    /// It needs a library that its private copy would not find.
    #[error(
        "{}: needs `{library}` by a path relative to itself, which its private copy does not have; link that \
         statically, or install it where the system looks", .path.display())]
    RelativeDependency {
        /// The library.
        path: PathBuf,
        /// What it needs, or its run path.
        library: String,
    },
    /// The loader refused it.
    #[error("{}: the system's loader refused it: {message}", .path.display())]
    Open {
        /// The private copy.
        path: PathBuf,
        /// The loader's words.
        message: String,
    },
    /// The entry symbol is missing.
    #[error("{}: exports no `{symbol}`: {message}; put `export_plugin!` into the plugin's crate", .path.display())]
    NoEntry {
        /// The private copy.
        path: PathBuf,
        /// The symbol that was looked for.
        symbol: &'static str,
        /// The loader's words.
        message: String,
    },
    /// The entry is not readable.
    #[error("{}: its entry does not fit: {message}", .path.display())]
    Entry {
        /// The private copy.
        path: PathBuf,
        /// What does not fit.
        message: String,
    },
    /// The entry carries no layout to check.
    #[error("{}: its entry carries no layout to check; build it with this version of reactor-abi", .path.display())]
    NoLayout {
        /// The private copy.
        path: PathBuf,
    },
    /// The layout differs.
    #[error("{}: its layout differs in {mismatch}; rebuild it against this host's reactor-abi", .path.display())]
    Layout {
        /// The private copy.
        path: PathBuf,
        /// The first difference.
        mismatch: Box<LayoutMismatch>,
    },
}

impl LoadError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Stage(error) => error.code(),
            Self::NotTrusted { .. } => "RE0203",
            Self::NoIsolation { .. } => "RE0204",
            Self::Late { .. } => "RE0205",
            Self::NoRunner { .. } => "RE0320",
            Self::NotStarted { .. } => "RE0321",
            Self::NoAnswer { .. } => "RE0322",
            Self::OtherRunner { .. } => "RE0323",
            Self::NoProcesses { .. } => "RE0324",
            Self::Elsewhere { code, .. } => code.unwrap_or("RE0325"),
            Self::NoFacts { .. } => "RE0301",
            Self::Fingerprint { .. } => "RE0302",
            Self::Panic { .. } => "RE0303",
            Self::Target { .. } => "RE0304",
            Self::RelativeDependency { .. } => "RE0305",
            Self::Open { .. } => "RE0306",
            Self::NoEntry { .. } => "RE0307",
            Self::Entry { .. } => "RE0310",
            Self::NoLayout { .. } => "RE0311",
            Self::Layout { .. } => "RE0312",
        }
    }
}

/// A library that is ready to be opened.
pub(crate) struct Prepared {
    pub(crate) staged: Staged,
    pub(crate) forecast: Forecast,
    /// The libraries that it depends on.
    pub(crate) needed: Vec<String>,
}

/// Loads libraries for one host.
pub(crate) struct Loader {
    stager: Stager,
    /// Tells which builds' layout this very program has found good, in this run or an earlier one: they need not be
    /// checked again.
    store: Store,
    program: String,
    /// The embedder's policy: private copies lose the flag of `-z nodelete`.
    clears_no_delete: bool,
}

impl Loader {
    /// `program`: what only this very program is called, see [`program`].
    pub(crate) fn new(stager: Stager, store: Store, program: String, clears_no_delete: bool) -> Self {
        Self { stager, store, program, clears_no_delete }
    }

    /// Stages and opens the library of `candidate` as generation `number`.
    pub(crate) fn load(&self, candidate: &Candidate, number: u64) -> Result<Image, LoadError> {
        let Prepared { staged, forecast, needed } = self.prepare(candidate, number)?;
        let image = Image::open(staged, forecast, self.is_unknown(&candidate.hash), &needed)?;
        self.found_good(&candidate.hash);
        Ok(image)
    }

    /// Checks what can be checked without opening the library, and makes the private copy.
    pub(crate) fn prepare(&self, candidate: &Candidate, number: u64) -> Result<Prepared, LoadError> {
        let facts = precheck(candidate)?;
        let object = &candidate.object;
        let cleared = self.clears_no_delete.then(|| object.without_no_delete(&candidate.bytes)).flatten();
        let staged = self.stager.stage(candidate, cleared.as_deref().unwrap_or(&candidate.bytes), number)?;
        let forecast = Forecast {
            planted: facts.planted,
            no_delete: object.no_delete && !self.clears_no_delete,
            unique_symbols: object.unique_symbols.clone(),
            keeping_imports: object.keeping_imports.clone(),
        };
        Ok(Prepared { staged, forecast, needed: object.needed.clone() })
    }

    /// Whether the layout of a build is to be checked.
    fn is_unknown(&self, build: &ContentHash) -> bool {
        !self.store.is_checked(build, &self.program, FINGERPRINT)
    }

    fn found_good(&self, build: &ContentHash) {
        // Not waited for: a check that is forgotten is made again.
        self.store.checked(build, &self.program, FINGERPRINT);
    }
}

/// What this very program is called among those that share a data folder: by its version, that of this crate, and its
/// file as it is on disk, since a program that was built again under its old version has other layouts. Where the file
/// can not be looked at, each process is a program of its own.
pub(crate) fn program(application: &str, version: &semver::Version) -> String {
    let running = if cfg!(target_os = "linux") {
        // Is the file that runs, also when its path has been given to another one since.
        Ok(PathBuf::from("/proc/self/exe"))
    } else {
        std::env::current_exe()
    };
    let stamp = running.and_then(std::fs::metadata).map(|metadata| FileStamp::of(&metadata));
    let file = match stamp {
        Ok(stamp) => format!(
            "file {}:{}:{}:{}:{}",
            stamp.device, stamp.inode, stamp.size, stamp.modified_ns, stamp.changed_ns
        ),
        Err(_) => format!("process {} {:?}", std::process::id(), std::time::SystemTime::now()),
    };
    format!("{application} {version}, reactor-host {}, {file}", env!("CARGO_PKG_VERSION"))
}

/// What a host asks of a library's bytes before it opens it, in the order in which it asks: that it carries build facts,
/// and that they fit this program. The facts, if so. Nothing of the library runs, and no file is looked at.
///
/// # Errors
///
/// [`LoadError::NoFacts`], [`LoadError::Fingerprint`], [`LoadError::Panic`], [`LoadError::Target`],
/// [`LoadError::RelativeDependency`].
pub fn precheck(candidate: &Candidate) -> Result<&BuildFacts, LoadError> {
    let path = || candidate.source.clone();
    let embedded = candidate.object.embedded.as_ref().ok_or_else(|| LoadError::NoFacts { path: path() })?;
    let facts = &embedded.facts;
    if facts.fingerprint != FINGERPRINT {
        return Err(LoadError::Fingerprint {
            path: path(),
            expected: FINGERPRINT,
            found: facts.fingerprint,
            api: facts.api.clone(),
            compiler: facts.compiler.clone(),
        });
    }
    if facts.panic != "unwind" {
        return Err(LoadError::Panic { path: path(), panic: facts.panic.clone() });
    }
    if facts.target != TARGET {
        return Err(LoadError::Target { path: path(), expected: TARGET, found: facts.target.clone() });
    }
    if let Some(library) = relative_dependency(candidate) {
        return Err(LoadError::RelativeDependency { path: path(), library });
    }
    Ok(facts)
}

/// A dependency that only the original place would find.
fn relative_dependency(candidate: &Candidate) -> Option<String> {
    let object = &candidate.object;
    object
        .rpath
        .iter()
        .chain(&object.runpath)
        .find(|path| path.contains("$ORIGIN") || path.starts_with("@loader_path"))
        .or_else(|| object.needed.iter().find(|name| name.contains('/')))
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Holder;

    #[test]
    fn a_build_is_checked_once_by_each_program_also_across_runs() {
        let (data, build) = (tempfile::tempdir().expect("a folder"), ContentHash::of(b"a build"));
        let run = |program: &str, unknown: bool| {
            let (store, _) = Store::open(data.path(), &Holder::new("tests", "1.0.0")).expect("it opens");
            let loader =
                Loader::new(Stager::new(data.path()).expect("a folder"), store, program.to_owned(), false);
            assert_eq!(loader.is_unknown(&build), unknown, "{program}");
            loader.found_good(&build);
            assert!(!loader.is_unknown(&build));
            assert!(loader.is_unknown(&ContentHash::of(b"another build")));
        };
        run("tests 1.0.0", true);
        run("tests 1.0.0", false);
        run("tests 1.0.1", true);
        run("tests 1.0.0", true);
    }

    #[test]
    fn this_program_has_one_name_and_another_version_has_another() {
        let version = |text: &str| program("tests", &text.parse().expect("a version"));
        assert_eq!(version("1.0.0"), version("1.0.0"));
        assert_ne!(version("1.0.0"), version("1.0.1"));
        assert!(version("1.0.0").contains("file "), "the program's file can be looked at");
    }
}
