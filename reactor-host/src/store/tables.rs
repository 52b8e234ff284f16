//! Everything that is stored, in memory: what each change does to it, and what of it differs from the disk since.
//!
//! Pure. Must never know whether there is a disk.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::record::{Change, Quarantined, RollbackPoint, SavedState};
use crate::discover::ContentHash;
use crate::manifest::PluginId;

/// How many checked builds are remembered: those that were checked first are forgotten first. A build that is not
/// remembered is checked again, which costs a fraction of a millisecond.
pub(super) const MOST_CHECKED: usize = 4096;

/// One record among all tables.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Quarantine(PluginId, ContentHash),
    Rollback(PluginId),
    State(PluginId),
    Checked(ContentHash),
}

/// What there is under a [`Key`].
#[derive(Clone, Debug)]
pub(super) enum Record {
    Quarantine(Quarantined),
    /// With the library, while no disk has it.
    Rollback(RollbackPoint, Option<Arc<[u8]>>),
    State(SavedState),
    Checked(Checked),
}

/// What there is to say of a build that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checked {
    pub(super) program: Arc<str>,
    pub(super) fingerprint: u64,
    /// A later check has a higher number.
    pub(super) number: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) quarantine: BTreeMap<(PluginId, ContentHash), Quarantined>,
    pub(super) rollback: BTreeMap<PluginId, RollbackPoint>,
    pub(super) state: BTreeMap<PluginId, SavedState>,
    pub(super) checked: HashMap<ContentHash, Checked>,
    /// The builds of `checked` by their numbers.
    by_number: BTreeMap<u64, ContentHash>,
    /// How many rollback points name each build.
    names: HashMap<ContentHash, usize>,
}

impl Tables {
    /// Makes one change; `touched` is called with each record that is another one since.
    pub(super) fn apply(&mut self, change: Change, mut touched: impl FnMut(Key)) {
        match change {
            Change::Quarantine(record) => {
                let key = (record.plugin.clone(), record.build);
                touched(Key::Quarantine(record.plugin.clone(), record.build));
                self.quarantine.insert(key, record);
            }
            Change::Lift { plugin, build } => {
                if self.quarantine.remove(&(plugin.clone(), build)).is_some() {
                    touched(Key::Quarantine(plugin, build));
                }
            }
            Change::SetRollback { plugin, point, .. } => {
                touched(Key::Rollback(plugin.clone()));
                self.put_rollback(plugin, point);
            }
            Change::RemoveRollback { plugin } => {
                if let Some(old) = self.rollback.remove(&plugin) {
                    self.unname(&old.build);
                    touched(Key::Rollback(plugin));
                }
            }
            Change::PutState { plugin, state } => {
                touched(Key::State(plugin.clone()));
                self.state.insert(plugin, state);
            }
            Change::RemoveState { plugin } => {
                if self.state.remove(&plugin).is_some() {
                    touched(Key::State(plugin));
                }
            }
            Change::Checked { build, program, fingerprint } => {
                if self.is_checked(&build, &program, fingerprint) {
                    return;
                }
                let number = self.by_number.last_key_value().map_or(0, |(last, _)| last + 1);
                self.put_checked(build, Checked { program, fingerprint, number });
                touched(Key::Checked(build));
                while self.checked.len() > MOST_CHECKED {
                    let Some((_, oldest)) = self.by_number.pop_first() else { return };
                    self.checked.remove(&oldest);
                    touched(Key::Checked(oldest));
                }
            }
        }
    }

    /// Takes over a rollback point.
    pub(super) fn put_rollback(&mut self, plugin: PluginId, point: RollbackPoint) {
        *self.names.entry(point.build).or_default() += 1;
        if let Some(old) = self.rollback.insert(plugin, point) {
            self.unname(&old.build);
        }
    }

    fn unname(&mut self, build: &ContentHash) {
        if let Some(count) = self.names.get_mut(build) {
            *count -= 1;
            if *count == 0 {
                self.names.remove(build);
            }
        }
    }

    /// Takes over what is known of a checked build.
    pub(super) fn put_checked(&mut self, build: ContentHash, checked: Checked) {
        self.by_number.insert(checked.number, build);
        if let Some(old) = self.checked.insert(build, checked) {
            self.by_number.remove(&old.number);
        }
    }

    /// What there is under `key` now. The library of a rollback point is looked for on `heap`.
    pub(super) fn record(&self, key: &Key, heap: &HashMap<ContentHash, Arc<[u8]>>) -> Option<Record> {
        match key {
            Key::Quarantine(plugin, build) => {
                self.quarantined(plugin, build).cloned().map(Record::Quarantine)
            }
            Key::Rollback(plugin) => self
                .rollback(plugin)
                .map(|point| Record::Rollback(point.clone(), heap.get(&point.build).cloned())),
            Key::State(plugin) => self.state(plugin).cloned().map(Record::State),
            Key::Checked(build) => self.checked.get(build).cloned().map(Record::Checked),
        }
    }

    /// Whether a rollback point names a build.
    pub(super) fn names(&self, build: &ContentHash) -> bool {
        self.names.contains_key(build)
    }

    pub(super) fn quarantined(&self, plugin: &PluginId, build: &ContentHash) -> Option<&Quarantined> {
        self.quarantine.get(&(plugin.clone(), *build))
    }

    pub(super) fn quarantine_list(&self) -> impl Iterator<Item = &Quarantined> {
        self.quarantine.values()
    }

    pub(super) fn rollback(&self, plugin: &PluginId) -> Option<&RollbackPoint> {
        self.rollback.get(plugin)
    }

    pub(super) fn rollback_list(&self) -> impl Iterator<Item = (&PluginId, &RollbackPoint)> {
        self.rollback.iter()
    }

    pub(super) fn state(&self, plugin: &PluginId) -> Option<&SavedState> {
        self.state.get(plugin)
    }

    pub(super) fn state_list(&self) -> impl Iterator<Item = &PluginId> {
        self.state.keys()
    }

    pub(super) fn is_checked(&self, build: &ContentHash, program: &str, fingerprint: u64) -> bool {
        let good = |found: &Checked| &*found.program == program && found.fingerprint == fingerprint;
        self.checked.get(build).is_some_and(good)
    }
}
