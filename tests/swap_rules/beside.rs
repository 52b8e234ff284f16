//! The new generation comes up beside the old one.

use reactor_host::{EventKind, StateOutcome, Value, Verdict, value};
use reactor_tests::gate::Gate;
use reactor_tests::puppet::{Journal, Script, started};
use reactor_tests::{tell, wait};

const BEFORE_THE_SWITCH: [&str; 4] = ["init", "build", "register", "after_registration"];

#[test]
fn the_old_generation_answers_while_the_new_one_passes_its_phases() {
    for phase in BEFORE_THE_SWITCH {
        let host = started([Script::new("one").mark("old")]);
        let gate = Gate::new();
        let inside = gate.clone();
        std::thread::scope(|threads| {
            let new = Script::new("one").mark("new").on(phase, move |_| {
                inside.pass();
                Ok(())
            });
            let swap = threads.spawn(|| new.install(&host));
            gate.arrived(1);
            assert_eq!(tell::mark(&host, "one"), "old", "{phase}");
            gate.open();
            assert!(tell::swapped(&swap.join().expect("no panic"), "one"));
        });
        assert_eq!(tell::mark(&host, "one"), "new", "{phase}");
        assert_eq!(host.waits(), 0, "{phase}");
    }
}

#[test]
fn a_swap_runs_its_steps_in_order() {
    for (state, hand_over) in [
        ("", &["old suspend", "new start"][..]),
        ("schema = 1", &["old suspend", "old save", "new restore", "new start"][..]),
        ("handoff = \"snapshot\"", &["old save", "new restore", "old suspend", "new start"][..]),
    ] {
        let journal = Journal::new();
        let build = |mark: &str| {
            let script = Script::new("one").mark(mark).journal(&journal);
            match state {
                "" => script,
                "schema = 1" => script.state(1, "pause-deadline = \"20s\""),
                keys => script.state(1, keys),
            }
        };
        let host = started([build("old")]);
        let events = host.events();
        journal.take();
        assert!(tell::swapped(&build("new").install(&host), "one"));
        let handed_over = wait::event(&events, |event| match event.kind {
            EventKind::Swapped { from: 1, state, .. } if event.generation == Some(2) => Some(state),
            _ => None,
        });
        assert_eq!(handed_over == StateOutcome::HandedOver, !state.is_empty());
        assert_eq!(wait::retired(&events).1, Verdict::Linked);
        let mut expected: Vec<_> = BEFORE_THE_SWITCH.iter().map(|phase| format!("new {phase}")).collect();
        expected.extend(hand_over.iter().map(|&step| step.to_owned()));
        expected.extend(["old stop".to_owned(), "old drop".to_owned()]);
        assert_eq!(journal.take(), expected);
    }
}

#[test]
fn a_call_inside_the_old_generation_finishes_there_and_then_it_retires() {
    let (gate, journal) = (Gate::new(), Journal::new());
    let inside = gate.clone();
    let host = started([Script::new("one").mark("old").journal(&journal).answer(move |cue| {
        if cue.action == "hold" {
            inside.pass();
            return Ok(cue.services.generation().into());
        }
        Ok(Value::Null)
    })]);
    let events = host.events();
    std::thread::scope(|threads| {
        let call = threads.spawn(|| host.invoke("one", "hold", &Value::Null));
        gate.arrived(1);
        assert!(tell::swapped(&Script::new("one").mark("new").install(&host), "one"));
        assert_eq!(tell::mark(&host, "one"), "new");
        assert!(!journal.take().contains(&"old stop".to_owned()), "nothing ends with a call inside");
        gate.open();
        let answer = call.join().expect("no panic").expect("the call does not fail");
        assert_eq!(answer.as_u64(), Some(1));
    });
    wait::event(&events, |event| {
        (matches!(event.kind, EventKind::Retired { verdict: Verdict::Linked, .. })
            && event.generation == Some(1))
        .then_some(())
    });
    assert_eq!(journal.take(), ["old stop", "old drop"]);
}

#[test]
fn dependants_keep_running_and_read_what_the_new_build_made() {
    let journal = Journal::new();
    let host = started([
        Script::new("base").output(value!("old")),
        Script::new("child").needs(&["base"]).journal(&journal).answer(|cue| match cue.action {
            "read" => cue.services.output("base"),
            _ => Ok(Value::Null),
        }),
    ]);
    let handle = host.plugin("child").expect("an id");
    assert_eq!(handle.invoke("read", &Value::Null).expect("built"), value!("old"));
    journal.take();
    assert!(tell::swapped(&Script::new("base").mark("new").output(value!("new")).install(&host), "base"));
    assert_eq!(handle.invoke("read", &Value::Null).expect("built"), value!("new"));
    assert_eq!(handle.invoke("call", &value!(["base", "mark"])).expect("it serves"), value!("new"));
    assert_eq!((handle.generation().expect("it serves"), journal.take()), (2, vec![]));
}

#[test]
fn swapping_by_hand_makes_a_new_generation_of_the_same_code() {
    let host = started([Script::new("one").state(1, "pause-deadline = \"20s\"")]);
    host.invoke("one", "add", &Value::Null).expect("it serves");
    assert!(tell::swapped(&host.swap("one").expect("the host runs"), "one"));
    assert_eq!(host.plugin("one").expect("an id").generation().expect("it serves"), 2);
    assert_eq!(host.invoke("one", "total", &Value::Null).expect("it serves"), value!(1_u64));
}
