//! What has to last: builds that are not to be tried again, builds to go back to, and saved states.
//!
//! Owns what is put into the store and when; the store knows nothing of it. What a person or a program is told of is
//! durable by then. No call waits for it: this thread does, after the switch.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reactor_abi::State;
use reactor_abi::ffi::Op;

use super::Conductor;
use super::orders::failed;
use super::slot::Previous;
use crate::backend::Build;
use crate::event::EventKind;
use crate::generation::Generation;
use crate::manifest::{Manifest, PluginId};
use crate::native::life::Stage;
use crate::report::{Outcome, OutcomeStatus, Reason, Report};
use crate::retire::tell_failure;
use crate::routes::LONGEST_PAUSE;
use crate::store::{Change, Quarantined, RollbackPoint, SavedState, Ticket};
use crate::swap::Pair;

/// The code of a build that somebody rolled back.
const BY_HAND: &str = "RE0524";

impl Conductor {
    /// Has a build never be tried again, until its bytes change or a person lifts it.
    pub(super) fn condemn(&mut self, build: &Arc<Build>, reason: &Reason, report: &mut Report) {
        let plugin = build.manifest.id.clone();
        let Reason { code, message } = reason.clone();
        let ticket = self.stage.shared.store.quarantine(Quarantined {
            plugin: plugin.clone(),
            build: build.key,
            version: build.manifest.version.clone(),
            code: code.clone(),
            message: message.clone(),
            unix_ms: self.stage.shared.unix_ms(),
            source: build.candidate().map(|candidate| candidate.source.clone()).unwrap_or_default(),
        });
        self.acknowledge(ticket);
        let kind = EventKind::Quarantined { build: build.key.to_string(), code, message };
        self.stage.shared.events.emit(Some(plugin.clone()), Some(build.manifest.version.clone()), None, kind);
        if let Some(slot) = self.slots.get_mut(&plugin)
            && slot.build.key == build.key
        {
            slot.quarantined = true;
            slot.trouble = Some(reason.clone());
        }
        let path = build.candidate().map(|candidate| candidate.source.clone());
        self.blame(&plugin, reason, path, report);
    }

    /// Says why a build does not serve any more. Who asked for it is not told that it failed: see
    /// [`roll_back_by_hand`](Self::roll_back_by_hand).
    fn blame(&self, plugin: &PluginId, reason: &Reason, path: Option<PathBuf>, report: &mut Report) {
        if reason.code != BY_HAND {
            self.refuse(plugin, reason, path, report);
        }
    }

    /// Says what a build did that is tried again when its bytes change or somebody asks.
    pub(super) fn note_trouble(&mut self, plugin: &PluginId, reason: &Reason, report: &mut Report) {
        if let Some(slot) = self.slots.get_mut(plugin) {
            slot.trouble = Some(reason.clone());
        }
        let path = self.path(plugin);
        self.blame(plugin, reason, path, report);
    }

    /// Looks whether the newest build of a plugin is quarantined; if so, the last good one runs in its place.
    pub(super) fn judge(&mut self, plugin: &PluginId, report: &mut Report) {
        let Some(slot) = self.slots.get(plugin) else { return };
        let Some(record) = self.stage.shared.store.quarantined(plugin, &slot.build.key) else { return };
        let reason = Reason::new(
            "RE0520",
            format!(
                "build {} of {plugin} is quarantined: [{}] {}; build it anew, or lift it: `reactor quarantine \
                 --plugins DIR --lift {plugin}`",
                record.build.short(),
                record.code,
                record.message
            ),
        );
        let stand_in = match &slot.serving {
            Some(generation) => Some(Arc::clone(&generation.build)),
            None => slot.stand_in.clone().or_else(|| self.kept(plugin).map(|previous| previous.build)),
        };
        let path = slot.build.candidate().map(|candidate| candidate.source.clone());
        if let Some(slot) = self.slots.get_mut(plugin) {
            slot.quarantined = true;
            slot.stand_in = stand_in;
            slot.trouble = Some(reason.clone());
        }
        self.refuse(plugin, &reason, path, report);
    }

