//! Guarantees that hold wherever a plugin runs: linked into the program, as a library in it, in a process of its own.

use reactor_abi::prelude::CallError;
use reactor_host::{EventKind, PluginStatus, StateOutcome, Value, Verdict, value};
use reactor_tests::on_every_road;
use reactor_tests::roads::{Acts, Cast, Hears, Part, Road, Summary};
use reactor_tests::{tell, wait};

on_every_road! {
    values_come_back_as_they_went
    errors_and_panics_cross_with_all_they_say
    phases_run_in_order_and_what_build_made_is_read
    a_phase_that_fails_or_panics_fails_that_plugin_and_no_other
    a_log_line_comes_before_the_answer_of_the_call_that_wrote_it
    state_goes_over_a_swap_by_either_hand_over
    a_swap_whose_start_fails_is_taken_back_with_the_state
    a_trial_that_goes_badly_is_taken_back
    tasks_are_ended_before_a_suspension_and_before_the_end
    a_task_that_panics_is_told_and_counted
    plugins_call_each_other_and_are_called_back_in_the_middle_of_it
    requests_of_plugins_are_done_after_they_return
    a_generation_is_given_handles_to_so_many_others_and_no_more
    calls_are_counted
    interfaces_are_provided_and_called_by_application_and_plugins
    what_is_lent_to_a_call_is_called_on_the_thread_that_lends_it
    streams_come_to_their_end
    handles_of_interfaces_survive_swaps
    what_has_gone_is_retired_and_its_handles_refuse
    a_host_that_is_dropped_stops_everything_in_order
}

fn values_come_back_as_they_went(road: Road) {
    let cast = Cast::on(road, &[Part::new("a")]);
    let values = [
        Value::Null,
        value!(u64::MAX),
        value!(f64::NAN),
        value!("ä€🔢\u{0}"),
        Value::bytes(vec![7; 1 << 20]),
        value!({ "list": [1, [2, { "x": null }]], "text": "t" }),
    ];
    for value in values {
        assert_eq!(cast.ask("a", "echo", &value), value);
    }
}

fn errors_and_panics_cross_with_all_they_say(road: Road) {
    let cast = Cast::on(road, &[Part::new("a"), Part::new("b")]);
    let direct = cast.host.invoke("a", "fail", &Value::Null).expect_err("it fails");
    assert_eq!((direct.code(), direct.message()), ("acme.full", "no space"));
    assert_eq!(direct.contexts(), ["writing", "saving"]);
    let beyond = cast.host.invoke("b", "call", &value!(["a", "fail", null])).expect_err("it fails");
    assert_eq!(beyond, direct);
    for plugin in ["a", "b"] {
        let answer = match plugin {
            "a" => cast.host.invoke("a", "panic", &Value::Null),
            _ => cast.host.invoke("b", "call", &value!(["a", "panic", null])),
        };
        let (code, message) = tell::error(answer);
        assert_eq!(code, "RE0603");
        assert!(message.ends_with("told to panic"), "{message}");
    }
    let (code, message) = tell::error(cast.host.invoke("a", "no-such", &Value::Null));
    assert!(code == "RE0602" && message.contains("no-such"), "{message}");
    let (code, _) = tell::error(cast.host.invoke("b", "call", &value!(["nobody", "echo", null])));
    assert_eq!(code, "RE0601");
    let (code, _) = tell::error(cast.host.invoke("b", "call", &value!(["No Id", "echo", null])));
    assert_eq!(code, "RE0611");
}

fn phases_run_in_order_and_what_build_made_is_read(road: Road) {
    let dependant = Part::new("b").tables("[dependencies]\na = \"*\"");
    let cast = Cast::on(road, &[Part::new("a"), dependant]);
    assert_eq!(cast.ask("b", "output", &value!("a")), value!("a"));
    let (code, _) = tell::error(cast.host.invoke("b", "output", &value!("nobody")));
    assert_eq!(code, "RE0613");
    cast.host.stop().expect("it stops");
    let lines = cast.lines_until("a stop");
    assert_eq!(
        lines,
        [
            "a init",
            "a build",
            "b init",
            "b build",
            "a register",
            "b register",
            "a after_registration",
            "b after_registration",
            "a start",
            "b start",
            "b stop",
            "a stop"
        ]
    );
}

