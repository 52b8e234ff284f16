//! Whether a host like this one would take a library, as far as its bytes tell.

use std::path::Path;

use reactor_abi::facts::API_VERSION;

use reactor_host::discover::{Candidate, DiscoverError, Known, Scan, ScanOptions, read_one_with, scan_with};
use reactor_host::load::precheck;
use reactor_host::resolve::ResolveError;

use serde::Serialize;

use crate::error::CliError;

/// Why something is refused, as programs read it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Refusal {
    /// The stable code.
    pub(crate) code: String,
    /// Why, and what to do.
    pub(crate) message: String,
}

impl Refusal {
    /// That of a host which looks at `candidate` and at nothing else, if it refuses it; see [`of`].
    pub(crate) fn of(candidate: &Candidate) -> Option<Self> {
        of(candidate).err().as_ref().map(Self::from)
    }
}

impl From<&CliError> for Refusal {
    fn from(error: &CliError) -> Self {
        Self { code: error.code().to_owned(), message: error.to_string() }
    }
}

/// Reads a plugin for what its bytes say. Who else can write to where it stands is not asked: that is the place's, not
/// the library's, and a host asks it of its own folders.
///
/// # Errors
///
/// As [`reactor_host::discover::read_one`].
pub(crate) fn read(path: &Path) -> Result<Candidate, DiscoverError> {
    read_one_with(path, &wherever())
}

/// Looks at a folder as [`read`] looks at a plugin.
pub(crate) fn scan(folder: &Path) -> Scan {
    scan_with(&[folder.to_owned()], &Known::new(), &wherever())
}

fn wherever() -> ScanOptions {
    ScanOptions { allow_shared_folders: true, ..ScanOptions::default() }
}

/// Why a host would refuse `candidate` before it opens it. What only other plugins or an application can decide
/// (dependencies, the application it is for) is not asked.
pub(crate) fn of(candidate: &Candidate) -> Result<(), CliError> {
    precheck(candidate)
        .map_err(|error| CliError::Answer { code: error.code().to_owned(), message: error.to_string() })?;
    let manifest = &candidate.manifest;
    if let Ok(found) = API_VERSION.parse()
        && !manifest.api.matches(&found)
    {
        let error = ResolveError::Api { id: manifest.id.clone(), range: manifest.api.clone(), found };
        return Err(CliError::Answer { code: error.code().to_owned(), message: error.to_string() });
    }
    Ok(())
}
