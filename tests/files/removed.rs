//! Files that go.

use std::time::Duration;

use reactor_host::{EventKind, Value};
use reactor_tests::{corpus, tell, wait};

use super::Watched;

#[test]
fn a_deleted_library_stops_its_plugin_after_the_grace_and_leaves_the_list() {
    let watched = Watched::new(Some(Duration::from_millis(50)));
    watched.folder.put("libanswer.so", &corpus::bytes("answer-one"));
    watched.loaded("answer");
    watched.folder.remove("libanswer.so");
    let reason = watched.stopped("answer");
    assert!(reason.contains("removed"), "{reason}");
    let (_, verdict, reasons) = wait::retired(&watched.events);
    assert_eq!(verdict, reactor_host::Verdict::Unloaded, "{reasons:?}");
    wait::until("it left the list", || watched.host.list().is_empty());
    let (code, message) = tell::error(watched.host.invoke("answer", "which", &Value::Null));
    assert_eq!(code, "RE0601");
    assert!(message.contains("removed"), "{message}");
}

#[test]
fn the_grace_is_the_manifests_unless_the_host_says_otherwise() {
    let watched = Watched::new(None);
    let head = "schema = 1\nid = \"answer\"\nversion = \"1.0.0\"\napi = \"^1\"";
    let manifest = format!("{head}\n[run]\ndelete-grace = \"20ms\"\n");
    watched.folder.put("answer.toml", manifest.as_bytes());
    watched.folder.put("libanswer.so", &corpus::bytes("answer-one"));
    watched.loaded("answer");
    watched.folder.remove("libanswer.so");
    watched.stopped("answer");
}

#[test]
fn a_library_deleted_and_created_again_within_the_grace_goes_on_as_if_nothing_had_been() {
    let watched = Watched::new(Some(Duration::from_mins(10)));
    watched.folder.put("libanswer.so", &corpus::bytes("answer-one"));
    let generation = watched.loaded("answer");
    watched.folder.remove("libanswer.so");
    // That a scan has seen it missing is known by what the same scan finds.
    watched.folder.put("libtally.so", &corpus::bytes("tally-one"));
    let quiet_until = |plugin: &str| {
        wait::event(&watched.events, |event| {
            let about = tell::is_about(event, "answer");
            assert!(!about, "{event:?}");
            let loaded = matches!(event.kind, EventKind::Loaded { .. }) && tell::is_about(event, plugin);
            loaded.then_some(())
        });
    };
    quiet_until("tally");
    assert_eq!(watched.which(), (1, generation), "it serves during the grace");
    watched.folder.put("libanswer.so", &corpus::bytes("answer-one"));
    watched.folder.put("libdo_as_told.so", &corpus::bytes("do-as-told"));
    quiet_until("do-as-told");
    assert_eq!(watched.which(), (1, generation));

    watched.folder.remove("libanswer.so");
    watched.folder.put("libanswer.so", &corpus::bytes("answer-two"));
    watched.swapped("answer");
    assert_eq!(watched.which().0, 2, "another build in its place is a swap");
}
