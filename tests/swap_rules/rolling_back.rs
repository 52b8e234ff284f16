//! A new generation whose `start` fails gives way to the old one again.

use reactor_abi::Error;
use reactor_host::{Host, Value};
use reactor_tests::gate::Gate;
use reactor_tests::puppet::{Journal, Script, started};
use reactor_tests::{tell, wait};

const PAUSE: &str = "pause-deadline = \"20s\"";

fn total(host: &Host) -> Option<u64> {
    host.invoke("one", "total", &Value::Null).expect("it serves").as_u64()
}

/// Adds 5 in the old generation, then 3 in the new one, whose `start` fails after that. Answers the journal.
fn roll_back(old: Script, new: Script, panics: bool) -> (Host, Vec<String>) {
    let (journal, gate) = (Journal::new(), Gate::new());
    let host = started([old.mark("old").journal(&journal)]);
    let events = host.events();
    let add =
        |times| (0..times).for_each(|_| drop(host.invoke("one", "add", &Value::Null).expect("it serves")));
    add(5);
    journal.take();
    let inside = gate.clone();
    let new = new.mark("new").journal(&journal).on("start", move |_| {
        inside.pass();
        assert!(!panics, "it went wrong");
        Err(Error::new("acme.broken", "it went wrong"))
    });
    let report = std::thread::scope(|threads| {
        let swap = threads.spawn(|| new.install(&host));
        gate.arrived(1);
        assert_eq!(tell::mark(&host, "one"), "new", "calls go to the new one from the switch on");
        add(3);
        gate.open();
        swap.join().expect("no panic")
    });
    let (code, message, serving) = tell::failure(&report, "one");
    assert_eq!(code, if panics { "RE0603" } else { "acme.broken" });
    assert!(message.starts_with("start: "), "{message}");
    assert_eq!(serving, Some(1));
    assert_eq!(tell::failed_phase(&events, "one").0, "start");
    wait::retired(&events);
    assert_eq!(tell::mark(&host, "one"), "old");
    (host, journal.take())
}

/// From the switch on.
fn after_switch(journal: &[String]) -> Vec<&str> {
    let begun = journal.iter().position(|line| line == "new start").expect("it started");
    journal[begun..].iter().map(String::as_str).collect()
}

#[test]
fn a_failing_start_brings_the_old_generation_back_suspended_and_resumed_in_order() {
    for panics in [false, true] {
        let (host, journal) = roll_back(Script::new("one"), Script::new("one"), panics);
        assert!(journal.contains(&"old suspend".to_owned()), "{journal:?}");
        let expected = ["new start", "new suspend", "old resume", "new stop", "new drop"];
        assert_eq!(
            after_switch(&journal),
            expected,
            "what only one can hold is given up before it is taken back"
        );
        assert_eq!(total(&host), Some(5), "without `[state]` each generation keeps its own");
    }
}

#[test]
fn what_the_new_generation_made_of_the_state_is_taken_back_by_the_old_one() {
    for keys in [PAUSE, "handoff = \"snapshot\""] {
        let build = || Script::new("one").state(1, keys);
        let (host, journal) = roll_back(build(), build(), true);
        assert_eq!(total(&host), Some(8), "{keys}: nothing is lost");
        let expected =
            ["new start", "new suspend", "new save", "old restore", "old resume", "new stop", "new drop"];
        assert_eq!(after_switch(&journal), expected);
    }
}

#[test]
fn a_state_that_can_be_brought_down_is_taken_back_and_another_returns_to_the_switch() {
    for (downgrades, expected) in [("downgrades-to = [1]", 8), ("", 5)] {
        let new = Script::new("one").state(2, &format!("reads = [1, 2]\n{downgrades}\n{PAUSE}"));
        let (host, _) = roll_back(Script::new("one").state(1, PAUSE), new, false);
        assert_eq!(total(&host), Some(expected), "{downgrades}");
    }
}

#[test]
fn what_a_failed_build_made_for_its_dependants_is_not_seen() {
    let host = started([
        Script::new("base").output(Value::from("old")),
        Script::new("child").needs(&["base"]).answer(|cue| cue.services.output("base")),
    ]);
    let new = Script::new("base").output(Value::from("new")).on("start", |_| Err(Error::msg("no")));
    assert!(!new.install(&host).is_ok());
    assert_eq!(host.invoke("child", "read", &Value::Null).expect("built"), Value::from("old"));
}

#[test]
fn a_plugin_that_can_take_over_neither_state_is_taken_down_with_the_reason() {
    let unwilling = |_: &reactor_tests::puppet::Cue<'_>| Err(Error::new("acme.state", "not this one"));
    let host = started([Script::new("one").state(1, PAUSE).mark("old").on("restore", unwilling)]);
    let fails = |_: &reactor_tests::puppet::Cue<'_>| Err(Error::new("acme.broken", "it went wrong"));
    let new = Script::new("one").state(1, PAUSE).mark("new").on("start", fails);
    let (code, _, serving) = tell::failure(&new.install(&host), "one");
    assert_eq!((code.as_str(), serving), ("acme.broken", None));
    let (code, message) = tell::error(host.invoke("one", "mark", &Value::Null));
    assert_eq!(code, "RE0601");
    assert!(message.contains("not this one"), "{message}");
    Script::new("one").state(1, PAUSE).mark("next").install(&host);
    assert_eq!(tell::mark(&host, "one"), "next", "a new build brings it up afresh");
}
