//! A new build takes over: built beside the old one, handed the state, switched to in one step, started; and the old
//! one goes on after any failure.
//!
//! Owns the order of these steps. Must never know where the build came from, nor what becomes of the old generation
//! afterwards.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reactor_abi::ffi::Op;

use crate::backend::Build;
use crate::event::{EventKind, StateOutcome};
use crate::generation::{Generation, PhaseFailure, Stillborn};
use crate::manifest::{Handoff, Manifest};
use crate::native::life::Stage;
use crate::report::Reason;
use crate::retire::tell_failure;
use crate::routes::LONGEST_PAUSE;
use crate::shared::micros_since;
use crate::stagehand::Stagehand;

/// How often a hand-over is tried when callers do not leave in time, and how long the old generation serves between.
const ATTEMPTS: u32 = 5;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(100);

/// A swap that was done.
pub(crate) struct Swapped {
    pub(crate) generation: u64,
    pub(crate) from: u64,
    pub(crate) micros: u64,
    pub(crate) paused_micros: u64,
    pub(crate) state: StateOutcome,
}

/// What is in the way of handing `old`'s state to `new`, as far as the manifests tell.
fn check_state(old: &Manifest, new: &Manifest) -> Result<(), Reason> {
    let Some(held) = &old.state else { return Ok(()) };
    match &new.state {
        None => Err(Reason::new(
            "RE0501",
            format!(
                "the running build keeps a state of schema {}, the new one declares none; keep the `[state]` table, or \
                 stop the plugin first",
                held.schema
            ),
        )),
        Some(state) if !state.reads.contains(&held.schema) => Err(Reason::new(
            "RE0502",
            format!(
                "the running build's state is of schema {}, the new one reads {:?}; add a migration and list the schema \
                 in `reads`",
                held.schema, state.reads
            ),
        )),
        Some(_) => Ok(()),
    }
}

impl Stagehand {
    /// Replaces `old` by `build`, and what `serving` holds with it. After an error `old` serves as before; only when it
    /// could not take its state back does nothing serve.
    pub(crate) fn swap(
        &self,
        old: Arc<Generation>,
        build: Arc<Build>,
        serving: &mut Option<Arc<Generation>>,
    ) -> Result<Swapped, Reason> {
        let begun = Instant::now();
        check_state(&old.build.manifest, &build.manifest)?;
        let new = self.raise_beside(build)?;
        match self.hand_over(&old, &new) {
            Ok((paused, state)) => {
                *serving = Some(Arc::clone(&new));
                self.shared.set_output(&new.life.plugin, Some(new.output.clone()));
                let micros = micros_since(begun);
                let paused_micros = crate::event::micros(paused);
                let (generation, from) = (new.life.number, old.life.number);
                self.shared.tell(&new.life, EventKind::Swapped { from, micros, paused_micros, state });
                self.reaper.retire(old);
                Ok(Swapped { generation, from, micros, paused_micros, state })
            }
            Err(failure) => {
                tell_failure(&self.shared, &new.life, &failure);
                self.reaper.retire(new);
                if old.life.stage() == Stage::Ended {
                    *serving = None;
                    self.reaper.retire(old);
                }
                Err(failure.into())
            }
        }
    }

    /// Every phase up to `after_registration`, while the old generation serves.
    fn raise_beside(&self, build: Arc<Build>) -> Result<Arc<Generation>, Reason> {
        let generation = self.raise(build).map_err(|stillborn| self.bury(stillborn))?;
        for op in [Op::Register, Op::AfterRegistration] {
            if let Err(failure) = self.phase(&generation, op) {
                tell_failure(&self.shared, &generation.life, &failure);
                self.reaper.retire(generation);
                return Err(failure.into());
            }
        }
        Ok(generation)
    }

    /// Retires what is left of a generation that could not be made, and says why it could not.
    pub(crate) fn bury(&self, stillborn: Stillborn) -> Reason {
        match stillborn {
            Stillborn::Unopened(error) => Reason::new(error.code(), error.to_string()),
            Stillborn::Failed(generation, failure) => {
                tell_failure(&self.shared, &generation.life, &failure);
                self.reaper.retire(Arc::new(*generation));
                failure.into()
            }
        }
    }

