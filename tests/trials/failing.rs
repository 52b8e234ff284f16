//! A trial that does not pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reactor_abi::Error;
use reactor_host::EventKind;
use reactor_host::{Host, StateOutcome, Value};
use reactor_tests::clock::clocked;
use reactor_tests::gate::Gate;
use reactor_tests::puppet::{Journal, Script};
use reactor_tests::{tell, wait};

use super::{MINUTE, build, passed, quarantined, rolled_back};

fn total(host: &Host) -> Option<u64> {
    host.invoke("one", "total", &Value::Null).expect("it serves").as_u64()
}

fn add(host: &Host, times: u32) {
    (0..times).for_each(|_| drop(host.invoke("one", "add", &Value::Null).expect("it serves")));
}

#[test]
fn a_build_that_fails_its_health_check_is_rolled_back_quarantined_and_not_tried_again_until_it_is_lifted() {
    let (host, clock) = clocked([build("old")]);
    let events = host.events();
    let ill = Arc::new(AtomicBool::new(true));
    let sick = Arc::clone(&ill);
    let new = build("new").on("health", move |_| {
        if sick.load(Ordering::SeqCst) { Err(Error::new("acme.ill", "the index is gone")) } else { Ok(()) }
    });
    new.install(&host);
    let (from, code, message) = rolled_back(&events, "one");
    assert_eq!((from, code.as_str()), (2, "RE0521"));
    assert!(message.contains("the index is gone"), "{message}");
    assert_eq!(quarantined(&events, "one"), "RE0521");
    assert_eq!(tell::mark(&host, "one"), "old");
    assert_eq!(host.quarantined().len(), 1);
    // An order of our own comes after it: the list is up to date.
    host.rescan().expect("the host runs");
    let refused = host.list().remove(0).refused_build.expect("the reason is listed");
    assert_eq!(refused.code, "RE0521");

    // Not even when somebody asks for the same bytes again.
    let (code, message, serving) = tell::failure(&host.swap("one").expect("the host runs"), "one");
    assert_eq!((code.as_str(), serving), ("RE0520", Some(1)));
    assert!(message.contains("the index is gone") && message.contains("lift"), "{message}");

    ill.store(false, Ordering::SeqCst);
    assert!(tell::swapped(&host.lift_quarantine("one").expect("the host runs"), "one"));
    assert_eq!(tell::mark(&host, "one"), "new");
    assert!(host.quarantined().is_empty());
    clock.advance(&host, MINUTE);
    passed(&events, "one");
}

#[test]
fn a_build_that_panics_more_often_than_it_may_is_rolled_back_and_not_before() {
    let (host, _clock) = clocked([build("old").state(1, "pause-deadline = \"20s\"")]);
    let events = host.events();
    add(&host, 5);
    let new = build("new").state(1, "pause-deadline = \"20s\"").health("trial = \"1min\"\nmax-panics = 2");
    let new = new.answer(|cue| if cue.action == "boom" { panic!("boom") } else { Ok(Value::Null) });
    assert!(tell::swapped(&new.install(&host), "one"));
    add(&host, 3);
    for _ in 0..2 {
        assert_eq!(tell::error(host.invoke("one", "boom", &Value::Null)).0, "RE0603");
    }
    host.rescan().expect("the host runs");
    assert_eq!(tell::mark(&host, "one"), "new", "as often as it may");
    assert_eq!(tell::error(host.invoke("one", "boom", &Value::Null)).0, "RE0603");
    let (_, code, _) = rolled_back(&events, "one");
    assert_eq!(code, "RE0522");
    assert_eq!(quarantined(&events, "one"), "RE0522");
    assert_eq!((tell::mark(&host, "one").as_str(), total(&host)), ("old", Some(8)), "nothing is lost");
}

#[test]
fn panics_in_a_task_and_in_calls_of_other_plugins_count() {
    for way in ["task", "peer"] {
        let (host, _clock) = clocked([build("old"), Script::new("other")]);
        let events = host.events();
        let new = build("new").health("trial = \"1min\"\nmax-panics = 0").answer(|cue| match cue.action {
            "spawn" => {
                cue.services.spawn("doomed", |_| panic!("in a task"))?;
                Ok(true.into())
            }
            "boom" => panic!("boom"),
            _ => Ok(Value::Null),
        });
        assert!(tell::swapped(&new.install(&host), "one"));
        if way == "task" {
            host.invoke("one", "spawn", &Value::Null).expect("the task starts");
        } else {
            let call = Value::of(&("one", "boom")).expect("two texts");
            tell::error(host.invoke("other", "call", &call));
        }
        assert_eq!(rolled_back(&events, "one").1, "RE0522", "{way}");
    }
}

#[test]
fn the_state_that_the_old_one_can_not_have_back_is_that_of_the_switch_and_the_event_says_so() {
    // A call stays inside the failing generation: its state is not to be had.
    let (host, _clock) = clocked([build("old").state(1, "pause-deadline = \"200ms\"")]);
    let events = host.events();
    add(&host, 5);
    let (gate, held) = (Gate::new(), Gate::new());
    let (inside, sick) = (gate.clone(), held.clone());
    let new = build("new").state(1, "pause-deadline = \"200ms\"").answer(move |cue| {
        if cue.action == "stay" {
            inside.pass();
        }
        Ok(Value::Null)
    });
    let new = new.on("health", move |_| {
        sick.pass();
        Err(Error::new("acme.ill", "ill"))
    });
    assert!(tell::swapped(&new.install(&host), "one"));
    add(&host, 3);
    std::thread::scope(|threads| {
        let call = threads.spawn(|| host.invoke("one", "stay", &Value::Null));
        gate.arrived(1);
        held.open();
        let state = wait::event(&events, |event| match &event.kind {
            EventKind::RolledBack { state, .. } => Some(*state),
            _ => None,
        });
        assert_eq!(state, StateOutcome::AtSwitch);
        assert_eq!((tell::mark(&host, "one").as_str(), total(&host)), ("old", Some(5)));
        gate.open();
        // The action is none of the puppet's own; what matters is that the call came back.
        assert_eq!(tell::error(call.join().expect("no panic")).0, "RE0602");
    });
}

