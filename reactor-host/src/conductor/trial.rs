//! The time after a swap, while the old generations are kept ready: what is watched, and how it ends.
//!
//! Owns which swaps are on trial. It runs by the host's clock, so that a test can be at its end at once. Must never know
//! how a swap is taken back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reactor_abi::interface::PROCESS_GONE;

use super::slot::{Previous, Slot};
use super::{Conductor, examiner};
use crate::event::EventKind;
use crate::generation::{Generation, PhaseFailure};
use crate::manifest::PluginId;
use crate::native::life::Stage;
use crate::native::remote::ENDED_BEFORE;
use crate::order::Order;
use crate::report::{Reason, Report};
use crate::retire::tell_failure;
use crate::swap::{Pair, Swapped};

/// The code of a health check that the plugin failed.
const UNWELL: &str = "RE0521";

/// The code of a generation that panicked more often than its manifest allows.
const PANICKED: &str = "RE0522";

/// One swap on trial: it ends well for all of its plugins, or for none.
pub(super) struct Trial {
    pairs: Vec<Pair>,
    /// When it ends, by the host's clock.
    ends: Duration,
    /// One for each of the new generations.
    checks: Vec<Check>,
}

/// The health checks of one generation.
#[derive(Clone, Copy)]
enum Check {
    /// The next is due at this time, by the host's clock.
    Due(Duration),
    /// One was begun, and counts as failed when it has not been answered by this moment. Plugins take real time.
    Begun(Instant),
}

/// How often a generation is examined.
fn check_every(generation: &Generation) -> Duration {
    generation.build.manifest.health.check_every.max(Duration::from_millis(1))
}

impl Trial {
    fn owes_an_answer(&self) -> bool {
        self.checks.iter().any(|check| matches!(check, Check::Begun(_)))
    }

    fn is_about(&self, plugin: &PluginId) -> bool {
        self.pairs.iter().any(|pair| pair.new.life.plugin == *plugin)
    }
}

impl Conductor {
    /// The old generation that a plugin could go back to at once.
    pub(super) fn kept_ready_for(&self, plugin: &PluginId) -> Option<u64> {
        let pairs = self.trials.iter().flat_map(|trial| &trial.pairs);
        pairs.filter(|pair| pair.new.life.plugin == *plugin).map(|pair| pair.old.life.number).next()
    }

    /// Puts a swap that was done on trial. A trial that one of its plugins was still in is over: there is one fallback
    /// for each plugin.
    pub(super) fn begin_trial(&mut self, pairs: Vec<Pair>) {
        for pair in &pairs {
            self.end_trial(&pair.new.life.plugin);
        }
        let now = self.stage.shared.now();
        let length = pairs.iter().map(|pair| pair.new.build.manifest.health.trial).max().unwrap_or_default();
        if length.is_zero() {
            self.accept(pairs, true);
            return;
        }
        for Pair { new, .. } in &pairs {
            let budget = new.build.manifest.health.max_panics;
            let (host, number) = (Arc::downgrade(&self.stage.shared), new.life.number);
            let alarm = move || {
                let message =
                    format!("it panicked more than {budget} times within its trial (`health.max-panics`)");
                let reason = Reason::new(PANICKED, message);
                if let Some(host) = host.upgrade() {
                    host.order(Order::Misbehaved { generation: number, reason });
                }
            };
            new.life.watch_panics(u64::from(budget), Box::new(alarm));
        }
        // The first examination is due at once.
        let checks = vec![Check::Due(now); pairs.len()];
        self.trials.push(Trial { pairs, ends: now + length, checks });
    }

    /// How long nothing is to be done about any trial; `None`: there is none.
    pub(super) fn until_next_trial_event(&self) -> Option<Duration> {
        let now = self.stage.shared.now();
        let wait = |check: &Check| match check {
            Check::Due(at) => at.saturating_sub(now),
            Check::Begun(by) => by.saturating_duration_since(Instant::now()),
        };
        let next = |trial: &Trial| {
            let checks = trial.checks.iter();
            if trial.owes_an_answer() {
                // Its end waits for that.
                return checks.filter(|check| matches!(check, Check::Begun(_))).map(wait).min();
            }
            checks.map(wait).chain([trial.ends.saturating_sub(now)]).min()
        };
        self.trials.iter().filter_map(next).min()
    }

