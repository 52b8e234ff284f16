//! What each table does, in memory and on disk alike.

use super::*;

/// Runs `rule` over a store in memory, and over one on disk, which is opened again whenever the rule says so.
fn both(rule: impl Fn(&mut dyn FnMut() -> Store)) {
    let memory = Store::in_memory();
    rule(&mut || memory.clone());
    let folder = tempfile::tempdir().expect("a folder");
    let mut held: Option<Store> = None;
    rule(&mut || {
        if let Some(store) = held.take() {
            store.close().expect("everything can be written");
        }
        held.insert(open(folder.path())).clone()
    });
}

#[test]
fn a_quarantined_build_stays_so_until_it_is_lifted() {
    both(|store| {
        let (one, other) = (quarantined("a", 1), quarantined("a", 2));
        store().quarantine(one.clone()).wait().expect("written");
        store().quarantine(other.clone());
        assert_eq!(store().quarantined(&one.plugin, &one.build), Some(one.clone()));
        assert_eq!(store().quarantined(&plugin("b"), &one.build), None, "it is one plugin's");
        let mut listed = store().quarantine_list();
        listed.sort_by_key(|record| record.unix_ms);
        assert_eq!(listed, [one.clone(), other.clone()]);
        let again = Quarantined { message: "another".to_owned(), ..one.clone() };
        store().quarantine(again.clone());
        assert_eq!(store().quarantined(&one.plugin, &one.build), Some(again));
        store().lift(&one.plugin, &one.build).wait().expect("written");
        store().lift(&one.plugin, &one.build).wait().expect("lifting twice is lifting once");
        assert_eq!(store().quarantine_list(), [other]);
    });
}

#[test]
fn a_rollback_point_keeps_its_library_and_its_state_until_another_takes_its_place() {
    both(|store| {
        let a = plugin("a");
        for build in 0..6 {
            store().set_rollback(&a, point(build), library(build)).wait().expect("written");
            assert_eq!(store().rollback(&a), Some(point(build)));
            assert_eq!(store().library(&point(build).build), Ok(Some(library(build))));
            if let Some(before) = build.checked_sub(1) {
                assert_eq!(store().library(&point(before).build), Ok(None), "nothing names it any more");
            }
        }
        store().remove_rollback(&a).wait().expect("written");
        assert_eq!(store().rollback(&a), None);
        assert_eq!(store().library(&point(5).build), Ok(None));
    });
}

#[test]
fn a_library_that_two_plugins_name_is_there_until_neither_does() {
    both(|store| {
        let (a, b) = (plugin("a"), plugin("b"));
        let build = point(1).build;
        store().set_rollback(&a, point(1), library(1));
        store().set_rollback(&b, point(1), library(1));
        store().set_rollback(&a, point(2), library(2));
        assert_eq!(store().library(&build), Ok(Some(library(1))), "one still names it");
        assert_eq!(store().rollback_list(), [(a.clone(), point(2)), (b.clone(), point(1))]);
        store().remove_rollback(&b);
        assert_eq!(store().library(&build), Ok(None));
        // Taken away and brought back before the writer saw either.
        let one = store();
        one.remove_rollback(&a);
        one.set_rollback(&a, point(2), library(2));
        assert_eq!(one.library(&point(2).build), Ok(Some(library(2))));
        assert_eq!(store().library(&point(2).build), Ok(Some(library(2))));
    });
}

#[test]
fn the_newest_state_is_what_is_read_whether_or_not_it_is_written_yet() {
    both(|store| {
        let a = plugin("a");
        let one = store();
        let mut last = one.put_state(&a, saved(0));
        for number in 1..100 {
            last = one.put_state(&a, saved(number));
            assert_eq!(one.state(&a), Some(saved(number)));
        }
        last.wait().expect("written");
        assert_eq!(store().state(&a), Some(saved(99)));
        assert_eq!(store().state_list(), std::slice::from_ref(&a));
        store().remove_state(&a);
        assert_eq!(store().state(&a), None);
    });
}

