//! Tasks around a swap.

use std::sync::mpsc;
use std::time::Duration;

use reactor_abi::{Error, Result};
use reactor_host::{EventKind, Verdict};
use reactor_tests::gate::Gate;
use reactor_tests::puppet::{Cue, Journal, Script, started};
use reactor_tests::{tell, wait};

const PAUSE: &str = "pause-deadline = \"20s\"";

/// Spawns a task that notes its end, which comes when it is cancelled.
fn spawn_patient(cue: &Cue<'_>, journal: &Journal) -> Result<()> {
    let journal = journal.clone();
    cue.services.spawn("patient", move |task| {
        while task.sleep(Duration::from_hours(1)) {}
        journal.note("task ended");
        Ok(())
    })?;
    Ok(())
}

#[test]
fn tasks_are_cancelled_and_joined_before_suspend() {
    for state in ["", PAUSE] {
        let journal = Journal::new();
        let build = |mark: &str| {
            let script = Script::new("one").mark(mark);
            if state.is_empty() { script } else { script.state(1, state) }
        };
        let tasks = journal.clone();
        let host =
            started([build("old").journal(&journal).on("start", move |cue| spawn_patient(cue, &tasks))]);
        journal.take();
        assert!(tell::swapped(&build("new").install(&host), "one"));
        assert_eq!(journal.take()[..2], ["task ended", "old suspend"]);
    }
}

#[test]
fn a_resumed_generation_may_spawn_again_and_the_tasks_of_the_failed_one_are_ended() {
    let (send, told) = mpsc::channel();
    let journal = Journal::new();
    let tasks = journal.clone();
    let host = started([Script::new("one").mark("old").on("resume", move |cue| {
        let send = send.clone();
        cue.services.spawn("again", move |_| send.send(()).map_err(Error::from))?;
        Ok(())
    })]);
    let new = Script::new("one").mark("new").journal(&journal).on("start", move |cue| {
        spawn_patient(cue, &tasks)?;
        Err(Error::msg("it went wrong"))
    });
    assert!(!new.install(&host).is_ok());
    told.recv_timeout(wait::DEADLINE).expect("the resumed generation spawned");
    let lines = journal.take();
    let at = |what: &str| lines.iter().position(|line| line == what);
    assert!(at("task ended").is_some() && at("task ended") < at("new suspend"), "{lines:?}");
}

/// Spawns a task that stops at a gate, whatever it is told.
fn deaf(script: Script, gate: &Gate) -> Script {
    let gate = gate.clone();
    script.on("start", move |cue| {
        let gate = gate.clone();
        cue.services.spawn("deaf", move |_| {
            gate.pass();
            Ok(())
        })?;
        Ok(())
    })
}

#[test]
fn a_task_deaf_to_cancellation_does_not_hold_up_the_swap_and_retains_its_generation_by_name() {
    let gate = Gate::new();
    let old = Script::new("one").mark("old").tables("[run]\nstop-deadline = \"50ms\"");
    let host = started([deaf(old, &gate)]);
    gate.arrived(1);
    let events = host.events();
    assert!(tell::swapped(&Script::new("one").mark("new").install(&host), "one"));
    assert_eq!(tell::mark(&host, "one"), "new");
    assert_eq!(tell::failed_phase(&events, "one").1, "RE0420");
    let (_, verdict, reasons) = wait::retired(&events);
    assert_eq!(verdict, Verdict::Retained);
    assert!(reasons.iter().any(|reason| reason.contains("`deaf`")), "{reasons:?}");
    gate.open();
    assert_eq!(wait::retired(&events).1, Verdict::Linked, "once it ended it is closed after all");
}

#[test]
fn a_task_deaf_to_cancellation_keeps_a_state_where_it_is() {
    let gate = Gate::new();
    let state = "pause-deadline = \"50ms\"";
    let journal = Journal::new();
    let host = started([deaf(Script::new("one").mark("old").journal(&journal).state(1, state), &gate)]);
    gate.arrived(1);
    journal.take();
    let (code, message, serving) =
        tell::failure(&Script::new("one").mark("new").state(1, state).install(&host), "one");
    assert_eq!((code.as_str(), serving), ("RE0420", Some(1)), "{message}");
    assert_eq!(tell::mark(&host, "one"), "old");
    assert!(journal.take().contains(&"old resume".to_owned()), "its other tasks were cancelled: it is told");
    gate.open();
}

#[test]
fn a_suspend_that_fails_is_reported_and_the_swap_goes_on() {
    for state in [None, Some(PAUSE), Some("handoff = \"snapshot\"")] {
        let build = |mark: &str| {
            let script = Script::new("one").mark(mark);
            if let Some(keys) = state { script.state(1, keys) } else { script }
        };
        let host = started([build("old").on("suspend", |_| Err(Error::new("acme.busy", "not now")))]);
        let events = host.events();
        let report = build("new").install(&host);
        assert!(tell::swapped(&report, "one"), "{report:?}");
        let (phase, code, _) = tell::failed_phase(&events, "one");
        assert_eq!((phase.as_str(), code.as_str()), ("suspend", "acme.busy"));
        wait::event(&events, |event| matches!(event.kind, EventKind::Swapped { .. }).then_some(()));
    }
}
