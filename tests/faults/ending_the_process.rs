//! What no library can contain: native code in the process is trusted code. Each of these ends the process of a child
//! of the test's, as the documents say, and leaves nothing behind that the next host could not deal with.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use reactor_host::{Host, Value, value};
use reactor_tests::folder::Folder;
use reactor_tests::{child, corpus, trusted};

const VICTIM: &str =
    "faults::ending_the_process::what_ends_the_process_ends_it_and_the_next_host_begins_afresh";

/// By which action, and how the process ends: an exit code, or one of these signals.
const DEADLY: [(&str, Option<i32>, &[i32]); 8] = [
    ("exit", Some(7), &[]),
    ("abort", None, &[ABORTED]),
    ("overflow", None, &[ABORTED, BAD_ADDRESS]),
    ("null", None, &[BAD_ADDRESS]),
    ("double-panic", None, &[ABORTED]),
    ("thread-local", None, &[ABORTED]),
    ("thread-payload", None, &[ABORTED]),
    ("exhaust", None, &[ABORTED]),
];
const ABORTED: i32 = 6;
const BAD_ADDRESS: i32 = 11;

fn over(folder: &Path, data: &Path) -> Host {
    let builder = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder).data_dir(data);
    trusted(builder).build().expect("a host")
}

/// The private folders of hosts.
fn left_behind(data: &Path) -> Vec<String> {
    let entries = data.read_dir().expect("the data folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("reactor-")).collect()
}

/// In the child: does what it was told, and does not return.
fn die() {
    let told = |name: &str| std::env::var(name).expect("the parent tells");
    let host = over(told("REACTOR_TEST_FOLDER").as_ref(), told("REACTOR_TEST_DATA").as_ref());
    assert!(host.start().expect("the host starts").is_ok());
    let (handle, action) = (host.plugin("ends-process").expect("an id"), told("REACTOR_TEST_DEADLY"));
    // A thread that ends, since one of them strikes then.
    let caller = std::thread::spawn(move || handle.invoke(&action, &Value::Null));
    println!("lived through it: {:?}", caller.join());
}

#[test]
fn what_ends_the_process_ends_it_and_the_next_host_begins_afresh() {
    if child::is_for(VICTIM) {
        return die();
    }
    let (folder, data) = (Folder::new(), Folder::new());
    folder.put("libends_process.so", &corpus::bytes("ends-process"));
    folder.put("libanswer.so", &corpus::bytes("answer-one"));
    let text = |folder: &Folder| folder.path().to_str().expect("a path in UTF-8").to_owned();
    for (action, code, signals) in DEADLY {
        let variables = [
            ("REACTOR_TEST_FOLDER", text(&folder)),
            ("REACTOR_TEST_DATA", text(&data)),
            ("REACTOR_TEST_DEADLY", action.to_owned()),
        ];
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        let output = child::run(VICTIM, &variables);
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(!told.contains("lived through it"), "{action}: {told}");
        assert_eq!(output.status.code(), code, "{action}: {}", output.status);
        let signal = output.status.signal();
        assert_eq!(
            signal.is_some_and(|signal| signals.contains(&signal)),
            code.is_none(),
            "{action}: {signal:?}"
        );
        if action != "exit" {
            assert!(!left_behind(data.path()).is_empty(), "{action}: nobody was there to clean up");
        }

        let host = over(folder.path(), data.path());
        assert!(host.start().expect("the host starts").is_ok(), "{action}");
        assert_eq!(
            host.invoke("answer", "which", &Value::Null).expect("it serves"),
            value!([1, 1]),
            "{action}"
        );
        assert!(host.invoke("ends-process", "echo", &Value::Null).is_ok(), "{action}");
        drop(host);
        assert_eq!(
            left_behind(data.path()),
            [""; 0],
            "{action}: a host cleans up after the one that was killed"
        );
    }
}