    /// The file of a quarantined build can be read again: that is not what is wrong with it any more.
    pub(super) fn judge_again(&mut self, plugin: &PluginId, report: &mut Report) {
        let Some(slot) = self.slots.get(plugin) else { return };
        // The codes of files and folders.
        if slot.quarantined && slot.trouble.as_ref().is_some_and(|trouble| trouble.code.starts_with("RE01")) {
            self.judge(plugin, report);
        }
    }

    /// Lets everything be tried again that is quarantined of a plugin.
    pub(super) fn lift(&mut self, plugin: &PluginId, report: &mut Report) {
        if !self.release_all(plugin) {
            // Wrong is what was asked, not the plugin: nobody else is told.
            let reason = Reason::new("RE0526", format!("nothing of {plugin} is quarantined"));
            report.outcomes.push(self.outcome(plugin, failed(reason, None)));
            return;
        }
        if let Some(slot) = self.slots.get_mut(plugin)
            && std::mem::take(&mut slot.quarantined)
        {
            slot.forgive();
        }
        self.reconcile(report);
    }

    /// Ends the quarantine of every build of a plugin. `false`: there was none.
    pub(super) fn release_all(&self, plugin: &PluginId) -> bool {
        let store = self.stage.shared.store.clone();
        let mut any = false;
        for record in store.quarantine_list().into_iter().filter(|record| record.plugin == *plugin) {
            self.acknowledge(store.lift(plugin, &record.build));
            let kind = EventKind::Released { build: record.build.to_string() };
            self.stage.shared.events.emit(Some(plugin.clone()), Some(record.version), None, kind);
            any = true;
        }
        any
    }

    /// Goes back to the build that served before, because somebody says so.
    pub(super) fn roll_back_by_hand(&mut self, plugin: &PluginId, report: &mut Report) {
        let Some(slot) = self.slots.get(plugin) else { return self.unknown(plugin, report) };
        let Some(serving) = slot.serving.clone() else {
            let reason = Reason::new("RE0418", format!("{plugin} can not be rolled back: it does not run"));
            report.outcomes.push(self.outcome(plugin, failed(reason, None)));
            return;
        };
        let reason = Reason::new(BY_HAND, "somebody rolled it back by hand");
        let from = serving.life.number;
        if let Some(at) = self.trial_of(plugin) {
            drop(serving);
            self.take_back(at, Some(plugin), &reason, report);
            self.note_rolled_back(plugin, from, reason, report);
            return self.reconcile(report);
        }
        let kept = || self.kept(plugin).filter(|previous| previous.build.key != serving.build.key);
        let Some(previous) = slot.previous.clone().or_else(kept) else {
            let reason = Reason::new(
                "RE0525",
                format!("{plugin} has nothing to go back to: no other build of it served before this one"),
            );
            report.outcomes.push(self.outcome(plugin, failed(reason, Some(from))));
            return;
        };
        let condemned = Arc::clone(&serving.build);
        drop(serving);
        if let Some(slot) = self.slots.get_mut(plugin) {
            slot.build = Arc::clone(&condemned);
            slot.forgive();
            slot.stand_in = Some(Arc::clone(&previous.build));
            slot.previous = Some(previous);
        }
        self.condemn(&condemned, &reason, report);
        self.reconcile(report);
        // The way back is a swap like any other, but for what was asked.
        let ours = |outcome: &Outcome| outcome.plugin.as_ref() == Some(plugin);
        let swap = report
            .outcomes
            .iter()
            .position(|outcome| ours(outcome) && matches!(outcome.status, OutcomeStatus::Swapped { .. }));
        if let Some(swap) = swap {
            report.outcomes.remove(swap);
        }
        if swap.is_some() || !report.outcomes.iter().any(ours) {
            self.note_rolled_back(plugin, from, reason, report);
        }
    }

    /// What a roll-back by hand came to, when it is done. `from`: the generation that served.
    fn note_rolled_back(&self, plugin: &PluginId, from: u64, reason: Reason, report: &mut Report) {
        let serving = self.slots.get(plugin).and_then(|slot| slot.serving.as_ref());
        let status = match serving {
            Some(serving) if serving.life.number != from => OutcomeStatus::RolledBack {
                generation: serving.life.number,
                from,
                to: serving.build.manifest.version.clone(),
            },
            serving => failed(reason, serving.map(|serving| serving.life.number)),
        };
        report.outcomes.push(self.outcome(plugin, status));
    }

