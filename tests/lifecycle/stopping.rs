//! After its end a generation can do nothing, and what it contributed is gone.

use std::sync::mpsc;
use std::time::Duration;

use reactor_abi::Services;
use reactor_host::{EventKind, Value, Verdict, value};
use reactor_tests::gate::Gate;
use reactor_tests::puppet::{Script, started};
use reactor_tests::{tell, wait};

#[test]
fn what_a_plugin_contributed_goes_with_it() {
    let probe = || {
        Script::new("probe").answer(|cue| match cue.action {
            "output" => cue.services.output("base"),
            "call" => Ok(Value::Null),
            other => Err(reactor_abi::Error::unknown_action(other)),
        })
    };
    let host = started([Script::new("base").output(value!([1])), probe()]);
    assert_eq!(host.invoke("probe", "output", &Value::Null).expect("built"), value!([1]));
    host.disable("base").expect("the host runs");
    assert_eq!(tell::error(host.invoke("probe", "output", &Value::Null)).0, "RE0613");
    let (code, message) = tell::error(host.invoke("probe", "call", &value!(["base", "mark"])));
    assert_eq!(code, "RE0601");
    assert!(message.contains("switched off"), "{message}");
}

#[test]
fn services_kept_after_stop_are_refused_one_by_one() {
    let (send, kept) = mpsc::channel::<Services>();
    let host = started([
        Script::new("keeper").on("start", move |cue| {
            send.send(cue.services.clone()).expect("the test listens");
            Ok(())
        }),
        Script::new("neighbour").output(value!(1)),
    ]);
    let services = kept.recv_timeout(wait::DEADLINE).expect("it started");
    services.peer("neighbour").expect("it lives").invoke("mark", &Value::Null).expect("it lives");
    assert!(services.output("neighbour").is_ok() && services.monotonic() > Duration::ZERO);
    let events = host.events();
    host.disable("keeper").expect("the host runs");
    wait::retired(&events);

    let refused = [
        ("spawn", services.spawn("late", |_| Ok(())).err()),
        ("peer", services.peer("neighbour").err()),
        ("output", services.output("neighbour").err()),
        ("request_swap", services.request_swap("neighbour").err()),
        ("request_disable", services.request_disable("neighbour").err()),
        ("request_stop", services.request_stop("neighbour").err()),
    ];
    for (service, error) in refused {
        let error = error.unwrap_or_else(|| panic!("{service} was granted"));
        assert_eq!(error.code(), "RE0606", "{service}: {error}");
    }
    assert_eq!((services.monotonic(), services.unix_time()), (Duration::ZERO, Duration::ZERO));
    services.error("nobody hears this");
    host.disable("neighbour").expect("the host runs");
    wait::event(&events, |event| {
        assert!(!matches!(event.kind, EventKind::Log { .. }), "{event:?}");
        matches!(event.kind, EventKind::Stopped { .. }).then_some(())
    });
}

#[test]
fn tasks_are_cancelled_and_joined_before_stop() {
    let (send, told) = mpsc::channel();
    let done = send.clone();
    let host = started([Script::new("one")
        .on("start", move |cue| {
            let send = send.clone();
            cue.services.spawn("wait", move |task| {
                while task.sleep(Duration::from_hours(1)) {}
                send.send("task").expect("the test listens");
                Ok(())
            })?;
            Ok(())
        })
        .on("stop", move |_| {
            done.send("stop").expect("the test listens");
            Ok(())
        })]);
    host.disable("one").expect("the host runs");
    assert_eq!(told.try_iter().collect::<Vec<_>>(), ["task", "stop"]);
}