    /// State, switch, start. On failure `old` serves again.
    fn hand_over(
        &self,
        old: &Arc<Generation>,
        new: &Arc<Generation>,
    ) -> Result<(Duration, StateOutcome), PhaseFailure> {
        let handoff = old.build.manifest.state.as_ref().map(|state| (state.handoff, state.pause_deadline));
        match handoff {
            None => {
                new.life.set_stage(Stage::Live);
                self.shared.routes.serve(&new.life);
                self.suspend(old);
                self.begin(old, new, None).map(|()| (Duration::ZERO, StateOutcome::None))
            }
            Some((Handoff::Snapshot, _)) => {
                let state = Arc::new(self.save(old)?);
                self.restore(new, &state, Instant::now() + self.phase_deadline)?;
                new.life.set_stage(Stage::Live);
                self.shared.routes.serve(&new.life);
                self.suspend(old);
                self.begin(old, new, Some(state)).map(|()| (Duration::ZERO, StateOutcome::HandedOver))
            }
            Some((Handoff::Pause, limit)) => {
                let (paused, state) = self.hand_over_paused(old, new, limit.min(LONGEST_PAUSE))?;
                self.begin(old, new, Some(state)).map(|()| (paused, StateOutcome::HandedOver))
            }
        }
    }

    /// Callers from outside wait while those inside leave, the old generation is suspended and saved, and the new
    /// one takes the state; at most `limit` at a time.
    fn hand_over_paused(
        &self,
        old: &Arc<Generation>,
        new: &Arc<Generation>,
        limit: Duration,
    ) -> Result<(Duration, Arc<Vec<u8>>), PhaseFailure> {
        let routes = &self.shared.routes;
        for attempt in 1..=ATTEMPTS {
            let begun = Instant::now();
            let deadline = begun + limit;
            old.life.announce_waiter();
            routes.pause(&old.life);
            let left = routes.signal().wait_until(Some(deadline), || old.life.inside() == 0);
            old.life.retract_waiter();
            if left {
                let handed = self.suspend_and_save(old, deadline).map(Arc::new).and_then(|state| {
                    self.restore(new, &state, deadline)?;
                    Ok(state)
                });
                return match handed {
                    Ok(state) => {
                        new.life.set_stage(Stage::Live);
                        routes.serve(&new.life);
                        Ok((begun.elapsed(), state))
                    }
                    Err(failure) => {
                        self.resume(old);
                        Err(failure)
                    }
                };
            }
            let inside = old.life.inside();
            routes.serve(&old.life);
            if attempt == ATTEMPTS {
                return Err(PhaseFailure {
                    phase: "handoff",
                    code: "RE0503".to_owned(),
                    message: format!(
                        "{inside} call(s) did not leave within {limit:?}, {ATTEMPTS} times over; raise \
                         `pause-deadline`, or use `handoff = \"snapshot\"`"
                    ),
                    panicked: false,
                    given_up: false,
                });
            }
            // Orders may come meanwhile; they wait their turn, calls do not.
            let next = Instant::now() + BETWEEN_ATTEMPTS;
            routes.signal().wait_until(Some(next), || false);
        }
        unreachable!("the last attempt returns")
    }

    fn suspend_and_save(&self, old: &Arc<Generation>, deadline: Instant) -> Result<Vec<u8>, PhaseFailure> {
        let limit = deadline.saturating_duration_since(Instant::now());
        // Its tasks are told to end: whatever becomes of the rest, it is owed a `resume`.
        old.life.set_stage(Stage::Suspended);
        if !self.quiesce(old, deadline) {
            return Err(PhaseFailure::late("suspend", limit));
        }
        let suspended = Arc::clone(old);
        if let Err(failure) = self.within(deadline, "suspend", move || suspended.suspend()) {
            if failure.given_up {
                return Err(failure);
            }
            tell_failure(&self.shared, &old.life, &failure);
        }
        let saved = Arc::clone(old);
        self.within(deadline, "save", move || saved.run(Op::Save))
    }

    /// Runs `start` of the generation that has just been switched to; takes the switch back when it fails. `state`:
    /// what was handed over.
    fn begin(
        &self,
        old: &Arc<Generation>,
        new: &Arc<Generation>,
        state: Option<Arc<Vec<u8>>>,
    ) -> Result<(), PhaseFailure> {
        let Err(failure) = self.phase(new, Op::Start) else { return Ok(()) };
        self.roll_back(old, new, state);
        Err(failure)
    }

