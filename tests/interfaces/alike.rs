//! The rules of typed interfaces, with the provider on each road and callers on all of them.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use echo_api::Echo;
use reactor_abi::prelude::*;
use reactor_host::{EventKind, HostError};
use reactor_tests::on_every_road;
use reactor_tests::roads::{Acts, ActsHandle, Cast, Hears, Part, ROADS, Road, told};
use reactor_tests::{tell, wait};

on_every_road! {
    a_handle_that_was_there_first_reaches_who_comes_and_tells_when_nobody_is_there
    of_several_providers_all_callers_reach_the_first_that_serves
    a_panic_is_told_to_whoever_called_and_counted
    a_panic_in_what_is_lent_is_the_error_of_the_called_however_far_it_was_passed
    streams_end_well_or_with_the_error_of_who_sends
    a_swap_ends_the_streams_of_the_old_generation_with_the_reason_and_new_ones_begin
    no_update_is_lost_while_a_provider_is_swapped_under_callers_on_every_road
    calls_go_back_and_forth_across_all_roads_on_one_thread
    a_call_may_ask_for_the_swap_of_its_own_callee
    calls_made_inside_the_call_of_a_provider_that_hands_over_pass_whatever_roads_they_take
    what_is_lent_may_swap_the_callee_unless_the_call_would_be_waited_for
}

/// Who calls, one on each road.
const CALLERS: [&str; 3] = ["link", "lib", "apart"];

/// These on their road, after one actor on each road.
fn cast(road: Road, parts: &[Part]) -> Cast {
    let callers = ROADS.into_iter().zip(CALLERS.map(Part::new));
    let parts = parts.iter().map(|part| (road, part.clone()));
    let (cast, report) = Cast::of(&callers.chain(parts).collect::<Vec<_>>());
    assert!(report.is_ok(), "{report:#?}");
    cast
}

fn acts(cast: &Cast, plugin: &str) -> ActsHandle {
    cast.host.interface_of::<dyn Acts>(plugin, "^1").expect("a handle")
}

/// What each caller makes of another's interface.
fn each_uses(cast: &Cast, plugin: &str, what: &str) -> [Value; 3] {
    CALLERS.map(|caller| cast.ask(caller, "use", &value!([plugin, what])))
}

fn a_handle_that_was_there_first_reaches_who_comes_and_tells_when_nobody_is_there(road: Road) {
    let relays: Vec<_> = ROADS.into_iter().zip(CALLERS.map(|id| Part::relay(id, "echo"))).collect();
    let (cast, report) = Cast::of(&relays);
    assert!(report.is_ok(), "{report:#?}");
    let handle = |plugin| cast.host.interface_of::<dyn Echo>(plugin, "^1").expect("a handle");
    let (direct, relays) = (handle("echo"), CALLERS.map(handle));
    let nobody = || {
        assert_eq!(told(&direct.real(0.5).expect_err("nobody")), "unavailable RE0747");
        for relay in &relays {
            let error = relay.real(0.5).expect_err("nobody");
            assert!(told(&error) == "panicked RE0603" && error.to_string().contains("RE0747"), "{error}");
        }
    };
    let all = || {
        for handle in relays.iter().chain([&direct]) {
            assert_eq!(handle.real(0.5).expect("answered").to_bits(), 0.5_f64.to_bits());
        }
    };
    nobody();
    assert!(cast.replace(road, &Part::echo("echo")).is_ok());
    all();
    cast.host.disable("echo").expect("the host runs");
    nobody();
    cast.host.enable("echo").expect("the host runs");
    all();
}

fn of_several_providers_all_callers_reach_the_first_that_serves(road: Road) {
    let cast = cast(road, &[Part::new("a"), Part::new("b")]);
    let any = cast.host.interface::<dyn Acts>("^1").expect("a handle");
    loop {
        let providers = cast.host.providers::<dyn Acts>("^1").expect("a range");
        let first = providers.first().expect("somebody").plugin.clone();
        assert_eq!(any.mark().expect("answered"), first);
        assert_eq!(any.provider().expect("somebody").plugin, first);
        for caller in CALLERS.into_iter().filter(|id| providers.iter().any(|one| one.plugin == *id)) {
            assert_eq!(cast.ask(caller, "use", &value!(["", "mark"])), value!(first.as_str()), "{caller}");
            for other in &providers {
                let plugin = other.plugin.as_str();
                assert_eq!(cast.ask(caller, "use", &value!([plugin, "mark"])), value!(plugin), "{caller}");
            }
        }
        cast.host.disable(&first).expect("the host runs");
        if providers.len() == 1 {
            break;
        }
    }
    assert_eq!(told(&any.mark().expect_err("nobody")), "unavailable RE0747");
}

