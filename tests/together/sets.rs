//! One step for all, and calls that stay among those that they came in by.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use reactor_abi::prelude::*;
use reactor_tests::gate::Gate;
use reactor_tests::puppet::{Journal, Script, started};
use reactor_tests::{corpus, folder::Folder, host, tell};

use super::{back, front, pair};

const BOTH: [&str; 2] = ["front", "back"];

#[test]
fn a_call_inside_when_its_set_is_swapped_goes_on_to_the_generation_that_it_was_built_with() {
    let gate = Gate::new();
    let inside = gate.clone();
    let host = started([back(), front(move || inside.pass())]);
    std::thread::scope(|threads| {
        let call = threads.spawn(|| pair(&host));
        gate.arrived(1);
        let report = host.swap_together(&BOTH).expect("the host runs");
        assert!(BOTH.iter().all(|plugin| tell::swapped(&report, plugin)), "{report:?}");
        gate.open();
        assert_eq!(call.join().expect("no panic"), (2, 1), "the old set; `back` came up first");
    });
    let (front, back) = pair(&host);
    assert!(front > 2 && back > 2, "and now the new one");
}

#[test]
fn no_call_under_load_ever_meets_two_sets() {
    for state in [false, true] {
        let with = |script: Script| if state { script.state(1, "pause-deadline = \"20s\"") } else { script };
        let host = Arc::new(started([with(back()), with(front(std::thread::yield_now))]));
        let sets = Arc::new(std::sync::Mutex::new(vec![pair(&host)]));
        let stop = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let (host, stop) = (Arc::clone(&host), Arc::clone(&stop));
                std::thread::spawn(move || {
                    let mut seen = std::collections::BTreeSet::new();
                    while !stop.load(Ordering::Relaxed) {
                        seen.insert(pair(&host));
                    }
                    seen
                })
            })
            .collect();
        for _ in 0..100 {
            let report = host.swap_together(&BOTH).expect("the host runs");
            assert!(BOTH.iter().all(|plugin| tell::swapped(&report, plugin)), "{report:?}");
            sets.lock().expect("no panic").push(pair(&host));
        }
        stop.store(true, Ordering::Relaxed);
        let sets = sets.lock().expect("no panic");
        for caller in callers {
            for seen in caller.join().expect("no call failed") {
                assert!(sets.contains(&seen), "{seen:?} is of two sets; state: {state}");
            }
        }
    }
}

#[test]
fn when_one_fails_none_takes_over() {
    let starts = Arc::new(AtomicU32::new(0));
    for (phase, state) in [("register", false), ("start", false), ("start", true), ("restore", true)] {
        starts.store(0, Ordering::SeqCst);
        let with = |script: Script| if state { script.state(1, "pause-deadline = \"20s\"") } else { script };
        let count = Arc::clone(&starts);
        let fails = front(|| ()).on(phase, move |_| match (count.fetch_add(1, Ordering::SeqCst), phase) {
            // The first time is the host's start, which restores nothing.
            (0, "register" | "start") => Ok(()),
            _ => Err(Error::new("acme.broken", "no")),
        });
        let journal = Journal::new();
        let host = started([with(back().journal(&journal)), with(fails.journal(&journal))]);
        let before = pair(&host);
        let report = host.swap_together(&BOTH).expect("the host runs");
        assert_eq!(tell::failure(&report, "front").0, "acme.broken", "{phase}");
        let (code, message, serving) = tell::failure(&report, "back");
        assert_eq!((code.as_str(), serving), ("RE0523", Some(before.1)), "{phase}");
        assert!(message.contains("front") && message.contains("acme.broken"), "{message}");
        assert_eq!(pair(&host), before, "{phase}: both go on");
        assert_eq!(host.quarantined().len(), 1, "only the one whose fault it is");
    }
}

#[test]
fn a_build_that_was_held_up_takes_over_with_the_better_build_of_the_other() {
    let bad = Arc::new(AtomicBool::new(false));
    let fails = Arc::clone(&bad);
    let sick = front(|| ()).on("init", move |_| {
        if fails.load(Ordering::SeqCst) { Err(Error::new("acme.broken", "no")) } else { Ok(()) }
    });
    let host = started([back(), sick]);
    bad.store(true, Ordering::SeqCst);
    let report = host.swap_together(&BOTH).expect("the host runs");
    assert_eq!(tell::failure(&report, "back").0, "RE0523");
    let (_, before) = pair(&host);
    let report = front(|| ()).install(&host);
    assert!(BOTH.iter().all(|plugin| tell::swapped(&report, plugin)), "{report:?}");
    assert!(pair(&host).1 > before);
}

