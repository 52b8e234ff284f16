//! Bringing plugins up together, phase by phase, and taking them down again.
//!
//! Owns the order of the phases at either end of a generation's service. Must never know why plugins come or go, nor
//! what a swap is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use reactor_abi::ffi::Op;

use super::{Conductor, Slot};
use crate::event::{EventKind, StateOutcome, micros};
use crate::generation::{Generation, PhaseFailure};
use crate::manifest::PluginId;
use crate::native::life::Stage;
use crate::report::{OutcomeStatus, Reason, Report};
use crate::retire::tell_failure;
use crate::shared::micros_since;

/// The code of a plugin that failed only because another one did.
pub(super) const BLOCKED: &str = "RE0417";

/// A generation that is coming up together with others.
struct Rising {
    plugin: PluginId,
    generation: Arc<Generation>,
    begun: Instant,
    /// What it begins with.
    state: StateOutcome,
}

impl Conductor {
    /// Takes plugins through their phases together: `init` and `build` of each before its dependants', then every
    /// `register`, every `after_registration`, every `start`. One that fails takes along only what needs it.
    ///
    /// `false`: one failed.
    pub(super) fn bring_up(&mut self, plugins: &[PluginId], report: &mut Report) -> bool {
        let mut all_well = true;
        let mut rising: Vec<Rising> = Vec::new();
        for plugin in plugins {
            let Some(slot) = self.slots.get(plugin) else { continue };
            if let Some(reason) = self.blocked(slot, &rising) {
                self.fail(plugin, &reason, report);
                all_well = false;
                continue;
            }
            let begun = Instant::now();
            let Some(build) = slot.to_run().cloned() else { continue };
            let number = self.stage.shared.next_generation();
            match self.stage.raise(number, build) {
                Ok(generation) => {
                    self.stage.shared.set_output(plugin, Some(generation.output.clone()));
                    let state = StateOutcome::None;
                    rising.push(Rising { plugin: plugin.clone(), generation, begun, state });
                }
                Err(stillborn) => {
                    let reason = self.stage.bury(stillborn);
                    self.fail(plugin, &reason, report);
                    all_well = false;
                }
            }
        }
        for op in [Op::Register, Op::AfterRegistration, Op::Start] {
            let mut kept: Vec<Rising> = Vec::new();
            for mut one in rising {
                let blocked = self.slots.get(&one.plugin).and_then(|slot| self.blocked(slot, &kept));
                match blocked.map_or_else(|| self.go_on(&mut one, op), Err) {
                    Ok(()) => kept.push(one),
                    Err(reason) => {
                        self.stage.shared.set_output(&one.plugin, None);
                        self.fail(&one.plugin, &reason, report);
                        all_well = false;
                        self.stage.reaper.retire(one.generation);
                    }
                }
            }
            rising = kept;
        }
        for one in rising {
            self.arrive(one, report);
        }
        all_well
    }

    /// One phase of one rising plugin. From `start` on it serves: its own `start` may call others, and they it.
    fn go_on(&self, one: &mut Rising, op: Op) -> Result<(), Reason> {
        if op == Op::Start {
            one.state = self.give_state(&one.generation)?;
            one.generation.life.set_stage(Stage::Live);
            self.stage.shared.routes.serve(&one.generation.life);
        }
        self.stage.phase(&one.generation, op).map(drop).map_err(|failure| {
            tell_failure(&self.stage.shared, &one.generation.life, &failure);
            Reason::from(failure)
        })
    }

    /// Hands a plugin that is about to start what it saved last.
    fn give_state(&self, generation: &Arc<Generation>) -> Result<StateOutcome, Reason> {
        let Some(state) = self.state_for(&generation.build)? else { return Ok(StateOutcome::None) };
        let restored = self.stage.restore(generation, &state, Instant::now() + self.stage.phase_deadline);
        restored.map(|()| StateOutcome::Restored).map_err(|failure| {
            tell_failure(&self.stage.shared, &generation.life, &failure);
            Reason::from(failure)
        })
    }

    fn arrive(&mut self, one: Rising, report: &mut Report) {
        let Rising { plugin, generation, begun, state } = one;
        let micros = micros_since(begun);
        self.stage.shared.tell(&generation.life, EventKind::Loaded { micros, state });
        let status = OutcomeStatus::Loaded { generation: generation.life.number, micros };
        report.outcomes.push(self.outcome(&plugin, status));
        if let Some(slot) = self.slots.get_mut(&plugin) {
            slot.serving = Some(generation);
            if !slot.stands_back() {
                slot.trouble = None;
            }
        }
        self.order.retain(|known| *known != plugin);
        self.order.push(plugin);
    }