    /// The way back failed as well: the build that serves goes on, and is as good as it was.
    pub(super) fn pardon(&mut self, plugin: &PluginId) {
        let Some(slot) = self.slots.get_mut(plugin) else { return };
        slot.stand_in = None;
        slot.quarantined = false;
        slot.forgive();
        let key = slot.build.key;
        let ticket = self.stage.shared.store.lift(plugin, &key);
        self.acknowledge(ticket);
        let kind = EventKind::Released { build: key.to_string() };
        self.stage.shared.events.emit(Some(plugin.clone()), None, None, kind);
    }

    /// What the store has of a plugin to go back to, if it can be read.
    fn kept(&self, plugin: &PluginId) -> Option<Previous> {
        let store = &self.stage.shared.store;
        let point = store.rollback(plugin)?;
        let library = store.library(&point.build).unwrap_or_else(|error| {
            self.warn_of(&Reason::new(error.code(), error.to_string()));
            None
        })?;
        match point.recall(library) {
            Ok(candidate) => {
                let state = point.state.map(|state| Arc::new(state.bytes.to_vec()));
                Some(Previous { build: Arc::new(Build::of(candidate)), state })
            }
            Err(error) => {
                self.warn_of(&Reason::new(error.code(), error.to_string()));
                None
            }
        }
    }

    /// Keeps what a swap handed over, and what it could go back to.
    pub(super) fn keep_swap(&self, pairs: &[Pair]) {
        let mut changes = Vec::new();
        for Pair { old, new, state, .. } in pairs {
            let plugin = &new.life.plugin;
            let state = state.as_ref().and_then(|state| self.saved(old, state));
            if let Some(state) = &state {
                changes.push(Change::PutState { plugin: plugin.clone(), state: state.clone() });
            }
            // The build that a start of the host falls back on when the one in the folder is quarantined.
            let going_back = self.slots.get(plugin).is_some_and(|slot| slot.quarantined);
            let good = if going_back { &new.build } else { &old.build };
            let again = old.build.key == new.build.key;
            if let Some(candidate) = good.candidate().filter(|_| !again) {
                let point = RollbackPoint::of(candidate, state, self.stage.shared.unix_ms());
                let library = Arc::clone(&candidate.bytes);
                changes.push(Change::SetRollback { plugin: plugin.clone(), point, library });
            }
        }
        if !changes.is_empty() {
            let ticket = self.stage.shared.store.apply(changes);
            self.acknowledge(ticket);
        }
    }

    /// Keeps the build that serves as what a start of the host falls back on: the one in the folder is to be quarantined.
    pub(super) fn keep_good(&self, build: &Build) {
        let Some(candidate) = build.candidate() else { return };
        let plugin = &build.manifest.id;
        let state = self.stage.shared.store.state(plugin);
        let point = RollbackPoint::of(candidate, state, self.stage.shared.unix_ms());
        let library = Arc::clone(&candidate.bytes);
        let ticket = self.stage.shared.store.set_rollback(plugin, point, library);
        self.acknowledge(ticket);
    }

    fn saved(&self, by: &Generation, state: &[u8]) -> Option<SavedState> {
        let schema = postcard::from_bytes::<State>(state).ok()?.schema();
        Some(SavedState {
            schema,
            bytes: state.into(),
            unix_ms: self.stage.shared.unix_ms(),
            generation: by.life.number,
            build: by.build.candidate().map(|candidate| candidate.hash),
        })
    }

    /// Has the plugin that serves save its state, and keeps it. Calls go on meanwhile.
    pub(super) fn checkpoint(&self, plugin: &PluginId) -> Option<Result<SavedState, Reason>> {
        let generation = Arc::clone(self.slots.get(plugin)?.serving.as_ref()?);
        generation.build.manifest.state.as_ref()?;
        Some(self.save_by(&generation, Instant::now() + self.stage.phase_deadline))
    }

