//! Making what runs agree with what is to run: after each order, over all plugins at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::orders::failed;
use super::up_and_down::{BLOCKED, blocked_by};
use super::{Conductor, Slot};
use crate::event::{EventKind, StateOutcome, micros};
use crate::manifest::{Manifest, PluginId};
use crate::report::{OutcomeStatus, Reason, Report};
use crate::resolve::{Resolution, ResolveError, resolve};
use crate::swap::{Change, Direction, NotSwapped, Pair, Swapped};

impl Conductor {
    /// Takes down what can not run any more, swaps what has a new build, brings up what can run.
    pub(super) fn reconcile(&mut self, report: &mut Report) {
        if !self.running {
            return;
        }
        self.release_held();
        // Each failure changes what can run. It also takes a build out of the running, so this comes to an end.
        loop {
            let mut went_back = false;
            let resolution = self.resolve(report);
            let able: BTreeSet<_> = resolution.order.iter().collect();
            for plugin in self.order.clone().into_iter().rev() {
                let wanted = self.slots.get(&plugin).is_some_and(Slot::wanted);
                let keeps = wanted && able.contains(&plugin);
                if !keeps
                    && wanted
                    && let Some(at) = self.trial_of(&plugin)
                {
                    // What it needs went back; what is kept ready for it may do with that.
                    let reason = Reason::new(BLOCKED, format!("{plugin} goes back with what it depends on"));
                    self.take_back(at, None, &reason, report);
                    went_back = true;
                    break;
                }
                if !keeps {
                    self.take_down(&plugin, "what it needs is gone", report);
                }
            }
            if went_back {
                continue;
            }
            self.note_refused(&resolution, report);
            self.warn(&resolution);
            if self.carry_through(&resolution.order, report) {
                self.bound.clear();
                return;
            }
        }
    }

    /// Swaps and brings up, providers first. `false`: something failed, resolve again.
    fn carry_through(&mut self, order: &[PluginId], report: &mut Report) -> bool {
        let groups = self.groups(order);
        let mut rising: Vec<PluginId> = Vec::new();
        for plugin in order {
            let slot = self.slots.get(plugin);
            if let Some(group) = groups.iter().find(|group| group.last() == Some(plugin)) {
                // What it needs anew comes first, and what needs it comes after it.
                let (after, before): (Vec<_>, Vec<_>) =
                    rising.into_iter().partition(|one| self.depends_on_any(one, group));
                if !self.bring_up(&before, report) || !self.swap(group, report) {
                    return false;
                }
                rising = after;
            } else if slot.is_some_and(|slot| slot.serving.is_none() && slot.to_run().is_some()) {
                rising.push(plugin.clone());
            }
        }
        self.bring_up(&rising, report)
    }

    fn depends_on_any(&self, plugin: &PluginId, group: &[PluginId]) -> bool {
        let build = self.slots.get(plugin).and_then(Slot::to_run);
        build.is_some_and(|build| build.manifest.dependencies.keys().any(|needed| group.contains(needed)))
    }

    /// Has builds tried again that were held up by another one, which is no longer in their way.
    fn release_held(&mut self) {
        let free = |(id, slot): (&PluginId, &Slot)| {
            let (culprit, build) = slot.held_by.as_ref()?;
            let still = self.slots.get(culprit).is_some_and(|culprit| {
                let failed = culprit.quarantined || culprit.trouble.is_some();
                Arc::ptr_eq(&culprit.build, build) && failed && culprit.wanted()
            });
            (!still).then(|| id.clone())
        };
        for id in self.slots.iter().filter_map(free).collect::<Vec<_>>() {
            if let Some(slot) = self.slots.get_mut(&id) {
                slot.held_by = None;
                slot.forgive();
            }
        }
    }

