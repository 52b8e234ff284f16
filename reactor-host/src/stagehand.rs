//! The means by which generations are raised, suspended and resumed: backends, a thread for the phases, the reaper.
//!
//! Owns no decision. What is raised and why is the conductor's business, in which order a swap's.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use reactor_abi::ffi::Op;

use crate::backend::{Backends, Build};
use crate::event::EventKind;
use crate::generation::{Generation, PhaseFailure, Stillborn};
use crate::native::Life;
use crate::native::context::Desk;
use crate::native::life::Stage;
use crate::phases::Runner;
use crate::retire::{Reaper, tell_failure};
use crate::shared::Shared;
use crate::swap::lives;

/// How long a phase may take before its thread is given up, unless the application says otherwise.
pub(crate) const PHASE_DEADLINE: Duration = Duration::from_secs(30);

/// See the module.
pub(crate) struct Stagehand {
    pub(crate) shared: Arc<Shared>,
    pub(crate) reaper: Arc<Reaper>,
    backends: Arc<Backends>,
    runner: Runner,
    /// How long a phase may take.
    pub(crate) phase_deadline: Duration,
}

impl Stagehand {
    pub(crate) fn new(
        shared: Arc<Shared>,
        backends: Backends,
        phase_deadline: Duration,
    ) -> std::io::Result<Self> {
        let reaper = Arc::new(Reaper::new(&shared)?);
        let runner = Runner::new("reactor-phases");
        Ok(Self { shared, reaper, backends: Arc::new(backends), runner, phase_deadline })
    }

    /// Opens the code as generation `number`, runs `init` and `build`.
    pub(crate) fn raise(&self, number: u64, build: Arc<Build>) -> Result<Arc<Generation>, Stillborn> {
        let (backends, routes) = (Arc::clone(&self.backends), Arc::clone(&self.shared.routes));
        let shared: Arc<dyn Desk> = Arc::clone(&self.shared) as _;
        let desk: Weak<dyn Desk> = Arc::downgrade(&shared);
        let name = build.manifest.id.clone();
        let (reaper, host) = (Arc::clone(&self.reaper), Arc::clone(&self.shared));
        let late = move |raised: Result<Generation, Stillborn>| match raised {
            Ok(generation) => reaper.retire(Arc::new(generation)),
            Err(Stillborn::Failed(generation, _)) => reaper.retire(Arc::new(*generation)),
            Err(Stillborn::Unopened(_)) => {}
        };
        let deadline = self.phase_deadline;
        let raise =
            move || Generation::raise(&build, number, &backends, &routes, desk, &host.ledger, deadline);
        let raised = self.runner.run(deadline, raise, late);
        raised.map_or_else(
            || {
                self.backends.abandon(number, "it did not come up in time");
                Err(Stillborn::Unopened(crate::load::LoadError::Late { id: name, deadline }))
            },
            |raised| raised.map(Arc::new),
        )
    }

    /// Runs one phase of a generation.
    pub(crate) fn phase(&self, generation: &Arc<Generation>, op: Op) -> Result<Vec<u8>, PhaseFailure> {
        let run = Arc::clone(generation);
        let answer = self.within(Instant::now() + self.phase_deadline, op.name(), move || run.run(op))?;
        if op == Op::Register {
            self.tell_owed(&generation.life);
        }
        Ok(answer)
    }

    /// Tells which interfaces the manifest lists and `register` did not provide: those who require them were let in.
    fn tell_owed(&self, life: &Life) {
        for (interface, version) in life.exports.owed() {
            let message = format!(
                "the manifest of {} lists the interface {interface} {version}, and `register` did not provide it: who \
                 requires it will not find it; provide it, or take it out of `[provides]`",
                life.plugin
            );
            self.shared.tell(life, EventKind::Warned { code: "RE0754".to_owned(), message });
        }
    }

    /// Runs plugin code until `deadline`.
    pub(crate) fn within<T: Send + 'static>(
        &self,
        deadline: Instant,
        phase: &'static str,
        job: impl FnOnce() -> Result<T, PhaseFailure> + Send + 'static,
    ) -> Result<T, PhaseFailure> {
        let limit = deadline.saturating_duration_since(Instant::now());
        if limit.is_zero() {
            // Not begun at all: what is begun may come to its end at any later time.
            return Err(PhaseFailure::late(phase, limit));
        }
        let ring = Arc::clone(&self.shared);
        let late = move |_| ring.routes.signal().notify();
        self.runner.run(limit, job, late).unwrap_or_else(|| Err(PhaseFailure::late(phase, limit)))
    }

    /// `restore`, while nobody is inside.
    pub(crate) fn restore(
        &self,
        generation: &Arc<Generation>,
        state: &Arc<Vec<u8>>,
        deadline: Instant,
    ) -> Result<(), PhaseFailure> {
        let (generation, state) = (Arc::clone(generation), Arc::clone(state));
        // Kept by the job: one that is given up may still be at work.
        let seal = self.shared.routes.seal(&generation.life);
        self.within(deadline, "restore", move || {
            let _seal = seal;
            generation.restore(&state)
        })
    }

    /// Cancels the tasks and waits for them. `false`: one did not end in time.
    pub(crate) fn quiesce(&self, generation: &Generation, deadline: Instant) -> bool {
        let tasks = &generation.life.tasks;
        self.shared.end_work(&generation.life, "is suspended or stopped");
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
        generation.life.set_stage(Stage::Suspended);
        let suspended = Arc::clone(generation);
        let outcome =
            self.within(Instant::now() + self.phase_deadline, "suspend", move || suspended.suspend());
        if let Err(failure) = outcome {
            tell_failure(&self.shared, &generation.life, &failure);
        }
    }

    /// Has generations serve again, in place of `before` if others served meanwhile, and undoes their suspension or the
    /// beginning of one. Calls come first: they wait for no phase. A `suspend` that was given up is waited for, since
    /// `resume` must not run beside it.
    pub(crate) fn resume(&self, generations: &[Arc<Generation>], before: Option<&[Arc<Generation>]>) {
        let routes = &self.shared.routes;
        let mut suspended = Vec::new();
        for generation in generations {
            let life = &generation.life;
            if life.stage() == Stage::Suspended {
                suspended.push(generation);
            }
            life.reopen_tasks();
            life.set_stage(Stage::Live);
        }
        match before {
            Some(before) => routes.serve_set(&lives(generations), &lives(before)),
            None => routes.resume(&lives(generations)),
        }
        for generation in suspended {
            let limit = generation.stop_deadline();
            let deadline = Some(Instant::now() + limit);
            let resumed = if routes.signal().wait_until(deadline, || !generation.is_suspending()) {
                self.phase(generation, Op::Resume).map(drop)
            } else {
                Err(PhaseFailure::late("suspend", limit))
            };
            if let Err(failure) = resumed {
                tell_failure(&self.shared, &generation.life, &failure);
            }
        }
    }
}
