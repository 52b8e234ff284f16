//! Why not 100 lines over libloading: each scenario once with a host as one writes it (`tests/naive`, in a process of
//! its own, since it dies) and once with Reactor, in this very process.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use reactor_host::{Host, OutcomeStatus, Report, Value, Verdict};
use reactor_tests::folder::Folder;
use reactor_tests::{corpus, host, wait};

const ABORTED: i32 = 6;
const BUS_ERROR: i32 = 7;
const SEGMENTATION_FAULT: i32 = 11;

/// A file of the naive workspace's target folder, which is built once.
pub(crate) fn built(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    let target = corpus::root().join("target/naive");
    BUILT.get_or_init(|| corpus::build(&corpus::root().join("tests/naive"), &target));
    target.join("debug").join(name)
}

fn bytes(build: &str) -> Vec<u8> {
    fs::read(built(&format!("libnaive_{build}.so"))).expect("the plugin was just built")
}

/// Runs a scenario over copies of a plugin and its new build.
fn naive(scenario: &str, plugin: &[u8], new: &[u8]) -> Output {
    let folder = Folder::new();
    let (plugin, new) = (folder.put("plugin.so", plugin), folder.put("new.so", new));
    let mut command = Command::new(built("naive"));
    command
        .arg(scenario)
        .args([plugin, new])
        .current_dir(folder.path())
        .output()
        .expect("the naive host starts")
}

/// Asserts that the process was killed by one of these signals.
#[track_caller]
fn dies(output: &Output, signals: &[i32]) {
    let signal = output.status.signal();
    assert!(signal.is_some_and(|signal| signals.contains(&signal)), "{output:?}");
}

/// What it prints after the event of the scenario.
#[track_caller]
fn after(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    let after = text.lines().find_map(|line| line.strip_prefix("after: "));
    after.unwrap_or_else(|| panic!("it got no further: {output:?}")).to_owned()
}

/// A host over one library under its usual name, started.
fn reactor(plugin: &str, bytes: &[u8]) -> (Folder, Host, Report) {
    let folder = Folder::new();
    folder.put(&format!("lib{plugin}.so"), bytes);
    let host = host(folder.path());
    let report = host.start().expect("the host starts");
    (folder, host, report)
}

#[track_caller]
fn which(host: &Host) -> u64 {
    let answer = host.invoke("answer", "which", &Value::Null).expect("it answers");
    answer.read::<(u64, u64)>().expect("build and generation").0
}

#[test]
fn the_naive_host_is_a_hundred_lines() {
    let text = include_str!("naive/src/main.rs");
    assert!(text.lines().count() <= 100);
}

#[test]
fn a_library_that_is_overwritten_while_it_runs() {
    dies(&naive("overwrite", &bytes("one"), &bytes("two")), &[BUS_ERROR, SEGMENTATION_FAULT]);

    let (one, two) = (corpus::bytes("answer-one"), corpus::bytes("answer-two"));
    let (folder, host, report) = reactor("answer", &one);
    assert!(report.is_ok(), "{report:?}");
    let path = folder.path().join("libanswer.so");
    fs::write(&path, &two[..64]).expect("written in place");
    assert_eq!(which(&host), 1, "it runs from a private copy");
    let report = host.rescan().expect("the host runs");
    assert!(
        !report.outcomes.iter().any(|one| matches!(one.status, OutcomeStatus::Swapped { .. })),
        "{report:?}"
    );
    assert_eq!(which(&host), 1, "a file that is being written is not loaded");
    fs::write(&path, &two).expect("written in place");
    host.rescan().expect("the host runs");
    assert_eq!(which(&host), 2);
}

