//! The seam to where code runs.
//!
//! Everything above speaks to an instance in messages: an operation, a name, bytes in, bytes out. A backend makes such
//! an instance's code available; swap, routes and retirement know only this seam, so that code may as well stand in
//! another process. Must never know of phases or routes.

mod in_process;
mod linked;

use reactor_abi::Entry;

use crate::discover::Candidate;
use crate::load::{LoadError, Loader};
use crate::manifest::{Isolation, Manifest};
use crate::native::instance::Code;

pub(crate) use in_process::InProcess;
pub(crate) use linked::Linked;

/// What a generation is made of: a manifest, and code that has not run yet.
#[derive(Debug)]
pub(crate) struct Build {
    pub(crate) manifest: Manifest,
    pub(crate) source: Source,
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
        Self { manifest: candidate.manifest.clone(), source: Source::File(Box::new(candidate)) }
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
}

impl Backends {
    /// `loader`: absent where the embedder did not accept native code.
    pub(crate) fn new(loader: Option<Loader>) -> Self {
        Self { linked: Linked, in_process: loader.map(InProcess::new) }
    }

    /// Opens a build where its manifest wants it to run. What can not be had is refused, never replaced.
    pub(crate) fn open(&self, build: &Build, number: u64) -> Result<Code, LoadError> {
        let id = &build.manifest.id;
        if build.manifest.run.isolation == Isolation::Subprocess {
            return Err(LoadError::NoIsolation { id: id.clone() });
        }
        let backend: &dyn Backend = match (&build.source, &self.in_process) {
            (Source::Linked(_), _) => &self.linked,
            (Source::File(_), Some(in_process)) => in_process,
            (Source::File(_), None) => return Err(LoadError::NotTrusted { id: id.clone() }),
        };
        backend.open(build, number)
    }
}
