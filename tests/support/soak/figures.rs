//! What was seen, and whether it grew.

use std::fmt::Write as _;
use std::time::Duration;

use crate::memory;

/// The rows of a sample.
const NAMES: [&str; ROWS] =
    ["private memory, KiB", "files and pipes", "threads", "mappings", "mappings of files"];
const ROWS: usize = 5;

/// By how much each row's median may grow from the second fifth of the time to the last: in the order of a sample's
/// rows.
pub type Bounds = [i64; ROWS];

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    samples: Vec<[i64; ROWS]>,
    elapsed: Duration,
    counts: Vec<(&'static str, u64)>,
}

impl Figures {
    /// Looks at what the process holds.
    pub(super) fn look(&mut self, elapsed: Duration, counts: Vec<(&'static str, u64)>) {
        let [files, threads, mappings, of_files] = memory::handles();
        let sample = [memory::private_bytes() / 1024, files, threads, mappings, of_files];
        self.samples.push(sample.map(|value| i64::try_from(value).unwrap_or(i64::MAX)));
        (self.elapsed, self.counts) = (elapsed, counts);
    }

    fn row(&self, row: usize) -> Vec<i64> {
        self.samples.iter().map(|sample| sample[row]).collect()
    }

    /// By how much the median of each row grew from the second fifth of the time to the last. The first fifth is left
    /// out: what is made once is made then.
    pub fn drift(&self) -> [i64; ROWS] {
        std::array::from_fn(|row| {
            let all = self.row(row);
            let fifth = |number: usize| median(&all[all.len() * number / 5..all.len() * (number + 1) / 5]);
            fifth(4) - fifth(1)
        })
    }

    /// The rows that grew by more than they may.
    pub fn over(&self, bounds: &Bounds) -> Vec<String> {
        let rows = NAMES.iter().zip(self.drift()).zip(bounds);
        let over = rows.filter(|((_, drift), bound)| drift > bound);
        over.map(|((name, drift), bound)| format!("{name} grew by {drift}, {bound} allowed")).collect()
    }

    /// One line about now.
    pub fn line(&self) -> String {
        let mut line = format!("{:>6.0} s", self.elapsed.as_secs_f64());
        for (name, value) in NAMES.iter().zip(self.samples.last().copied().unwrap_or_default()) {
            let _ = write!(line, "  {name} {value}");
        }
        let swaps = self.counts.iter().find(|(name, _)| *name == "swaps").map_or(0, |(_, count)| *count);
        let _ = write!(line, "  swaps {swaps}");
        line
    }

    /// Everything, as a table.
    pub fn table(&self, bounds: &Bounds) -> String {
        let mut table = format!("{} samples in {:.0} s\n", self.samples.len(), self.elapsed.as_secs_f64());
        for (name, count) in &self.counts {
            let _ = writeln!(table, "  {name}: {count}");
        }
        let _ = writeln!(
            table,
            "{:<20} | {:>8} | {:>8} | {:>8} | {:>6} | {:>6} |",
            "", "minimum", "median", "maximum", "drift", "bound"
        );
        for (row, (drift, bound)) in self.drift().into_iter().zip(bounds).enumerate() {
            let all = self.row(row);
            let (least, most) = (all.iter().min().unwrap_or(&0), all.iter().max().unwrap_or(&0));
            let allowed = if *bound == i64::MAX { "none".to_owned() } else { bound.to_string() };
            let verdict = if drift > *bound { "OVER" } else { "ok" };
            let (name, middle) = (NAMES[row], median(&all));
            let _ = writeln!(
                table,
                "{name:<20} | {least:>8} | {middle:>8} | {most:>8} | {drift:>6} | {allowed:>6} | {verdict}"
            );
        }
        table
    }
}

fn median(values: &[i64]) -> i64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(of: impl Fn(i64) -> i64) -> Figures {
        let samples = (0..100).map(|number| [of(number), 7, 7, 7, 7]).collect();
        Figures { samples, ..Figures::default() }
    }

    #[test]
    fn what_grows_is_told_and_what_is_made_once_or_for_a_moment_is_not() {
        assert_eq!(figures(|number| number * 10).drift()[0], 600);
        assert_eq!(figures(|number| if number < 15 { number } else { 15 }).drift()[0], 0, "made once");
        assert_eq!(figures(|number| if number == 95 { 1_000 } else { 5 }).drift()[0], 0, "for a moment");
        let grown = figures(|number| number * 10).over(&[599, 0, 0, 0, 0]);
        assert_eq!(grown, ["private memory, KiB grew by 600, 599 allowed"]);
        assert!(figures(|number| number * 10).table(&[599, 0, 0, 0, 0]).contains("OVER"));
        assert!(figures(|_| 5).over(&[0; ROWS]).is_empty());
    }
}
