use crate::fixture::reactor;

/// Exit code, and what must stand on standard error.
#[track_caller]
fn ends(arguments: &[&str], code: i32, says: &str) {
    let assert = reactor().args(arguments).assert().code(code);
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(stderr.contains(says), "{arguments:?}: {stderr}");
}

#[test]
fn help_and_version_are_done() {
    for arguments in [&["--help"][..], &["--version"], &["help", "dev"], &["run", "--help"]] {
        reactor().args(arguments).assert().code(0);
    }
}

#[test]
fn a_line_that_is_not_understood_is_a_usage_error() {
    ends(&[], 2, "Usage");
    ends(&["fly"], 2, "fly");
    ends(&["call", "greeting", "greet"], 2, "--plugins");
    ends(&["call", "--plugins", ".", "greeting", "greet", "{name: Ada}"], 2, "RE0907");
}

#[test]
fn what_can_not_be_done_is_a_failure() {
    ends(&["list", "no/such/folder"], 1, "no/such/folder");
    ends(&["inspect", "no/such/library.so"], 1, "no/such/library.so");
    let empty = tempfile::tempdir().expect("a temporary folder");
    let empty = empty.path().to_str().expect("text");
    ends(&["dev", empty, "--once"], 1, "RE0903");
    ends(&["build", empty, "--out", empty], 1, "RE0903");
    ends(&["call", "--plugins", empty, "greeting", "greet"], 1, "RE0601");
    ends(&["call", "--plugins", "no/such/folder", "greeting", "greet"], 1, "RE0151");
    ends(&["run", "Cargo.toml"], 1, "give the folder that it is in");
    let out = format!("{empty}/Cargo.toml/plugins");
    std::fs::write(format!("{empty}/Cargo.toml"), "[workspace]\n").expect("written");
    ends(&["build", empty, "--out", &out], 1, "RE0903");
    ends(&["inspect", empty], 1, "reactor build");
}
