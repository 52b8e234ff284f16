//! The seam to where code runs.
//!
//! Everything above speaks to an instance in messages: an operation, a name, bytes in, bytes out. A backend makes such
//! an instance's code available; swap, routes and retirement know only this seam, so that code may as well stand in
//! another process. Must never know of phases or routes.

mod in_process;
mod linked;
#[cfg_attr(not(unix), path = "backend/no_subprocess.rs")]
mod subprocess;

use std::path::PathBuf;
use std::sync::Arc;

use reactor_abi::Entry;

use crate::discover::{Candidate, ContentHash};
use crate::load::{LoadError, Loader};
use crate::manifest::{Isolation, Manifest};
use crate::native::instance::Code;

pub(crate) use in_process::InProcess;
pub(crate) use linked::Linked;
pub(crate) use subprocess::{Subprocess, serve_if_runner};

/// What a generation is made of: a manifest, and code that has not run yet.
#[derive(Debug)]
pub(crate) struct Build {
    pub(crate) manifest: Manifest,
    pub(crate) source: Source,
    /// What it is known by where it matters that these very bytes, library and manifest, were tried before.
    pub(crate) key: ContentHash,
}

/// Where a build's code is.
pub(crate) enum Source {
    /// Linked into this program.
    Linked(Entry),
    /// The bytes of a library.
    File(Box<Candidate>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Linked(_) => f.write_str("Linked"),
            Self::File(candidate) => candidate.fmt(f),
        }
    }
}

impl Build {
    pub(crate) fn of(candidate: Candidate) -> Self {
        let key = candidate.manifest_text.as_ref().map_or(candidate.hash, |text| {
            ContentHash::of(&[candidate.hash.to_string().as_bytes(), text.as_bytes()].concat())
        });
        Self { manifest: candidate.manifest.clone(), source: Source::File(Box::new(candidate)), key }
    }

    /// A build that is linked in; `text` is its manifest's.
    pub(crate) fn linked(manifest: Manifest, text: &str, entry: Entry) -> Self {
        let key = ContentHash::of(format!("{:p}\n{text}", entry.root().call()).as_bytes());
        Self { manifest, source: Source::Linked(entry), key }
    }

    /// The same once more.
    pub(crate) fn again(&self) -> Option<Self> {
        match &self.source {
            Source::Linked(entry) => {
                let source = Source::Linked(*entry);
                Some(Self { manifest: self.manifest.clone(), source, key: self.key })
            }
            Source::File(_) => None,
        }
    }

    /// The library, when there is one.
    pub(crate) fn candidate(&self) -> Option<&Candidate> {
        match &self.source {
            Source::Linked(_) => None,
            Source::File(candidate) => Some(candidate),
        }
    }
}

/// Makes a build's code available.
pub(crate) trait Backend: Send + Sync {
    /// Opens the code of `build` for generation `number`. No phase runs yet.
    fn open(&self, build: &Build, number: u64) -> Result<Code, LoadError>;
}

/// The backends of one host.
pub(crate) struct Backends {
    linked: Linked,
    in_process: Option<InProcess>,
    subprocess: Option<Subprocess>,
}

impl Backends {
    /// `loader`: absent where the embedder did not accept native code. `runner`: what the embedder has plugins' processes
    /// started from.
    pub(crate) fn new(loader: Option<Loader>, runner: Option<PathBuf>) -> Self {
        let loader = loader.map(Arc::new);
        Self {
            linked: Linked,
            in_process: loader.clone().map(InProcess::new),
            subprocess: loader.map(|loader| Subprocess::new(loader, runner)),
        }
    }

    /// Opens a build where its manifest wants it to run. What can not be had is refused, never replaced.
    pub(crate) fn open(&self, build: &Build, number: u64) -> Result<Code, LoadError> {
        let id = &build.manifest.id;
        let apart = build.manifest.run.isolation == Isolation::Subprocess;
        let backend: &dyn Backend = match (&build.source, &self.in_process, &self.subprocess) {
            (Source::Linked(_), ..) if apart => return Err(LoadError::NoIsolation { id: id.clone() }),
            (Source::Linked(_), ..) => &self.linked,
            (Source::File(_), _, Some(subprocess)) if apart => subprocess,
            (Source::File(_), Some(in_process), _) if !apart => in_process,
            (Source::File(_), ..) => return Err(LoadError::NotTrusted { id: id.clone() }),
        };
        backend.open(build, number)
    }

    /// Ends what can be ended of a generation that did not come up, for this reason.
    pub(crate) fn abandon(&self, number: u64, why: &str) {
        if let Some(subprocess) = &self.subprocess {
            subprocess.abandon(number, why);
        }
    }
}