#[test]
fn tasks_are_granted_from_start_on_only() {
    let (send, told) = mpsc::channel();
    let phases = ["init", "build", "register", "after_registration", "start"];
    let script = phases.into_iter().fold(Script::new("one"), |script, phase| {
        let send = send.clone();
        script.on(phase, move |cue| {
            let code = cue.services.spawn("task", |_| Ok(())).err().map(|error| error.code().to_owned());
            send.send(code).expect("the test listens");
            Ok(())
        })
    });
    let _host = started([script]);
    let early = Some("RE0607".to_owned());
    let expected = [early.clone(), early.clone(), early.clone(), early, None];
    assert_eq!(told.try_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn handles_outlive_their_plugin_and_its_host() {
    let host = started([Script::new("one")]);
    let handle = host.plugin("one").expect("an id");
    assert!(handle.generation().is_ok());
    drop(host);
    let (code, message) = tell::error(handle.invoke("mark", &Value::Null));
    assert!(["RE0601", "RE0605"].contains(&code.as_str()), "{code}");
    assert!(message.contains("shut down"), "{message}");
}

#[test]
fn a_handle_to_another_plugin_that_is_kept_after_stop_refuses() {
    let (send, told) = mpsc::channel();
    let keeper = Script::new("keeper").on("start", move |cue| {
        send.send(cue.services.peer("other")?).expect("the test listens");
        Ok(())
    });
    let host = started([Script::new("other"), keeper]);
    let kept = told.try_recv().expect("`start` ran");
    assert!(kept.invoke("mark", &Value::Null).is_ok());
    host.disable("keeper").expect("the host runs");
    let (code, _) = tell::error(kept.invoke("mark", &Value::Null));
    assert_eq!(code, "RE0606");
    assert!(tell::swapped(&host.swap("other").expect("the host runs"), "other"));
    let (code, _) = tell::error(kept.invoke("mark", &Value::Null));
    assert_eq!(code, "RE0606", "a later switch does not bring it back");
}

#[test]
fn a_linked_plugin_that_outlives_its_host_asks_in_vain_and_harms_nobody() {
    let gate = Gate::new();
    let (send, told) = mpsc::channel();
    let inside = gate.clone();
    let deaf = Script::new("deaf").tables("[run]\nstop-deadline = \"10ms\"").on("start", move |cue| {
        let (services, inside, send) = (cue.services.clone(), inside.clone(), send.clone());
        cue.services.spawn("deaf", move |task| {
            inside.pass();
            services.info("still here");
            let refused = services.peer("other").err().map(|error| error.code().to_owned());
            send.send((task.is_cancelled(), refused)).expect("the test listens");
            Ok(())
        })?;
        Ok(())
    });
    let host = started([deaf]);
    gate.arrived(1);
    drop(host);
    gate.open();
    let (cancelled, refused) = told.recv_timeout(wait::DEADLINE).expect("the task goes on");
    assert!(cancelled);
    assert_eq!(refused.as_deref(), Some("RE0606"));
}

#[test]
fn a_task_with_an_impossible_name_is_refused_and_leaves_nothing_behind() {
    let (send, told) = mpsc::channel();
    let script = Script::new("one").on("start", move |cue| {
        let refused = cue.services.spawn("a\0b", |_| Ok(())).err().map(|error| error.code().to_owned());
        send.send(refused).expect("the test listens");
        Ok(())
    });
    let host = started([script]);
    let events = host.events();
    assert_eq!(told.try_recv().expect("`start` ran").as_deref(), Some("RE0614"));
    host.disable("one").expect("the host runs");
    assert!(wait::retired(&events).2.is_empty(), "no task is waited for");
}

#[test]
fn a_stop_that_has_not_returned_is_told_by_its_name() {
    let gate = Gate::new();
    let hung = gate.clone();
    let script = Script::new("one").tables("[run]\nstop-deadline = \"10ms\"").on("stop", move |_| {
        hung.pass();
        Ok(())
    });
    let host = started([script]);
    let events = host.events();
    host.disable("one").expect("the host runs");
    let (_, verdict, reasons) = wait::retired(&events);
    assert_eq!((verdict, reasons), (Verdict::Retained, vec!["`stop` has not returned".to_owned()]));
    gate.open();
    assert_eq!(wait::retired(&events).1, Verdict::Linked, "it is closed once it has returned");
}
