//! A trial that passes.

use reactor_host::Verdict;
use reactor_tests::clock::clocked;
use reactor_tests::puppet::Journal;
use reactor_tests::{tell, wait};

use super::{MINUTE, build, passed};

#[test]
fn the_generation_before_is_suspended_and_kept_and_stopped_when_the_trial_has_passed() {
    let journal = Journal::new();
    let (host, clock) = clocked([build("old").journal(&journal)]);
    let events = host.events();
    journal.take();
    assert!(tell::swapped(&build("new").journal(&journal).install(&host), "one"));
    let info = host.list().remove(0);
    assert_eq!(info.kept_ready, Some(1));
    clock.advance(&host, MINUTE / 2);
    let lines = journal.take();
    assert!(lines.contains(&"old suspend".to_owned()), "{lines:?}");
    assert!(!lines.contains(&"old stop".to_owned()), "it is kept: {lines:?}");
    clock.advance(&host, MINUTE / 2);
    passed(&events, "one");
    assert_eq!(wait::retired(&events).1, Verdict::Linked);
    let lines = journal.take();
    let end: Vec<_> = lines.iter().filter(|line| line.starts_with("old")).collect();
    assert_eq!(end, ["old stop", "old drop"]);
    assert_eq!(host.list().remove(0).kept_ready, None);
    assert_eq!(tell::mark(&host, "one"), "new");
}

#[test]
fn a_further_swap_retires_the_earlier_fallback_and_keeps_the_later_one() {
    let (host, _clock) = clocked([build("first")]);
    let events = host.events();
    assert!(tell::swapped(&build("second").install(&host), "one"));
    assert!(tell::swapped(&build("third").install(&host), "one"));
    wait::retired(&events);
    assert_eq!(host.list().remove(0).kept_ready, Some(2));
    host.rollback("one").expect("the host runs");
    assert_eq!(tell::mark(&host, "one"), "second");
    assert_eq!(host.plugin("one").expect("an id").generation(), Ok(2));
}

#[test]
fn a_swap_that_fails_leaves_the_trial_and_its_fallback_as_they_are() {
    let (host, _clock) = clocked([build("first")]);
    assert!(tell::swapped(&build("second").install(&host), "one"));
    let broken = build("third").on("init", |_| Err(reactor_abi::Error::new("acme.broken", "no")));
    tell::failure(&broken.install(&host), "one");
    assert_eq!(host.list().remove(0).kept_ready, Some(1));
    assert_eq!(tell::mark(&host, "one"), "second");
}

#[test]
fn stopping_disabling_or_dropping_ends_the_trial_and_the_generation_before_gets_its_stop() {
    for how in ["stop", "disable", "drop"] {
        let journal = Journal::new();
        let (host, _clock) = clocked([build("old").journal(&journal)]);
        assert!(tell::swapped(&build("new").journal(&journal).install(&host), "one"));
        let events = host.events();
        match how {
            "stop" => drop(host.stop()),
            "disable" => drop(host.disable("one")),
            _ => drop(host),
        }
        let mut ended = Vec::new();
        for _ in 0..2 {
            wait::retired(&events);
            ended.extend(journal.take().into_iter().filter(|line| line.ends_with("stop")));
        }
        ended.sort();
        assert_eq!(ended, ["new stop", "old stop"], "{how}");
    }
}