#[test]
fn new_builds_come_up_beside_each_other_and_read_what_the_others_built() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    let reads = front(|| ()).on("init", move |cue| {
        note.lock().expect("no panic").push(cue.services.output("back")?);
        Ok(())
    });
    let calls = Arc::new(std::sync::Mutex::new(Vec::new()));
    let note = Arc::clone(&calls);
    let reads = reads.on("register", move |cue| {
        let answer = cue.services.peer("back")?.invoke("generation", &Value::Null);
        note.lock().expect("no panic").push(answer.ok().and_then(|value| value.as_u64()));
        Ok(())
    });
    let host = started([back().output(Value::from("made")), reads]);
    host.swap_together(&BOTH).expect("the host runs");
    let now = pair(&host);
    assert_eq!(
        calls.lock().expect("no panic").as_slice(),
        [None, Some(now.1)],
        "its own set, before the switch"
    );
    assert_eq!(seen.lock().expect("no panic").len(), 2);
}

#[test]
fn libraries_that_change_in_one_look_and_depend_on_each_other_are_swapped_in_one_step() {
    let folder = Folder::new();
    let put = |build: &str, version: &str| {
        for (id, rest) in [("answer", ""), ("tally", "[dependencies]\nanswer = \"*\"\n[state]\nschema = 1\n")]
        {
            let head = format!("schema = 1\nid = \"{id}\"\nversion = \"{version}\"\napi = \"^1\"");
            folder
                .put(&format!("{id}.toml"), format!("{head}\n{rest}\n[health]\ntrial = \"0s\"\n").as_bytes());
            folder.put(&format!("lib{id}.so"), &corpus::bytes(&format!("{id}-{build}")));
        }
    };
    put("one", "1.0.0");
    let host = host(folder.path());
    assert!(host.start().expect("it starts").is_ok());
    put("two", "2.0.0");
    let events = host.events();
    let report = host.rescan().expect("it runs");
    assert!(tell::swapped(&report, "answer") && tell::swapped(&report, "tally"), "{report:?}");
    let micros: Vec<u64> = std::iter::from_fn(|| events.try_next())
        .filter_map(|event| match event.kind {
            reactor_host::EventKind::Swapped { micros, .. } => Some(micros),
            _ => None,
        })
        .collect();
    assert!(matches!(micros[..], [one, other] if one == other), "one swap: {micros:?}");
}

#[test]
fn a_generation_that_takes_its_state_over_lets_nobody_in_not_even_those_that_come_up_with_it() {
    // While `front` restores, it calls `back`, which calls `front` again.
    let answers = Arc::new(std::sync::Mutex::new(Vec::new()));
    let note = Arc::clone(&answers);
    let front = front(|| ()).state(1, "pause-deadline = \"20s\"").on("restore", move |cue| {
        let answer = cue.services.peer("back")?.invoke("ask-front", &Value::Null);
        note.lock().expect("no panic").push(answer.map_err(|error| error.code().to_owned()));
        Ok(())
    });
    let back = Script::new("back").answer(|cue| match cue.action {
        "generation" => Ok(cue.services.generation().into()),
        "ask-front" => cue.services.peer("front")?.invoke("total", &Value::Null),
        _ => Ok(Value::Null),
    });
    let host = started([back, front]);
    let report = host.swap_together(&BOTH).expect("the host runs");
    assert!(BOTH.iter().all(|plugin| tell::swapped(&report, plugin)), "{report:?}");
    let answers = answers.lock().expect("no panic").clone();
    assert_eq!(answers, [Err("RE0616".to_owned())]);
}

#[test]
fn when_one_can_not_be_read_again_none_is_swapped_also_not_later() {
    let host = started([back(), front(|| ())]);
    let before = pair(&host);
    let report = host.swap_together(&["back", "nobody"]).expect("the host runs");
    assert_eq!(tell::failure(&report, "nobody").0, "RE0416");
    host.rescan().expect("the host runs");
    assert_eq!(pair(&host), before);
}
