//! A phase that errors or panics fails its plugin alone.

use reactor_abi::Error;
use reactor_host::{EventKind, PluginStatus, Value};
use reactor_tests::gate::Gate;
use reactor_tests::puppet::{Journal, Script, host, started};
use reactor_tests::{tell, wait};

const RISING: [&str; 5] = ["init", "build", "register", "after_registration", "start"];

/// Fails in a phase, with an error or by a panic.
fn failing(script: Script, phase: &'static str, panics: bool) -> Script {
    script.on(phase, move |_| {
        assert!(!panics, "it went wrong");
        Err(Error::new("acme.broken", "it went wrong").context("reading the index"))
    })
}

fn code(panics: bool) -> &'static str {
    if panics { "RE0603" } else { "acme.broken" }
}

#[test]
fn a_phase_that_errors_or_panics_fails_its_plugin_alone_and_blocks_only_its_dependants() {
    for (phase, panics) in RISING.into_iter().flat_map(|phase| [(phase, false), (phase, true)]) {
        let journal = Journal::new();
        let host = host([
            failing(Script::new("bad"), phase, panics).journal(&journal),
            Script::new("child").needs(&["bad"]).journal(&journal),
            Script::new("grandchild").needs(&["child"]),
            Script::new("neighbour"),
            Script::new("parent"),
        ]);
        let events = host.events();
        let report = host.start().expect("the host starts");

        assert_eq!(tell::loaded(&report), ["neighbour", "parent"], "{phase}");
        let (found, message, serving) = tell::failure(&report, "bad");
        assert_eq!((found.as_str(), serving), (code(panics), None), "{phase}");
        assert!(message.starts_with(&format!("{phase}: ")) && message.contains("it went wrong"), "{message}");
        assert_eq!(message.contains("panicked"), panics, "{message}");
        assert_eq!(message.contains("reading the index"), !panics, "{message}");
        for (blocked, by) in [("child", "bad"), ("grandchild", "child")] {
            let (found, message, _) = tell::failure(&report, blocked);
            assert_eq!(found, "RE0417", "{phase}");
            assert!(message.contains(by), "{message}");
        }

        let (told, told_code, _) = tell::failed_phase(&events, "bad");
        assert_eq!((told.as_str(), told_code.as_str()), (phase, code(panics)));
        assert!(
            matches!(tell::status(&host, "bad"), PluginStatus::Failed(reason) if reason.message == message)
        );
        assert!(
            matches!(tell::status(&host, "child"), PluginStatus::Refused(reason) if reason.code == "RE0417")
        );
        assert_eq!(tell::error(host.invoke("bad", "mark", &Value::Null)).0, "RE0601", "{phase}");
        assert_eq!(tell::mark(&host, "neighbour"), "neighbour");
        let started = |line: &String| line.ends_with("child start");
        assert!(!journal.take().iter().any(started), "{phase}: nothing starts without what it needs");

        let again = host.start().expect("the host runs");
        assert!(again.outcomes.is_empty(), "{phase}: said once: {again:?}");
        assert!(
            matches!(tell::status(&host, "child"), PluginStatus::Refused(reason) if reason.code == "RE0417")
        );
    }
}

#[test]
fn what_a_plugin_whose_start_failed_had_taken_is_given_back() {
    let journal = Journal::new();
    let host = host([failing(Script::new("bad"), "start", false).journal(&journal).output(Value::from(1))]);
    let events = host.events();
    assert!(!host.start().expect("the host starts").is_ok());
    wait::retired(&events);
    assert_eq!(journal.take().split_off(4), ["bad start", "bad stop", "bad drop"]);
}

#[test]
fn a_plugin_that_failed_is_tried_again_after_stop_and_start_and_by_a_new_build() {
    let host = host([failing(Script::new("bad"), "init", true), Script::new("child").needs(&["bad"])]);
    let first = host.start().expect("the host starts");
    assert_eq!(first.failures().count(), 2);
    host.stop().expect("the host runs");
    let second = host.start().expect("the host starts");
    assert_eq!(tell::failure(&second, "bad").0, "RE0603");
    assert_eq!(tell::failure(&second, "child").0, "RE0417");

    let report = Script::new("bad").mark("mended").install(&host);
    assert_eq!(tell::loaded(&report), ["bad", "child"]);
    assert_eq!(tell::mark(&host, "bad"), "mended");
}

#[test]
fn an_error_or_a_panic_in_stop_or_drop_is_reported_and_keeps_nobody_from_ending() {
    for (phase, panics) in [("stop", false), ("stop", true), ("drop", true)] {
        let host = started([failing(Script::new("bad"), phase, panics), Script::new("neighbour")]);
        let events = host.events();
        let report = host.stop().expect("the host runs");
        assert_eq!(tell::stopped(&report), ["neighbour", "bad"], "{phase}");
        let (told, told_code, message) = tell::failed_phase(&events, "bad");
        assert_eq!((told.as_str(), told_code.as_str()), (phase, code(panics)));
        assert!(message.contains("it went wrong"), "{message}");
        wait::event(&events, |event| {
            let ended = matches!(event.kind, EventKind::Retired { .. }) && tell::is_about(event, "bad");
            ended.then_some(())
        });
        assert!(host.start().expect("the host runs").is_ok(), "{phase}: it comes up again");
    }
}

#[test]
fn a_task_that_errors_or_panics_is_logged_and_its_plugin_goes_on() {
    for panics in [false, true] {
        let gate = Gate::new();
        let before = gate.clone();
        let host = started([Script::new("one").on("start", move |cue| {
            let before = before.clone();
            cue.services.spawn("count", move |_| {
                before.pass();
                assert!(!panics, "it went wrong");
                Err(Error::msg("it went wrong"))
            })?;
            Ok(())
        })]);
        let events = host.events();
        gate.open();
        let message = wait::event(&events, |event| match &event.kind {
            EventKind::Log { level: "error", message, .. } => Some(message.clone()),
            _ => None,
        });
        assert!(message.contains("`one:count`") && message.contains("it went wrong"), "{message}");
        assert_eq!(tell::mark(&host, "one"), "one");
    }
}

#[test]
fn a_phase_that_never_returns_delays_a_stop_by_its_deadline_only() {
    let gate = Gate::new();
    let inside = gate.clone();
    let host = started([
        Script::new("deaf").tables("[run]\nstop-deadline = \"50ms\"").on("stop", move |_| {
            inside.pass();
            Ok(())
        }),
        Script::new("neighbour"),
    ]);
    let events = host.events();
    let report = host.stop().expect("the host runs");
    assert_eq!(tell::stopped(&report), ["neighbour", "deaf"]);
    let (phase, code, _) = tell::failed_phase(&events, "deaf");
    assert_eq!((phase.as_str(), code.as_str()), ("stop", "RE0420"));
    assert!(host.start().expect("the host runs").is_ok(), "a new generation does not wait for the old one");
    gate.open();
}
