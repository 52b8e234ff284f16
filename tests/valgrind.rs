//! Guarantees: closing a library leaves nothing behind that is touched later. The tests of `closing`, for fewer rounds
//! and with valgrind's memcheck watching every access.

use std::process::Command;

use reactor_tests::{corpus, need, source};

use crate::closing::HAZARDS;
use crate::closing::hazards::{ALL, Hazard, Outcome};

const ROUNDS: u32 = 50;

/// What memcheck ends with when it has found an error.
const FOUND: i32 = 99;

/// Goes through one hazard under memcheck.
#[track_caller]
fn watched(name: &str, hazard: &Hazard) {
    let rounds = ROUNDS.min(hazard.rounds);
    let library = corpus::library(hazard.plugin);
    let output = Command::new("valgrind")
        .args(["--tool=memcheck", "--leak-check=full", "--errors-for-leak-kinds=none", "--num-callers=30"])
        .arg(format!("--error-exitcode={FOUND}"))
        .arg(format!("--suppressions={}", source::path("tests/valgrind.supp").display()))
        .arg(HAZARDS)
        .args(hazard.arguments(library.to_str().expect("a plain path"), rounds))
        .arg("watched")
        .output()
        .expect("valgrind starts");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {}\n{report}", String::from_utf8_lossy(&output.stdout));
    let found = definitely_lost(&report);
    let most = hazard.lost.saturating_mul(rounds.into());
    assert!(found <= most, "{name}: {found} bytes are lost, {most} expected\n{report}");
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

fn all_watched(wanted: impl Fn(&Outcome) -> bool) {
    if need::missing("valgrind") {
        return;
    }
    for (name, hazard) in ALL.iter().filter(|(_, hazard)| wanted(&hazard.outcome)) {
        watched(name, hazard);
    }
}

#[test]
fn memory_stays_sound_whatever_a_library_did_that_is_unloaded() {
    all_watched(|outcome| matches!(outcome, Outcome::Unloaded));
}

#[test]
fn memory_stays_sound_whatever_retains_a_library() {
    all_watched(|outcome| matches!(outcome, Outcome::Retained(_)));
}
