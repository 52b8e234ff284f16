//! Swaps and switches asked for from inside a plugin.

use std::sync::{Arc, Mutex, Weak, mpsc};

use reactor_host::{EventKind, Host, PluginStatus, Value};
use reactor_tests::puppet::{Script, started};
use reactor_tests::{orders, tell, wait};

#[test]
fn a_swap_disable_or_stop_asked_for_inside_a_call_is_queued_and_done() {
    let asking = || {
        Script::new("asking").state(1, "pause-deadline = \"20s\"").answer(|cue| {
            let target = cue.value.as_str().unwrap_or_default();
            match cue.action {
                "swap" => cue.services.request_swap(target)?,
                "disable" => cue.services.request_disable(target)?,
                "stop" => cue.services.request_stop(target)?,
                _ => return Ok(Value::Null),
            }
            Ok(true.into())
        })
    };
    let host = started([asking(), Script::new("other"), Script::new("third")]);
    let events = host.events();
    let ask = |action: &str, target: &str| {
        host.invoke("asking", action, &Value::from(target)).expect("it is queued");
    };
    for target in ["asking", "other"] {
        ask("swap", target);
        wait::event(&events, |event| {
            (matches!(event.kind, EventKind::Swapped { .. }) && tell::is_about(event, target)).then_some(())
        });
    }
    for (action, target) in [("stop", "other"), ("disable", "third"), ("disable", "asking")] {
        ask(action, target);
        wait::event(&events, |event| {
            (matches!(event.kind, EventKind::Stopped { .. }) && tell::is_about(event, target)).then_some(())
        });
    }
    // An order of our own comes after them: the list is up to date.
    host.rescan().expect("the host runs");
    assert_eq!(tell::status(&host, "other"), PluginStatus::Stopped);
    assert_eq!(tell::status(&host, "third"), PluginStatus::Disabled);
    assert_eq!(tell::status(&host, "asking"), PluginStatus::Disabled);
}

type Shelf = Arc<Mutex<Weak<Host>>>;

/// Every order that waits, given through a host that stands on the shelf.
fn tried(shelf: &Shelf) -> Option<Vec<&'static str>> {
    Some(orders::tried(&*shelf.lock().ok()?.upgrade()?))
}

#[test]
fn waiting_for_the_host_inside_a_plugins_own_call_phase_or_task_is_refused() {
    for state in [None, Some("pause-deadline = \"20s\""), Some("handoff = \"snapshot\"")] {
        let shelf = Shelf::default();
        let (send, told) = mpsc::channel();
        let (by_call, by_phase) = (Arc::clone(&shelf), Arc::clone(&shelf));
        let one = Script::new("one")
            .answer(move |cue| match cue.action {
                "ask" => Ok(Value::from(tried(&by_call).unwrap_or_default())),
                _ => Ok(Value::Null),
            })
            .on("suspend", move |cue| {
                send.send(("phase", tried(&by_phase))).expect("the test listens");
                let (send, by_task) = (send.clone(), Arc::clone(&by_phase));
                // Refused while suspended: no task, then.
                drop(cue.services.spawn("late", move |_| {
                    drop(send.send(("task", tried(&by_task))));
                    Ok(())
                }));
                Ok(())
            });
        let one = if let Some(keys) = state { one.state(1, keys) } else { one };
        let host = Arc::new(started([one]));
        *shelf.lock().expect("nobody panicked") = Arc::downgrade(&host);
        let refused = vec!["RE0807"; 8];
        let answer = host.invoke("one", "ask", &Value::Null).expect("the call goes on");
        assert_eq!(answer, Value::from(refused.clone()), "{state:?}");
        assert!(tell::swapped(&host.swap("one").expect("from outside it is done"), "one"));
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [("phase", Some(refused))], "{state:?}");
    }
}

#[test]
fn waiting_for_the_host_inside_a_task_is_refused() {
    let shelf = Shelf::default();
    let (send, told) = mpsc::channel();
    let (bell, inbox) = mpsc::channel::<()>();
    let inbox = Arc::new(Mutex::new(inbox));
    let by_task = Arc::clone(&shelf);
    let host = Arc::new(started([Script::new("one").on("start", move |cue| {
        let (send, inbox, shelf) = (send.clone(), Arc::clone(&inbox), Arc::clone(&by_task));
        cue.services.spawn("asks", move |_| {
            inbox.lock().expect("nobody panicked").recv_timeout(wait::DEADLINE)?;
            send.send(tried(&shelf))?;
            Ok(())
        })?;
        Ok(())
    })]));
    *shelf.lock().expect("nobody panicked") = Arc::downgrade(&host);
    bell.send(()).expect("the task waits");
    assert_eq!(told.recv_timeout(wait::DEADLINE).expect("the task asks"), Some(vec!["RE0807"; 8]));
}