#[test]
fn a_build_is_checked_for_one_program_and_one_fingerprint() {
    both(|store| {
        let build = point(1).build;
        assert!(!store().is_checked(&build, "editor 1.0.0", 7));
        store().checked(&build, "editor 1.0.0", 7);
        assert!(store().is_checked(&build, "editor 1.0.0", 7));
        assert!(!store().is_checked(&build, "editor 1.0.1", 7), "another version");
        assert!(!store().is_checked(&build, "editor 1.0.0", 8), "another fingerprint");
        assert!(!store().is_checked(&point(2).build, "editor 1.0.0", 7), "another build");
        store().checked(&build, "editor 1.0.1", 7);
        assert!(store().is_checked(&build, "editor 1.0.1", 7));
    });
}

#[test]
fn of_checked_builds_the_latest_are_remembered() {
    both(|store| {
        let build = |number: usize| ContentHash::of(&number.to_le_bytes());
        let one = store();
        for number in 0..tables::MOST_CHECKED + 10 {
            one.checked(&build(number), "editor", 1);
        }
        drop(one);
        let again = store();
        assert!((0..10).all(|number| !again.is_checked(&build(number), "editor", 1)));
        assert!((10..tables::MOST_CHECKED + 10).all(|number| again.is_checked(&build(number), "editor", 1)));
    });
}

#[test]
fn several_changes_are_one_step_in_their_order() {
    both(|store| {
        let a = plugin("a");
        let changes = vec![
            Change::PutState { plugin: a.clone(), state: saved(1) },
            Change::Quarantine(quarantined("a", 1)),
            Change::PutState { plugin: a.clone(), state: saved(2) },
            Change::SetRollback { plugin: a.clone(), point: point(3), library: library(3) },
            Change::Lift { plugin: a.clone(), build: quarantined("a", 1).build },
        ];
        store().apply(changes).wait().expect("written");
        assert_eq!(store().state(&a), Some(saved(2)));
        assert_eq!(store().quarantine_list(), []);
        assert_eq!(store().rollback(&a), Some(point(3)));
    });
}

#[test]
fn a_record_of_the_largest_kind_comes_back_as_it_was() {
    both(|store| {
        let a = plugin("a");
        let large: Arc<[u8]> = vec![7; 9 << 20].into();
        let hash = ContentHash::of(&large);
        let state = SavedState { bytes: Arc::clone(&large), ..saved(1) };
        let point = RollbackPoint { build: hash, state: Some(state.clone()), ..point(1) };
        store().put_state(&a, state.clone());
        store().set_rollback(&a, point.clone(), Arc::clone(&large));
        let again = store();
        assert!(again.state(&a) == Some(state) && again.rollback(&a) == Some(point));
        assert!(again.library(&hash) == Ok(Some(large)));
    });
}

#[test]
fn a_plugin_is_recalled_as_it_was_without_its_files() {
    use crate::discover::fixture;
    both(|store| {
        let folder = tempfile::tempdir().expect("a folder");
        for beside in [false, true] {
            let library = folder.path().join("libone.so");
            std::fs::write(&library, fixture::library("one", "1.0.0", 7)).expect("writable");
            let text =
                format!("{}[unload]\n", fixture::manifest("one", "1.0.0")).replace("[unload]", "# by hand");
            if beside {
                std::fs::write(folder.path().join("one.toml"), &text).expect("writable");
            }
            let found = crate::discover::read_one(&library).expect("a plugin");
            assert_eq!(found.manifest_text.as_deref(), beside.then_some(text.as_str()));
            let point = RollbackPoint::of(&found, None, 3);
            store()
                .set_rollback(&found.manifest.id, point, Arc::clone(&found.bytes))
                .wait()
                .expect("written");
            std::fs::remove_file(&library).expect("it was there");
            let kept = store().rollback(&found.manifest.id).expect("it was stored");
            let bytes = store().library(&kept.build).expect("whole").expect("named");
            let again = kept.recall(bytes).expect("a plugin");
            assert_eq!(format!("{again:?}"), format!("{found:?}"));
            assert_eq!((again.manifest, again.folder), (found.manifest, found.folder));
            assert!(again.bytes == found.bytes && again.manifest_text == found.manifest_text);
        }
    });
}
