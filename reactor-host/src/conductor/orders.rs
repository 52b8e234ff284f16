//! What each order comes to.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use reactor_abi::ffi::RequestKind;

use super::{Conductor, Lifting, Refused, Slot};
use crate::backend::{Build, Source};
use crate::discover::{Change, DiscoverError, read_one_with, scan_with};
use crate::event::EventKind;
use crate::manifest::PluginId;
use crate::order::Order;
use crate::report::{Outcome, OutcomeStatus, Reason, Report};

impl Conductor {
    pub(super) fn carry_out(&mut self, order: Order) {
        let mut report = Report::default();
        match order {
            Order::Start(reply) => {
                self.running = true;
                self.slots.values_mut().for_each(|slot| slot.stopped = false);
                self.look(&mut report);
                self.reconcile(&mut report);
                self.answer(&reply, report);
            }
            Order::Rescan(reply) => {
                self.look(&mut report);
                self.reconcile(&mut report);
                self.answer(&reply, report);
            }
            Order::Changes => {
                let changes = self.stage.shared.take_changes();
                self.take_in(changes, &mut report);
                self.reconcile(&mut report);
            }
            Order::Install(build, reply) => {
                self.offer(*build, &mut report);
                self.reconcile(&mut report);
                self.answer(&reply, report);
            }
            Order::Swap(plugin, reply) => {
                self.swap_now(&plugin, &mut report);
                self.answer(&reply, report);
            }
            Order::SwapTogether(plugins, reply) => {
                self.swap_together(&plugins, &mut report);
                self.answer(&reply, report);
            }
            Order::RollBack(plugin, reply) => {
                self.roll_back_by_hand(&plugin, &mut report);
                self.answer(&reply, report);
            }
            Order::Lift(plugin, reply) => {
                self.lift(&plugin, &mut report);
                self.answer(&reply, report);
            }
            Order::Save(plugin, reply) => {
                self.save_now(&plugin, &mut report);
                self.answer(&reply, report);
            }
            Order::Examined { generation, answer } => self.examined(generation, answer, &mut report),
            Order::Misbehaved { generation, reason } => self.misbehaved(generation, &reason, &mut report),
            Order::Died { generation, reason } => self.died(generation, &reason, &mut report),
            Order::Switch(plugin, on, reply) => {
                self.switch(&plugin, on, &mut report);
                self.answer(&reply, report);
            }
            Order::Watch(reply) => {
                // Who asked for it waits for the answer.
                let _ = reply.send(self.tracker.take());
            }
            Order::Unwatch(tracker) => {
                self.tracker = Some((tracker, crate::discover::Known::new()));
                self.lost_track = true;
            }
            Order::Request { by, kind, target } => {
                self.stage.shared.take_request(&by, kind, &target);
                self.request(&by, kind, &target);
            }
            Order::Stop(reply) => {
                self.stop_all("the host was stopped", &mut report);
                // The next start runs every phase again, of what failed too.
                self.slots.values_mut().for_each(Slot::forgive);
                self.answer(&reply, report);
            }
            // `work` ends before it comes here.
            Order::Shutdown(done) => drop(done),
        }
    }

    /// Scans the folders, if they are this thread's to scan, and takes in what changed. While somebody else watches,
    /// that view of the folders is left alone, and each plugin's own path is read again.
    fn look(&mut self, report: &mut Report) {
        let options = self.scan_options();
        if let Some((tracker, known)) = &mut self.tracker {
            let found = scan_with(&self.folders, known, &options);
            known.update(&found);
            // Asked for by somebody who says that the files are complete: nothing needs to rest first.
            let files =
                found.found.iter().flat_map(|entry| [Some(&entry.source), entry.manifest_path.as_ref()]);
            let settled: HashSet<_> = files.flatten().cloned().collect();
            let changes = tracker.observe(found, &settled, Instant::now());
            if std::mem::take(&mut self.lost_track) {
                self.drop_missing(&settled, report);
            }
            return self.take_in(changes, report);
        }
        let sources = self.slots.values().filter_map(|slot| Some(slot.build.candidate()?.source.clone()));
        for path in sources.collect::<Vec<_>>() {
            match read_one_with(&path, &options) {
                Ok(candidate) => {
                    self.refused.remove(&path);
                    self.offer(Build::of(candidate), report);
                }
                Err(error) => self.refuse_file(path, None, &error, report),
            }
        }
    }

    /// Takes down what is no longer there, as far as nobody watched.
    fn drop_missing(&mut self, found: &HashSet<PathBuf>, report: &mut Report) {
        let gone =
            |slot: &Slot| slot.build.candidate().is_some_and(|candidate| !found.contains(&candidate.source));
        let missing: Vec<_> =
            self.slots.iter().filter(|(_, slot)| gone(slot)).map(|(id, _)| id.clone()).collect();
        for id in missing {
            self.remove(&id, report);
        }
    }

