//! A host that is dropped while something goes on.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use reactor_abi::Services;
use reactor_host::{Event, EventKind, Host, Value, Verdict, value};
use reactor_tests::folder::Folder;
use reactor_tests::gate::Gate;
use reactor_tests::puppet::{Journal, Script, started};
use reactor_tests::{corpus, tell, trusted, wait};

/// Drops a host on a thread of its own, by a deadline, and answers the events from here to its end.
#[track_caller]
fn dropped(host: Host) -> Vec<Event> {
    let (events, (send, told)) = (host.events(), mpsc::channel());
    std::thread::spawn(move || {
        drop(host);
        let _ = send.send(());
    });
    told.recv_timeout(wait::DEADLINE).expect("dropping a host returns");
    std::iter::from_fn(|| events.try_next()).collect()
}

/// Who was retained, and why.
fn retained<'a>(events: &'a [Event]) -> Vec<(&'a str, &'a [String])> {
    let of = |event: &'a Event| match &event.kind {
        EventKind::Retired { verdict: Verdict::Retained, reasons, .. } => {
            Some((event.plugin.as_ref()?.as_str(), reasons.as_slice()))
        }
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

fn is_mapped(folder: &Path) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux tells");
    maps.contains(folder.to_str().expect("a plain path"))
}

/// A host over `any-fault`, which has these lines in its configuration.
fn over(folder: &Folder, data: &Folder, config: &str) -> Host {
    let manifest = format!(
        "schema = 1\nid = \"any-fault\"\nversion = \"1.0.0\"\napi = \"^1\"\n[run]\nstop-deadline = \"100ms\"\n\
         [config]\n{config}\n"
    );
    folder.put("any_fault.toml", manifest.as_bytes());
    folder.put("libany_fault.so", &corpus::bytes("any-fault"));
    let builder =
        Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder.path()).data_dir(data.path());
    let host = trusted(builder).build().expect("a host");
    assert!(host.start().expect("the host starts").is_ok());
    host
}

#[test]
fn a_call_that_is_inside_goes_on_to_its_end_and_its_library_stays() {
    let (folder, data) = (Folder::new(), Folder::new());
    let host = over(&folder, &data, "");
    let until = folder.path().join("release");
    let text = until.to_str().expect("a path in UTF-8").to_owned();
    let handle = host.plugin("any-fault").expect("an id");
    let call = std::thread::spawn(move || handle.invoke("fault", &value!(["hang-and-tell", (text)])));
    wait::until("the call is inside", || folder.path().join("release-begun").exists());
    let events = dropped(host);
    assert_eq!(retained(&events), [("any-fault", ["1 call is inside".to_owned()].as_slice())]);
    assert!(is_mapped(data.path()), "its code is still there");
    std::fs::write(&until, "").expect("the folder is writable");
    assert_eq!(call.join().expect("no panic"), Ok(Value::Null));
}

#[test]
fn a_task_or_a_thread_that_does_not_end_does_not_keep_the_host() {
    for place in ["task", "thread"] {
        let (folder, data) = (Folder::new(), Folder::new());
        let until = folder.path().join("release");
        let config =
            format!("in = {place:?}\nhow = \"hang\"\nuntil = {:?}", until.to_str().expect("a path in UTF-8"));
        let host = over(&folder, &data, &config);
        let events = dropped(host);
        let kept = retained(&events);
        assert!(kept.len() == 1 && kept[0].0 == "any-fault", "{place}: {kept:?}");
        assert!(is_mapped(data.path()), "its code is still there");
        std::fs::write(&until, "").expect("the folder is writable");
    }
}

#[test]
fn code_that_was_retained_before_does_not_keep_the_host() {
    let (folder, data) = (Folder::new(), Folder::new());
    let host = over(&folder, &data, "");
    let until = folder.path().join("release");
    let text = until.to_str().expect("a path in UTF-8").to_owned();
    let told = folder.path().join("told");
    let end = told.to_str().expect("a path in UTF-8").to_owned();
    host.invoke("any-fault", "outlive", &value!([(text), (end)])).expect("the thread starts");
    let events = host.events();
    assert!(tell::swapped(&host.swap("any-fault").expect("the host runs"), "any-fault"));
    assert_eq!(wait::retired(&events).1, Verdict::Retained);
    dropped(host);
    // The thread asks a host that is no more.
    std::fs::write(&until, "").expect("the folder is writable");
    wait::until("the thread was answered", || {
        std::fs::read_to_string(&told).is_ok_and(|text| text.len() == 27)
    });
    assert_eq!(std::fs::read_to_string(&told).expect("it is there"), "RE0606 RE0606 RE0606 RE0606");
}

#[test]
fn of_several_stops_that_hang_the_host_waits_for_one_and_the_others_are_run_beside_it() {
    let (gate, journal) = (Gate::new(), Journal::new());
    let hung = ["a", "b", "c", "d", "e"].map(|id| {
        let inside = gate.clone();
        Script::new(id).tables("[run]\nstop-deadline = \"200ms\"").journal(&journal).on("stop", move |_| {
            inside.pass();
            Ok(())
        })
    });
    let well = Script::new("0-first").tables("[run]\nstop-deadline = \"200ms\"").journal(&journal);
    let host = started(hung.into_iter().chain([well]));
    let events = dropped(host);
    let given_up = |event: &&Event| matches!(&event.kind, EventKind::Failed { phase, .. } if phase == "stop");
    assert_eq!(events.iter().filter(given_up).count(), 1, "the time of one is the time of all: {events:#?}");
    let stopped = |event: &&Event| matches!(event.kind, EventKind::Stopped { .. });
    assert_eq!(events.iter().filter(stopped).count(), 6);
    let kept: Vec<_> = retained(&events).into_iter().map(|(id, _)| id.to_owned()).collect();
    assert_eq!(kept.len(), 5, "{kept:?}");
    gate.arrived(5);
    let lines = journal.take();
    assert!(lines.contains(&"0-first stop".to_owned()), "who stops well is stopped: {lines:?}");
    gate.open();
}

