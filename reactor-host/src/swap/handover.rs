//! From the old generations to the new ones: the state, and the switch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Change, Direction, Misstep, Pair, giving, lives, pause_of};
use crate::event::StateOutcome;
use crate::generation::{Generation, PhaseFailure};
use crate::native::life::Stage;
use crate::retire::tell_failure;
use crate::routes::{LONGEST_PAUSE, Set};
use crate::stagehand::Stagehand;

/// How often a hand-over is tried when callers do not leave in time, and how long the old generations serve between.
const ATTEMPTS: u32 = 5;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(100);

/// What one of the new ones took over.
type Given = (Option<Arc<Vec<u8>>>, StateOutcome);

impl Stagehand {
    /// State, then the switch. On failure the old generations serve again.
    pub(super) fn hand_over(
        &self,
        changes: &[Change],
        olds: &[Arc<Generation>],
        news: &[Arc<Generation>],
    ) -> Result<(Vec<Pair>, Duration), Misstep> {
        let limit = olds.iter().filter_map(|old| pause_of(old)).max();
        let (handed, paused) = match limit {
            Some(limit) => self.hand_over_paused(changes, olds, news, limit.min(LONGEST_PAUSE))?,
            None => (self.hand_over_live(changes, olds, news)?, Duration::ZERO),
        };
        let pairs = olds.iter().zip(news).zip(handed).map(|((old, new), (state, outcome))| Pair {
            old: Arc::clone(old),
            new: Arc::clone(new),
            state,
            outcome,
        });
        Ok((pairs.collect(), paused))
    }

    fn switch(&self, olds: &[Arc<Generation>], news: &[Arc<Generation>]) {
        for new in news {
            new.life.set_stage(Stage::Live);
        }
        self.shared.routes.serve_set(&lives(news), &lives(olds));
    }

    /// Nobody waits: what has a state is saved as it is, and calls go on meanwhile.
    fn hand_over_live(
        &self,
        changes: &[Change],
        olds: &[Arc<Generation>],
        news: &[Arc<Generation>],
    ) -> Result<Vec<Given>, Misstep> {
        let mut handed = Vec::new();
        for (of, old) in olds.iter().enumerate() {
            let deadline = Instant::now() + self.phase_deadline;
            let saved = self.save_for(&changes[of], old, deadline).map_err(Misstep::new(of, false))?;
            self.give(of, &news[of], saved.0.as_ref(), deadline)?;
            handed.push(saved);
        }
        self.switch(olds, news);
        // Dependants first: what they give up may need what they depend on.
        olds.iter().rev().for_each(|old| self.suspend(old));
        Ok(handed)
    }

    /// Callers from outside wait while those inside leave, the old generations are suspended and saved, and the new
    /// ones take the states; at most `limit` at a time.
    fn hand_over_paused(
        &self,
        changes: &[Change],
        olds: &[Arc<Generation>],
        news: &[Arc<Generation>],
        limit: Duration,
    ) -> Result<(Vec<Given>, Duration), Misstep> {
        let (routes, set) = (&self.shared.routes, lives(olds));
        for attempt in 1..=ATTEMPTS {
            let begun = Instant::now();
            let deadline = begun + limit;
            routes.pause(&set);
            if self.wait_for_callers(&set, deadline) {
                return match self.carry_over(changes, olds, news, deadline) {
                    Ok(handed) => {
                        self.switch(olds, news);
                        Ok((handed, begun.elapsed()))
                    }
                    Err(misstep) => {
                        self.resume(olds, None);
                        Err(misstep)
                    }
                };
            }
            let inside: u64 = set.iter().map(|life| life.inside()).sum();
            routes.resume(&set);
            if attempt == ATTEMPTS {
                let of = olds.iter().position(|old| old.life.inside() > 0).unwrap_or(0);
                let failure = PhaseFailure {
                    phase: "handoff",
                    code: "RE0503".to_owned(),
                    message: format!(
                        "{inside} call(s) did not leave within {limit:?}, {ATTEMPTS} times over; raise \
                         `pause-deadline`, or use `handoff = \"snapshot\"`"
                    ),
                    panicked: false,
                    given_up: false,
                };
                return Err(Misstep { of, failure, guilty: false });
            }
            // Orders may come meanwhile; they wait their turn, calls do not.
            let next = Instant::now() + BETWEEN_ATTEMPTS;
            routes.signal().wait_until(Some(next), || false);
        }
        unreachable!("the last attempt returns")
    }

