//! Guarantees: what a library leaves behind in libc is taken back, so that it can be closed, while the threads that
//! used it live on.

use reactor_host::{Value, Verdict};
use reactor_tests::folder::Folder;
use reactor_tests::{corpus, host, wait};

const CYCLES: usize = 2_000;

/// [`CYCLES`], or fewer when everything takes longer.
fn rounds() -> usize {
    let asked = std::env::var("REACTOR_TEST_ROUNDS").ok();
    asked.map_or(CYCLES, |text| text.parse().expect("REACTOR_TEST_ROUNDS is a number"))
}

/// Loads, calls and closes on a thread that was there before and ends after.
fn cycles(plugin: &str, count: usize) {
    let folder = Folder::new();
    let bytes = corpus::bytes(plugin);
    let name = format!("lib{}.so", plugin.replace('-', "_"));
    folder.put(&name, &bytes);
    let host = host(folder.path());
    assert!(host.start().expect("the host starts").is_ok());
    let events = host.events();
    let (requests, inbox) = std::sync::mpsc::channel::<reactor_host::Handle>();
    let (answers, outbox) = std::sync::mpsc::channel();
    let caller = std::thread::spawn(move || {
        for handle in inbox {
            answers.send(handle.invoke("go", &Value::from("text"))).expect("the test waits");
        }
    });
    for round in 0..count {
        requests.send(host.plugin(plugin).expect("an id")).expect("the caller lives");
        outbox.recv_timeout(wait::DEADLINE).expect("an answer").expect("no error");
        host.disable(plugin).expect("the host runs");
        let (_, verdict, reasons) = wait::retired(&events);
        assert_eq!(verdict, Verdict::Unloaded, "round {round}: {reasons:?}");
        assert!(host.enable(plugin).expect("the host runs").is_ok());
    }
    drop(requests);
    caller.join().expect("the thread ends well after the libraries have gone");
}

#[test]
fn a_library_that_asked_for_the_current_thread_is_unloaded() {
    cycles("thread-current", rounds());
}

#[test]
fn a_library_with_a_thread_local_destructor_is_unloaded() {
    cycles("thread-local-drop", rounds());
}

#[test]
fn a_library_that_spawned_and_joined_is_unloaded() {
    cycles("spawn-join", rounds());
}

#[test]
fn a_library_whose_thread_runs_on_is_retained_and_unloaded_as_soon_as_the_thread_ends() {
    let (folder, signal) = (Folder::new(), Folder::new());
    folder.put("libthread_running.so", &corpus::bytes("thread-running"));
    let host = host(folder.path());
    assert!(host.start().expect("the host starts").is_ok());
    let events = host.events();
    let end = signal.path().join("end");
    let path = Value::from(end.to_str().expect("a path in UTF-8"));
    host.invoke("thread-running", "go", &path).expect("the thread starts");
    host.disable("thread-running").expect("the host runs");
    let (_, verdict, reasons) = wait::retired(&events);
    assert_eq!(verdict, Verdict::Retained);
    assert!(reasons.iter().any(|reason| reason.starts_with("thread ")), "{reasons:?}");
    // Nothing else happens in this host: the end of the thread alone must be enough.
    std::fs::write(&end, "").expect("the folder is writable");
    let (_, verdict, reasons) = wait::retired(&events);
    assert_eq!(verdict, Verdict::Unloaded, "{reasons:?}");
}