    fn save_by(&self, generation: &Arc<Generation>, deadline: Instant) -> Result<SavedState, Reason> {
        let saving = Arc::clone(generation);
        let saved = self.stage.within(deadline, "save", move || saving.run(Op::Save)).map_err(|failure| {
            tell_failure(&self.stage.shared, &generation.life, &failure);
            Reason::from(failure)
        })?;
        let state = self.saved(generation, &saved).ok_or_else(|| {
            Reason::new("RE0527", format!("what {} saved can not be read back", generation.life.plugin))
        })?;
        let ticket = self.stage.shared.store.put_state(&generation.life.plugin, state.clone());
        self.acknowledge(ticket);
        Ok(state)
    }

    /// The last save of a plugin that is being taken down. With `handoff = "pause"` callers from outside wait from here
    /// on, so that what they were told is in it.
    pub(super) fn save_at_the_end(&self, generation: &Arc<Generation>, deadline: Instant) {
        let life = &generation.life;
        let Some(rules) = &generation.build.manifest.state else { return };
        if !generation.owes_stop() || life.stage() != Stage::Live {
            return;
        }
        if rules.handoff == crate::manifest::Handoff::Pause {
            let set = crate::swap::lives(std::slice::from_ref(generation));
            self.stage.shared.routes.pause(&set);
            self.stage.wait_for_callers(
                &set,
                deadline.min(Instant::now() + rules.pause_deadline.min(LONGEST_PAUSE)),
            );
        }
        // A failure was told; what was saved before is kept.
        let _ = self.save_by(generation, deadline.max(Instant::now() + Duration::from_millis(50)));
    }

    /// The state that a plugin starts with, encoded.
    pub(super) fn state_for(&self, build: &Build) -> Result<Option<Arc<Vec<u8>>>, Reason> {
        let Manifest { id, state: Some(rules), .. } = &build.manifest else { return Ok(None) };
        let Some(saved) = self.stage.shared.store.state(id) else { return Ok(None) };
        if saved.schema == 0 || rules.reads.contains(&saved.schema) {
            return Ok(Some(Arc::new(saved.bytes.to_vec())));
        }
        // A build that runs in place of a quarantined one goes on with what it had when it served.
        let point = self
            .stage
            .shared
            .store
            .rollback(id)
            .filter(|point| build.candidate().is_some_and(|candidate| candidate.hash == point.build));
        if let Some(state) = point.and_then(|point| point.state)
            && rules.reads.contains(&state.schema)
        {
            return Ok(Some(Arc::new(state.bytes.to_vec())));
        }
        Err(Reason::new(
            "RE0504",
            format!(
                "the state that was saved last is of schema {}, this build reads {:?}; add a migration and list the \
                 schema in `reads`, or have the host forget the state",
                saved.schema, rules.reads
            ),
        ))
    }

    pub(super) fn save_now(&self, plugin: &PluginId, report: &mut Report) {
        let status = match self.checkpoint(plugin) {
            Some(Ok(state)) => OutcomeStatus::Saved { schema: state.schema, bytes: state.bytes.len() as u64 },
            Some(Err(reason)) => {
                let serving = self.slots.get(plugin).and_then(|slot| slot.serving.as_ref());
                failed(reason, serving.map(|generation| generation.life.number))
            }
            None => {
                let text =
                    format!("{plugin} has no state to save: it does not run, or its manifest names none");
                failed(Reason::new("RE0528", text), None)
            }
        };
        report.outcomes.push(self.outcome(plugin, status));
    }

    /// Waits until something is durable. What can not be written is told, and kept in memory.
    fn acknowledge(&self, ticket: Ticket) {
        if let Err(error) = ticket.wait() {
            self.warn_of(&Reason::new(error.code(), error.to_string()));
        }
    }

    fn warn_of(&self, Reason { code, message }: &Reason) {
        let kind = EventKind::Warned { code: code.clone(), message: message.clone() };
        self.stage.shared.events.emit(None, None, None, kind);
    }

    /// Where the newest build of a plugin is.
    pub(super) fn path(&self, plugin: &PluginId) -> Option<PathBuf> {
        Some(self.slots.get(plugin)?.build.candidate()?.source.clone())
    }
}