    /// Waits until nobody is inside any of a set that no new caller gets into. `false`: the deadline passed first.
    pub(crate) fn wait_for_callers(&self, set: &Set, deadline: Instant) -> bool {
        set.iter().for_each(|life| life.announce_waiter());
        let left = self
            .shared
            .routes
            .signal()
            .wait_until(Some(deadline), || set.iter().all(|life| life.inside() == 0));
        set.iter().for_each(|life| life.retract_waiter());
        left
    }

    /// Suspends, saves and restores, while nobody is inside.
    fn carry_over(
        &self,
        changes: &[Change],
        olds: &[Arc<Generation>],
        news: &[Arc<Generation>],
        deadline: Instant,
    ) -> Result<Vec<Given>, Misstep> {
        for (of, old) in olds.iter().enumerate().rev() {
            self.suspend_by(old, deadline).map_err(Misstep::new(of, false))?;
        }
        let mut handed = Vec::new();
        for (of, old) in olds.iter().enumerate() {
            let saved = self.save_for(&changes[of], old, deadline).map_err(Misstep::new(of, false))?;
            self.give(of, &news[of], saved.0.as_ref(), deadline)?;
            handed.push(saved);
        }
        Ok(handed)
    }

    fn give(
        &self,
        of: usize,
        new: &Arc<Generation>,
        state: Option<&Arc<Vec<u8>>>,
        deadline: Instant,
    ) -> Result<(), Misstep> {
        let Some(state) = state else { return Ok(()) };
        // A deadline that passes is not the build's fault alone: the callers took their part of it.
        self.restore(new, state, deadline).map_err(|failure| {
            let guilty = !failure.given_up;
            Misstep { of, failure, guilty }
        })
    }

    fn suspend_by(&self, old: &Arc<Generation>, deadline: Instant) -> Result<(), PhaseFailure> {
        let limit = deadline.saturating_duration_since(Instant::now());
        // Its tasks are told to end: whatever becomes of the rest, it is owed a `resume`.
        old.life.set_stage(Stage::Suspended);
        if !self.quiesce(old, deadline) {
            return Err(PhaseFailure::late("suspend", limit));
        }
        let suspended = Arc::clone(old);
        match self.within(deadline, "suspend", move || suspended.suspend()) {
            Err(failure) if failure.given_up => Err(failure),
            Err(failure) => {
                tell_failure(&self.shared, &old.life, &failure);
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// What the new build is given of the old one's state: in a schema that it reads, else (on the way back) what it
    /// had itself when it served.
    fn save_for(
        &self,
        change: &Change,
        old: &Arc<Generation>,
        deadline: Instant,
    ) -> Result<Given, PhaseFailure> {
        let before = || match &change.direction {
            Direction::Forward => None,
            Direction::Back(state) => state.clone(),
        };
        let (Some(held), Some(reader)) = (&old.build.manifest.state, &change.build.manifest.state) else {
            let state = change.build.manifest.state.as_ref().and_then(|_| before());
            let outcome = if state.is_some() { StateOutcome::AtSwitch } else { StateOutcome::None };
            return Ok((state, outcome));
        };
        let Some(giving) = giving(reader, held) else {
            return Ok((before(), StateOutcome::AtSwitch));
        };
        Ok((Some(self.save_as(old, &giving, deadline)?), StateOutcome::HandedOver))
    }
}
