//! Files that come and change.

use std::time::Duration;

use reactor_host::{EventKind, OutcomeStatus, PluginInfo, PluginStatus, Value, value};
use reactor_tests::{corpus, tell, wait};

use super::{Watched, echoes};

#[test]
fn a_lone_library_copied_in_is_loaded_by_its_embedded_manifest() {
    let watched = Watched::new(None);
    // Written in place and in pieces, as `cp` does.
    std::fs::write(watched.folder.path().join("libanswer.so"), corpus::bytes("answer-one"))
        .expect("it is writable");
    watched.loaded("answer");
    assert_eq!(watched.which().0, 1);
    echoes(&watched.host, "answer");
}

#[test]
fn a_library_renamed_over_the_running_one_is_swapped() {
    let watched = Watched::new(None);
    watched.folder.put("libanswer.so", &corpus::bytes("answer-one"));
    let first = watched.loaded("answer");
    watched.folder.put("libanswer.so", &corpus::bytes("answer-two"));
    let second = watched.swapped("answer");
    assert_eq!(watched.which(), (2, second));
    assert!(second > first);
    let verdict = wait::retired(&watched.events);
    assert_eq!(verdict.1, reactor_host::Verdict::Unloaded, "{verdict:?}");
}

/// The second build of `tally` under another version.
fn two(version: &str) -> Vec<u8> {
    corpus::patched(&corpus::bytes("tally-two"), "version = \"2.0.0\"", &format!("version = {version:?}"))
}

#[test]
fn new_bytes_are_a_new_build_whatever_their_version_and_keep_the_state() {
    for version in ["1.0.0", "0.9.0", "2.0.0"] {
        new_build_keeps_state(&two(version));
    }
}

fn new_build_keeps_state(bytes: &[u8]) {
    let watched = Watched::new(None);
    watched.folder.put("libtally.so", &corpus::bytes("tally-one"));
    watched.loaded("tally");
    for _ in 0..3 {
        watched.host.invoke("tally", "add", &Value::Null).expect("it serves");
    }
    watched.folder.put("libtally.so", bytes);
    watched.swapped("tally");
    let ask = |action: &str| watched.host.invoke("tally", action, &Value::Null).expect("it serves").as_u64();
    assert_eq!((ask("which"), ask("total")), (Some(2), Some(3)));
}

#[test]
fn a_manifest_beside_the_library_is_read_in_place_of_the_embedded_one_and_its_change_is_a_new_build() {
    let watched = Watched::new(None);
    let manifest = |keys: &str| {
        format!("schema = 1\nid = \"do-as-told\"\nversion = \"1.0.0\"\napi = \"^1\"\n[config]\n{keys}\n")
            .into_bytes()
    };
    watched.folder.put("do_as_told.toml", &manifest("panic = \"register\""));
    let library = watched.folder.put("libdo_as_told.so", &corpus::bytes("do-as-told"));
    let (code, message) = watched.refused(&library);
    assert_eq!(code, "RE0603");
    assert!(message.contains("register: ") && message.contains("src/lib.rs:"), "{message}");
    let failed = |info: &PluginInfo| matches!(info.status, PluginStatus::Failed(_));
    wait::until("it is listed as failed", || watched.host.list().iter().any(failed));
    watched.folder.put("do_as_told.toml", &manifest("panic = \"never\""));
    watched.loaded("do-as-told");
    echoes(&watched.host, "do-as-told");
}

#[test]
fn a_folder_of_its_own_holds_a_plugin_with_its_manifest() {
    let watched = Watched::new(None);
    let (aside, folder) = (watched.folder.path().join(".aside"), watched.folder.path().join("tally"));
    std::fs::create_dir(&aside).expect("a folder");
    let manifest = corpus::root().join("tests/corpus/tally-one/plugin.toml");
    std::fs::copy(manifest, aside.join("plugin.toml")).expect("a copy");
    std::fs::copy(corpus::library("tally-one"), aside.join("libtally.so")).expect("a copy");
    std::fs::rename(&aside, &folder).expect("a rename in one folder");
    watched.loaded("tally");
    std::fs::write(folder.join(".next"), two("1.0.0")).expect("it is writable");
    std::fs::rename(folder.join(".next"), folder.join("libtally.so")).expect("a rename in one folder");
    watched.swapped("tally");
    let which = watched.host.invoke("tally", "which", &Value::Null).expect("it serves");
    assert_eq!(which.as_u64(), Some(2));
}

#[test]
fn of_two_libraries_with_one_id_the_higher_version_serves_and_the_other_is_listed_with_the_reason() {
    let watched = Watched::new(Some(Duration::ZERO));
    let low = watched.folder.put("liblow.so", &corpus::bytes("answer-one"));
    watched.loaded("answer");
    watched.folder.put("libhigh.so", &corpus::bytes("answer-two"));
    let (code, message) = watched.refused(&low);
    assert_eq!(code, "RE0149");
    assert!(message.contains("1.0.0") && message.contains("2.0.0"), "{message}");
    watched.swapped("answer");
    assert_eq!(watched.which().0, 2);
    let is_low = |info: &PluginInfo| info.path.as_ref() == Some(&low);
    wait::until("the other is listed", || watched.host.list().iter().any(is_low));

    watched.folder.remove("libhigh.so");
    watched.wait("answer", |event| {
        matches!(event.kind, EventKind::Loaded { .. } | EventKind::Swapped { .. }).then_some(())
    });
    assert_eq!(watched.which().0, 1, "the next in line takes its place");
}

#[test]
fn without_watching_a_rescan_does_the_same_and_waits_for_the_outcome() {
    let watched = Watched { watch: None, ..Watched::new(None) };
    watched.folder.put("libanswer.so", &corpus::bytes("answer-one"));
    let report = watched.host.rescan().expect("the host runs");
    assert!(matches!(report.get("answer").expect("told").status, OutcomeStatus::Loaded { .. }), "{report:?}");
    assert!(watched.host.rescan().expect("the host runs").outcomes.is_empty(), "nothing changed");
    watched.folder.put("libanswer.so", &corpus::bytes("answer-two"));
    assert!(tell::swapped(&watched.host.rescan().expect("the host runs"), "answer"));
    assert_eq!(watched.which().0, 2);
    assert_eq!(watched.host.invoke("answer", "echo", &value!(1)).expect("it serves"), value!(1));
}

#[test]
fn a_folder_is_watched_by_one_guard_at_a_time() {
    let mut watched = Watched::new(None);
    assert_eq!(watched.host.watch().err().map(|error| error.code()), Some("RE0806"));
    drop(watched.watch.take());
    watched.watch = Some(watched.host.watch().expect("nobody watches"));
    watched.folder.put("libanswer.so", &corpus::bytes("answer-one"));
    watched.loaded("answer");
}
