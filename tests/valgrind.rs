//! Guarantees: closing a library leaves nothing behind that is touched later. The tests of `closing`, for fewer rounds
//! and with valgrind's memcheck watching every access.

use std::process::Command;

use reactor_tests::{corpus, need, source};

const ROUNDS: u32 = 50;

/// What memcheck ends with when it has found an error.
const FOUND: i32 = 99;

/// Runs one test of this binary under memcheck. `lost`: how many bytes each round may lose for good. What a library
/// keeps in thread-locals of a thread that outlives it is lost by design: its destructor is gone.
#[track_caller]
fn watched(test: &str, lost: u64) {
    if need::missing("valgrind") {
        return;
    }
    // Here, so that the child finds it built.
    corpus::library("answer-one");
    let this = std::env::current_exe().expect("a test binary has a path");
    let output = Command::new("valgrind")
        .args(["--tool=memcheck", "--leak-check=full", "--errors-for-leak-kinds=none", "--num-callers=30"])
        .arg(format!("--error-exitcode={FOUND}"))
        .arg(format!("--suppressions={}", source::path("tests/valgrind.supp").display()))
        .arg(this)
        .args(["--exact", test, "--test-threads=1"])
        .env("REACTOR_TEST_ROUNDS", ROUNDS.to_string())
        .output()
        .expect("valgrind starts");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{report}", String::from_utf8_lossy(&output.stdout));
    let ran = String::from_utf8_lossy(&output.stdout).contains("1 passed");
    assert!(ran, "no test is named {test}");
    let found = definitely_lost(&report);
    let most = lost * u64::from(ROUNDS);
    assert!(found <= most, "{found} bytes are lost, {most} expected\n{report}");
}

/// The bytes that nothing points to any more.
fn definitely_lost(report: &str) -> u64 {
    let Some(line) = report.lines().find(|line| line.contains("definitely lost:")) else {
        assert!(report.contains("no leaks are possible"), "memcheck says nothing of leaks:\n{report}");
        return 0;
    };
    let number: String = line
        .split("lost:")
        .nth(1)
        .unwrap_or_default()
        .trim_start()
        .chars()
        .take_while(|c| *c != ' ')
        .collect();
    number.replace(',', "").parse().expect("a number of bytes")
}

#[test]
fn memory_stays_sound_when_a_library_asked_for_the_current_thread() {
    // The handle of the thread that std keeps, once for each library.
    watched("closing::a_library_that_asked_for_the_current_thread_is_unloaded", 64);
}

#[test]
fn memory_stays_sound_when_a_library_has_a_thread_local_destructor() {
    // The vector that the plugin keeps.
    watched("closing::a_library_with_a_thread_local_destructor_is_unloaded", 128);
}

#[test]
fn memory_stays_sound_when_a_library_spawned_and_joined() {
    // Its thread ends before the library goes, and takes everything along.
    watched("closing::a_library_that_spawned_and_joined_is_unloaded", 0);
}
