//! The way back: new generations that fail after the switch give way to the old ones again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Pair, giving, lives};
use crate::event::{EventKind, StateOutcome};
use crate::generation::{Generation, PhaseFailure};
use crate::manifest::PluginId;
use crate::native::life::Stage;
use crate::report::Reason;
use crate::retire::tell_failure;
use crate::routes::LONGEST_PAUSE;
use crate::stagehand::Stagehand;

impl Stagehand {
    /// The old generations take over again, each with what the new one has made of the state if it can read that, else
    /// with the state of the switch. Answers those that can take over neither: nobody serves there any more, and their
    /// stage is [`Stage::Ended`]. The new generations are not retired yet.
    pub(crate) fn roll_back(&self, pairs: &[Pair], why: &Reason) -> Vec<PluginId> {
        let routes = &self.shared.routes;
        let news: Vec<_> = pairs.iter().map(|pair| Arc::clone(&pair.new)).collect();
        let limit = patience(pairs);
        let deadline = Instant::now() + limit;
        let mut left = true;
        if pairs.iter().any(|pair| pair.state.is_some()) {
            let set = lives(&news);
            routes.pause(&set);
            left = self.wait_for_callers(&set, deadline);
        }
        // What only one can hold is given up before the old one takes it back; dependants first.
        for new in news.iter().rev() {
            left &= self.stand_down(new, limit);
        }
        let mut outcomes = Vec::new();
        let mut lost = Vec::new();
        for pair in pairs {
            let outcome = match &pair.state {
                None => Ok(StateOutcome::None),
                Some(state) if left => self.take_back(pair, state, limit),
                Some(_) => Ok(StateOutcome::AtSwitch),
            };
            match outcome {
                Ok(outcome) => outcomes.push((pair, outcome)),
                Err(failure) => {
                    let old = &pair.old.life;
                    tell_failure(&self.shared, old, &failure);
                    old.set_stage(Stage::Ended);
                    routes.absent(&old.plugin, format!("its state could not be taken back: {failure}"));
                    lost.push(old.plugin.clone());
                }
            }
        }
        let able: Vec<_> = outcomes.iter().map(|(pair, _)| Arc::clone(&pair.old)).collect();
        self.resume(&able, Some(&news));
        for (pair, state) in outcomes {
            self.shared.set_output(&pair.old.life.plugin, Some(pair.old.output.clone()));
            let Reason { code, message } = why.clone();
            let kind = EventKind::RolledBack { from: pair.new.life.number, state, code, message };
            self.shared.tell(&pair.old.life, kind);
        }
        lost
    }

    /// Suspends a new generation, which may not have been started. `false`: its tasks did not end in time.
    fn stand_down(&self, new: &Arc<Generation>, limit: Duration) -> bool {
        // Its own time: a caller that did not leave must not cost the `suspend`.
        let deadline = Instant::now() + limit;
        new.life.set_stage(Stage::Suspended);
        let quiet =
            if self.quiesce(new, deadline) { Ok(()) } else { Err(PhaseFailure::late("suspend", limit)) };
        let is_quiet = quiet.is_ok();
        let suspended = Arc::clone(new);
        let given_up = if new.owes_stop() {
            self.within(deadline, "suspend", move || suspended.suspend())
        } else {
            Ok(())
        };
        for failure in [quiet, given_up].into_iter().filter_map(Result::err) {
            tell_failure(&self.shared, &new.life, &failure);
        }
        is_quiet
    }

    /// Gives the old generation, which is suspended and has nobody inside, the state that the new one ended with; when
    /// that can not be had, its memory is that of the switch; when it fails half-way, the state of the switch is put in
    /// its place.
    fn take_back(
        &self,
        Pair { old, new, .. }: &Pair,
        state: &Arc<Vec<u8>>,
        limit: Duration,
    ) -> Result<StateOutcome, PhaseFailure> {
        let rules = old.build.manifest.state.as_ref().zip(new.build.manifest.state.as_ref());
        let Some(giving) = rules.and_then(|(reader, held)| giving(reader, held)) else {
            return Ok(StateOutcome::AtSwitch);
        };
        // Asked before it is begun: a `restore` that is given up half-way costs the plugin, a call inside must not.
        if !self.wait_for_callers(&lives(std::slice::from_ref(old)), Instant::now() + limit) {
            return Ok(StateOutcome::AtSwitch);
        }
        let saved = match self.save_as(new, &giving, Instant::now() + limit) {
            Ok(saved) => saved,
            Err(failure) => {
                tell_failure(&self.shared, &new.life, &failure);
                return Ok(StateOutcome::AtSwitch);
            }
        };
        match self.restore(old, &saved, Instant::now() + limit) {
            Ok(()) => Ok(StateOutcome::TakenBack),
            // It was not touched: it goes on with what it had.
            Err(failure) if failure.was_busy() => {
                tell_failure(&self.shared, &old.life, &failure);
                Ok(StateOutcome::AtSwitch)
            }
            // It may still be at work in there: nobody else may enter any more.
            Err(failure) if failure.given_up => Err(failure),
            Err(failure) => {
                tell_failure(&self.shared, &old.life, &failure);
                self.restore(old, state, Instant::now() + limit).map(|()| StateOutcome::AtSwitch)
            }
        }
    }
}

/// How long the new ones are waited for: callers wait too, if there is a state.
fn patience(pairs: &[Pair]) -> Duration {
    let held = pairs.iter().filter(|pair| pair.state.is_some());
    let rules = held.filter_map(|pair| pair.old.build.manifest.state.as_ref());
    let pause = rules.map(|rules| rules.pause_deadline.min(LONGEST_PAUSE)).max();
    pause.or_else(|| pairs.iter().map(|pair| pair.new.stop_deadline()).max()).unwrap_or_default()
}