fn a_panic_is_told_to_whoever_called_and_counted(road: Road) {
    let cast = cast(road, &[Part::new("a")]);
    let error = acts(&cast, "a").fall().expect_err("it panics");
    assert!(told(&error) == "panicked RE0603" && error.to_string().contains("told to fall"), "{error}");
    assert_eq!(each_uses(&cast, "a", "fall"), [(); 3].map(|()| value!("panicked RE0603")));
    let panics = || {
        let accounts = cast.host.accounts().into_iter().filter(|account| account.panics > 0);
        accounts.map(|account| (account.plugin.to_string(), account.panics)).collect::<Vec<_>>()
    };
    assert_eq!(panics(), [("a".to_owned(), 4)]);
    assert_eq!(acts(&cast, "a").mark().expect("it goes on"), "a");
}

/// Neither `Send` nor `Sync`: it is called on the thread that lends it.
struct Calls<F>(RefCell<F>);

impl<F: FnMut(u64) -> bool> Calls<F> {
    fn new(heard: F) -> Self {
        Self(RefCell::new(heard))
    }
}

impl<F: FnMut(u64) -> bool> Hears for Calls<F> {
    fn heard(&self, part: u64) -> Result<bool, Error> {
        Ok((self.0.borrow_mut())(part))
    }
}

fn a_panic_in_what_is_lent_is_the_error_of_the_called_however_far_it_was_passed(road: Road) {
    let cast = cast(road, &[Part::new("a")]);
    let here = std::thread::current().id();
    let falls = Calls::new(|part| {
        assert_eq!(std::thread::current().id(), here);
        assert!(part < 3, "too far");
        true
    });
    let direct = acts(&cast, "a").work(9, &falls).expect("answered");
    let passed = CALLERS.map(|caller| acts(&cast, caller).pass("a", 9, &falls).expect("answered"));
    for answer in passed.into_iter().chain([direct]) {
        let (code, message) = tell::error(answer);
        assert!(code == "RE0603" && message.contains("too far"), "{message}");
    }
    // It is nobody's but the lender's.
    assert_eq!(cast.host.accounts().iter().map(|account| account.panics).sum::<u64>(), 0);
    let hears = Calls::new(|part| part < 5);
    for caller in CALLERS {
        assert_eq!(acts(&cast, caller).pass("a", 9, &hears).expect("answered"), Ok(5));
    }
}

fn streams_end_well_or_with_the_error_of_who_sends(road: Road) {
    let cast = cast(road, &[Part::new("a")]);
    let numbers: Result<Vec<_>, _> =
        acts(&cast, "a").count(1_000).expect("answered").expect("a stream").collect();
    assert_eq!(numbers.expect("it ended well"), (1..=1_000).collect::<Vec<_>>());
    let items: Vec<_> = acts(&cast, "a").break_off(9).expect("answered").expect("a stream").collect();
    let (end, numbers) = items.split_last().expect("an end");
    assert_eq!(told(end.as_ref().expect_err("it broke off")), "ended acme.broken");
    assert!(numbers.len() == 9 && numbers.iter().all(Result::is_ok), "{numbers:?}");
    assert_eq!(each_uses(&cast, "a", "count"), [(); 3].map(|()| value!(500_500_u64)));
    let broken = [(); 3].map(|()| value!([9_u64, ["ended acme.broken"]]));
    assert_eq!(each_uses(&cast, "a", "break-off"), broken);
}

fn a_swap_ends_the_streams_of_the_old_generation_with_the_reason_and_new_ones_begin(road: Road) {
    let cast = cast(road, &[Part::new("a")]);
    let count = || acts(&cast, "a").count(u64::MAX).expect("answered").expect("a stream");
    let mut some = count();
    assert_eq!(some.next().expect("one").expect("a number"), 1);
    std::thread::scope(|scope| {
        let cast = &cast;
        let drain =
            CALLERS.map(|caller| scope.spawn(move || cast.ask(caller, "use", &value!(["a", "drain"]))));
        for _ in CALLERS {
            cast.hear("draining");
        }
        assert!(tell::swapped(&cast.replace(road, &Part::new("a").mark("two")), "a"));
        for drained in drain {
            assert_eq!(drained.join().expect("no panic"), value!(["unavailable RE0751", 0_u64]));
        }
    });
    let end = some.find_map(Result::err).expect("it ends with a reason");
    assert_eq!(told(&end), "unavailable RE0751", "{end}");
    assert!(some.next().is_none(), "told once");
    assert_eq!(count().next().expect("one").expect("a number"), 1);
}