    /// Resolves what is to run. A plugin that serves is judged by its newest build; when that can not run, by the
    /// build that serves.
    fn resolve(&mut self, report: &mut Report) -> Resolution {
        let slots = self.slots.values();
        self.environment.running =
            slots.filter(|slot| slot.serving.is_some()).map(|slot| slot.build.manifest.id.clone()).collect();
        let before: BTreeMap<PluginId, Reason> = self
            .slots
            .iter_mut()
            .filter_map(|(id, slot)| Some((id.clone(), slot.unresolved.take()?)))
            .collect();
        loop {
            let candidates = self.slots.values().filter(|slot| slot.wanted());
            let manifests: Vec<&Manifest> = candidates.filter_map(Slot::judged_by).collect();
            let resolution = resolve(&manifests, &self.environment);
            let refused = resolution.refused.iter();
            let fell_back: Vec<_> = refused
                .filter(|(plugin, _)| self.slots.get(plugin).is_some_and(Slot::has_successor))
                .map(|(plugin, errors)| (plugin.clone(), self.reason_of(errors)))
                .collect();
            if fell_back.is_empty() {
                return resolution;
            }
            for (plugin, reason) in fell_back {
                if let Some(slot) = self.slots.get_mut(&plugin) {
                    slot.unresolved = Some(reason.clone());
                }
                if before.get(&plugin) != Some(&reason) {
                    let path = self.path(&plugin);
                    self.refuse(&plugin, &reason, path, report);
                }
            }
        }
    }

    /// Says why plugins can not run.
    fn note_refused(&mut self, resolution: &Resolution, report: &mut Report) {
        for (plugin, errors) in &resolution.refused {
            let reason = self.reason_of(errors);
            let Some(slot) = self.slots.get_mut(plugin) else { continue };
            // Told already, in other words, when what it needs failed to come up.
            let blocked = [BLOCKED, "RE0409"].contains(&reason.code.as_str());
            let known = |told: &Reason| blocked && told.code == BLOCKED;
            if slot.trouble.as_ref() != Some(&reason) && !slot.trouble.as_ref().is_some_and(known) {
                slot.trouble = Some(reason.clone());
                self.stage.shared.routes.absent(plugin, reason.message.clone());
                let path = self.path(plugin);
                self.refuse(plugin, &reason, path, report);
            }
        }
    }

    /// Tells what a plugin misses and can do without.
    fn warn(&mut self, resolution: &Resolution) {
        let mut warned = BTreeSet::new();
        for (plugin, warning) in &resolution.warnings {
            let (code, message) = (warning.code().to_owned(), warning.to_string());
            if !self.warned.contains(&(plugin.clone(), message.clone())) {
                let kind = EventKind::Warned { code, message: message.clone() };
                self.stage.shared.events.emit(Some(plugin.clone()), None, None, kind);
            }
            warned.insert((plugin.clone(), message));
        }
        self.warned = warned;
    }

    /// An event and an outcome about a build that can not be used.
    pub(super) fn refuse(
        &self,
        plugin: &PluginId,
        reason: &Reason,
        path: Option<PathBuf>,
        report: &mut Report,
    ) {
        let slot = self.slots.get(plugin);
        let version = slot.map(|slot| slot.build.manifest.version.clone());
        let serving = slot.and_then(|slot| Some(slot.serving.as_ref()?.life.number));
        let Reason { code, message } = reason.clone();
        let kind = EventKind::Refused { code, message, path };
        self.stage.shared.events.emit(Some(plugin.clone()), version, None, kind);
        report.outcomes.push(self.outcome(plugin, failed(reason.clone(), serving)));
    }

    /// Swaps a group of plugins in one step. `false`: that failed.
    fn swap(&mut self, group: &[PluginId], report: &mut Report) -> bool {
        let change = |plugin: &PluginId| {
            let slot = self.slots.get(plugin)?;
            let state = slot.previous.as_ref().and_then(|previous| previous.state.clone());
            let direction = if slot.quarantined { Direction::Back(state) } else { Direction::Forward };
            let old = Arc::clone(slot.serving.as_ref()?);
            Some(Change { old, build: Arc::clone(slot.successor()?), direction })
        };
        let changes: Vec<_> = group.iter().filter_map(change).collect();
        let outcome = self.stage.swap(&changes);
        // Who retires a generation needs it for itself.
        drop(changes);
        match outcome {
            Ok(swapped) => {
                self.note_swapped(&swapped);
                self.tell_swapped(&swapped, report);
                self.begin_trial(swapped.pairs);
                true
            }
            Err(not) => {
                self.note_not_swapped(group, &not, report);
                false
            }
        }
    }

