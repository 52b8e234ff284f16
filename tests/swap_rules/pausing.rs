//! How callers fare while a state is handed over.

use reactor_host::{Host, Value, value};
use reactor_tests::gate::Gate;
use reactor_tests::puppet::{Script, started};
use reactor_tests::{tell, wait};

/// A plugin with state whose `save` stops at a gate, on its way to a build that answers `new`.
fn saving(keys: &str, gate: &Gate) -> (Host, Script) {
    let inside = gate.clone();
    let old = Script::new("one").mark("old").state(1, keys).on("save", move |_| {
        inside.pass();
        Ok(())
    });
    (started([old]), Script::new("one").mark("new").state(1, keys))
}

fn call(host: &Host, action: &str) -> Value {
    host.invoke("one", action, &Value::Null).expect("no call fails")
}

#[test]
fn calls_from_outside_wait_while_the_state_is_handed_over_and_are_answered_by_the_new_generation() {
    let gate = Gate::new();
    let (host, new) = saving("pause-deadline = \"20s\"", &gate);
    call(&host, "add");
    std::thread::scope(|threads| {
        let swap = threads.spawn(|| new.install(&host));
        gate.arrived(1);
        let waiting = threads.spawn(|| (tell::mark(&host, "one"), call(&host, "add")));
        wait::until("the call waits", || host.waits() == 1);
        assert!(!waiting.is_finished());
        gate.open();
        assert!(tell::swapped(&swap.join().expect("no panic"), "one"));
        assert_eq!(waiting.join().expect("no panic"), ("new".to_owned(), value!(2_u64)));
    });
    assert_eq!(host.waits(), 1, "after the switch nobody waits");
}

#[test]
fn with_a_snapshot_nobody_waits() {
    let gate = Gate::new();
    let (host, new) = saving("handoff = \"snapshot\"", &gate);
    call(&host, "add");
    std::thread::scope(|threads| {
        let swap = threads.spawn(|| new.install(&host));
        gate.arrived(1);
        assert_eq!((tell::mark(&host, "one").as_str(), call(&host, "add")), ("old", value!(2_u64)));
        gate.open();
        assert!(tell::swapped(&swap.join().expect("no panic"), "one"));
    });
    assert_eq!((tell::mark(&host, "one").as_str(), host.waits()), ("new", 0));
    assert_eq!(call(&host, "total"), value!(2_u64), "the state is that of when `save` read it");
}

#[test]
fn a_call_made_inside_the_pausing_plugins_own_call_passes() {
    let gate = Gate::new();
    let inside = gate.clone();
    let build = |mark: &str, gate: Gate| {
        Script::new("one").mark(mark).state(1, "pause-deadline = \"20s\"").answer(move |cue| {
            if cue.action != "out" {
                return Ok(Value::Null);
            }
            gate.pass();
            cue.services.peer("between")?.invoke("call", &value!(["one", "add"]))
        })
    };
    let host = started([build("old", inside), Script::new("between")]);
    std::thread::scope(|threads| {
        let out = threads.spawn(|| call(&host, "out"));
        gate.arrived(1);
        let swap = threads.spawn(|| build("new", Gate::new()).install(&host));
        // Some of these calls come before the pause; the first that waits tells that it has begun.
        let outside = threads.spawn(|| {
            while host.waits() == 0 {
                call(&host, "mark");
            }
        });
        wait::until("a call waits", || host.waits() == 1);
        gate.open();
        assert_eq!(out.join().expect("no panic"), value!(1_u64), "it came back to the old generation");
        assert!(tell::swapped(&swap.join().expect("no panic"), "one"));
        outside.join().expect("no panic");
    });
    assert_eq!((tell::mark(&host, "one").as_str(), call(&host, "total")), ("new", value!(1_u64)));
}

#[test]
fn a_call_that_stays_inside_past_the_deadline_keeps_the_old_generation_and_the_swap_is_reported() {
    let gate = Gate::new();
    let inside = gate.clone();
    let state = "pause-deadline = \"20ms\"";
    let old = Script::new("one").mark("old").state(1, state).answer(move |cue| {
        if cue.action == "hold" {
            inside.pass();
        }
        Ok(Value::Null)
    });
    let host = started([old]);
    call(&host, "add");
    std::thread::scope(|threads| {
        let held = threads.spawn(|| host.invoke("one", "hold", &Value::Null));
        gate.arrived(1);
        let report = Script::new("one").mark("new").state(1, state).install(&host);
        let (code, message, serving) = tell::failure(&report, "one");
        assert_eq!((code.as_str(), serving), ("RE0503", Some(1)));
        assert!(message.contains("1 call(s)") && message.contains("20ms"), "{message}");
        assert_eq!((tell::mark(&host, "one").as_str(), call(&host, "add")), ("old", value!(2_u64)));
        gate.open();
        assert_eq!(held.join().expect("no panic").expect_err("not an action").code(), "RE0602");
    });
}

#[test]
fn a_save_that_does_not_return_by_the_deadline_leaves_the_old_generation_resumed() {
    let gate = Gate::new();
    let (host, new) = saving("pause-deadline = \"500ms\"", &gate);
    call(&host, "add");
    let (code, message, serving) = tell::failure(&new.install(&host), "one");
    assert_eq!((code.as_str(), serving), ("RE0420", Some(1)));
    assert!(message.starts_with("save: "), "{message}");
    assert_eq!((tell::mark(&host, "one").as_str(), call(&host, "add")), ("old", value!(2_u64)));
    gate.open();
}
