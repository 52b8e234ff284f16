//! Several plugins, pinned at one moment.

use reactor_abi::prelude::*;
use reactor_host::EventKind;
use reactor_tests::puppet::{Script, started};
use reactor_tests::{tell, wait};

use super::{back, front};

#[test]
fn calls_through_a_set_of_pins_meet_the_generations_that_were_pinned() {
    let host = started([back(), front(|| ())]);
    let events = host.events();
    let pins = host.pin(&["front", "back"]).expect("both serve");
    let before = (pins.generation("front").expect("pinned"), pins.generation("back").expect("pinned"));
    // On a thread that is not inside them.
    let swap = || host.swap_together(&["front", "back"]).expect("the host runs");
    let report = std::thread::scope(|threads| threads.spawn(swap).join().expect("no panic"));
    assert!(tell::swapped(&report, "front") && tell::swapped(&report, "back"), "{report:?}");
    for _ in 0..3 {
        let answer = pins.invoke("front", "pair", &Value::Null).expect("it is pinned");
        assert_eq!(answer.read::<(u64, u64)>().expect("two numbers"), before);
        let own = pins.invoke("back", "generation", &Value::Null).expect("it is pinned");
        assert_eq!(own.as_u64(), Some(before.1));
    }
    let answer = host.invoke("back", "generation", &Value::Null).expect("it serves");
    assert!(answer.as_u64() > Some(before.1), "others meet what serves");
    drop(pins);
    wait::retired(&events);
    wait::retired(&events);
}

#[test]
fn a_hand_over_waits_for_a_pin_no_longer_than_its_deadline_and_calls_under_the_pin_pass() {
    let stateful = || Script::new("one").state(1, "pause-deadline = \"20ms\"");
    let host = started([stateful()]);
    let pins = host.pin(&["one"]).expect("it serves");
    std::thread::scope(|threads| {
        let swap = threads.spawn(|| stateful().mark("new").install(&host));
        // All the while the pause is on and off again, until it is given up.
        while !swap.is_finished() {
            pins.invoke("one", "add", &Value::Null).expect("it passes");
        }
        let report = swap.join().expect("no panic");
        assert_eq!(tell::failure(&report, "one").0, "RE0503");
    });
    drop(pins);
    let report = host.swap("one").expect("the host runs");
    assert!(tell::swapped(&report, "one"), "{report:?}");
    assert_eq!(tell::mark(&host, "one"), "new");
}

#[test]
fn what_is_not_there_can_not_be_pinned_and_what_is_not_pinned_not_be_called() {
    let host = started([Script::new("one"), Script::new("two")]);
    assert_eq!(tell::error(host.pin(&["one", "none"]).map(|_| ())).0, "RE0601");
    assert_eq!(tell::error(host.pin(&["not an id"]).map(|_| ())).0, "RE0804");
    let pins = host.pin(&["one"]).expect("it serves");
    assert_eq!(tell::error(pins.invoke("two", "mark", &Value::Null)).0, "RE0615");
    drop(pins);
    let events = host.events();
    host.disable("two").expect("it runs");
    wait::event(&events, |event| matches!(event.kind, EventKind::Stopped { .. }).then_some(()));
    assert_eq!(tell::error(host.pin(&["one", "two"]).map(|_| ())).0, "RE0601");
}
