//! Phases, in order, over several plugins.

use reactor_host::{EventKind, PluginStatus, Value, value};
use reactor_tests::puppet::{Journal, Script, host, started};
use reactor_tests::{tell, wait};

/// `z-base` ← `m-middle` ← `a-top`, and one that needs nobody: the names are no order.
fn four(journal: &Journal) -> [Script; 4] {
    [
        Script::new("a-top").needs(&["m-middle"]).journal(journal),
        Script::new("k-lone").journal(journal),
        Script::new("m-middle").needs(&["z-base"]).journal(journal),
        Script::new("z-base").journal(journal),
    ]
}

fn phases(of: &[&str], plugins: &[&str]) -> Vec<String> {
    let lines = |phase: &&str| plugins.iter().map(|plugin| format!("{plugin} {phase}")).collect::<Vec<_>>();
    of.iter().flat_map(lines).collect()
}

const ORDER: [&str; 4] = ["k-lone", "z-base", "m-middle", "a-top"];

/// What a start writes into the journal.
fn rise() -> Vec<String> {
    let mut expected: Vec<String> =
        ORDER.iter().flat_map(|plugin| [format!("{plugin} init"), format!("{plugin} build")]).collect();
    expected.extend(phases(&["register", "after_registration", "start"], &ORDER));
    expected
}

#[test]
fn a_dependency_inits_and_builds_before_its_dependants_and_each_later_phase_runs_over_all() {
    let journal = Journal::new();
    let host = host(four(&journal));
    let report = host.start().expect("the host starts");
    assert_eq!(tell::loaded(&report), ORDER);
    assert_eq!(journal.take(), rise());
}

#[test]
fn stop_runs_in_reverse_order_and_drop_comes_last() {
    let journal = Journal::new();
    let host = started(four(&journal));
    journal.take();
    let events = host.events();
    let report = host.stop().expect("the host runs");
    assert_eq!(tell::stopped(&report), ["a-top", "m-middle", "z-base", "k-lone"]);
    for _ in ORDER {
        wait::retired(&events);
    }
    let lines = journal.take();
    let stops: Vec<_> = lines.iter().filter(|line| line.ends_with(" stop")).cloned().collect();
    assert_eq!(stops, phases(&["stop"], &["a-top", "m-middle", "z-base", "k-lone"]));
    for plugin in ORDER {
        let at = |what: &str| lines.iter().position(|line| *line == format!("{plugin} {what}"));
        assert!(at("stop") < at("drop"), "{lines:?}");
    }
    assert_eq!(lines.len(), 8, "nothing else ran, and each once: {lines:?}");
}

#[test]
fn starting_twice_is_one_start() {
    let journal = Journal::new();
    let host = started(four(&journal));
    journal.take();
    let generation = host.plugin("a-top").expect("an id").generation().expect("it serves");
    assert!(host.start().expect("the host runs").outcomes.is_empty());
    assert_eq!(journal.take(), [""; 0]);
    assert_eq!(host.plugin("a-top").expect("an id").generation().expect("it serves"), generation);
}

#[test]
fn stop_then_start_runs_every_phase_again() {
    let journal = Journal::new();
    let host = started(four(&journal));
    let events = host.events();
    host.stop().expect("the host runs");
    assert_eq!(tell::status(&host, "z-base"), PluginStatus::Stopped);
    for _ in ORDER {
        wait::retired(&events);
    }
    journal.take();
    assert!(host.start().expect("the host runs").is_ok());
    assert_eq!(journal.take(), rise());
}

#[test]
fn stopping_twice_is_one_stop() {
    let host = started([Script::new("one")]);
    assert_eq!(tell::stopped(&host.stop().expect("the host runs")), ["one"]);
    assert!(host.stop().expect("the host runs").outcomes.is_empty());
}

#[test]
fn dropping_the_host_stops_every_plugin_in_reverse_order_and_drops_it() {
    let journal = Journal::new();
    let host = started(four(&journal));
    let events = host.events();
    journal.take();
    drop(host);
    let lines = journal.take();
    let stops: Vec<_> = lines.iter().filter(|line| line.ends_with(" stop")).cloned().collect();
    assert_eq!(stops, phases(&["stop"], &["a-top", "m-middle", "z-base", "k-lone"]));
    assert_eq!(lines.iter().filter(|line| line.ends_with(" drop")).count(), 4, "{lines:?}");
    let ended = events.filter(|event| matches!(event.kind, EventKind::Retired { .. })).count();
    assert_eq!(ended, 4, "the stream ends with the host, after every verdict");
}

#[test]
fn the_configuration_of_the_manifest_reaches_init() {
    let seen = Journal::new();
    let note = seen.clone();
    let _host =
        started([Script::new("one").config("greeting = \"Hello\"\nlist = [1, 2]").on("init", move |cue| {
            let config = cue.services.config();
            note.note(format!("{:?}", config.get("greeting").and_then(Value::as_str)));
            note.note(config.get("list").expect("the key").to_string());
            note.note(format!(
                "{} {} {}",
                cue.services.id(),
                cue.services.version(),
                cue.services.generation()
            ));
            Ok(())
        })]);
    assert_eq!(seen.take(), ["Some(\"Hello\")", "[1,2]", "one 1.0.0 1"]);
}

#[test]
fn what_a_dependency_built_is_read_by_its_dependants_in_init() {
    let seen = Journal::new();
    let note = seen.clone();
    let host = started([
        Script::new("a-top").needs(&["z-base"]).on("init", move |cue| {
            note.note(cue.services.output("z-base")?.to_string());
            note.note(cue.services.output("nobody").expect_err("there is none").code());
            Ok(())
        }),
        Script::new("z-base").output(value!({ "port": 80 })),
    ]);
    assert_eq!(seen.take(), ["{\"port\":80}", "RE0613"]);
    assert!(host.list().iter().all(|info| matches!(info.status, PluginStatus::Running { .. })));
}

#[test]
fn from_start_on_a_plugin_calls_and_is_called() {
    let seen = Journal::new();
    let note = seen.clone();
    let _host = started([
        Script::new("a-top").needs(&["z-base"]).on("start", move |cue| {
            let answer = cue.services.peer("z-base")?.invoke("mark", &Value::Null)?;
            note.note(answer.as_str().unwrap_or_default());
            Ok(())
        }),
        Script::new("z-base"),
    ]);
    assert_eq!(seen.take(), ["z-base"]);
}
