//! Ends of threads, forks, hosts and processes, each in a process of its own where it would end this one.

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use reactor_host::Value;
use reactor_tests::folder::Folder;
use reactor_tests::{corpus, wait};

use super::{hazard, reasons, stderr, stdout, succeeded};

fn library(plugin: &str) -> String {
    corpus::library(plugin).to_str().expect("a plain path").to_owned()
}

#[test]
fn a_handler_of_a_retained_generation_is_still_called_after_the_host_has_gone() {
    let output = hazard(&["handler", &library("signal-handler")]);
    succeeded(&output);
    assert!(stdout(&output).ends_with("handled\n"));
}

#[test]
fn a_fork_and_a_quick_exit_run_no_function_of_a_closed_library() {
    let output = hazard(&["quick-exit", &library("exit-handlers")]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(stdout(&output), "unloaded\n");
    assert!(!stderr(&output).contains("called"), "{}", stderr(&output));
}

#[test]
fn a_library_that_hangs_while_it_is_closed_holds_up_neither_the_host_nor_its_end() {
    let output = hazard(&["hang", &library("exit-handlers")]);
    assert_eq!(output.status.signal(), Some(rustix::process::Signal::ABORT.as_raw()), "{}", stderr(&output));
    let reasons = reasons(&output);
    assert!(reasons[0].starts_with("closing it has not returned"), "{reasons:?}");
}

#[test]
fn a_host_with_retained_code_ends_and_the_code_runs_on() {
    let folder = Folder::new();
    let release = folder.path().join("end");
    let output = hazard(&["retained", &library("thread-running"), release.to_str().expect("a plain path")]);
    succeeded(&output);
    let reasons = reasons(&output);
    assert!(reasons.iter().any(|reason| reason.starts_with("thread `worker` (")), "{reasons:?}");
}

/// Std can not contain it, and nor can anybody else: what is promised is that it is known.
#[test]
fn a_panic_in_a_thread_locals_destructor_ends_the_process() {
    let output = hazard(&["destructor-panic", &library("exit-panic")]);
    assert_eq!(output.status.signal(), Some(rustix::process::Signal::ABORT.as_raw()), "{}", stderr(&output));
    assert_eq!(stdout(&output), "called\n");
}

#[test]
fn forks_disturb_neither_calls_nor_swaps_nor_the_child() {
    let output = hazard(&["forks", &library("exit-handlers"), &library("answer-one")]);
    succeeded(&output);
    assert!(stdout(&output).ends_with("done\n"));
}

#[test]
fn a_host_that_ends_is_nothing_to_calls_through_another_with_the_same_plugin() {
    let folder = Folder::new();
    folder.put("libtally.so", &corpus::bytes("tally-one"));
    let stays = reactor_tests::host(folder.path());
    assert!(stays.start().expect("the host starts").is_ok());
    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..2)
        .map(|_| {
            let handle = stays.plugin("tally").expect("an id");
            let (stop, calls) = (Arc::clone(&stop), Arc::clone(&calls));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    handle.invoke("add", &Value::Null).expect("no call fails");
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..20 {
        let goes = reactor_tests::host(folder.path());
        assert!(goes.start().expect("the host starts").is_ok());
        // On this thread too, whose thread-locals are of two copies then.
        goes.invoke("tally", "add", &Value::Null).expect("it serves");
        let before = calls.load(Ordering::Relaxed);
        wait::until("calls go on", || calls.load(Ordering::Relaxed) > before);
        drop(goes);
        let after = calls.load(Ordering::Relaxed);
        wait::until("calls go on after it", || calls.load(Ordering::Relaxed) > after);
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.join().expect("no call failed");
    }
    let total = stays.invoke("tally", "total", &Value::Null).expect("it serves");
    assert_eq!(total.as_u64(), Some(calls.load(Ordering::Relaxed)));
}
