//! A test in a process of its own: where it may end the process, or counts what belongs to the whole process.

use std::process::{Command, Output};

/// Says which test the process was started for.
const ASKED: &str = "REACTOR_TEST_ALONE";

/// Whether this process was started for `test`.
pub fn is_for(test: &str) -> bool {
    std::env::var_os(ASKED).is_some_and(|asked| asked == test)
}

/// Runs `body` in a process of its own, which runs nothing else: this test binary again, with this test only. `test` is
/// the test's own name, with its modules.
///
/// # Panics
///
/// When it fails there.
#[track_caller]
pub fn alone(test: &str, body: impl FnOnce()) {
    if is_for(test) {
        return body();
    }
    let output = run(test, &[]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}\n{told}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(told.contains("1 passed"), "no test is named {test}: {told}");
    println!("{told}");
}

/// Starts this test binary again for one test, with these variables set, and waits for its end.
///
/// # Panics
///
/// When it can not be started.
pub fn run(test: &str, variables: &[(&str, &str)]) -> Output {
    let this = std::env::current_exe().expect("a test binary has a path");
    // Some of them end by a signal, on purpose: nobody wants their memory on the disk.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c 0; exec \"$0\" \"$@\""]).arg(this);
    command.args(["--exact", test, "--test-threads=1", "--nocapture"]).env(ASKED, test);
    command.envs(variables.iter().copied()).output().expect("the test binary starts")
}
