//! One generation of a plugin: a build, brought to life phase by phase.
//!
//! Owns the order of the phases of one instance and how a failure is named. Must never know the other plugins, nor
//! where calls go.

use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, TryLockError};
use std::time::Duration;

use reactor_abi::Value;
use reactor_abi::context::Birth;
use reactor_abi::ffi::Op;

use crate::account::Ledger;
use crate::backend::{Backends, Build, Source};
use crate::manifest::Handoff;
use crate::native::context::Desk;
use crate::native::instance::{Alone, Failure};
use crate::native::{Instance, Life};
use crate::report::Reason;
use crate::routes::Routes;

/// See the module.
pub(crate) struct Generation {
    pub(crate) build: Arc<Build>,
    pub(crate) life: Arc<Life>,
    pub(crate) instance: Instance,
    /// What `build` answered, encoded.
    pub(crate) output: Vec<u8>,
    stop_deadline: Duration,
    began: AtomicBool,
    suspending: AtomicBool,
    /// Read by every phase, written by `restore`, which has the instance for itself.
    alone: RwLock<()>,
}

/// The code of a `restore` that was not begun, since somebody was inside.
const BUSY: &str = "RE0511";

/// A phase that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{phase}: {message}")]
pub struct PhaseFailure {
    /// The phase, by the name of its method.
    pub phase: &'static str,
    /// The stable code: the plugin's own, or one of ours.
    pub code: String,
    /// What the plugin said, or why it could not be asked.
    pub message: String,
    /// Whether it panicked.
    pub panicked: bool,
    /// Whether it was given up: it may still be running.
    pub given_up: bool,
}

impl PhaseFailure {
    pub(crate) fn new(phase: &'static str, failure: &Failure) -> Self {
        Self {
            phase,
            code: failure.error.code().to_owned(),
            message: failure.error.to_string(),
            panicked: failure.panicked,
            given_up: false,
        }
    }

    /// Whether it was a `restore` that was not begun: the instance is as it was.
    pub(crate) fn was_busy(&self) -> bool {
        self.code == BUSY
    }

    /// Its process has ended by itself.
    pub(crate) fn ended(reason: &Reason) -> Self {
        let Reason { code, message } = reason.clone();
        Self { phase: "process", code, message, panicked: false, given_up: false }
    }

    pub(crate) fn late(phase: &'static str, deadline: Duration) -> Self {
        // What is left of a deadline a moment after it was set is told as what was set.
        let deadline = Duration::from_millis(crate::event::micros(deadline).div_ceil(1_000));
        let message = if deadline.is_zero() {
            "no time was left to begin it".to_owned()
        } else {
            format!("did not return within {deadline:?}; its thread was given up")
        };
        Self { phase, code: "RE0420".to_owned(), message, panicked: false, given_up: true }
    }
}

/// What is left when a generation can not be made.
pub(crate) enum Stillborn {
    /// The code could not be opened: nothing is left.
    Unopened(crate::load::LoadError),
    /// `init` or `build` failed; the rest is to be retired.
    Failed(Box<Generation>, PhaseFailure),
}

