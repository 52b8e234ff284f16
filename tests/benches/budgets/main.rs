//! The budgets of calls, swaps and memory, each measured beside what it is compared with, in one run.
//!
//! See `tests/benches/README.md`. Own loops instead of a bench framework's: a ratio needs both sides interleaved,
//! and percentiles are of events, not of means.

mod by_hand;
mod calls;
mod cycles;
mod measure;
mod processes;
mod swaps;
mod table;

use table::Row;

/// A part that can be measured alone: its name, and what makes its rows.
type Group = (&'static str, fn() -> Vec<Row>);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        // Built as a test, unoptimised: what it would measure means nothing.
        return println!("run this with `cargo bench -p reactor-tests`");
    }
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let groups: [Group; 5] = [
        ("calls", calls::rows),
        ("processes", processes::rows),
        ("swaps", swaps::rows),
        ("growth", cycles::growth),
        ("cycles", cycles::load_and_close),
    ];
    let mut rows = Vec::new();
    for (name, run) in groups {
        if wanted.is_empty() || wanted.iter().any(|wanted| name.contains(wanted.as_str())) {
            eprintln!("measuring {name}");
            rows.extend(run());
        }
    }
    print!("{}", table::render(&rows));
}