#[test]
fn the_generation_that_failed_gives_up_what_only_one_can_hold_before_the_other_takes_it_back() {
    let journal = Journal::new();
    let (host, _clock) = clocked([build("old").journal(&journal)]);
    let events = host.events();
    let new = build("new").journal(&journal).on("health", |_| Err(Error::new("acme.ill", "ill")));
    new.install(&host);
    rolled_back(&events, "one");
    wait::retired(&events);
    let lines = journal.take();
    let begun = lines.iter().position(|line| line == "new health").expect("it was examined");
    let rest: Vec<_> = lines[begun..].iter().map(String::as_str).collect();
    assert_eq!(rest, ["new health", "new suspend", "old resume", "new stop", "new drop"]);
}

#[test]
fn a_build_that_fails_before_the_switch_is_quarantined_too_and_a_better_one_is_taken() {
    for phase in ["init", "build", "register", "after_registration", "restore", "start"] {
        let (host, _clock) = clocked([build("old").state(1, "pause-deadline = \"20s\"")]);
        let events = host.events();
        add(&host, 4);
        let new = build("new").state(1, "").on(phase, move |_| Err(Error::new("acme.broken", "no")));
        let (code, message, serving) = tell::failure(&new.install(&host), "one");
        assert_eq!((code.as_str(), serving), ("acme.broken", Some(1)), "{phase}");
        assert!(message.starts_with(phase), "{message}");
        assert_eq!(quarantined(&events, "one"), "acme.broken");
        assert_eq!((tell::mark(&host, "one").as_str(), total(&host)), ("old", Some(4)), "{phase}");
        assert_eq!(tell::failure(&host.swap("one").expect("it runs"), "one").0, "RE0520");
        assert!(tell::swapped(&build("better").state(1, "").install(&host), "one"), "{phase}");
        assert_eq!((tell::mark(&host, "one").as_str(), total(&host)), ("better", Some(4)), "{phase}");
    }
}

#[test]
fn a_health_check_that_does_not_answer_counts_as_failed_and_delays_no_other_trial() {
    let gate = Gate::new();
    let inside = gate.clone();
    let quick = "trial = \"1min\"\ncheck-every = \"50ms\"";
    let (host, _clock) = clocked([build("old"), Script::new("other").health(quick)]);
    let events = host.events();
    let hang = build("new").health(quick).on("health", move |_| {
        inside.pass();
        Ok(())
    });
    hang.install(&host);
    gate.arrived(1);
    let ill = Script::new("other").health(quick).on("health", |_| Err(Error::new("acme.ill", "ill")));
    ill.install(&host);
    rolled_back(&events, "other");
    let (_, code, message) = rolled_back(&events, "one");
    assert_eq!(code, "RE0521");
    assert!(message.contains("did not return"), "{message}");
    assert_eq!(tell::mark(&host, "one"), "old");
    gate.open();
}

#[test]
fn a_call_that_stays_inside_the_failing_one_does_not_cost_its_suspend() {
    let (gate, journal) = (Gate::new(), Journal::new());
    let inside = gate.clone();
    let stateful = |mark| build(mark).state(1, "pause-deadline = \"100ms\"");
    let (host, _clock) = clocked([stateful("old")]);
    let events = host.events();
    let new = stateful("new").journal(&journal).answer(move |cue| {
        if cue.action == "stay" {
            inside.pass();
        }
        Ok(Value::Null)
    });
    assert!(tell::swapped(&new.install(&host), "one"));
    std::thread::scope(|threads| {
        let call = threads.spawn(|| host.invoke("one", "stay", &Value::Null));
        gate.arrived(1);
        host.rollback("one").expect("the host runs");
        rolled_back(&events, "one");
        assert!(journal.take().contains(&"new suspend".to_owned()));
        gate.open();
        let _ = call.join().expect("no panic");
    });
}

#[test]
fn with_a_snapshot_a_call_inside_the_old_one_costs_it_nothing_when_it_takes_over_again() {
    let gate = Gate::new();
    let inside = gate.clone();
    let old = build("old").state(1, "handoff = \"snapshot\"").answer(move |cue| {
        if cue.action == "stay" {
            inside.pass();
        }
        Ok(Value::Null)
    });
    let (host, _clock) = clocked([old]);
    let events = host.events();
    add(&host, 4);
    std::thread::scope(|threads| {
        let call = threads.spawn(|| host.invoke("one", "stay", &Value::Null));
        gate.arrived(1);
        assert!(tell::swapped(&build("new").state(1, "handoff = \"snapshot\"").install(&host), "one"));
        add(&host, 2);
        host.rollback("one").expect("the host runs");
        let state = wait::event(&events, |event| match &event.kind {
            EventKind::RolledBack { state, .. } => Some(*state),
            _ => None,
        });
        assert_eq!(state, StateOutcome::AtSwitch);
        assert_eq!((tell::mark(&host, "one").as_str(), total(&host)), ("old", Some(4)));
        gate.open();
        let _ = call.join().expect("no panic");
    });
}