#[test]
fn a_library_that_is_cut_short() {
    let whole = bytes("one");
    dies(&naive("open", &whole[..whole.len() / 2], &[]), &[BUS_ERROR, SEGMENTATION_FAULT]);

    let whole = corpus::bytes("answer-one");
    let (folder, host, report) = reactor("answer", &whole[..whole.len() / 2]);
    let failure = report.failures().next().expect("it is refused");
    assert!(matches!(&failure.status, OutcomeStatus::Failed { code, .. } if code == "RE0121"), "{failure:?}");
    folder.put("libanswer.so", &whole);
    host.rescan().expect("the host runs");
    assert_eq!(which(&host), 1, "and taken when it is whole");
}

#[test]
fn a_new_build_under_the_path_of_one_that_is_still_held() {
    let output = naive("rename", &bytes("one"), &bytes("two"));
    assert_eq!(after(&output), "1", "the system's loader answers with the build that it knows by that name");

    let (folder, older, report) = reactor("answer", &corpus::bytes("answer-one"));
    assert!(report.is_ok(), "{report:?}");
    folder.put("libanswer.so", &corpus::bytes("answer-two"));
    let newer = host(folder.path());
    newer.start().expect("the host starts");
    assert_eq!((which(&older), which(&newer)), (1, 2), "each is what it was loaded from");
}

#[test]
fn a_thread_that_called_outlives_the_library() {
    dies(&naive("thread", &bytes("one"), &bytes("two")), &[SEGMENTATION_FAULT]);

    let (_folder, host, report) = reactor("thread_current", &corpus::bytes("thread-current"));
    assert!(report.is_ok(), "{report:?}");
    let caller = std::thread::spawn(move || {
        let answer = host.invoke("thread-current", "go", &Value::Null);
        let events = host.events();
        host.disable("thread-current").expect("the host runs");
        (answer, wait::retired(&events))
    });
    let (answer, (_, verdict, reasons)) = caller.join().expect("the thread ends well");
    answer.expect("it answers");
    assert_eq!(verdict, Verdict::Unloaded, "{reasons:?}");
}

#[test]
fn a_plugin_that_panics() {
    dies(&naive("panic", &bytes("one"), &bytes("two")), &[ABORTED]);

    let (_folder, host, report) = reactor("panic_invoke", &corpus::bytes("panic-invoke"));
    assert!(report.is_ok(), "{report:?}");
    let error = host.invoke("panic-invoke", "fail", &Value::Null).expect_err("it panics");
    assert_eq!(error.code(), "RE0603", "{error}");
    let answer = host.invoke("panic-invoke", "again", &Value::Null).expect("it goes on");
    assert_eq!(answer.as_str(), Some("again"));
}

#[test]
fn a_new_build_that_is_no_library() {
    let broken = b"collect2: error: ld returned 1 exit status\n".repeat(10);
    let output = naive("reload", &bytes("one"), &broken);
    assert!(after(&output).starts_with("nothing answers"), "{output:?}");

    let (folder, host, report) = reactor("answer", &corpus::bytes("answer-one"));
    assert!(report.is_ok(), "{report:?}");
    folder.put("libanswer.so", &broken);
    let report = host.rescan().expect("the host runs");
    assert!(!report.is_ok(), "it is said: {report:?}");
    assert_eq!(which(&host), 1, "the build before goes on");
}

#[test]
fn an_answer_that_is_kept_longer_than_its_library() {
    let output = naive("keep", &bytes("one"), &bytes("two"));
    let told = String::from_utf8_lossy(&output.stdout).contains("after: a name that stands in the library");
    assert!(!told, "the text went with the library: {output:?}");
    dies(&output, &[BUS_ERROR, SEGMENTATION_FAULT]);

    let (_folder, host, report) = reactor("answer", &corpus::bytes("answer-one"));
    assert!(report.is_ok(), "{report:?}");
    let answer = host.invoke("answer", "echo", &Value::from("a text")).expect("it answers");
    let events = host.events();
    host.disable("answer").expect("the host runs");
    assert_eq!(wait::retired(&events).1, Verdict::Unloaded);
    assert_eq!(answer.as_str(), Some("a text"), "what crosses is the host's own");
}