    /// Has examined who is due, calls off what was not answered in time, and ends the trials whose time is over.
    pub(super) fn look_at_trials(&mut self) {
        let now = self.stage.shared.now();
        let mut late = Vec::new();
        for trial in &mut self.trials {
            for (Pair { new, .. }, check) in trial.pairs.iter().zip(&mut trial.checks) {
                let every = check_every(new).min(self.stage.phase_deadline);
                match *check {
                    // Over, but for an answer that is owed.
                    Check::Due(_) if trial.ends <= now => {}
                    Check::Due(at) if at <= now => {
                        let begun = examiner::examine(&self.stage.shared, new);
                        *check = if begun {
                            Check::Begun(Instant::now() + every)
                        } else {
                            Check::Due(now + every)
                        };
                    }
                    Check::Begun(by) if by <= Instant::now() => late.push((new.life.number, every)),
                    Check::Due(_) | Check::Begun(_) => {}
                }
            }
        }
        for (generation, limit) in late {
            self.examined(generation, Err(PhaseFailure::late("health", limit)), &mut Report::default());
        }
        let over = |trial: &Trial| trial.ends <= now && !trial.owes_an_answer();
        let (over, on): (Vec<_>, Vec<_>) = std::mem::take(&mut self.trials).into_iter().partition(over);
        self.trials = on;
        for trial in over {
            self.accept(trial.pairs, true);
        }
    }

    /// A generation was examined. It may have passed its trial meanwhile, or have failed it.
    pub(super) fn examined(
        &mut self,
        generation: u64,
        answer: Result<(), PhaseFailure>,
        report: &mut Report,
    ) {
        if let Err(failure) = answer {
            let why = Reason::from(failure);
            let told = format!("it failed its health check: {why}");
            // A process that has ended is told as that, whoever notices it first.
            let gone = [PROCESS_GONE, ENDED_BEFORE].contains(&why.code.as_str());
            let reason = Reason::new(if gone { PROCESS_GONE } else { UNWELL }, told);
            return self.misbehaved(generation, &reason, report);
        }
        let now = self.stage.shared.now();
        for trial in &mut self.trials {
            for (Pair { new, .. }, check) in trial.pairs.iter().zip(&mut trial.checks) {
                if new.life.number == generation {
                    *check = Check::Due(now + check_every(new));
                }
            }
        }
    }

    /// Ends the trial that a plugin is in, in favour of the new generation.
    pub(super) fn end_trial(&mut self, plugin: &PluginId) {
        if let Some(at) = self.trials.iter().position(|trial| trial.is_about(plugin)) {
            let trial = self.trials.swap_remove(at);
            self.accept(trial.pairs, false);
        }
    }

    /// The same of every trial: the host stops.
    pub(super) fn end_trials(&mut self) {
        for trial in std::mem::take(&mut self.trials) {
            self.accept(trial.pairs, false);
        }
    }

    /// The old generations get `stop` and are retired. `passed`: the time of the trial is over, as opposed to a further
    /// swap or an end that cuts it short.
    fn accept(&mut self, pairs: Vec<Pair>, passed: bool) {
        let mut olds = Vec::new();
        for Pair { old, new, .. } in pairs {
            new.life.forgive_panics();
            if passed {
                self.stage.shared.tell(&new.life, EventKind::TrialPassed { from: old.life.number });
            }
            olds.push(old);
        }
        self.stage.reaper.retire_set(olds);
    }

    /// A generation that may be on trial has failed.
    pub(super) fn misbehaved(&mut self, generation: u64, reason: &Reason, report: &mut Report) {
        let of = |trial: &Trial| trial.pairs.iter().position(|pair| pair.new.life.number == generation);
        // It may have been told of twice, or have passed its trial meanwhile.
        let Some((at, culprit)) =
            self.trials.iter().enumerate().find_map(|(at, trial)| Some((at, of(trial)?)))
        else {
            return;
        };
        let culprit = self.trials[at].pairs[culprit].new.life.plugin.clone();
        self.take_back(at, Some(&culprit), reason, report);
        self.reconcile(report);
    }

