//! What goes wrong before the switch leaves the old generation serving, with its state.

use reactor_abi::Error;
use reactor_host::{Host, PluginStatus, Value};
use reactor_tests::puppet::{Journal, Script, started};
use reactor_tests::{tell, wait};

const PAUSE: &str = "pause-deadline = \"20s\"";
const SNAPSHOT: &str = "handoff = \"snapshot\"";

fn failing(script: Script, phase: &'static str, panics: bool) -> Script {
    script.on(phase, move |_| {
        assert!(!panics, "it went wrong");
        Err(Error::new("acme.broken", "it went wrong"))
    })
}

fn add(host: &Host, times: u64) {
    for _ in 0..times {
        host.invoke("one", "add", &Value::Null).expect("it serves");
    }
}

fn total(host: &Host) -> Option<u64> {
    host.invoke("one", "total", &Value::Null).expect("it serves").as_u64()
}

/// Installs a build that must fail in a phase, and checks that nothing else happened.
fn fails(host: &Host, build: Script, phase: &str, panics: bool, whose: u64) {
    let events = host.events();
    let report = build.install(host);
    let (code, message, serving) = tell::failure(&report, "one");
    assert_eq!(code, if panics { "RE0603" } else { "acme.broken" }, "{phase}");
    assert!(message.starts_with(&format!("{phase}: ")) && message.contains("it went wrong"), "{message}");
    assert_eq!(serving, Some(1), "{phase}: the report says who serves");
    let (told, told_code, _) = tell::failed_phase(&events, "one");
    assert_eq!((told.as_str(), told_code), (phase, code));
    let retired = wait::event(&events, |event| match event.kind {
        reactor_host::EventKind::Retired { .. } => event.generation,
        _ => None,
    });
    assert_eq!(retired, whose, "{phase}: the failed one goes");
    assert_eq!(tell::status(host, "one"), PluginStatus::Running { generation: 1 });
    assert_eq!(host.list().remove(0).refused_build.expect("the list tells").message, message);
    assert_eq!(tell::mark(host, "one"), "old");
}

#[test]
fn a_phase_that_fails_before_the_switch_leaves_the_old_generation_untouched() {
    for phase in ["init", "build", "register", "after_registration"] {
        for (panics, state) in [(false, None), (true, None), (false, Some(PAUSE)), (true, Some(SNAPSHOT))] {
            let journal = Journal::new();
            let build = |mark: &str| {
                let script = Script::new("one").mark(mark);
                state
                    .map_or(script, |_| Script::new("one").mark(mark))
                    .tables(&state.map_or_else(String::new, |keys| format!("[state]\nschema = 1\n{keys}")))
            };
            let host = started([build("old").journal(&journal)]);
            add(&host, 3);
            journal.take();
            fails(&host, failing(build("new"), phase, panics), phase, panics, 2);
            assert_eq!(journal.take(), [""; 0], "{phase}: the old one noticed nothing");
            assert_eq!((total(&host), host.waits()), (Some(3), 0));
        }
    }
}

#[test]
fn a_save_or_restore_that_fails_leaves_the_old_generation_with_its_state() {
    for (keys, noticed) in [(PAUSE, &["old suspend", "old resume"][..]), (SNAPSHOT, &[])] {
        for (phase, panics) in [("save", false), ("save", true), ("restore", false), ("restore", true)] {
            let journal = Journal::new();
            let (old, new) = (Script::new("one").mark("old").state(1, keys), Script::new("one").mark("new"));
            let (old, new) = (old.journal(&journal), new.state(1, keys));
            let (old, new) = if phase == "save" {
                (failing(old, phase, panics), new)
            } else {
                (old, failing(new, phase, panics))
            };
            let host = started([old]);
            add(&host, 3);
            journal.take();
            fails(&host, new, phase, panics, 2);
            let mut noted = journal.take();
            noted.retain(|line| line != "old save");
            assert_eq!(noted, noticed, "{phase}");
            assert_eq!(total(&host), Some(3));
            add(&host, 1);
            assert_eq!(total(&host), Some(4));
        }
    }
}

#[test]
fn a_state_that_the_new_build_can_not_read_is_refused_before_any_of_its_code_runs() {
    let journal = Journal::new();
    let host = started([Script::new("one").mark("old").state(1, PAUSE)]);
    add(&host, 3);
    let new = || Script::new("one").mark("new").journal(&journal);
    for (build, expected, named) in
        [(new(), "RE0501", "schema 1"), (new().state(3, "reads = [3, 2]"), "RE0502", "[3, 2]")]
    {
        let (code, message, serving) = tell::failure(&build.install(&host), "one");
        assert_eq!((code.as_str(), serving), (expected, Some(1)));
        assert!(message.contains(named), "{message}");
    }
    assert_eq!(journal.take(), [""; 0]);
    assert_eq!((tell::mark(&host, "one").as_str(), total(&host)), ("old", Some(3)));
}

#[test]
fn a_state_of_an_older_schema_is_migrated_and_one_of_a_newer_schema_is_brought_down() {
    let host = started([Script::new("one").state(1, PAUSE)]);
    add(&host, 3);
    for (schema, keys) in [(2, "reads = [1, 2]"), (1, "reads = [1, 2]")] {
        let report = Script::new("one").state(schema, &format!("{keys}\n{PAUSE}")).install(&host);
        assert!(tell::swapped(&report, "one"), "{report:?}");
        assert_eq!(total(&host), Some(3));
    }
}

#[test]
fn after_a_failed_build_a_good_one_is_swapped_in() {
    let host = started([Script::new("one").mark("old").state(1, PAUSE)]);
    add(&host, 3);
    fails(
        &host,
        failing(Script::new("one").mark("new").state(1, PAUSE), "restore", true),
        "restore",
        true,
        2,
    );
    assert!(tell::swapped(&Script::new("one").mark("better").state(1, PAUSE).install(&host), "one"));
    assert_eq!((tell::mark(&host, "one").as_str(), total(&host)), ("better", Some(3)));
    assert!(host.list().remove(0).refused_build.is_none());
}