    fn remove(&mut self, id: &PluginId, report: &mut Report) {
        self.take_down_with_dependants(id, "its library was removed", report);
        if self.slots.remove(id).is_some_and(|slot| slot.disabled) {
            self.disabled.insert(id.clone());
        }
    }

    fn take_in(&mut self, changes: Vec<Change>, report: &mut Report) {
        for change in changes {
            match change {
                Change::Appeared(candidate) | Change::Rebuilt(candidate) => {
                    self.refused.remove(&candidate.source);
                    let path = candidate.source.clone();
                    let (id, version) = (candidate.manifest.id.clone(), candidate.manifest.version.clone());
                    self.stage.shared.events.emit(
                        Some(id),
                        Some(version),
                        None,
                        EventKind::Discovered { path },
                    );
                    self.offer(Build::of(*candidate), report);
                }
                Change::Removed { id, source } => {
                    let offered = self.slots.get(&id).and_then(|slot| slot.build.candidate());
                    if offered.is_some_and(|candidate| candidate.source == source) {
                        self.remove(&id, report);
                    }
                }
                Change::Refused { source, id, error } => self.refuse_file(source, id, &error, report),
                Change::Gone { source } => {
                    self.refused.remove(&source);
                }
                Change::Restored { source } => {
                    self.refused.remove(&source);
                    let of_this_file = |slot: &&mut Slot| slot.is_from(&source);
                    if let Some(slot) = self.slots.values_mut().find(of_this_file) {
                        slot.file_is_good();
                        let id = slot.build.manifest.id.clone();
                        self.judge_again(&id, report);
                    }
                }
            }
        }
    }

    fn refuse_file(
        &mut self,
        path: PathBuf,
        plugin: Option<PluginId>,
        error: &DiscoverError,
        report: &mut Report,
    ) {
        let reason = Reason::new(error.code(), error.to_string());
        let slot = self.slots.values_mut().find(|slot| slot.is_from(&path));
        let (mut serving, mut told, mut plugin) = (None, false, plugin);
        let has_slot = slot.is_some();
        if let Some(slot) = slot {
            told = slot.trouble.as_ref() == Some(&reason);
            slot.trouble = Some(reason.clone());
            serving = slot.serving.as_ref().map(|generation| generation.life.number);
            plugin = Some(slot.build.manifest.id.clone());
        }
        if !told {
            let Reason { code, message } = reason.clone();
            let kind = EventKind::Refused { code, message, path: Some(path.clone()) };
            self.stage.shared.events.emit(plugin.clone(), None, None, kind);
        }
        report.outcomes.push(Outcome {
            plugin: plugin.clone(),
            version: None,
            path: Some(path.clone()),
            status: failed(reason.clone(), serving),
        });
        if !has_slot {
            self.refused.insert(path, Refused { plugin, reason });
        }
    }

    /// Takes note of a build. What already runs is swapped by `reconcile`.
    fn offer(&mut self, build: Build, report: &mut Report) {
        let id = build.manifest.id.clone();
        let Some(slot) = self.slots.get_mut(&id) else {
            let mut slot = Slot::new(Arc::new(build));
            slot.disabled = self.disabled.remove(&id);
            self.slots.insert(id.clone(), slot);
            return self.judge(&id, report);
        };
        if let (Source::Linked(_), Source::File(candidate)) = (&slot.build.source, &build.source) {
            let reason =
                Reason::new("RE0414", format!("{id} is linked into the application, which goes first"));
            let path = Some(candidate.source.clone());
            return self.refuse(&id, &reason, path, report);
        }
        let same = match (slot.build.candidate(), build.candidate()) {
            (Some(old), Some(new)) => {
                old.hash == new.hash && old.manifest == new.manifest && old.source == new.source
            }
            _ => false,
        };
        if same {
            slot.file_is_good();
            self.judge_again(&id, report);
        } else {
            let anew = slot.build.key != build.key;
            slot.take(build);
            if anew && self.lifting == Lifting::ByRebuild {
                self.release_all(&id);
            }
            self.judge(&id, report);
        }
    }

    fn swap_now(&mut self, plugin: &PluginId, report: &mut Report) {
        if let Some(build) = self.read_again(plugin, report) {
            self.take(build, report);
            self.reconcile(report);
        }
    }

    /// Reads several plugins again and swaps them in one step, or none of them.
    fn swap_together(&mut self, plugins: &[PluginId], report: &mut Report) {
        let builds: Vec<_> = plugins.iter().filter_map(|plugin| self.read_again(plugin, report)).collect();
        for build in builds.iter().filter(|_| self.lifting == Lifting::ByRebuild) {
            let anew = self.slots.get(&build.manifest.id).is_some_and(|slot| slot.build.key != build.key);
            if anew {
                self.release_all(&build.manifest.id);
            }
        }
        let store = &self.stage.shared.store;
        let tried = |build: &Build| store.quarantined(&build.manifest.id, &build.key).is_some();
        if let Some(at) = builds.iter().position(tried) {
            // Taken by itself, so that it is told why; the others stay as they are.
            let mut builds = builds;
            self.take(builds.swap_remove(at), report);
            return;
        }
        // Each that could not be read has told why.
        if builds.len() == plugins.len() {
            for build in builds {
                self.take(build, report);
            }
            self.bound.push(plugins.iter().cloned().collect());
            self.reconcile(report);
        }
    }

