//! Programs that some tests need beside the toolchain.

use std::path::PathBuf;

/// Where a program is, if it is anywhere on the path.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Whether `name` is not installed, which is said: a test that needs it then returns.
///
/// # Panics
///
/// When it is missing and `REACTOR_TEST_ALL=1` asks for every test.
#[track_caller]
pub fn missing(name: &str) -> bool {
    if program(name).is_some() {
        return false;
    }
    let all = std::env::var_os("REACTOR_TEST_ALL").is_some_and(|value| value == "1");
    assert!(!all, "REACTOR_TEST_ALL=1 asks for every test, and {name} is missing: install it");
    println!("not run: {name} missing");
    true
}
