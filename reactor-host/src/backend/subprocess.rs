//! Libraries in processes of their own, which are not confined yet: what goes wrong there ends that process, and no other.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{Backend, Build, Source};
use crate::load::{LoadError, Loader};
use crate::manifest::PluginId;
use crate::native::instance::Code;
use crate::native::remote::Remote;
use crate::process::Process;

/// See the module.
pub(crate) struct Subprocess {
    loader: Arc<Loader>,
    /// What the embedder named.
    runner: Option<PathBuf>,
    /// Those that may have to be ended before anybody else knows them, by generation.
    begun: Mutex<HashMap<u64, Weak<Process>>>,
}

/// Whether this program can be started as a plugin's process: it has asked, at its top, whether it was.
static IS_RUNNER: AtomicBool = AtomicBool::new(false);

/// Serves a plugin, if this process was started for one; else notes that this program can be started so.
pub(crate) fn serve_if_runner() {
    crate::process::serve_if_asked();
    IS_RUNNER.store(true, Ordering::Relaxed);
}

impl Subprocess {
    pub(crate) fn new(loader: Arc<Loader>, runner: Option<PathBuf>) -> Self {
        Self { loader, runner, begun: Mutex::default() }
    }

    /// What is started: what was named, else this very program, else what stands beside it.
    fn runner(&self, id: &PluginId) -> Result<PathBuf, LoadError> {
        if let Some(named) = &self.runner {
            return Ok(named.clone());
        }
        let this = std::env::current_exe().unwrap_or_default();
        if IS_RUNNER.load(Ordering::Relaxed) {
            // The file that runs, also when its path has been given to another one since.
            return Ok(if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { this });
        }
        let beside = this.with_file_name("reactor-runner");
        if beside.is_file() {
            Ok(beside)
        } else {
            Err(LoadError::NoRunner { id: id.clone(), looked_at: beside })
        }
    }

    /// Ends the process of a generation that did not come up.
    pub(crate) fn abandon(&self, number: u64, why: &str) {
        let begun =
            self.begun.lock().unwrap_or_else(PoisonError::into_inner).get(&number).and_then(Weak::upgrade);
        if let Some(process) = begun {
            process.kill(why);
        }
    }
}

impl Backend for Subprocess {
    fn open(&self, build: &Build, number: u64) -> Result<Code, LoadError> {
        let id = &build.manifest.id;
        let Source::File(candidate) = &build.source else {
            return Err(LoadError::NoIsolation { id: id.clone() });
        };
        let runner = self.runner(id)?;
        let library = self.loader.prepare(candidate, number)?;
        let process = Process::start(&runner, id, number, library, |process| {
            let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            begun.retain(|_, process| process.strong_count() > 0);
            begun.insert(number, Arc::downgrade(process));
        })?;
        Ok(Code::Remote(process))
    }
}
