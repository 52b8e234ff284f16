//! Guarantees: what a library leaves behind is taken back, so that it can be closed, while the threads that used it live
//! on; and what can not be taken back keeps it open, with the reason.

// The hazards, one by one: what each comes to.
pub(crate) mod hazards;
// What is retained: which, why, how many, and what comes free.
mod retained;
// Threads, forks, hosts and processes that end.
mod endings;

use std::process::{Command, Output};

/// The program that runs a hazard in a process of its own.
pub(crate) const HAZARDS: &str = env!("CARGO_BIN_EXE_hazards");

/// How often a hazard is gone through that unloads, and one that retains: fewer, since each round stays in memory.
pub(crate) const CYCLES: u32 = 2_000;
pub(crate) const RETAINED: u32 = 200;

/// `most`, or fewer when everything takes longer: `REACTOR_TEST_ROUNDS`.
pub(crate) fn rounds(most: u32) -> u32 {
    let asked = std::env::var("REACTOR_TEST_ROUNDS").ok();
    asked.map_or(most, |text| text.parse::<u32>().expect("REACTOR_TEST_ROUNDS is a number").min(most))
}

/// Runs [`HAZARDS`] and gives what it left.
fn hazard(arguments: &[&str]) -> Output {
    Command::new(HAZARDS).args(arguments).output().expect("it was built with the tests")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The reasons in the last line that the program printed.
fn reasons(output: &Output) -> Vec<String> {
    let last = stdout(output).lines().last().unwrap_or_default().to_owned();
    let json: serde_json::Value = serde_json::from_str(&last).expect("the last line is JSON");
    let reasons = json["reasons"].as_array().expect("a list of reasons");
    reasons.iter().map(|reason| reason.as_str().unwrap_or_default().to_owned()).collect()
}

#[track_caller]
fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}\n{}\n{}", output.status, stdout(output), stderr(output));
}
