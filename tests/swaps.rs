//! Guarantees: a swap neither fails, misroutes nor delays a call; no update is lost; every generation is unloaded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use reactor_host::{EventKind, Handle, OutcomeStatus, Value, Verdict};
use reactor_tests::folder::Folder;
use reactor_tests::{child, corpus, host, wait};

const SWAPS: u64 = 10_000;

/// The private memory of this process, in bytes.
fn private_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").expect("Linux tells");
    let kilobytes = |name: &str| -> u64 {
        let line = text.lines().find(|line| line.starts_with(name)).expect("the field is there");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    };
    (kilobytes("Private_Dirty:") + kilobytes("Private_Clean:")) * 1024
}

/// Swaps between two builds while two threads call, and answers how many calls were made.
fn swap_under_callers(
    plugin: &str,
    check: impl Fn(&Handle) + Send + Sync + 'static,
    last: impl FnOnce(&Handle, u64),
) -> u64 {
    let folder = Folder::new();
    let builds = [corpus::bytes(&format!("{plugin}-one")), corpus::bytes(&format!("{plugin}-two"))];
    let name = format!("lib{plugin}.so");
    folder.put(&name, &builds[0]);
    let host = host(folder.path());
    let report = host.start().expect("the host starts");
    assert!(report.is_ok(), "{report:?}");
    let events = host.events();
    let (stop, calls, check) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(check));
    let callers: Vec<_> = (0..2)
        .map(|_| {
            let handle = host.plugin(plugin).expect("an id");
            let (stop, calls, check) = (Arc::clone(&stop), Arc::clone(&calls), Arc::clone(&check));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    check(&handle);
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut unloaded = 0;
    let mut settled = 0;
    for round in 1..=SWAPS {
        folder.put(&name, &builds[usize::from(round % 2 == 1)]);
        let report = host.rescan().expect("the host runs");
        let swapped = report.outcomes.iter().any(|one| matches!(one.status, OutcomeStatus::Swapped { .. }));
        assert!(swapped, "round {round}: {report:?}");
        while let Some(event) = events.try_next() {
            unloaded += verdict(&event.kind);
        }
        if round == SWAPS / 10 {
            settled = private_bytes();
        }
    }
    let growth = private_bytes().saturating_sub(settled) / (SWAPS - SWAPS / 10);
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.join().expect("no call failed");
    }
    while unloaded < SWAPS {
        unloaded += wait::event(&events, |event| Some(verdict(&event.kind)));
    }
    last(&host.plugin(plugin).expect("an id"), calls.load(Ordering::Relaxed));
    assert!(growth <= 1024, "{growth} bytes a swap");
    println!(
        "{plugin}: {SWAPS} swaps, {} calls, {} waits, {growth} bytes a swap",
        calls.load(Ordering::Relaxed),
        host.waits()
    );
    host.waits()
}

fn verdict(kind: &EventKind) -> u64 {
    match kind {
        EventKind::Retired { verdict, reasons, .. } => {
            assert_eq!(*verdict, Verdict::Unloaded, "{reasons:?}");
            1
        }
        EventKind::Failed { phase, message, .. } => panic!("{phase}: {message}"),
        _ => 0,
    }
}

#[test]
fn a_plugin_without_state_is_swapped_and_no_call_fails_waits_or_is_misrouted() {
    // The memory of the process is measured: nothing else may run in it.
    child::alone(
        "swaps::a_plugin_without_state_is_swapped_and_no_call_fails_waits_or_is_misrouted",
        stateless,
    );
}

fn stateless() {
    // Generations alternate between the builds, and grow as one caller sees them.
    let check = |handle: &Handle| {
        thread_local!(static LAST: std::cell::Cell<u64> = const { std::cell::Cell::new(0) });
        let answer = handle.invoke("which", &Value::Null).expect("no call fails");
        let (build, generation): (u64, u64) = answer.read().expect("two numbers");
        assert_eq!(build, 2 - generation % 2, "generation {generation} answers with its own build");
        assert!(generation >= LAST.replace(generation), "never back to an older generation");
    };
    assert_eq!(swap_under_callers("answer", check, |_, _| ()), 0, "no call waits");
}

#[test]
fn a_plugin_with_state_is_swapped_and_no_update_is_lost() {
    child::alone("swaps::a_plugin_with_state_is_swapped_and_no_update_is_lost", stateful);
}

fn stateful() {
    let add = |handle: &Handle| drop(handle.invoke("add", &Value::Null).expect("no call fails"));
    swap_under_callers("tally", add, |handle, calls| {
        let total = handle.invoke("total", &Value::Null).expect("it serves");
        assert_eq!(total.as_u64(), Some(calls), "each call added one");
    });
}
