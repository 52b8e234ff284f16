//! What is measured of an edit, and the table.

use std::time::Duration;

/// The most that Reactor may add to cargo's own time, at the median.
const BUDGET: Duration = Duration::from_millis(30);

/// One edit.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    /// From before the source is written until the new code has answered.
    pub(crate) whole: Duration,
    /// How long cargo ran.
    pub(crate) cargo: Duration,
}

impl Times {
    /// What came on top of cargo: noticing the edit, noticing that cargo is done, and loading. The last two can overlap
    /// cargo's own end.
    fn beside_cargo(self) -> f64 {
        self.whole.as_secs_f64().mul_add(1e3, -(self.cargo.as_secs_f64() * 1e3))
    }
}

/// All edits of one subject.
pub(crate) struct Row {
    name: &'static str,
    times: Vec<Times>,
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, times: Vec::new() }
    }

    pub(crate) fn add(&mut self, times: Times) {
        self.times.push(times);
    }

    fn sorted(&self, what: impl Fn(Times) -> f64) -> Vec<f64> {
        let mut times: Vec<f64> = self.times.iter().copied().map(what).collect();
        times.sort_by(f64::total_cmp);
        times
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(sorted: &[f64]) -> f64 {
    let upper = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[upper - 1], sorted[upper])
    } else {
        sorted[upper]
    }
}

/// The table. The first row is what the others are compared with.
pub(crate) fn print(rows: &[Row], profile: &str) {
    let Some(first) = rows.first() else { return };
    let ours = median(&first.sorted(Times::beside_cargo));
    println!("\nms beside cargo's own time, {} edits; reactor built for {profile}", first.times.len());
    println!(
        "{:<34} {:>8} {:>8} {:>8} {:>7}   {:>8} {:>8}",
        "", "median", "min", "max", "ratio", "cargo", "whole"
    );
    for row in rows {
        let times = row.sorted(Times::beside_cargo);
        let cargo = median(&row.sorted(|times| times.cargo.as_secs_f64() * 1e3));
        let whole = median(&row.sorted(|times| times.whole.as_secs_f64() * 1e3));
        let (min, max) = (times[0], times[times.len() - 1]);
        let middle = median(&times);
        println!(
            "{:<34} {middle:>8.1} {min:>8.1} {max:>8.1} {:>7.1}   {cargo:>8.0} {whole:>8.0}",
            row.name,
            middle / ours
        );
    }
    let budget = BUDGET.as_secs_f64() * 1e3;
    let verdict = if ours <= budget { "ok" } else { "OVER" };
    println!("\nbudget for reactor: {budget:.0} ms at the median: {verdict}");
}

/// One line of what a subject says of itself.
pub(crate) fn print_own(what: &str, times: &[f64]) {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    if let (Some(min), Some(max)) = (sorted.first(), sorted.last()) {
        println!("{what}: median {:.1}, min {min:.1}, max {max:.1}", median(&sorted));
    }
}