    fn tell_swapped(&self, swapped: &Swapped, report: &mut Report) {
        let (micros, paused_micros) = (micros(swapped.took), micros(swapped.paused));
        for Pair { old, new, outcome: state, .. } in &swapped.pairs {
            let (generation, from, state) = (new.life.number, old.life.number, *state);
            self.stage.shared.tell(&new.life, EventKind::Swapped { from, micros, paused_micros, state });
            let state_handed_over = state == StateOutcome::HandedOver;
            let status =
                OutcomeStatus::Swapped { generation, from, micros, paused_micros, state_handed_over };
            report.outcomes.push(self.outcome(&new.life.plugin, status));
        }
    }

    /// The old generations go on. The culprit's build is in nobody's way any more; the others' wait for a better one.
    fn note_not_swapped(&mut self, group: &[PluginId], not: &NotSwapped, report: &mut Report) {
        let NotSwapped { culprit, reason, guilty, lost } = not;
        for plugin in lost {
            // What is kept ready for it is of no use: it serves no more.
            self.end_trial(plugin);
            if let Some(slot) = self.slots.get_mut(plugin) {
                slot.broken = true;
                if let Some(generation) = slot.serving.take() {
                    self.stage.reaper.retire(generation);
                }
            }
            self.order.retain(|known| known != plugin);
        }
        let Some(slot) = self.slots.get_mut(culprit) else { return };
        let going_back = slot.quarantined;
        let tried = slot.to_run().cloned();
        let serving = slot.serving.as_ref().map(|generation| Arc::clone(&generation.build));
        if going_back {
            report.outcomes.push(self.outcome(culprit, failed(reason.clone(), None)));
            self.pardon(culprit);
        } else if let Some(build) = tried.filter(|_| *guilty) {
            slot.stand_in.clone_from(&serving);
            if let Some(good) = serving {
                self.keep_good(&good);
            }
            self.condemn(&build, reason, report);
        } else {
            slot.trouble = Some(reason.clone());
            let path = self.path(culprit);
            self.refuse(culprit, reason, path, report);
        }
        self.hold(group, culprit, reason, report);
    }

    /// Has the builds of a group wait for a better build of `culprit`.
    pub(super) fn hold(
        &mut self,
        group: &[PluginId],
        culprit: &PluginId,
        reason: &Reason,
        report: &mut Report,
    ) {
        let Some(build) = self.slots.get(culprit).map(|slot| Arc::clone(&slot.build)) else { return };
        for plugin in group.iter().filter(|plugin| *plugin != culprit) {
            let held = Reason::new(
                "RE0523",
                format!(
                    "{plugin} is swapped in one step with {culprit}, whose new build did not take over ([{}] {}); it waits for \
                     a better one",
                    reason.code, reason.message
                ),
            );
            let Some(slot) = self.slots.get_mut(plugin) else { continue };
            slot.trouble = Some(held.clone());
            slot.stand_in = slot.serving.as_ref().map(|generation| Arc::clone(&generation.build));
            slot.held_by = Some((culprit.clone(), Arc::clone(&build)));
            let path = self.path(plugin);
            self.refuse(plugin, &held, path, report);
        }
    }

    /// Why a plugin can not run, in words. What it needs may be here and merely be off, or have failed.
    fn reason_of(&self, errors: &[ResolveError]) -> Reason {
        let told = errors.iter().map(|error| match error {
            ResolveError::MissingDependency { id, dependency, .. } if self.slots.contains_key(dependency) => {
                (BLOCKED, blocked_by(id, dependency))
            }
            error => (error.code(), error.to_string()),
        });
        let (codes, messages): (Vec<_>, Vec<_>) = told.unzip();
        Reason::new(codes.first().copied().unwrap_or(BLOCKED), messages.join("; "))
    }
}