fn a_phase_that_fails_or_panics_fails_that_plugin_and_no_other(road: Road) {
    for phase in ["init", "build", "register", "start"] {
        let failing = Part::new("a").config(&format!("fail = {phase:?}"));
        let panicking = Part::new("b").config(&format!("panic = {phase:?}"));
        let (cast, report) = Cast::of(&[(road, failing), (road, panicking), (road, Part::new("c"))]);
        let (code, message, _) = tell::failure(&report, "a");
        assert_eq!((code.as_str(), message.as_str()), ("acme.told", &*format!("{phase}: told to fail")));
        let (code, message, _) = tell::failure(&report, "b");
        assert_eq!(code, "RE0603");
        assert!(message.ends_with(&format!("told to panic in {phase}")), "{message}");
        assert_eq!(cast.ask("c", "mark", &Value::Null), value!("c"));
        let gone: Vec<_> = (0..2).map(|_| wait::retired(&cast.events)).collect();
        let closed = |verdict| if road == Road::Linked { Verdict::Linked } else { verdict };
        assert!(gone.iter().all(|one| one.1 == closed(Verdict::Unloaded)), "{gone:?}");
    }
}

fn a_log_line_comes_before_the_answer_of_the_call_that_wrote_it(road: Road) {
    let cast = Cast::on(road, &[Part::new("a")]);
    cast.hear("a start");
    cast.ask("a", "log", &Value::Null);
    // What has come by now: nothing is waited for.
    let mut events = std::iter::from_fn(|| cast.events.try_next());
    let line = events.find_map(|event| match event.kind {
        EventKind::Log { level, message, fields } => Some((event.plugin, level, message, fields)),
        _ => None,
    });
    let (plugin, level, message, fields) = line.expect("it is there when the call has returned");
    assert_eq!((level, message.as_str(), &fields["percent"]), ("warn", "disk is filling", &value!(93)));
    assert_eq!(plugin.expect("it has an id").as_str(), "a");
}

fn state_goes_over_a_swap_by_either_hand_over(road: Road) {
    for handoff in ["pause", "snapshot"] {
        let cast = Cast::on(road, &[Part::new("a").state(handoff)]);
        for total in 1..=3_u64 {
            assert_eq!(cast.ask("a", "add", &Value::Null), value!(total));
        }
        let report = cast.replace(road, &Part::new("a").state(handoff).mark("two"));
        assert!(tell::swapped(&report, "a"), "{handoff}: {report:#?}");
        assert_eq!(cast.ask("a", "mark", &Value::Null), value!("two"));
        assert_eq!(cast.ask("a", "add", &Value::Null), value!(4_u64), "{handoff}");
        let (_, verdict, reasons) = wait::retired(&cast.events);
        let closed = if road == Road::Linked { Verdict::Linked } else { Verdict::Unloaded };
        assert_eq!(verdict, closed, "{reasons:?}");
    }
}

fn a_swap_whose_start_fails_is_taken_back_with_the_state(road: Road) {
    let cast = Cast::on(road, &[Part::new("a").state("pause")]);
    cast.ask("a", "add", &Value::Null);
    let report = cast.replace(road, &Part::new("a").state("pause").mark("two").config("fail = \"start\""));
    let (code, message, serving) = tell::failure(&report, "a");
    assert_eq!(code, "acme.told", "{message}");
    assert!(serving.is_some());
    assert_eq!(cast.ask("a", "mark", &Value::Null), value!("a"));
    assert_eq!(cast.ask("a", "add", &Value::Null), value!(2_u64));
    let lines = cast.lines_until("a resume");
    assert!(lines.contains(&"a suspend".to_owned()), "{lines:?}");
}

fn a_trial_that_goes_badly_is_taken_back(road: Road) {
    let cast = Cast::on(road, &[Part::new("a").state("pause")]);
    let trial = Part::new("a").state("pause").mark("two").health("trial = \"1min\"\nmax-panics = 1");
    let report = cast.replace(road, &trial);
    assert!(tell::swapped(&report, "a"), "{report:#?}");
    cast.ask("a", "add", &Value::Null);
    for _ in 0..2 {
        let (code, _) = tell::error(cast.host.invoke("a", "panic", &Value::Null));
        assert_eq!(code, "RE0603");
    }
    let state = wait::event(&cast.events, |event| match &event.kind {
        EventKind::RolledBack { state, code, .. } if code == "RE0522" => Some(*state),
        _ => None,
    });
    assert_eq!(state, StateOutcome::TakenBack);
    wait::until("the old build serves", || cast.ask("a", "mark", &Value::Null) == value!("a"));
    assert_eq!(cast.ask("a", "total", &Value::Null), value!(1_u64));
}

fn tasks_are_ended_before_a_suspension_and_before_the_end(road: Road) {
    let cast = Cast::on(road, &[Part::new("a").state("pause")]);
    cast.ask("a", "task", &Value::Null);
    cast.hear("task begins");
    let report = cast.replace(road, &Part::new("a").state("pause").mark("two"));
    assert!(tell::swapped(&report, "a"), "{report:#?}");
    let lines = cast.lines_until("a suspend");
    assert!(lines.contains(&"task ends".to_owned()), "{lines:?}");
    cast.hear("two start");
    cast.ask("a", "task", &Value::Null);
    cast.host.disable("a").expect("the host runs");
    let lines = cast.lines_until("two stop");
    assert!(lines.contains(&"task ends".to_owned()), "{lines:?}");
}