    /// The old generation takes over again, with what the new one has made of the state if it can read that, else
    /// with the state of the switch. If it can take over neither, nobody serves and its stage is [`Stage::Ended`].
    fn roll_back(&self, old: &Arc<Generation>, new: &Arc<Generation>, state: Option<Arc<Vec<u8>>>) {
        let routes = &self.shared.routes;
        let pause = old.build.manifest.state.as_ref().map(|rules| rules.pause_deadline.min(LONGEST_PAUSE));
        let limit = pause.filter(|_| state.is_some()).unwrap_or_else(|| new.stop_deadline());
        let deadline = Instant::now() + limit;
        let mut left = true;
        if state.is_some() {
            new.life.announce_waiter();
            routes.pause(&new.life);
            left = routes.signal().wait_until(Some(deadline), || new.life.inside() == 0);
            new.life.retract_waiter();
        }
        // What only one can hold is given up before the old one takes it back.
        new.life.set_stage(Stage::Suspended);
        let suspended = Arc::clone(new);
        let quiet =
            if self.quiesce(new, deadline) { Ok(()) } else { Err(PhaseFailure::late("suspend", limit)) };
        left &= quiet.is_ok();
        let given_up = self.within(deadline, "suspend", move || suspended.suspend());
        for failure in [quiet, given_up].into_iter().filter_map(Result::err) {
            tell_failure(&self.shared, &new.life, &failure);
        }
        let outcome = match state {
            None => Ok(StateOutcome::None),
            Some(state) if left => self.take_back(old, new, &state, limit),
            Some(_) => Ok(StateOutcome::AtSwitch),
        };
        match outcome {
            Ok(state) => {
                self.resume(old);
                self.shared.tell(&old.life, EventKind::RolledBack { from: new.life.number, state });
            }
            Err(failure) => {
                tell_failure(&self.shared, &old.life, &failure);
                old.life.set_stage(Stage::Ended);
                routes.absent(&old.life.plugin, format!("its state could not be taken back: {failure}"));
            }
        }
    }

    /// Gives `old`, which is suspended and has nobody inside, the state that `new` ended with; when that can not be
    /// had, its memory is that of the switch; when it fails half-way, the state of the switch is put in its place.
    fn take_back(
        &self,
        old: &Arc<Generation>,
        new: &Arc<Generation>,
        state: &Arc<Vec<u8>>,
        limit: Duration,
    ) -> Result<StateOutcome, PhaseFailure> {
        let saved = match self.save_for(old, new, Instant::now() + limit) {
            None => return Ok(StateOutcome::AtSwitch),
            Some(Ok(saved)) => Arc::new(saved),
            Some(Err(failure)) => {
                tell_failure(&self.shared, &new.life, &failure);
                return Ok(StateOutcome::AtSwitch);
            }
        };
        match self.restore(old, &saved, Instant::now() + limit) {
            Ok(()) => Ok(StateOutcome::TakenBack),
            // It may still be at work in there: nobody else may enter any more.
            Err(failure) if failure.given_up => Err(failure),
            Err(failure) => {
                tell_failure(&self.shared, &old.life, &failure);
                self.restore(old, state, Instant::now() + limit).map(|()| StateOutcome::AtSwitch)
            }
        }
    }

    /// The state of `new` in a schema that `old` reads; `None`: it can not be had in one.
    fn save_for(
        &self,
        old: &Arc<Generation>,
        new: &Arc<Generation>,
        deadline: Instant,
    ) -> Option<Result<Vec<u8>, PhaseFailure>> {
        let (reads, has) = (old.build.manifest.state.as_ref()?, new.build.manifest.state.as_ref()?);
        let wanted = if reads.reads.contains(&has.schema) {
            None
        } else {
            Some(*has.downgrades_to.iter().find(|schema| reads.reads.contains(schema))?)
        };
        let saving = Arc::clone(new);
        let save = move || wanted.map_or_else(|| saving.run(Op::Save), |schema| saving.save_as(schema));
        Some(self.within(deadline, "save", save))
    }
}