/// A plugin `one` whose `phase` stops at a gate when it is swapped, and a way to have it swapped without waiting.
fn swapping(phase: &'static str, keys: Option<&str>, gate: &Gate) -> (Host, Services) {
    let (send, told) = mpsc::channel::<Services>();
    let inside = gate.clone();
    let first = std::sync::atomic::AtomicBool::new(phase == "start");
    let one = Script::new("one").tables("[run]\nstop-deadline = \"100ms\"").on(phase, move |_| {
        if !first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            inside.pass();
        }
        Ok(())
    });
    let one = if let Some(keys) = keys { one.state(1, keys) } else { one };
    let asks = Script::new("asks").on("start", move |cue| {
        send.send(cue.services.clone()).expect("the test listens");
        Ok(())
    });
    let linked = [one, asks].into_iter().map(Script::build);
    let host = linked
        .fold(Host::builder("dev.reactor.tests", "1.0.0"), |all, (manifest, entry)| {
            all.plugin(manifest, entry)
        })
        .phase_deadline(Duration::from_millis(300))
        .build()
        .expect("a host");
    assert!(host.start().expect("the host starts").is_ok());
    let services = told.try_recv().expect("it started");
    (host, services)
}

#[test]
fn a_host_is_dropped_while_a_state_is_handed_over_and_who_waits_is_answered() {
    for opened in [false, true] {
        let gate = Gate::new();
        let (host, services) = swapping("save", Some("pause-deadline = \"300ms\""), &gate);
        let handle = host.plugin("one").expect("an id");
        services.request_swap("one").expect("it is queued");
        gate.arrived(1);
        let waiting: Vec<_> = (0..4)
            .map(|_| {
                let handle = handle.clone();
                std::thread::spawn(move || handle.invoke("add", &Value::Null))
            })
            .collect();
        wait::until("the calls wait", || host.waits() == 4);
        let (send, told) = mpsc::channel();
        std::thread::spawn(move || {
            drop(host);
            let _ = send.send(());
        });
        if opened {
            gate.open();
        }
        told.recv_timeout(wait::DEADLINE).expect("dropping a host returns");
        for call in waiting {
            let answer = call.join().expect("no panic");
            let fits = answer.as_ref().is_ok_and(|total| total.as_u64().is_some())
                || answer.as_ref().is_err_and(|error| ["RE0601", "RE0605"].contains(&error.code()));
            assert!(fits, "{answer:?}");
        }
        gate.open();
    }
}

#[test]
fn a_host_is_dropped_while_a_start_hangs() {
    let gate = Gate::new();
    let (host, services) = swapping("start", None, &gate);
    services.request_swap("one").expect("it is queued");
    gate.arrived(1);
    let events = dropped(host);
    assert!(events.iter().any(|event| matches!(&event.kind, EventKind::Failed { phase, code, .. }
        if phase == "start" && code == "RE0420")));
    gate.open();
}

#[test]
fn a_host_is_let_go_by_several_threads_while_others_call() {
    for _ in 0..super::super::faults::rounds(50) {
        let host = Arc::new(started([Script::new("one"), Script::new("two").state(1, "")]));
        let start = Arc::new(std::sync::Barrier::new(8));
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let (host, start) = (Arc::clone(&host), Arc::clone(&start));
                std::thread::spawn(move || {
                    let handle = host.plugin(if number % 2 == 0 { "one" } else { "two" }).expect("an id");
                    start.wait();
                    let before = handle.invoke("mark", &Value::Null);
                    drop(host);
                    (before, handle.invoke("mark", &Value::Null))
                })
            })
            .collect();
        drop(host);
        for thread in threads {
            let (before, after) = thread.join().expect("no panic");
            assert!(before.is_ok(), "it has the host still: {before:?}");
            let fits = after.is_ok()
                || after.as_ref().is_err_and(|error| ["RE0601", "RE0605"].contains(&error.code()));
            assert!(fits, "{after:?}");
        }
    }
}

#[test]
fn no_manifest_can_ask_for_a_longer_stop_than_the_application_gives_a_phase() {
    let gate = Gate::new();
    let hung = gate.clone();
    let (manifest, entry) = Script::new("one")
        .tables("[run]\nstop-deadline = \"720h\"")
        .on("stop", move |_| {
            hung.pass();
            Ok(())
        })
        .build();
    let builder = Host::builder("dev.reactor.tests", "1.0.0").plugin(manifest, entry);
    let host = builder.phase_deadline(Duration::from_millis(50)).build().expect("a host");
    assert!(host.start().expect("the host starts").is_ok());
    let events = host.events();
    assert_eq!(tell::stopped(&host.stop().expect("the host runs")), ["one"]);
    let (phase, code, _) = tell::failed_phase(&events, "one");
    assert_eq!((phase.as_str(), code.as_str()), ("stop", "RE0420"));
    gate.open();
}
