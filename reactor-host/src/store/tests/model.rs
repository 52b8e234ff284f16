//! What a store holds, as the plainest maps there are, and that the store agrees with them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

pub(super) const PLUGINS: u64 = 3;
pub(super) const BUILDS: u64 = 6;
const PROGRAMS: [&str; 2] = ["editor 1.0.0", "editor 1.0.1"];

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Model {
    quarantine: BTreeMap<(PluginId, ContentHash), Quarantined>,
    rollback: BTreeMap<PluginId, RollbackPoint>,
    state: BTreeMap<PluginId, SavedState>,
    checked: BTreeMap<ContentHash, String>,
}

fn named(number: u64) -> PluginId {
    plugin(&format!("plugin-{number}"))
}

/// One change out of all kinds; plugins and builds are few, so that changes meet.
pub(super) fn change(kind: u64, of: u64, build: u64) -> Change {
    let plugin = named(of);
    match kind % 9 {
        0 => Change::Quarantine(quarantined(plugin.as_str(), build)),
        1 => Change::Lift { plugin, build: point(build).build },
        2..=4 => Change::SetRollback { plugin, point: point(build), library: library(build) },
        5 => Change::RemoveRollback { plugin },
        6 => Change::PutState { plugin, state: saved(build) },
        7 => Change::RemoveState { plugin },
        _ => {
            let program = PROGRAMS[usize::from(of == 0)].into();
            Change::Checked { build: point(build).build, program, fingerprint: 1 }
        }
    }
}

impl Model {
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Quarantine(record) => {
                self.quarantine.insert((record.plugin.clone(), record.build), record);
            }
            Change::Lift { plugin, build } => {
                self.quarantine.remove(&(plugin, build));
            }
            Change::SetRollback { plugin, point, .. } => {
                self.rollback.insert(plugin, point);
            }
            Change::RemoveRollback { plugin } => {
                self.rollback.remove(&plugin);
            }
            Change::PutState { plugin, state } => {
                self.state.insert(plugin, state);
            }
            Change::RemoveState { plugin } => {
                self.state.remove(&plugin);
            }
            Change::Checked { build, program, .. } => {
                self.checked.insert(build, program.to_string());
            }
        }
    }

    /// What a store holds, each library of it read and found to be what it should be.
    pub(super) fn of(store: &Store) -> Self {
        let mut model = Self::default();
        for record in store.quarantine_list() {
            model.quarantine.insert((record.plugin.clone(), record.build), record);
        }
        model.rollback.extend(store.rollback_list());
        for plugin in store.state_list() {
            let state = store.state(&plugin).expect("it is listed");
            model.state.insert(plugin, state);
        }
        for build in 0..BUILDS {
            let hash = point(build).build;
            let program = PROGRAMS.iter().find(|program| store.is_checked(&hash, program, 1));
            model.checked.extend(program.map(|program| (hash, (*program).to_owned())));
            let named = model.rollback.values().any(|point| point.build == hash);
            assert_eq!(store.library(&hash), Ok(named.then(|| library(build))));
        }
        model
    }

    /// The files that there should be in `builds`.
    pub(super) fn library_files(&self) -> Vec<String> {
        let names: BTreeSet<String> = self.rollback.values().map(|point| point.build.to_string()).collect();
        names.into_iter().collect()
    }
}

#[derive(Clone, Debug)]
enum Act {
    Change(u64, u64, u64),
    Together(Vec<(u64, u64, u64)>),
    Flush,
    Reopen,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let one = (0..9_u64, 0..PLUGINS, 0..BUILDS);
    let act = prop_oneof![
        12 => one.clone().prop_map(|(kind, of, build)| Act::Change(kind, of, build)),
        2 => prop::collection::vec(one, 0..5).prop_map(Act::Together),
        2 => Just(Act::Flush),
        1 => Just(Act::Reopen),
    ];
    prop::collection::vec(act, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_store_holds_what_the_plainest_maps_hold_also_when_it_is_opened_again(acts in acts()) {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut disk, memory) = (open(folder.path()), Store::in_memory());
        let mut model = Model::default();
        for act in acts {
            match act {
                Act::Change(kind, of, build) => {
                    disk.apply(vec![change(kind, of, build)]);
                    memory.apply(vec![change(kind, of, build)]);
                    model.apply(change(kind, of, build));
                }
                Act::Together(several) => {
                    let changes = || several.iter().map(|&(kind, of, build)| change(kind, of, build));
                    disk.apply(changes().collect());
                    memory.apply(changes().collect());
                    changes().for_each(|change| model.apply(change));
                }
                Act::Flush => {
                    prop_assert_eq!((disk.flush(), memory.flush()), (Ok(()), Ok(())));
                    prop_assert_eq!(library_files(folder.path()), model.library_files());
                }
                Act::Reopen => {
                    drop(disk);
                    disk = open(folder.path());
                    prop_assert_eq!(library_files(folder.path()), model.library_files());
                }
            }
            prop_assert_eq!(&Model::of(&disk), &model);
            prop_assert_eq!(&Model::of(&memory), &model);
        }
    }
}
