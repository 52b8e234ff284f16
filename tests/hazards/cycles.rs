//! Load, call, close: many times, on a thread that was there before and ends after.

use std::path::Path;
use std::sync::mpsc;

use reactor_host::{Handle, Host, Value, Verdict};
use reactor_tests::folder::Folder;
use reactor_tests::{trusted, wait};

/// What the process holds.
#[derive(Clone, Copy, Debug)]
struct Holdings {
    mappings: usize,
    files: usize,
    threads: usize,
}

impl Holdings {
    fn now() -> Self {
        let count = |folder: &str| std::fs::read_dir(folder).expect("Linux tells").count();
        let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux tells");
        Self {
            mappings: maps.lines().count(),
            files: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
        }
    }
}

/// The id of a corpus plugin, from its library's name.
pub(super) fn id(library: &str) -> String {
    let stem = Path::new(library).file_stem().and_then(|stem| stem.to_str()).expect("a file name");
    stem.trim_start_matches("lib").replace('_', "-")
}

/// A host that runs the library, and the folder that it was put into.
pub(super) fn host(libraries: &[&str], clear_no_delete: bool) -> (Host, Folder) {
    let folder = Folder::new();
    for library in libraries {
        let name = Path::new(library).file_name().and_then(|name| name.to_str()).expect("a file name");
        folder.put(name, &std::fs::read(library).expect("the test names a library"));
    }
    let builder = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder.path());
    // More than there are rounds: here it is counted what each generation leaves, not refused.
    let host =
        trusted(builder.clear_no_delete(clear_no_delete).retained_budget(100_000)).build().expect("a host");
    let report = host.start().expect("the host starts");
    assert!(report.is_ok(), "{report:?}");
    (host, folder)
}

/// `library action rounds verdict mappings [clear] [watched]`: `mappings` are those that each round may leave; with
/// `clear` the flag of `-z nodelete` is cleared; under `watched`, memory is watched from outside, and its figures are
/// not this process's own.
pub(super) fn run(arguments: &[&str]) {
    let [library, action, rounds, verdict, mappings, flags @ ..] = arguments else {
        panic!("library, action, rounds, verdict and mappings are needed: {arguments:?}")
    };
    let rounds: usize = rounds.parse().expect("a number of rounds");
    let left_each: usize = mappings.parse().expect("a number of mappings");
    let expected = if *verdict == "unloaded" { Verdict::Unloaded } else { Verdict::Retained };
    let plugin = id(library);
    let (host, _folder) = host(&[library], flags.contains(&"clear"));
    let events = host.events();
    let (requests, inbox) = mpsc::channel::<(Handle, String)>();
    let (answers, outbox) = mpsc::channel();
    let caller = std::thread::spawn(move || {
        for (handle, action) in inbox {
            answers.send(handle.invoke(&action, &Value::from("text"))).expect("the main thread waits");
        }
    });
    // The host makes some of its threads at first use.
    let warm_up = (rounds / 10).max(2);
    let mut settled = None;
    let mut reasons = Vec::new();
    for round in 0..rounds {
        if round == warm_up {
            settled = Some(Holdings::now());
        }
        requests
            .send((host.plugin(&plugin).expect("an id"), (*action).to_owned()))
            .expect("the caller lives");
        outbox.recv_timeout(wait::DEADLINE).expect("an answer").expect("no error");
        host.disable(&plugin).expect("the host runs");
        let (_, verdict, why) = wait::retired(&events);
        assert_eq!(verdict, expected, "round {round}: {why:?}");
        reasons = why;
        assert!(host.enable(&plugin).expect("the host runs").is_ok());
    }
    let retained = host.retained();
    if expected == Verdict::Unloaded {
        assert!(retained.is_empty(), "{retained:?}");
    } else {
        assert_eq!(retained.len(), rounds);
        assert!(retained.iter().all(|one| one.is_final && one.reasons == reasons), "{retained:?}");
    }
    if let Some(settled) = settled.filter(|_| expected == Verdict::Unloaded && !flags.contains(&"watched")) {
        wait::until("as many threads as before", || Holdings::now().threads <= settled.threads);
        let now = Holdings::now();
        assert!(now.files <= settled.files, "descriptors: {settled:?}, then {now:?}");
        // The allocator's own areas come and go by a few.
        let most = settled.mappings + 16 + left_each * (rounds - warm_up);
        assert!(now.mappings <= most, "mappings: {settled:?}, then {now:?}, at most {most}");
        eprintln!("{plugin} {action}: {settled:?}, after {rounds} rounds {now:?}");
    }
    drop(requests);
    caller.join().expect("the thread ends well after the libraries have gone");
    drop(host);
    println!("{}", serde_json::json!({ "reasons": reasons }));
}
