//! Swaps, storms of files, calls and faults for as long as one likes, and whether the process grows meanwhile.
//!
//! See `tests/benches/README.md`. Ends with 1 when anything grew by more than it may.

use std::process::ExitCode;
use std::time::Duration;

use reactor_tests::soak::{self, Bounds, Plan};

/// KiB of private memory, files and pipes, threads, mappings, mappings of files. libc keeps up to 20 stacks of threads
/// that have ended, and its allocator a room for each of a few threads: two mappings each, and no more with time.
const BOUNDS: Bounds = [4096, 2, 2, 64, 4];

const USAGE: &str = "cargo bench -p reactor-tests --bench soak -- --minutes N | --seconds N [--seed N]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("run this with `{USAGE}`");
        return ExitCode::SUCCESS;
    }
    let Some(plan) = plan(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!("soaking for {:?}, seed {}", plan.duration, plan.seed);
    let figures = soak::run(&plan, |figures| println!("{}", figures.line()));
    print!("{}", figures.table(&BOUNDS));
    let over = figures.over(&BOUNDS);
    for line in &over {
        eprintln!("{line}");
    }
    ExitCode::from(u8::from(!over.is_empty()))
}

/// What the arguments ask for; without any, a minute.
fn plan(arguments: &[String]) -> Option<Plan> {
    let (mut duration, mut seed) = (Duration::from_mins(1), 1);
    let mut rest = arguments.iter().filter(|argument| *argument != "--bench");
    while let Some(argument) = rest.next() {
        let number: u64 = rest.next()?.parse().ok()?;
        match argument.as_str() {
            "--minutes" => duration = Duration::from_mins(number),
            "--seconds" => duration = Duration::from_secs(number),
            "--seed" => seed = number,
            _ => return None,
        }
    }
    // Enough of them for medians of fifths, at most one each five seconds.
    let sample = (duration / 100).clamp(Duration::from_millis(200), Duration::from_secs(5));
    Some(Plan { duration, sample, seed, release: true })
}
