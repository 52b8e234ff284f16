//! Switching plugins off and on.

use reactor_host::{EventKind, PluginStatus, Value};
use reactor_tests::puppet::{Script, started};
use reactor_tests::{tell, wait};

fn chain() -> [Script; 4] {
    [
        Script::new("a-top").needs(&["m-middle"]),
        Script::new("m-middle").needs(&["z-base"]),
        Script::new("other"),
        Script::new("z-base"),
    ]
}

#[test]
fn disabling_takes_dependants_down_first_and_enabling_brings_them_back() {
    let host = started(chain());
    let report = host.disable("z-base").expect("the host runs");
    assert_eq!(tell::stopped(&report), ["a-top", "m-middle", "z-base"]);
    assert_eq!(tell::status(&host, "z-base"), PluginStatus::Disabled);
    for dependant in ["a-top", "m-middle"] {
        let (code, message) = tell::error(host.invoke(dependant, "mark", &Value::Null));
        assert_eq!(code, "RE0601");
        assert!(message.contains("blocked"), "{message}");
    }
    assert_eq!(tell::mark(&host, "other"), "other");
    let report = host.enable("z-base").expect("the host runs");
    assert_eq!(tell::loaded(&report), ["z-base", "m-middle", "a-top"]);
    assert!(report.is_ok(), "{report:?}");
}

#[test]
fn a_persons_switch_is_not_undone_by_a_cascade() {
    let host = started(chain());
    host.disable("m-middle").expect("the host runs");
    host.disable("z-base").expect("the host runs");
    let report = host.enable("z-base").expect("the host runs");
    assert_eq!(tell::loaded(&report), ["z-base"]);
    assert_eq!(tell::status(&host, "m-middle"), PluginStatus::Disabled);
    let report = host.enable("m-middle").expect("the host runs");
    assert_eq!(tell::loaded(&report), ["m-middle", "a-top"]);
}

#[test]
fn a_switch_that_changes_nothing_changes_nothing() {
    let host = started(chain());
    assert!(host.enable("z-base").expect("the host runs").outcomes.is_empty());
    host.disable("other").expect("the host runs");
    assert!(host.disable("other").expect("the host runs").outcomes.is_empty());
}

#[test]
fn a_disabled_plugin_stays_off_when_a_new_build_comes_and_when_the_host_starts_again() {
    let host = started(chain());
    host.disable("other").expect("the host runs");
    let report = Script::new("other").mark("new").install(&host);
    assert!(report.outcomes.is_empty(), "{report:?}");
    host.stop().expect("the host runs");
    assert_eq!(tell::loaded(&host.start().expect("the host runs")), ["z-base", "m-middle", "a-top"]);
    assert_eq!(tell::status(&host, "other"), PluginStatus::Disabled);
    host.enable("other").expect("the host runs");
    assert_eq!(tell::mark(&host, "other"), "new");
}

#[test]
fn switching_an_unknown_plugin_is_refused_by_name() {
    let host = started(chain());
    for report in [host.disable("nobody"), host.enable("nobody"), host.swap("nobody")] {
        let (code, message, _) = tell::failure(&report.expect("the host runs"), "nobody");
        assert_eq!(code, "RE0416");
        assert!(message.contains("nobody"), "{message}");
    }
    assert_eq!(host.disable("No Id").expect_err("no id").code(), "RE0804");
}

#[test]
fn swapping_what_is_switched_off_is_refused_and_says_so() {
    let host = started([Script::new("one")]);
    host.disable("one").expect("the host runs");
    let (code, message, serving) = tell::failure(&host.swap("one").expect("the host runs"), "one");
    assert_eq!((code.as_str(), serving), ("RE0418", None));
    assert!(message.contains("switched off"), "{message}");
}

#[test]
fn a_plugins_request_about_nobody_is_told_as_an_event() {
    let host = started([Script::new("one").answer(|cue| {
        cue.services.request_swap("nobody")?;
        cue.services.request_stop("nobody")?;
        Ok(Value::from("asked"))
    })]);
    let events = host.events();
    host.invoke("one", "ask", &Value::Null).expect("it is queued");
    for _ in 0..2 {
        let code = wait::event(&events, |event| match &event.kind {
            EventKind::Refused { code, .. } => Some(code.clone()),
            _ => None,
        });
        assert_eq!(code, "RE0416");
    }
}
