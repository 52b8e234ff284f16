//! The host's own end, brought about from inside a plugin.

use std::sync::{Arc, mpsc};

use reactor_abi::Services;
use reactor_host::{Event, EventKind, Subscription, Value};
use reactor_tests::puppet::{Journal, Script, started};
use reactor_tests::{tell, wait};

use super::Shelf;

/// Every event until the host is gone.
#[track_caller]
fn to_its_end(events: Subscription) -> Vec<Event> {
    let (send, told) = mpsc::channel();
    std::thread::spawn(move || drop(send.send(events.collect())));
    told.recv_timeout(wait::DEADLINE).expect("the host comes to its end")
}

/// Takes the host off the shelf and drops it, which is its last.
fn drop_it(shelf: &Shelf) {
    let host = shelf.lock().expect("nobody panicked").take().expect("it is on the shelf");
    drop(Arc::into_inner(host).expect("nobody else has it"));
}

/// What came of a plugin `one` and its neighbour when the host was dropped: both were stopped.
#[track_caller]
fn all_stopped(events: Subscription, journal: &Journal) {
    let events = to_its_end(events);
    for plugin in ["one", "neighbour"] {
        let stopped =
            |event: &&Event| tell::is_about(event, plugin) && matches!(event.kind, EventKind::Stopped { .. });
        assert_eq!(events.iter().filter(stopped).count(), 1, "{plugin}: {events:#?}");
    }
    let lines = journal.take();
    assert!(
        lines.contains(&"one stop".to_owned()) && lines.contains(&"neighbour stop".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn the_host_is_dropped_inside_a_call_which_goes_on_to_its_end() {
    for state in [None, Some("pause-deadline = \"20s\"")] {
        let (shelf, journal) = (Shelf::default(), Journal::new());
        let taken = Arc::clone(&shelf);
        let one = Script::new("one").journal(&journal).answer(move |cue| {
            if cue.action == "end" {
                drop_it(&taken);
                return Ok("it goes on".into());
            }
            Ok(Value::Null)
        });
        let one = if let Some(keys) = state { one.state(1, keys) } else { one };
        let host = started([one, Script::new("neighbour").journal(&journal)]);
        let (handle, events) = (host.plugin("one").expect("an id"), host.events());
        *shelf.lock().expect("nobody panicked") = Some(Arc::new(host));
        assert_eq!(handle.invoke("end", &Value::Null).expect("the call goes on"), Value::from("it goes on"));
        all_stopped(events, &journal);
        let (code, _) = tell::error(handle.invoke("mark", &Value::Null));
        assert!(["RE0601", "RE0605"].contains(&code.as_str()), "{code}");
    }
}

#[test]
fn the_host_is_dropped_inside_a_phase_a_task_or_a_thread_of_a_plugins() {
    for place in ["start", "suspend", "task", "thread"] {
        let (shelf, journal) = (Shelf::default(), Journal::new());
        let one = || {
            let taken = Arc::clone(&shelf);
            let end = move |at: &str| {
                if at == place && taken.lock().expect("nobody panicked").is_some() {
                    drop_it(&taken);
                }
            };
            let suspending = end.clone();
            Script::new("one")
                .journal(&journal)
                .on("start", move |cue| {
                    end("start");
                    let (by_task, by_thread) = (end.clone(), end.clone());
                    if place == "task" {
                        cue.services.spawn("end", move |_| {
                            by_task("task");
                            Ok(())
                        })?;
                    }
                    if place == "thread" {
                        std::thread::spawn(move || by_thread("thread"));
                    }
                    Ok(())
                })
                .on("suspend", move |_| {
                    suspending("suspend");
                    Ok(())
                })
        };
        let (send, told) = mpsc::channel::<Services>();
        let neighbour = Script::new("neighbour").journal(&journal).on("start", move |cue| {
            send.send(cue.services.clone()).expect("the test listens");
            Ok(())
        });
        let host = started([one(), neighbour]);
        let events = host.events();
        *shelf.lock().expect("nobody panicked") = Some(Arc::new(host));
        // Nobody waits for this swap: the host may go while it is made.
        told.try_recv().expect("it started").request_swap("one").expect("it is queued");
        all_stopped(events, &journal);
        assert!(shelf.lock().expect("nobody panicked").is_none(), "{place}");
    }
}