    /// Rolls a trial back; `culprit` is the one whose new build is not to be tried again, if it is anybody's fault.
    pub(super) fn take_back(
        &mut self,
        at: usize,
        culprit: Option<&PluginId>,
        reason: &Reason,
        report: &mut Report,
    ) {
        let trial = self.trials.swap_remove(at);
        let lost = self.stage.roll_back(&trial.pairs, reason);
        let (mut news, mut group, mut failed) = (Vec::new(), Vec::new(), None);
        for Pair { old, new, .. } in trial.pairs {
            new.life.forgive_panics();
            if culprit == Some(&new.life.plugin) {
                failed = Some((Arc::clone(&new.build), old.build.key == new.build.key));
            }
            group.push(new.life.plugin.clone());
            self.go_back_to(old, &lost);
            news.push(new);
        }
        self.stage.reaper.retire_set(news);
        let Some(culprit) = culprit else { return };
        match failed {
            // The very bytes that serve again: they can not be what is wrong.
            Some((_, true)) => self.note_trouble(culprit, reason, report),
            Some((build, false)) => self.condemn(&build, reason, report),
            None => {}
        }
        self.hold(&group, culprit, reason, report);
    }

    /// The process of a generation has ended. One on trial goes back to the generation before; any other that serves is
    /// gone, with all that need it, until somebody swaps or starts it, or its bytes change.
    pub(super) fn died(&mut self, generation: u64, reason: &Reason, report: &mut Report) {
        if self.trials.iter().any(|trial| trial.pairs.iter().any(|pair| pair.new.life.number == generation)) {
            return self.misbehaved(generation, reason, report);
        }
        // One that was kept ready is nothing to go back to.
        let mut pairs = self.trials.iter().flat_map(|trial| &trial.pairs);
        if let Some(Pair { old, .. }) = pairs.find(|pair| pair.old.life.number == generation) {
            tell_failure(&self.stage.shared, &old.life, &PhaseFailure::ended(reason));
            old.paid_stop();
            let plugin = old.life.plugin.clone();
            return self.end_trial(&plugin);
        }
        let serves =
            |slot: &Slot| slot.serving.as_ref().is_some_and(|serving| serving.life.number == generation);
        let Some(plugin) = self.slots.iter().find(|(_, slot)| serves(slot)).map(|(id, _)| id.clone()) else {
            return;
        };
        let Some(slot) = self.slots.get_mut(&plugin) else { return };
        slot.broken = true;
        slot.trouble = Some(reason.clone());
        if let Some(dead) = slot.serving.take() {
            self.order.retain(|known| *known != plugin);
            self.stage.shared.routes.absent(&plugin, reason.message.clone());
            self.stage.shared.set_output(&plugin, None);
            tell_failure(&self.stage.shared, &dead.life, &PhaseFailure::ended(reason));
            // There is nobody who could stop.
            dead.paid_stop();
            dead.life.set_stage(Stage::Ended);
            dead.instance.cut_imports();
            self.stage.reaper.retire(dead);
        }
        self.reconcile(report);
    }

    /// Position of the trial that a plugin is in.
    pub(super) fn trial_of(&self, plugin: &PluginId) -> Option<usize> {
        self.trials.iter().position(|trial| trial.is_about(plugin))
    }

    /// What serves after a roll-back, when it could take its state back.
    fn go_back_to(&mut self, old: Arc<Generation>, lost: &[PluginId]) {
        let plugin = old.life.plugin.clone();
        let Some(slot) = self.slots.get_mut(&plugin) else { return };
        slot.stand_in = Some(Arc::clone(&old.build));
        if slot.serving.as_ref().is_none_or(|new| new.build.key != old.build.key) {
            slot.previous = None;
        }
        slot.serving = None;
        if lost.contains(&plugin) {
            slot.broken = true;
            self.order.retain(|known| *known != plugin);
            self.stage.reaper.retire(old);
        } else {
            slot.serving = Some(old);
            self.checkpoint(&plugin);
        }
    }

    /// Notes what a swap changed: what serves, what it could go back to, and what has to last.
    pub(super) fn note_swapped(&mut self, swapped: &Swapped) {
        for Pair { old, new, state, .. } in &swapped.pairs {
            let Some(slot) = self.slots.get_mut(&new.life.plugin) else { continue };
            slot.serving = Some(Arc::clone(new));
            // After a way back there is nothing to go back to, and why the newest build does not serve is known.
            if slot.quarantined {
                slot.previous = None;
                continue;
            }
            slot.trouble = None;
            // The same bytes once more are nothing to go back to.
            if old.build.key != new.build.key {
                slot.previous = Some(Previous { build: Arc::clone(&old.build), state: state.clone() });
            }
        }
        self.keep_swap(&swapped.pairs);
    }
}
