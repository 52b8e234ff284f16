//! On systems without Unix sockets and their kind of child processes: plugins that ask for a process are refused.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Backend, Build};
use crate::load::{LoadError, Loader};
use crate::native::instance::Code;

/// See the module.
pub(crate) struct Subprocess;

/// This system starts no plugins as processes.
pub(crate) fn serve_if_runner() {}

impl Subprocess {
    pub(crate) fn new(_: Arc<Loader>, _: Option<PathBuf>) -> Self {
        Self
    }

    pub(crate) fn abandon(&self, _: u64, _: &str) {}
}

impl Backend for Subprocess {
    fn open(&self, build: &Build, _: u64) -> Result<Code, LoadError> {
        Err(LoadError::NoProcesses { id: build.manifest.id.clone() })
    }
}
