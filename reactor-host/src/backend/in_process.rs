//! Libraries in the host's own process, at native speed and with its rights.

use std::sync::Arc;

use super::{Backend, Build, Source};
use crate::load::{LoadError, Loader};
use crate::native::instance::Code;

/// See the module.
pub(crate) struct InProcess {
    loader: Arc<Loader>,
}

impl InProcess {
    pub(crate) fn new(loader: Arc<Loader>) -> Self {
        Self { loader }
    }
}

impl Backend for InProcess {
    fn open(&self, build: &Build, number: u64) -> Result<Code, LoadError> {
        match &build.source {
            Source::File(candidate) => Ok(Code::Loaded(Box::new(self.loader.load(candidate, number)?))),
            Source::Linked(entry) => Ok(Code::Linked(*entry)),
        }
    }
}