fn a_task_that_panics_is_told_and_counted(road: Road) {
    let cast = Cast::on(road, &[Part::new("a")]);
    cast.ask("a", "task-panics", &Value::Null);
    wait::event(&cast.events, |event| match &event.kind {
        EventKind::Log { level: "error", message, .. } => {
            message.contains("task `a:told` failed").then_some(())
        }
        _ => None,
    });
    let panics = || cast.host.accounts().iter().map(|account| account.panics).sum::<u64>();
    wait::until("the panic is counted", || panics() == 1);
}

fn plugins_call_each_other_and_are_called_back_in_the_middle_of_it(road: Road) {
    let cast = Cast::on(road, &[Part::new("a").state("pause"), Part::new("b")]);
    assert_eq!(cast.ask("a", "call", &value!(["b", "mark", null])), value!("b"));
    assert_eq!(cast.ask("a", "call-from-thread", &value!(["b", "mark", null])), value!("b"));
    // a, b, a, b, …, and a, a, a, ….
    assert_eq!(cast.ask("a", "deep", &value!([["b", "a"], 30_u64])), value!(30_u64));
    assert_eq!(cast.ask("a", "deep", &value!([["a"], 30_u64])), value!(30_u64));
    assert_eq!(
        cast.ask("b", "call-from-thread", &value!(["a", "call-from-thread", ["b", "mark", null]])),
        value!("b")
    );
}

fn requests_of_plugins_are_done_after_they_return(road: Road) {
    let cast = Cast::on(road, &[Part::new("a"), Part::new("b")]);
    cast.ask("a", "ask", &value!(["swap", "b"]));
    wait::event(&cast.events, |event| matches!(event.kind, EventKind::Swapped { .. }).then_some(()));
    cast.ask("a", "ask", &value!(["stop", "b"]));
    wait::until("b is stopped", || tell::status(&cast.host, "b") == PluginStatus::Stopped);
    cast.ask("a", "ask", &value!(["disable", "a"]));
    wait::until("a is off", || tell::status(&cast.host, "a") == PluginStatus::Disabled);
}

fn a_generation_is_given_handles_to_so_many_others_and_no_more(road: Road) {
    let cast = Cast::on(road, &[Part::new("a"), Part::new("b")]);
    let call = |target: &str| cast.host.invoke("a", "call", &value!([target, "mark", null]));
    assert_eq!(call("b"), Ok(value!("b")));
    let refused = |at: u32| tell::error(call(&format!("invented-{at}"))).0;
    // It has some from the start.
    assert!((1..4_000).all(|at| refused(at) == "RE0601"));
    assert!((4_000..=4_096).any(|at| refused(at) == "RE0645"));
    // Those that it has go on.
    assert_eq!(refused(1), "RE0601");
    assert_eq!(call("b"), Ok(value!("b")));
}

fn calls_are_counted(road: Road) {
    let cast = Cast::on(road, &[Part::new("a"), Part::new("b")]);
    for _ in 0..5 {
        cast.ask("a", "call", &value!(["b", "echo", null]));
    }
    let accounts = cast.host.accounts();
    let calls: Vec<_> = accounts.iter().map(|account| (account.plugin.as_str(), account.calls)).collect();
    assert_eq!(calls, [("a", 5), ("b", 5)]);
}

fn interfaces_are_provided_and_called_by_application_and_plugins(road: Road) {
    let cast = Cast::on(road, &[Part::new("a"), Part::new("b")]);
    let acts = cast.host.interface_of::<dyn Acts>("a", "^1").expect("a handle");
    assert_eq!(acts.mark().expect("answered"), "a");
    assert_eq!(acts.add(2, 40).expect("answered"), 42);
    let summary = Summary { words: 3, longest: Some("three".to_owned()) };
    assert_eq!(acts.look("one two three").expect("answered"), Ok(summary));
    assert_eq!(acts.look("").expect("answered").expect_err("refused").code(), "acme.empty");
    let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    assert!(acts.turn(&bytes).expect("answered").iter().rev().eq(&bytes));
    let error = acts.fall().expect_err("it panics");
    assert!(
        matches!(&error, CallError::Panicked(_)) && error.to_string().contains("told to fall"),
        "{error}"
    );
    let provider = acts.provider().expect("there is one");
    assert_eq!((provider.plugin.as_str(), provider.version.as_str()), ("a", "1.0.0"));
    assert_eq!(cast.ask("b", "use", &value!(["a", "mark"])), value!("a"));
    assert_eq!(cast.ask("b", "use", &value!(["a", "provider"])), value!("a"));
    cast.host.disable("a").expect("the host runs");
    assert!(matches!(acts.mark(), Err(CallError::Unavailable(_))));
    let (_, message) = tell::error(cast.host.invoke("b", "use", &value!(["a", "mark"])));
    assert!(message.contains("tests.acts"), "{message}");
}