    /// Makes a build the newest of its plugin.
    fn take(&mut self, build: Build, report: &mut Report) {
        let plugin = build.manifest.id.clone();
        if let Some(slot) = self.slots.get_mut(&plugin) {
            slot.take(build);
            self.judge(&plugin, report);
        }
    }

    /// What a plugin's file holds now, or the same code again. `None`: it can not be had, and the report says why.
    fn read_again(&mut self, plugin: &PluginId, report: &mut Report) -> Option<Build> {
        let options = self.scan_options();
        let Some(slot) = self.slots.get(plugin) else {
            self.unknown(plugin, report);
            return None;
        };
        if slot.disabled || !self.running {
            let what = if slot.disabled { "it is switched off" } else { "the host is stopped" };
            let reason = Reason::new("RE0418", format!("{plugin} can not be swapped: {what}"));
            report.outcomes.push(self.outcome(plugin, failed(reason, None)));
            return None;
        }
        if let Some(build) = slot.build.again() {
            return Some(build);
        }
        let path = slot.build.candidate()?.source.clone();
        match read_one_with(&path, &options) {
            Ok(candidate) if candidate.manifest.id == *plugin => Some(Build::of(candidate)),
            Ok(candidate) => {
                let id = candidate.manifest.id;
                let text = format!("{} holds {id} now, and no build of {plugin}", path.display());
                let reason = Reason::new("RE0419", text);
                self.refuse(plugin, &reason, Some(path), report);
                None
            }
            Err(error) => {
                self.refuse_file(path, Some(plugin.clone()), &error, report);
                None
            }
        }
    }

    fn switch(&mut self, plugin: &PluginId, on: bool, report: &mut Report) {
        if !self.slots.contains_key(plugin) {
            return self.unknown(plugin, report);
        }
        if !on {
            self.take_down_with_dependants(plugin, "it was switched off", report);
        }
        if let Some(slot) = self.slots.get_mut(plugin) {
            if slot.disabled == on {
                slot.forgive();
            }
            slot.disabled = !on;
            slot.stopped = false;
        }
        self.reconcile(report);
    }

    /// Answers who asked, once the list says the same; who does not wait any more needs no answer.
    fn answer(&self, reply: &SyncSender<Report>, report: Report) {
        self.publish();
        let _ = reply.send(report);
    }

    pub(super) fn unknown(&self, plugin: &PluginId, report: &mut Report) {
        let known: Vec<_> = self.slots.keys().map(PluginId::as_str).collect();
        let there = if known.is_empty() { "there are none".to_owned() } else { known.join(", ") };
        let reason = Reason::new("RE0416", format!("there is no plugin `{plugin}`; known: {there}"));
        self.refuse(plugin, &reason, None, report);
    }

    /// What a plugin asked for. It did not wait: events tell what came of it.
    fn request(&mut self, by: &PluginId, kind: RequestKind, target: &PluginId) {
        let mut report = Report::default();
        match kind {
            RequestKind::Swap => self.swap_now(target, &mut report),
            RequestKind::Disable => self.switch(target, false, &mut report),
            RequestKind::Stop if !self.slots.contains_key(target) => self.unknown(target, &mut report),
            RequestKind::Stop => {
                self.take_down_with_dependants(target, &format!("{by} asked for it"), &mut report);
                if let Some(slot) = self.slots.get_mut(target) {
                    slot.stopped = true;
                }
            }
        }
    }

    fn stop_all(&mut self, why: &str, report: &mut Report) {
        self.running = false;
        self.end_trials();
        for plugin in self.order.clone().into_iter().rev() {
            self.take_down(&plugin, why, report);
        }
    }

    pub(super) fn shut_down(&mut self) {
        const REASON: &str = "the host has shut down";
        self.end_trials();
        let serving = self.slots.values().filter_map(|slot| slot.serving.as_ref());
        let limit = serving.map(|generation| generation.stop_deadline()).max().unwrap_or_default();
        self.last_stop = Some(Instant::now() + limit);
        self.stop_all(REASON, &mut Report::default());
        self.publish();
        self.stage.shared.routes.close(REASON);
        // Draining, dropping, threads and closing have that deadline each.
        self.stage.reaper.finish(Instant::now() + 4 * limit.max(Duration::from_secs(1)));
        // Another host can have the data folder from here on, whoever still holds a handle to this one. What could not
        // be written was told when it was tried.
        let _ = self.stage.shared.store.close();
        self.stage.shared.events.close();
    }
}

pub(super) fn failed(reason: Reason, serving: Option<u64>) -> OutcomeStatus {
    OutcomeStatus::Failed { code: reason.code, message: reason.message, serving }
}