fn no_update_is_lost_while_a_provider_is_swapped_under_callers_on_every_road(road: Road) {
    let part = || Part::new("a").tables("[state]\nschema = 1\npause-deadline = \"5s\"");
    let cast = cast(road, &[part()]);
    let (done, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let (cast, done, calls) = (&cast, &done, &calls);
        let again = move |call: &dyn Fn() -> bool| {
            while !done.load(Ordering::Relaxed) {
                assert!(call());
                calls.fetch_add(1, Ordering::SeqCst);
            }
        };
        scope.spawn(move || {
            let acts = acts(cast, "a");
            again(&|| acts.more().expect("answered") > 0);
        });
        for caller in CALLERS {
            scope
                .spawn(move || again(&|| cast.ask(caller, "use", &value!(["a", "more"])).as_u64().is_some()));
        }
        for mark in ["one", "two", "three", "four", "five"] {
            let before = calls.load(Ordering::SeqCst);
            wait::until("they call", || calls.load(Ordering::SeqCst) > before + 20);
            let report = cast.replace(road, &part().mark(mark));
            if !tell::swapped(&report, "a") {
                done.store(true, Ordering::Relaxed);
                panic!("{report:#?}");
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(acts(&cast, "a").more().expect("answered"), calls.into_inner() + 1);
}

fn calls_go_back_and_forth_across_all_roads_on_one_thread(road: Road) {
    let cast = cast(road, &[Part::new("a").state("pause")]);
    let way = ["lib", "apart", "lib", "a", "apart", "link", "a", "a", "link", "apart"];
    let others = way.map(str::to_owned);
    for first in CALLERS.into_iter().chain(["a"]) {
        assert_eq!(acts(&cast, first).chain(&others, 40).expect("answered"), Ok(40));
    }
}

fn a_call_may_ask_for_the_swap_of_its_own_callee(road: Road) {
    let cast = cast(road, &[Part::new("a")]);
    let acts = acts(&cast, "a");
    let swapped = || {
        wait::event(&cast.events, |event| matches!(event.kind, EventKind::Swapped { .. }).then_some(()));
    };
    acts.ask("swap", "a").expect("answered").expect("queued");
    swapped();
    for caller in CALLERS {
        cast.ask(caller, "use", &value!(["a", "swap"]));
        swapped();
    }
    assert_eq!(acts.mark().expect("answered"), "a");
    acts.ask("disable", "a").expect("answered").expect("queued");
    wait::until("it is switched off", || acts.mark().is_err());
}

fn calls_made_inside_the_call_of_a_provider_that_hands_over_pass_whatever_roads_they_take(road: Road) {
    let cast = cast(road, &[Part::new("a").tables("[state]\nschema = 1\npause-deadline = \"5s\"")]);
    let acts = |plugin| acts(&cast, plugin);
    std::thread::scope(|scope| {
        let (mut swap, mut waits) = (None, None);
        let cast = &cast;
        let hears = Calls::new(|part| {
            if part == 1 {
                let before = cast.host.waits();
                swap = Some(scope.spawn(|| cast.host.swap("a")));
                // From outside: until one has to wait, the state is not handed over yet.
                waits = Some(scope.spawn(move || {
                    while cast.host.waits() == before {
                        cast.ask("a", "mark", &Value::Null);
                    }
                }));
                wait::until("the provider hands over", || cast.host.waits() > before);
                return true;
            }
            for way in CALLERS {
                assert_eq!(acts(way).chain(&["a".to_owned()], 1).expect("answered"), Ok(1), "{way}");
            }
            false
        });
        assert_eq!(acts("apart").pass("a", 9, &hears).expect("answered"), Ok(2));
        let report = swap.expect("it was asked for").join().expect("no panic").expect("the host runs");
        assert!(tell::swapped(&report, "a"), "{report:#?}");
        waits.expect("it was asked for").join().expect("answered by the new one");
    });
}

fn what_is_lent_may_swap_the_callee_unless_the_call_would_be_waited_for(road: Road) {
    // Whoever is inside a linked plugin is taken for what may be waited for, whether it has state or not: its code may
    // hold the host itself.
    let linked = road == Road::Linked;
    for (part, waits) in [(Part::new("a"), linked), (Part::new("a").state("pause"), true)] {
        let cast = cast(road, &[part]);
        let acts = acts(&cast, "a");
        let mut asked = Vec::new();
        let hears = Calls::new(|_| {
            asked.push(cast.host.swap("a"));
            false
        });
        assert_eq!(acts.work(9, &hears).expect("answered"), Ok(1));
        match &asked[..] {
            [Err(HostError::InsidePlugin)] => assert!(waits),
            [Ok(report)] => assert!(!waits && tell::swapped(report, "a"), "{report:#?}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(acts.mark().expect("answered"), "a");
    }
}