/// Neither `Send` nor `Sync`.
struct Seen<'a>(&'a std::cell::RefCell<Vec<u64>>, u64);

impl Hears for Seen<'_> {
    fn heard(&self, part: u64) -> Result<bool, reactor_host::Error> {
        self.0.borrow_mut().push(part);
        Ok(part < self.1)
    }
}

fn what_is_lent_to_a_call_is_called_on_the_thread_that_lends_it(road: Road) {
    let cast = Cast::on(road, &[Part::new("a"), Part::new("b"), Part::new("c")]);
    let acts = cast.host.interface_of::<dyn Acts>("a", "^1").expect("a handle");
    let seen = std::cell::RefCell::default();
    assert_eq!(acts.work(9, &Seen(&seen, 3)).expect("answered"), Ok(3));
    assert_eq!(acts.pass("b", 9, &Seen(&seen, 4)).expect("answered"), Ok(4));
    assert_eq!(acts.work(2, &Seen(&seen, 9)).expect("answered"), Ok(2));
    assert_eq!(seen.into_inner(), [1, 2, 3, 1, 2, 3, 4, 1, 2]);
    assert_eq!(cast.ask("c", "use", &value!(["a", "work"])), value!(3_u64));
}

fn streams_come_to_their_end(road: Road) {
    let cast = Cast::on(road, &[Part::new("a"), Part::new("b")]);
    let acts = cast.host.interface_of::<dyn Acts>("a", "^1").expect("a handle");
    let numbers: Result<Vec<u64>, _> = acts.count(100).expect("answered").expect("a stream").collect();
    assert_eq!(numbers.expect("it ended well"), (1..=100).collect::<Vec<_>>());
    assert_eq!(cast.ask("b", "use", &value!(["a", "count"])), value!(500_500_u64));
    // Who takes no more ends the task that sends.
    let mut some = acts.count(u64::MAX).expect("answered").expect("a stream");
    assert_eq!(some.next().expect("one").expect("a number"), 1);
    drop(some);
    let tasks = || cast.host.accounts().iter().map(|account| account.tasks).sum::<usize>();
    wait::until("the task has ended", || tasks() == 0);
    // It comes to an end when the provider goes.
    let endless = acts.count(u64::MAX).expect("answered").expect("a stream");
    cast.host.disable("a").expect("the host runs");
    endless.for_each(drop);
}

fn handles_of_interfaces_survive_swaps(road: Road) {
    let cast = Cast::on(road, &[Part::new("a"), Part::new("b")]);
    let acts = cast.host.interface_of::<dyn Acts>("a", "^1").expect("a handle");
    for mark in ["one", "two", "three"] {
        let report = cast.replace(road, &Part::new("a").mark(mark));
        assert!(tell::swapped(&report, "a"), "{report:#?}");
        assert_eq!(acts.mark().expect("answered"), mark);
        assert_eq!(cast.ask("b", "use", &value!(["a", "mark"])), value!(mark));
    }
}

fn what_has_gone_is_retired_and_its_handles_refuse(road: Road) {
    let cast = Cast::on(road, &[Part::new("a")]);
    let handle = cast.host.plugin("a").expect("an id");
    handle.health().expect("it is well");
    cast.host.disable("a").expect("the host runs");
    let (_, verdict, reasons) = wait::retired(&cast.events);
    let closed = if road == Road::Linked { Verdict::Linked } else { Verdict::Unloaded };
    assert_eq!((verdict, reasons.len()), (closed, 0), "{reasons:?}");
    let (code, _) = tell::error(handle.invoke("echo", &Value::Null));
    assert_eq!(code, "RE0601");
    cast.host.enable("a").expect("the host runs");
    assert_eq!(handle.invoke("echo", &value!(1)).expect("it is back"), value!(1));
}

fn a_host_that_is_dropped_stops_everything_in_order(road: Road) {
    let Cast { host, events, folder: _folder } =
        Cast::on(road, &[Part::new("a"), Part::new("b").tables("[dependencies]\na = \"*\"")]);
    drop(host);
    let mut lines = Vec::new();
    while let Some(event) = events.try_next() {
        match event.kind {
            EventKind::Log { message, .. } if message.ends_with("stop") => lines.push(message),
            EventKind::Retired { verdict, reasons, .. } => {
                assert_ne!(verdict, Verdict::Retained, "{reasons:?}");
                lines.push("retired".to_owned());
            }
            _ => {}
        }
    }
    let (stops, retired): (Vec<&str>, Vec<&str>) =
        lines.iter().map(String::as_str).partition(|line| line.ends_with("stop"));
    assert_eq!((stops, retired.len()), (vec!["b stop", "a stop"], 2));
}
