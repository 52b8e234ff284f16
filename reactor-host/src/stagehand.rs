//! The means by which generations are raised, suspended and resumed: backends, a thread for the phases, the reaper.
//!
//! Owns no decision. What is raised and why is the conductor's business, in which order a swap's.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use reactor_abi::ffi::Op;

use crate::backend::{Backends, Build};
use crate::generation::{Generation, PhaseFailure, Stillborn};
use crate::native::context::Desk;
use crate::native::life::Stage;
use crate::retire::{Reaper, tell_failure};
use crate::runner::Runner;
use crate::shared::Shared;

/// How long a phase may take before its thread is given up.
pub(crate) const PHASE_DEADLINE: Duration = Duration::from_secs(30);

/// See the module.
pub(crate) struct Stagehand {
    pub(crate) shared: Arc<Shared>,
    pub(crate) reaper: Reaper,
    backends: Arc<Backends>,
    runner: Runner,
}

impl Stagehand {
    pub(crate) fn new(shared: Arc<Shared>, backends: Backends) -> std::io::Result<Self> {
        let reaper = Reaper::new(&shared)?;
        Ok(Self { shared, reaper, backends: Arc::new(backends), runner: Runner::new("reactor-phases") })
    }

    /// Opens the code, runs `init` and `build`.
    pub(crate) fn raise(&self, build: Arc<Build>) -> Result<Arc<Generation>, Stillborn> {
        let number = self.shared.next_generation();
        let (backends, routes) = (Arc::clone(&self.backends), Arc::clone(&self.shared.routes));
        let shared: Arc<dyn Desk> = Arc::clone(&self.shared) as _;
        let desk: Weak<dyn Desk> = Arc::downgrade(&shared);
        let name = build.manifest.id.clone();
        let raised = self
            .runner
            .run(PHASE_DEADLINE, move || Generation::raise(&build, number, &backends, &routes, desk));
        raised.map_or_else(
            || Err(Stillborn::Unopened(crate::load::LoadError::Late { id: name, deadline: PHASE_DEADLINE })),
            |raised| raised.map(Arc::new),
        )
    }

    /// Runs one phase of a generation.
    pub(crate) fn phase(&self, generation: &Arc<Generation>, op: Op) -> Result<Vec<u8>, PhaseFailure> {
        let run = Arc::clone(generation);
        self.within(Instant::now() + PHASE_DEADLINE, op.name(), move || run.run(op))
    }

    /// Runs plugin code until `deadline`.
    pub(crate) fn within<T: Send + 'static>(
        &self,
        deadline: Instant,
        phase: &'static str,
        job: impl FnOnce() -> Result<T, PhaseFailure> + Send + 'static,
    ) -> Result<T, PhaseFailure> {
        let limit = deadline.saturating_duration_since(Instant::now());
        self.runner.run(limit, job).unwrap_or_else(|| Err(PhaseFailure::late(phase, limit)))
    }

    /// `save`, while the generation serves.
    pub(crate) fn save(&self, generation: &Arc<Generation>) -> Result<Vec<u8>, PhaseFailure> {
        self.phase(generation, Op::Save)
    }

    /// `restore`, while nobody is inside.
    pub(crate) fn restore(&self, generation: &Arc<Generation>, state: Vec<u8>) -> Result<(), PhaseFailure> {
        let generation = Arc::clone(generation);
        self.within(Instant::now() + PHASE_DEADLINE, "restore", move || generation.restore(&state))
    }

    /// Cancels the tasks and waits for them. `false`: one did not end in time.
    pub(crate) fn quiesce(&self, generation: &Generation, deadline: Instant) -> bool {
        let tasks = &generation.life.tasks;
        tasks.close();
        self.shared.routes.signal().wait_until(Some(deadline), || tasks.running().is_empty())
    }

    /// Suspends a generation that serves no more. What fails is told, and changes nothing.
    pub(crate) fn suspend(&self, generation: &Arc<Generation>) {
        let deadline = Instant::now() + generation.stop_deadline();
        if !self.quiesce(generation, deadline) {
            tell_failure(
                &self.shared,
                &generation.life,
                &PhaseFailure::late("suspend", generation.stop_deadline()),
            );
        }
        if let Err(failure) = self.phase(generation, Op::Suspend) {
            tell_failure(&self.shared, &generation.life, &failure);
        }
        generation.life.set_stage(Stage::Suspended);
    }

    /// Undoes a suspension, or the beginning of one.
    pub(crate) fn resume(&self, generation: &Arc<Generation>) {
        generation.life.tasks.reopen();
        if generation.life.stage() == Stage::Suspended {
            generation.life.set_stage(Stage::Live);
            if let Err(failure) = self.phase(generation, Op::Resume) {
                tell_failure(&self.shared, &generation.life, &failure);
            }
        }
    }
}