impl Generation {
    /// Opens the code, runs `init` and `build`. `longest_stop`: a `stop-deadline` beyond it counts as this, so that no
    /// manifest can keep the host waiting.
    pub(crate) fn raise(
        build: &Arc<Build>,
        number: u64,
        backends: &Backends,
        routes: &Arc<Routes>,
        desk: Weak<dyn Desk>,
        ledger: &Ledger,
        longest_stop: Duration,
    ) -> Result<Self, Stillborn> {
        let code = backends.open(build, number).map_err(Stillborn::Unopened)?;
        let manifest = &build.manifest;
        let life = ledger.open(&manifest.id, |totals| {
            Life::new(
                routes.pool(),
                routes.weak(),
                manifest.id.clone(),
                manifest.version.clone(),
                number,
                manifest.provides.clone(),
                totals,
            )
        });
        let birth = Birth {
            id: manifest.id.to_string(),
            version: manifest.version.to_string(),
            generation: number,
            plugin_dir: build.candidate().map(|candidate| candidate.folder.clone()).unwrap_or_default(),
            // A TOML table is a tree of bounded depth: the manifest's size bounds it, and `Value` checks it.
            config: Value::of(&manifest.config).unwrap_or_default(),
            state_schema: manifest.state.as_ref().map(|state| state.schema),
        };
        // What is linked in can reach the application's own `Host`, which must know that it is called from inside.
        let tracked = matches!(build.source, Source::Linked(_))
            || manifest.state.as_ref().is_some_and(|state| state.handoff == Handoff::Pause);
        let made = |instance| Self {
            build: Arc::clone(build),
            life: Arc::clone(&life),
            instance,
            output: Vec::new(),
            stop_deadline: manifest.run.stop_deadline.min(longest_stop),
            began: AtomicBool::new(false),
            suspending: AtomicBool::new(false),
            alone: RwLock::default(),
        };
        let mut generation = match Instance::create(code, &life, desk, &birth, tracked) {
            Ok(instance) => made(instance),
            Err((rest, failure)) => {
                return Err(Stillborn::Failed(Box::new(made(*rest)), PhaseFailure::new("init", &failure)));
            }
        };
        match generation.run(Op::Build) {
            Ok(output) => generation.output = output,
            Err(failure) => return Err(Stillborn::Failed(Box::new(generation), failure)),
        }
        Ok(generation)
    }

    /// Runs one phase. While it runs, it is among [`Life::phases`].
    pub(crate) fn run(&self, op: Op) -> Result<Vec<u8>, PhaseFailure> {
        if op == Op::Start {
            self.began.store(true, Ordering::Relaxed);
        }
        let _shared = self.alone.read().unwrap_or_else(PoisonError::into_inner);
        let _running = self.life.phase(op.name());
        self.instance.call(op, "", &[]).map_err(|failure| PhaseFailure::new(op.name(), &failure))
    }

    /// Runs `suspend`; while it runs, [`is_suspending`](Self::is_suspending).
    pub(crate) fn suspend(&self) -> Result<(), PhaseFailure> {
        self.suspending.store(true, Ordering::SeqCst);
        let suspended = self.run(Op::Suspend);
        self.suspending.store(false, Ordering::SeqCst);
        self.life.ring();
        suspended.map(drop)
    }

    /// Whether a `suspend` is inside, perhaps one that was given up.
    pub(crate) fn is_suspending(&self) -> bool {
        self.suspending.load(Ordering::SeqCst)
    }

    /// Runs `save` and brings the state down to an older schema with the plugin's own migrations.
    pub(crate) fn save_as(&self, schema: u32) -> Result<Vec<u8>, PhaseFailure> {
        let _shared = self.alone.read().unwrap_or_else(PoisonError::into_inner);
        let _running = self.life.phase(Op::Save.name());
        let saved = self.instance.call(Op::Save, "", &schema.to_le_bytes());
        saved.map_err(|failure| PhaseFailure::new(Op::Save.name(), &failure))
    }

    /// Hands it a state. Nobody calls it yet, or its callers were made to wait and are out.
    pub(crate) fn restore(&self, state: &[u8]) -> Result<(), PhaseFailure> {
        let busy = || PhaseFailure {
            phase: "restore",
            code: BUSY.to_owned(),
            message: format!("{} call(s) are inside the generation", self.life.inside()),
            panicked: false,
            given_up: false,
        };
        // A phase that was given up, or a health check, may still be inside.
        let _alone = match self.alone.try_write() {
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(busy()),
        };
        let alone = Alone::check(&self.life).ok_or_else(busy)?;
        let _running = self.life.phase("restore");
        let restored = self.instance.restore(&alone, state);
        restored.map(drop).map_err(|failure| PhaseFailure::new("restore", &failure))
    }

    /// Whether `start` was begun, so that `stop` is owed.
    pub(crate) fn owes_stop(&self) -> bool {
        self.began.load(Ordering::Relaxed)
    }

    /// `stop` was run: it is owed no more.
    pub(crate) fn paid_stop(&self) {
        self.began.store(false, Ordering::Relaxed);
    }

    /// How long `stop` and what belongs to it may take.
    pub(crate) fn stop_deadline(&self) -> Duration {
        self.stop_deadline
    }
}
