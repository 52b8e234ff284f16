//! What happens when something ends: a thread, a fork, the host, the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reactor_host::{EventKind, Host, Value, Verdict};
use reactor_tests::wait;

use super::cycles::{host, id};

fn ask(host: &Host, plugin: &str, action: &str) -> Option<i64> {
    host.invoke(plugin, action, &Value::Null).expect("it serves").as_i64()
}

/// A handler of a retained generation is still called.
pub(super) fn handler(library: &str) {
    let plugin = id(library);
    let (host, _folder) = host(&[library], false);
    let events = host.events();
    assert_eq!(ask(&host, &plugin, "sigaction"), Some(0));
    host.disable(&plugin).expect("the host runs");
    assert_eq!(wait::retired(&events).1, Verdict::Retained);
    let this = rustix::process::getpid();
    rustix::process::kill_process(this, rustix::process::Signal::USR1).expect("a signal to itself");
    drop(host);
    rustix::process::kill_process(this, rustix::process::Signal::USR1).expect("a signal to itself");
    println!("handled");
}

/// The process ends by `quick_exit` after a library that had a function for that was closed.
pub(super) fn quick_exit(library: &str) {
    let plugin = id(library);
    let (host, _folder) = host(&[library], false);
    let events = host.events();
    assert_eq!(ask(&host, &plugin, "at-quick-exit"), Some(0));
    assert_eq!(ask(&host, &plugin, "fork-handlers"), Some(0));
    host.disable(&plugin).expect("the host runs");
    let (_, verdict, reasons) = wait::retired(&events);
    assert_eq!(verdict, Verdict::Unloaded, "{reasons:?}");
    host.enable(&plugin).expect("the host runs");
    assert_eq!(
        ask(&host, &plugin, "fork"),
        Some(7),
        "a child of a fork is none of the closed library's business"
    );
    println!("unloaded");
    ask(&host, &plugin, "quick-exit-now");
}

/// A library hangs while it is closed: the host goes, and so would the program if the loader let it.
pub(super) fn hang(library: &str) {
    let plugin = id(library);
    let (host, _folder) = host(&[library], false);
    let events = host.events();
    assert_eq!(ask(&host, &plugin, "hang"), Some(0));
    host.disable(&plugin).expect("the host runs");
    let (_, verdict, reasons) = wait::retired(&events);
    assert_eq!(verdict, Verdict::Retained);
    assert!(!host.retained()[0].is_final, "it may yet return");
    drop(host);
    println!("{}", serde_json::json!({ "reasons": reasons }));
    // At an ordinary end the loader would wait for the library.
    std::process::abort();
}

/// A thread ends on which a library's destructor panics.
pub(super) fn destructor_panic(library: &str) {
    let (host, _folder) = host(&[library], false);
    let handle = host.plugin(&id(library)).expect("an id");
    let caller = std::thread::spawn(move || handle.invoke("go", &Value::Null).expect("it serves"));
    println!("called");
    // The thread does not end.
    let _ = caller.join();
    println!("survived");
}

/// The host goes while a thread of a library's runs on.
pub(super) fn retained(library: &str, release: &str) {
    let plugin = id(library);
    let (host, _folder) = host(&[library], false);
    host.invoke(&plugin, "go", &Value::from(release)).expect("the thread starts");
    let events = host.events();
    drop(host);
    let reasons: Vec<_> = events
        .filter_map(|event| match event.kind {
            EventKind::Retired { verdict: Verdict::Retained, reasons, .. } => Some(reasons),
            _ => None,
        })
        .flatten()
        .collect();
    // Its code is still there, for it runs: it ends well, as does the process.
    std::fs::write(release, "").expect("the folder is writable");
    let lone = || std::fs::read_dir("/proc/self/task").expect("Linux tells").count() == 1;
    wait::until("the thread has ended", lone);
    println!("{}", serde_json::json!({ "reasons": reasons }));
}

/// Children come of forks while plugins are called and swapped, and end at once or become another program.
pub(super) fn forks(library: &str, other: &str) {
    const FORKS: u32 = 100;
    let plugin = id(library);
    let (host, _folder) = host(&[library, other], false);
    let events = host.events();
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..2)
        .map(|_| {
            let (handle, stop) = (host.plugin("answer").expect("an id"), Arc::clone(&stop));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    handle.invoke("echo", &Value::from(1_u64)).expect("no call fails");
                }
            })
        })
        .collect();
    for _ in 0..FORKS {
        assert_eq!(ask(&host, &plugin, "fork"), Some(7), "the child ends as it meant to");
        assert!(host.swap("answer").expect("the host runs").is_ok());
        let status = std::process::Command::new("true").status().expect("a program starts");
        assert!(status.success());
    }
    for _ in 0..FORKS {
        let (_, verdict, reasons) = wait::retired(&events);
        assert_eq!(verdict, Verdict::Unloaded, "{reasons:?}");
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.join().expect("no call failed");
    }
    drop(host);
    println!("done");
}
