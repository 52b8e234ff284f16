//! A thousand builds that go wrong, one after the other: each is taken back by itself, with the state as it was and the
//! reason, and not tried again.

use std::time::Duration;

use reactor_abi::prelude::*;
use reactor_host::{Host, OutcomeStatus, Report, Subscription};
use reactor_tests::gate::Gate;
use reactor_tests::puppet::{Script, host_of};
use reactor_tests::tell;

use super::{quarantined, rolled_back};

const ROUNDS: u64 = 1_000;

fn rounds() -> u64 {
    let asked = std::env::var("REACTOR_TEST_ROUNDS").ok();
    asked.map_or(ROUNDS, |text| text.parse().expect("REACTOR_TEST_ROUNDS is a number"))
}

/// With a state that the hand-over may take as long about as is left of this.
fn build(mark: &str, pause: &str) -> Script {
    Script::new("one").mark(mark).state(1, &format!("pause-deadline = {pause:?}"))
}

/// One bad build after the other over a good one that counts. `fail` makes the build of a round go wrong; `meet` sees to
/// it that it has, and answers the code.
fn a_thousand(
    (phase_deadline, pause): (Duration, &str),
    fail: impl Fn(Script) -> (Script, Option<Gate>),
    meet: impl Fn(&Host, &Report, &Subscription) -> String,
    expected: &str,
) {
    let builder = Host::builder("dev.reactor.tests", "1.0.0").phase_deadline(phase_deadline);
    let host = host_of(builder, [build("good", pause)]);
    assert!(host.start().expect("the host starts").is_ok());
    let total = || host.invoke("one", "total", &Value::Null).expect("it serves").as_u64();
    for round in 1..=rounds() {
        host.invoke("one", "add", &Value::Null).expect("it serves");
        let events = host.events();
        let (mut report, mut gate);
        loop {
            let bad = build("bad", pause).health("trial = \"1h\"\nmax-panics = 0");
            let (bad, holds) = fail(bad);
            (report, gate) = (bad.install(&host), holds);
            // On a busy machine the good one may not get through its part of a short hand-over.
            let held_up = |one: &reactor_host::Outcome| match &one.status {
                OutcomeStatus::Failed { code, message, .. } => {
                    code == "RE0503" || (code == "RE0420" && !message.starts_with("start"))
                }
                _ => false,
            };
            if !report.failures().any(held_up) {
                break;
            }
        }
        assert_eq!(meet(&host, &report, &events), expected, "round {round}");
        assert_eq!(quarantined(&events, "one"), expected, "round {round}");
        // An order of our own comes after it: the list is up to date.
        host.rescan().expect("the host runs");
        assert_eq!((tell::mark(&host, "one").as_str(), total()), ("good", Some(round)), "round {round}");
        let refused = host.list().remove(0).refused_build.expect("the reason is listed");
        assert_eq!(refused.code, expected, "round {round}");
        if let Some(gate) = gate.take() {
            gate.open();
        }
    }
    assert_eq!(host.quarantined().len() as u64, rounds());
    assert_eq!(host.plugin("one").expect("an id").generation(), Ok(1), "the very same generation");
}

const LONG: (Duration, &str) = (Duration::from_mins(1), "5s");

fn at_once(_: &Host, report: &Report, _: &Subscription) -> String {
    tell::failure(report, "one").0
}

fn in_the_trial(_: &Host, report: &Report, events: &Subscription) -> String {
    let swapped = |one: &reactor_host::Outcome| matches!(one.status, OutcomeStatus::Swapped { .. });
    assert!(report.outcomes.iter().any(swapped), "{report:?}");
    rolled_back(events, "one").1
}

#[test]
fn a_thousand_builds_that_panic_at_once() {
    let fail = |bad: Script| (bad.on("init", |_| panic!("at once")), None);
    a_thousand(LONG, fail, at_once, "RE0603");
}

#[test]
fn a_thousand_builds_that_panic_in_their_trial() {
    let fail = |bad: Script| {
        let answer = |cue: &reactor_tests::puppet::Cue<'_>| {
            assert!(cue.action != "boom", "in the trial");
            Ok(Value::Null)
        };
        (bad.answer(answer), None)
    };
    let meet = |host: &Host, report: &Report, events: &Subscription| {
        assert_eq!(tell::error(host.invoke("one", "boom", &Value::Null)).0, "RE0603");
        in_the_trial(host, report, events)
    };
    a_thousand(LONG, fail, meet, "RE0522");
}

#[test]
fn a_thousand_builds_that_hang_in_start() {
    let fail = |bad: Script| {
        let gate = Gate::new();
        let inside = gate.clone();
        let hang = move |_: &reactor_tests::puppet::Cue<'_>| {
            inside.pass();
            Ok(())
        };
        (bad.on("start", hang), Some(gate))
    };
    a_thousand((Duration::from_millis(20), "20ms"), fail, at_once, "RE0420");
}

#[test]
fn a_thousand_builds_that_can_not_read_the_state() {
    let unreadable =
        |_: &reactor_tests::puppet::Cue<'_>| Err(Error::new("acme.unreadable", "of another age"));
    a_thousand(LONG, |bad| (bad.on("restore", unreadable), None), at_once, "acme.unreadable");
}

#[test]
fn a_thousand_builds_that_fail_their_health_check() {
    let ill = |_: &reactor_tests::puppet::Cue<'_>| Err(Error::new("acme.ill", "the index is gone"));
    a_thousand(LONG, |bad| (bad.on("health", ill), None), in_the_trial, "RE0521");
}
