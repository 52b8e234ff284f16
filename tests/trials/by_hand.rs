//! A person rolls back, and lifts.

use reactor_host::{OutcomeStatus, Value};
use reactor_tests::clock::clocked;
use reactor_tests::puppet::Script;
use reactor_tests::tell;

use super::{MINUTE, build, passed, quarantined, rolled_back};

#[test]
fn in_its_trial_a_build_is_rolled_back_by_hand_to_the_generation_that_is_kept() {
    let (host, _clock) = clocked([build("old")]);
    let events = host.events();
    assert!(tell::swapped(&build("new").install(&host), "one"));
    let report = host.rollback("one").expect("the host runs");
    assert_eq!(tell::rolled_back(&report, "one"), (1, 2, "1.0.0".to_owned()));
    assert!(report.is_ok(), "what was asked for is no failure: {report:?}");
    assert_eq!(rolled_back(&events, "one").1, "RE0524");
    assert_eq!(quarantined(&events, "one"), "RE0524");
    assert_eq!(host.plugin("one").expect("an id").generation().expect("it serves"), 1);
}

#[test]
fn after_its_trial_the_build_before_is_loaded_again_and_goes_on_with_the_state() {
    let old = || build("old").state(1, "pause-deadline = \"20s\"");
    let (host, clock) = clocked([old()]);
    let events = host.events();
    assert!(tell::swapped(&build("new").state(1, "pause-deadline = \"20s\"").install(&host), "one"));
    for _ in 0..3 {
        host.invoke("one", "add", &Value::Null).expect("it serves");
    }
    clock.advance(&host, MINUTE);
    passed(&events, "one");
    let report = host.rollback("one").expect("the host runs");
    assert_eq!(tell::rolled_back(&report, "one"), (3, 2, "1.0.0".to_owned()));
    assert!(report.is_ok(), "what was asked for is no failure: {report:?}");
    assert_eq!(tell::mark(&host, "one"), "old");
    assert_eq!(host.invoke("one", "total", &Value::Null).expect("it serves").as_u64(), Some(3));
    assert_eq!(host.plugin("one").expect("an id").generation().expect("it serves"), 3);
    // Lifted, the newer build takes over again.
    assert!(tell::swapped(&host.lift_quarantine("one").expect("the host runs"), "one"));
    assert_eq!(tell::mark(&host, "one"), "new");
}

#[test]
fn a_way_back_that_fails_leaves_the_build_that_serves_and_its_good_name() {
    let broken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let fails = std::sync::Arc::clone(&broken);
    let old = build("old").on("init", move |_| {
        if fails.load(std::sync::atomic::Ordering::SeqCst) {
            Err(reactor_abi::Error::new("acme.gone", "its files are gone"))
        } else {
            Ok(())
        }
    });
    let (host, clock) = clocked([old]);
    let events = host.events();
    assert!(tell::swapped(&build("new").install(&host), "one"));
    clock.advance(&host, MINUTE);
    passed(&events, "one");
    broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let report = host.rollback("one").expect("the host runs");
    assert!(
        report
            .failures()
            .any(|one| matches!(&one.status, OutcomeStatus::Failed { code, .. } if code == "acme.gone"))
    );
    assert_eq!(tell::mark(&host, "one"), "new");
    assert!(host.quarantined().is_empty());
}

#[test]
fn what_has_nothing_to_go_back_to_or_to_be_lifted_says_so() {
    let (host, _clock) = clocked([build("only"), Script::new("other")]);
    assert_eq!(tell::failure(&host.rollback("one").expect("it runs"), "one").0, "RE0525");
    assert_eq!(tell::failure(&host.lift_quarantine("one").expect("it runs"), "one").0, "RE0526");
    assert_eq!(tell::failure(&host.rollback("none").expect("it runs"), "none").0, "RE0416");
    host.disable("other").expect("it runs");
    assert_eq!(tell::failure(&host.rollback("other").expect("it runs"), "other").0, "RE0418");
    assert_eq!(tell::mark(&host, "one"), "only");
}

#[test]
fn the_same_bytes_once_more_are_nothing_to_go_back_to_and_are_not_quarantined() {
    let (host, clock) = clocked([build("old")]);
    let events = host.events();
    assert!(tell::swapped(&build("new").install(&host), "one"));
    clock.advance(&host, MINUTE);
    passed(&events, "one");
    assert!(tell::swapped(&host.swap("one").expect("the host runs"), "one"));
    // In its trial the generation before takes over, and the build keeps its good name.
    host.rollback("one").expect("the host runs");
    assert_eq!(host.plugin("one").expect("an id").generation(), Ok(2));
    assert!(host.quarantined().is_empty());
    assert!(tell::swapped(&host.swap("one").expect("the host runs"), "one"));
    clock.advance(&host, MINUTE);
    passed(&events, "one");
    // After it, the way leads to the build before.
    host.rollback("one").expect("the host runs");
    assert_eq!(tell::mark(&host, "one"), "old");
}
