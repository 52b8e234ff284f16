use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use reactor_host::value;

use super::*;

/// What is printed where no colours are wanted.
#[track_caller]
fn check(generation: Option<u64>, kind: &EventKind, expected: &Expect) {
    let (plugin, version) = (PluginId::new("word-count").expect("an id"), Version::new(1, 4, 2));
    let subject = Subject { plugin: Some(&plugin), version: Some(&version), generation };
    let line = anstream::adapter::strip_str(&describe(&subject, kind)).to_string();
    expected.assert_eq(&line);
}

#[test]
fn what_runs_what_changed_what_stopped() {
    check(
        None,
        &EventKind::Discovered { path: "plugins/a.so".into() },
        &expect!["· word-count 1.4.2  found plugins/a.so"],
    );
    let loaded = |state| EventKind::Loaded { micros: 900, state };
    check(Some(1), &loaded(StateOutcome::None), &expect!["+ word-count 1.4.2  generation 1  0.9 ms"]);
    check(
        Some(1),
        &loaded(StateOutcome::Restored),
        &expect!["+ word-count 1.4.2  generation 1  0.9 ms  saved state restored"],
    );
    let mut swapped =
        EventKind::Swapped { from: 6, micros: 9_100, paused_micros: 0, state: StateOutcome::None };
    check(Some(7), &swapped, &expect!["~ word-count 1.4.2  generation 7  9.1 ms"]);
    if let EventKind::Swapped { paused_micros, state, .. } = &mut swapped {
        (*paused_micros, *state) = (400, StateOutcome::HandedOver);
    }
    check(
        Some(7),
        &swapped,
        &expect!["~ word-count 1.4.2  generation 7  9.1 ms  state handed over, calls waited 0.4 ms"],
    );
    let stopped = EventKind::Stopped { reason: "its library was removed".into(), micros: 100 };
    check(Some(7), &stopped, &expect!["- word-count 1.4.2  generation 7  its library was removed  0.1 ms"]);
}

#[test]
fn what_became_of_the_old_code() {
    let unloaded = EventKind::Retired {
        verdict: Verdict::Unloaded,
        reasons: Vec::new(),
        is_final: false,
        micros: 1_200,
    };
    check(Some(6), &unloaded, &expect!["· word-count 1.4.2  generation 6  unloaded  1.2 ms"]);
    let reasons = vec!["2 calls inside".to_owned(), "a thread `ticker` runs".to_owned()];
    let retained =
        EventKind::Retired { verdict: Verdict::Retained, reasons, is_final: true, micros: 2_000_000 };
    check(
        Some(6),
        &retained,
        &expect![
            "· word-count 1.4.2  generation 6  retained: 2 calls inside; a thread `ticker` runs  2000 ms"
        ],
    );
}

#[test]
fn an_interface_is_told_in_words_and_unasked_only_when_its_version_changes() {
    let interface = "text.stats".to_owned();
    let changed = |before: &str| EventKind::InterfaceChanged {
        interface: interface.clone(),
        before: before.to_owned(),
        version: "1.1.0".to_owned(),
    };
    let provided = EventKind::InterfaceProvided { interface: interface.clone(), version: "1.0.0".to_owned() };
    let withdrawn =
        EventKind::InterfaceWithdrawn { interface: interface.clone(), version: "1.0.0".to_owned() };
    check(Some(1), &provided, &expect!["· word-count 1.4.2  generation 1  provides text.stats 1.0.0"]);
    check(
        Some(2),
        &changed("1.0.0"),
        &expect!["~ word-count 1.4.2  generation 2  provides text.stats 1.1.0, until now 1.0.0"],
    );
    check(
        Some(2),
        &changed("1.1.0"),
        &expect!["· word-count 1.4.2  generation 2  still provides text.stats 1.1.0"],
    );
    check(
        Some(2),
        &withdrawn,
        &expect!["· word-count 1.4.2  generation 2  no longer provides text.stats 1.0.0"],
    );
    assert_eq!(Weight::of(&changed("1.0.0")), Weight::News);
    for quiet in [&provided, &changed("1.1.0"), &withdrawn] {
        assert_eq!(Weight::of(quiet), Weight::Detail);
    }
}

#[test]
fn what_went_wrong() {
    let failed = EventKind::Failed {
        phase: "start".into(),
        code: "plugin.error".into(),
        message: "port 80 is taken".into(),
    };
    check(
        Some(3),
        &failed,
        &expect!["! word-count 1.4.2  generation 3  failed in start [plugin.error]: port 80 is taken"],
    );
    let refused =
        EventKind::Refused { code: "RE0121".into(), message: "incomplete".into(), path: Some("a.so".into()) };
    check(None, &refused, &expect!["! word-count 1.4.2  refused [RE0121]: incomplete"]);
    let unknown = describe(&Subject::default(), &refused);
    expect!["! a.so  refused [RE0121]: incomplete"]
        .assert_eq(&anstream::adapter::strip_str(&unknown).to_string());
}

#[test]
fn what_was_taken_back() {
    let back = EventKind::RolledBack {
        from: 4,
        state: StateOutcome::AtSwitch,
        code: "RE0603".into(),
        message: "it panicked".into(),
    };
    check(
        Some(3),
        &back,
        &expect![
            "~ word-count 1.4.2  generation 3  serves again instead of generation 4, with its state as of the switch [RE0603]: it panicked"
        ],
    );
    let build = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned();
    let quarantined =
        EventKind::Quarantined { build: build.clone(), code: "RE0603".into(), message: "it panicked".into() };
    check(
        None,
        &quarantined,
        &expect![
            "! word-count 1.4.2  build ba7816bf8f01 is quarantined [RE0603]: not tried again until its bytes change or somebody lifts it"
        ],
    );
    check(
        None,
        &EventKind::Released { build },
        &expect!["· word-count 1.4.2  build ba7816bf8f01 may be tried again"],
    );
    check(
        Some(4),
        &EventKind::TrialPassed { from: 3 },
        &expect!["· word-count 1.4.2  generation 4  passed its trial; generation 3 ends"],
    );
}

#[test]
fn what_a_plugin_logged_can_not_pass_for_ours() {
    let fields = BTreeMap::from([("tick".to_owned(), value!(3)), ("who".to_owned(), value!("Ada\n"))]);
    let log = EventKind::Log { level: "info", message: "tick\n+ fake 1.0.0 \x1b[31m".into(), fields };
    check(
        Some(1),
        &log,
        &expect![[r#"
        word-count │ info  tick
            + fake 1.0.0 \u{1b}[31m tick=3 who="Ada\n""#]],
    );
}
