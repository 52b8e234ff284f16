//! Guarantees: sequences of swaps, failures and switches that are hard to keep straight.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use reactor_abi::Error;
use reactor_host::{EventKind, Host, Value, Verdict};
use reactor_tests::clock::clocked;
use reactor_tests::gate::Gate;
use reactor_tests::puppet::{Journal, Script, started};
use reactor_tests::{tell, wait};

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn nobody_calls_a_new_generation_of_a_set_while_it_restores() {
    let restoring = Arc::new(AtomicBool::new(false));
    let overlaps = Arc::new(AtomicU32::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let (r1, r2, o1, o2) = (restoring.clone(), restoring.clone(), overlaps.clone(), overlaps.clone());
    let back = Script::new("back")
        .state(1, "pause-deadline = \"3s\"")
        .on("restore", move |_| {
            r1.store(true, SeqCst);
            let end = Instant::now() + Duration::from_millis(500);
            while o1.load(SeqCst) == 0 && Instant::now() < end {
                std::thread::yield_now();
            }
            r1.store(false, SeqCst);
            Ok(())
        })
        .answer(move |_| {
            if r2.load(SeqCst) {
                o2.fetch_add(1, SeqCst);
            }
            Ok(Value::Null)
        });
    let times = AtomicU32::new(0);
    let d = done.clone();
    let front = Script::new("front").needs(&["back"]).on("register", move |cue| {
        if times.fetch_add(1, SeqCst) == 0 {
            return Ok(());
        }
        let peer = cue.services.peer("back")?;
        let d = d.clone();
        std::thread::spawn(move || {
            while !d.load(SeqCst) {
                let _ = peer.invoke("mark", &Value::Null);
            }
        });
        Ok(())
    });
    let host = started([back, front]);
    let report = host.swap_together(&["back", "front"]).expect("the host runs");
    done.store(true, SeqCst);
    assert!(tell::swapped(&report, "back"), "{report:?}");
    assert_eq!(overlaps.load(SeqCst), 0, "calls were inside `back` during its `restore(&mut self)`");
}

/// A set of which one can not go on: a call stays inside `b1`, and `b2` fails in `start`.
fn lost_with_a_call_inside(gate: &Gate, seen: &Journal, journal: &Journal) -> Host {
    let starts = AtomicU32::new(0);
    let a = Script::new("a").mark("a1").journal(journal);
    let (inside, note) = (gate.clone(), seen.clone());
    let b = Script::new("b")
        .needs(&["a"])
        .state(1, "handoff = \"snapshot\"")
        .on("start", move |_| {
            if starts.fetch_add(1, SeqCst) == 0 { Ok(()) } else { Err(Error::new("acme.broken", "no")) }
        })
        .answer(move |cue| {
            if cue.action == "stay" {
                let peer = cue.services.peer("a")?;
                inside.pass();
                note.note(format!("{:?}", peer.invoke("mark", &Value::Null)));
                return Ok(true.into());
            }
            Ok(Value::Null)
        });
    started([a, b])
}

#[test]
fn a_call_that_stays_in_the_old_one_does_not_take_the_plugin_down_when_the_new_one_fails() {
    let (gate, seen, journal) = (Gate::new(), Journal::new(), Journal::new());
    let host = lost_with_a_call_inside(&gate, &seen, &journal);
    std::thread::scope(|threads| {
        let call = threads.spawn(|| host.invoke("b", "stay", &Value::Null));
        gate.arrived(1);
        let report = host.swap("b").expect("the host runs");
        let answer = host.invoke("b", "total", &Value::Null);
        gate.open();
        let _ = call.join();
        assert!(answer.is_ok(), "{answer:?} {report:?}");
    });
}

#[test]
fn what_a_lost_generation_of_a_set_calls_is_never_a_generation_that_is_closed() {
    let (gate, seen, journal) = (Gate::new(), Journal::new(), Journal::new());
    let host = lost_with_a_call_inside(&gate, &seen, &journal);
    let events = host.events();
    std::thread::scope(|threads| {
        let call = threads.spawn(|| host.invoke("b", "stay", &Value::Null));
        gate.arrived(1);
        let report = host.swap_together(&["a", "b"]).expect("the host runs");
        assert_eq!(tell::failure(&report, "b").0, "acme.broken");
        assert!(tell::swapped(&Script::new("a").mark("a3").install(&host), "a"));
        wait::event(&events, |event| {
            let gone = matches!(event.kind, EventKind::Retired { verdict: Verdict::Linked, .. });
            (gone && event.generation == Some(1)).then_some(())
        });
        gate.open();
        assert!(call.join().expect("no panic").is_ok());
        let seen = seen.take();
        assert!(seen[0].contains("a3"), "a1 was retired and dropped, and is not what is called: {seen:?}");
    });
}

#[test]
fn together_is_all_or_none_when_one_is_quarantined() {
    let (host, _clock) = clocked([
        Script::new("one").mark("one1").health("trial = \"1min\""),
        Script::new("other").health("trial = \"0s\""),
    ]);
    assert!(tell::swapped(&Script::new("one").mark("one2").health("trial = \"1min\"").install(&host), "one"));
    host.rollback("one").expect("the host runs");
    let before = host.plugin("other").expect("an id").generation();
    let report = host.swap_together(&["one", "other"]).expect("the host runs");
    assert_eq!(tell::failure(&report, "one").0, "RE0520");
    assert_eq!(host.plugin("other").expect("an id").generation().ok(), before.ok(), "none of them");
}

#[test]
fn a_rollback_never_goes_back_to_the_same_build() {
    let (host, clock) = clocked([Script::new("one").mark("one1").health("trial = \"1min\"")]);
    assert!(tell::swapped(&host.swap("one").expect("the host runs"), "one"));
    let events = host.events();
    clock.advance(&host, MINUTE);
    wait::event(&events, |event| matches!(event.kind, EventKind::TrialPassed { .. }).then_some(()));
    let report = host.rollback("one").expect("the host runs");
    assert_eq!(tell::failure(&report, "one").0, "RE0525");
    assert!(host.quarantined().is_empty());
}

#[test]
fn a_dependant_outside_the_set_goes_back_to_what_is_kept_ready_for_it() {
    let ill = Arc::new(AtomicBool::new(false));
    let sick = ill.clone();
    let (host, clock) = clocked([
        Script::new("back").version("1.0.0").health("trial = \"720h\""),
        Script::new("front").mark("front1").needs(&["back"]).health("trial = \"720h\""),
    ]);
    let events = host.events();
    let back2 = Script::new("back").version("2.0.0").health("trial = \"720h\"\ncheck-every = \"1s\"").on(
        "health",
        move |_| {
            if sick.load(SeqCst) { Err(Error::new("acme.ill", "ill")) } else { Ok(()) }
        },
    );
    assert!(tell::swapped(&back2.install(&host), "back"));
    let front2 = Script::new("front")
        .mark("front2")
        .version("2.0.0")
        .tables("[dependencies]\nback = \"^2\"")
        .health("trial = \"720h\"");
    assert!(tell::swapped(&front2.install(&host), "front"));
    ill.store(true, SeqCst);
    // The next health check is due a second after the last one was answered.
    wait::until("the provider is rolled back", || {
        clock.advance(&host, Duration::from_millis(1_001));
        std::iter::from_fn(|| events.try_next())
            .any(|event| matches!(event.kind, EventKind::Quarantined { .. }))
    });
    host.rescan().expect("the host runs");
    let answer = host.invoke("front", "mark", &Value::Null);
    assert!(answer.is_ok(), "front is down, though front1 was kept ready and can run: {answer:?}");
}

#[test]
fn what_serves_after_a_lost_generation_and_a_roll_back_is_stopped_with_the_host() {
    let journal = Journal::new();
    let (gate, held) = (Gate::new(), Gate::new());
    let (inside, sick) = (gate.clone(), held.clone());
    let (host, _clock) = clocked([Script::new("one")
        .mark("one1")
        .state(1, "handoff = \"snapshot\"")
        .health("trial = \"1min\"")
        .journal(&journal)]);
    let events = host.events();
    let two = Script::new("one")
        .mark("one2")
        .state(1, "handoff = \"snapshot\"")
        .health("trial = \"1min\"")
        .journal(&journal)
        .answer(move |cue| {
            if cue.action == "stay" {
                inside.pass();
                return Ok(true.into());
            }
            Ok(Value::Null)
        })
        .on("health", move |_| {
            sick.pass();
            Err(Error::new("acme.ill", "ill"))
        });
    assert!(tell::swapped(&two.install(&host), "one"));
    std::thread::scope(|threads| {
        let call = threads.spawn(|| host.invoke("one", "stay", &Value::Null));
        gate.arrived(1);
        let three = Script::new("one")
            .mark("one3")
            .state(1, "handoff = \"snapshot\"")
            .health("trial = \"1min\"")
            .journal(&journal)
            .on("start", |_| Err(Error::new("acme.broken", "no")));
        assert_eq!(tell::failure(&three.install(&host), "one").0, "acme.broken");
        held.open();
        gate.open();
        let _ = call.join();
    });
    wait::event(&events, |event| matches!(event.kind, EventKind::RolledBack { from: 2, .. }).then_some(()));
    assert_eq!(tell::mark(&host, "one"), "one1");
    journal.take();
    assert_eq!(tell::stopped(&host.stop().expect("the host runs")), ["one"]);
    let answer = host.invoke("one", "mark", &Value::Null);
    let lines = journal.take();
    assert!(answer.is_err(), "it serves after `Host::stop`: {answer:?}, {lines:?}");
}

#[test]
fn what_is_held_does_not_come_up_beside_the_old_build_of_the_other() {
    for how in ["disable", "stop"] {
        let plugins = reactor_tests::folder::Folder::new();
        let data = reactor_tests::folder::Folder::new();
        let put = |build: &str, version: &str| {
            for (id, rest) in
                [("answer", ""), ("tally", "[dependencies]\nanswer = \"*\"\n[state]\nschema = 1\n")]
            {
                let head = format!("schema = 1\nid = \"{id}\"\nversion = \"{version}\"\napi = \"^1\"");
                plugins.put(
                    &format!("{id}.toml"),
                    format!("{head}\n{rest}\n[health]\ntrial = \"1min\"\n").as_bytes(),
                );
                plugins.put(&format!("lib{id}.so"), &reactor_tests::corpus::bytes(&format!("{id}-{build}")));
            }
        };
        put("one", "1.0.0");
        let host = over(&plugins, &data);
        assert!(host.start().expect("it starts").is_ok());
        put("two", "2.0.0");
        assert!(tell::swapped(&host.rescan().expect("it runs"), "answer"));
        // The set goes back; `tally`'s build is the culprit, `answer`'s is held.
        host.rollback("tally").expect("it runs");
        let version = |host: &Host, id: &str| {
            host.list()
                .iter()
                .find(|one| one.plugin.as_ref().is_some_and(|one| one.as_str() == id))
                .and_then(|one| one.version.clone())
                .map(|one| one.to_string())
        };
        assert_eq!(
            (version(&host, "answer").as_deref(), version(&host, "tally").as_deref()),
            (Some("1.0.0"), Some("1.0.0"))
        );
        if how == "stop" {
            host.stop().expect("the host runs");
            host.start().expect("the host runs");
        } else {
            host.disable("answer").expect("the host runs");
            host.enable("answer").expect("the host runs");
        }
        assert_eq!(
            (version(&host, "answer").as_deref(), version(&host, "tally").as_deref()),
            (Some("1.0.0"), Some("1.0.0")),
            "{how}"
        );
    }
}

fn over(plugins: &reactor_tests::folder::Folder, data: &reactor_tests::folder::Folder) -> Host {
    let builder = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(plugins.path());
    reactor_tests::trusted(builder.data_dir(data.path())).build().expect("a host")
}

#[test]
fn what_served_well_serves_after_a_restart_that_finds_a_build_that_failed_at_once() {
    let (plugins, data) = (reactor_tests::folder::Folder::new(), reactor_tests::folder::Folder::new());
    let head = "schema = 1\nid = \"do-as-told\"\nversion = \"1.0.0\"\napi = \"^1\"\n";
    let manifest = |rest: &str| plugins.put("libtold.toml", format!("{head}{rest}").as_bytes());
    manifest("");
    plugins.put("libtold.so", &reactor_tests::corpus::bytes("do-as-told"));
    {
        let host = over(&plugins, &data);
        let report = host.start().expect("it starts");
        assert!(report.is_ok(), "{report:?}");
        manifest("[config]\npanic = \"start\"\n");
        assert!(!host.rescan().expect("the host runs").is_ok());
        assert_eq!(host.quarantined().len(), 1);
        host.invoke("do-as-told", "echo", &Value::Null).expect("the good one goes on");
    }
    let host = over(&plugins, &data);
    let report = host.start().expect("it starts");
    let answer = host.invoke("do-as-told", "echo", &Value::Null);
    assert!(answer.is_ok(), "{answer:?} {report:?}");
}

#[test]
fn together_takes_nothing_when_one_is_unknown() {
    let host = started([Script::new("one")]);
    host.swap_together(&["one", "none"]).expect("the host runs");
    let report = host.rescan().expect("the host runs");
    assert!(!tell::swapped(&report, "one"), "{report:?}");
}

#[test]
fn nobody_calls_an_old_generation_of_a_set_while_it_takes_its_state_back() {
    // The generation that restores.
    let restoring = Arc::new(AtomicU64::new(0));
    let overlaps = Arc::new(AtomicU32::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let starts = Arc::new(AtomicU32::new(0));
    let (r1, r2, o1, o2) = (restoring.clone(), restoring.clone(), overlaps.clone(), overlaps.clone());
    let back = Script::new("back")
        .state(1, "pause-deadline = \"3s\"")
        .on("restore", move |cue| {
            r1.store(cue.services.generation(), SeqCst);
            let end = Instant::now() + Duration::from_millis(500);
            while o1.load(SeqCst) == 0 && Instant::now() < end {
                std::thread::yield_now();
            }
            r1.store(0, SeqCst);
            Ok(())
        })
        .answer(move |cue| {
            if r2.load(SeqCst) == cue.services.generation() {
                o2.fetch_add(1, SeqCst);
            }
            Ok(Value::Null)
        });
    let (d, s) = (done.clone(), starts.clone());
    let front = Script::new("front").needs(&["back"]).on("start", move |cue| {
        if s.fetch_add(1, SeqCst) > 0 {
            return Err(Error::new("acme.broken", "no"));
        }
        // A thread of the old generation's own.
        let peer = cue.services.peer("back")?;
        let d = d.clone();
        std::thread::spawn(move || {
            while !d.load(SeqCst) {
                let _ = peer.invoke("mark", &Value::Null);
                std::thread::park_timeout(Duration::from_millis(1));
            }
        });
        Ok(())
    });
    let host = started([back, front]);
    let report = host.swap_together(&["back", "front"]).expect("the host runs");
    done.store(true, SeqCst);
    assert_eq!(tell::failure(&report, "front").0, "acme.broken");
    assert_eq!(overlaps.load(SeqCst), 0, "calls were inside `back` during its `restore(&mut self)`");
    assert!(host.invoke("back", "total", &Value::Null).is_ok());
}