    /// Which dependency is not there after all, because it failed just now.
    fn blocked(&self, slot: &Slot, rising: &[Rising]) -> Option<Reason> {
        let build = slot.to_run()?;
        let id = &build.manifest.id;
        let there = |dependency: &PluginId| {
            self.slots.get(dependency).is_some_and(|slot| slot.serving.is_some())
                || rising.iter().any(|one| one.plugin == *dependency)
        };
        let needed = build.manifest.dependencies.iter().filter(|(_, need)| !need.optional);
        let missing = needed.map(|(dependency, _)| dependency).find(|dependency| !there(dependency))?;
        Some(Reason::new(BLOCKED, blocked_by(id, missing)))
    }

    fn fail(&mut self, plugin: &PluginId, reason: &Reason, report: &mut Report) {
        self.stage.shared.routes.absent(plugin, reason.message.clone());
        if let Some(slot) = self.slots.get_mut(plugin) {
            if slot.trouble.as_ref() == Some(reason) {
                return;
            }
            slot.trouble = Some(reason.clone());
            // Not even what stood in for a quarantined build runs.
            if reason.code != BLOCKED {
                slot.stand_in = None;
            }
            // A blocked plugin is tried again as soon as what blocks it is there; a broken one when its bytes change.
            slot.broken = reason.code != BLOCKED;
        }
        let path = self.path(plugin);
        self.refuse(plugin, reason, path, report);
    }

    /// Takes a plugin down, those that depend on it first.
    pub(super) fn take_down_with_dependants(&mut self, plugin: &PluginId, why: &str, report: &mut Report) {
        let mut leaving: BTreeSet<PluginId> = BTreeSet::from([plugin.clone()]);
        // Providers stand before their dependants in the order in which they came up.
        for other in &self.order {
            let serving = self.slots.get(other).and_then(|slot| slot.serving.as_ref());
            let depends = serving.is_some_and(|generation| {
                let needs = &generation.build.manifest.dependencies;
                needs.iter().any(|(dependency, need)| !need.optional && leaving.contains(dependency))
            });
            if depends {
                leaving.insert(other.clone());
            }
        }
        for one in self.order.clone().into_iter().rev().filter(|one| leaving.contains(one)) {
            let why =
                if one == *plugin { why.to_owned() } else { format!("{plugin}, which it depends on, goes") };
            self.take_down(&one, &why, report);
        }
    }

    /// `stop`, then what it registered is taken back, then it is retired.
    pub(super) fn take_down(&mut self, plugin: &PluginId, why: &str, report: &mut Report) {
        self.end_trial(plugin);
        self.order.retain(|known| known != plugin);
        let Some(slot) = self.slots.get_mut(plugin) else { return };
        let Some(generation) = slot.serving.take() else { return };
        let begun = Instant::now();
        let limit = generation.stop_deadline();
        if self.last_stop.is_some_and(|last| begun >= last) {
            // Others used up the time of all. The reaper runs the `stop` that is owed, beside theirs.
            self.stage.shared.end_work(&generation.life, "is stopped");
            self.stage.shared.routes.absent(plugin, why);
            self.stage.shared.set_output(plugin, None);
            let kind = EventKind::Stopped { reason: why.to_owned(), micros: 0 };
            self.stage.shared.tell(&generation.life, kind);
            return self.stage.reaper.retire(generation);
        }
        if !self.stage.quiesce(&generation, begun + limit) {
            tell_failure(&self.stage.shared, &generation.life, &PhaseFailure::late("stop", limit));
        }
        self.save_at_the_end(&generation, Instant::now() + limit);
        if generation.owes_stop() {
            generation.paid_stop();
            let stopping = Arc::clone(&generation);
            let deadline = Instant::now() + limit;
            let stopped = self.stage.within(deadline, "stop", move || stopping.run(Op::Stop).map(drop));
            if let Err(failure) = stopped {
                tell_failure(&self.stage.shared, &generation.life, &failure);
            }
        }
        self.stage.shared.routes.absent(plugin, why);
        self.stage.shared.set_output(plugin, None);
        generation.life.set_stage(Stage::Ended);
        generation.instance.cut_imports();
        let kind = EventKind::Stopped { reason: why.to_owned(), micros: micros(begun.elapsed()) };
        self.stage.shared.tell(&generation.life, kind);
        report.outcomes.push(self.outcome(plugin, OutcomeStatus::Stopped));
        self.stage.reaper.retire(generation);
    }
}

pub(super) fn blocked_by(plugin: &PluginId, dependency: &PluginId) -> String {
    format!("{plugin} is blocked: {dependency}, which it depends on, does not run")
}
