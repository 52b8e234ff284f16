//! What is printed at the end.

use std::fmt::Write as _;

/// What a row's numbers are.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Seconds,
    Bytes,
}

/// One line: what was measured, what it is compared with, what is allowed.
pub(crate) struct Row {
    name: String,
    unit: Unit,
    reactor: f64,
    raw: Option<f64>,
    most: Option<f64>,
    most_ratio: Option<f64>,
}

impl Row {
    pub(crate) fn new(name: impl Into<String>, unit: Unit, reactor: f64) -> Self {
        Self { name: name.into(), unit, reactor, raw: None, most: None, most_ratio: None }
    }

    /// Beside this, measured in the same run.
    pub(crate) fn beside(mut self, raw: f64) -> Self {
        self.raw = Some(raw);
        self
    }

    /// Allowed is this much, in the row's unit.
    pub(crate) fn at_most(mut self, most: f64) -> Self {
        self.most = Some(most);
        self
    }

    /// Allowed is so many times the raw value.
    pub(crate) fn at_most_times(mut self, most: f64) -> Self {
        self.most_ratio = Some(most);
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.raw.filter(|raw| *raw > 0.0).map(|raw| self.reactor / raw)
    }

    fn cells(&self) -> [String; 6] {
        let dash = || "-".to_owned();
        let limits = [
            self.most.map(|most| (format!("<= {}", self.unit.show(most)), self.reactor <= most)),
            self.most_ratio
                .map(|most| (format!("<= {most} x raw"), self.ratio().is_some_and(|ratio| ratio <= most))),
        ];
        let limits: Vec<_> = limits.into_iter().flatten().collect();
        let budget = limits.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(", ");
        let verdict = match limits.iter().all(|(_, held)| *held) {
            _ if limits.is_empty() => "-",
            true => "ok",
            false => "OVER",
        };
        [
            self.name.clone(),
            self.unit.show(self.reactor),
            self.raw.map_or_else(dash, |raw| self.unit.show(raw)),
            self.ratio().map_or_else(dash, |ratio| format!("{ratio:.2}")),
            if budget.is_empty() { dash() } else { budget },
            verdict.to_owned(),
        ]
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Seconds if value < 1e-6 => format!("{:.2} ns", value * 1e9),
            Self::Seconds if value < 1e-3 => format!("{:.1} us", value * 1e6),
            Self::Seconds => format!("{:.2} ms", value * 1e3),
            Self::Bytes => format!("{:.3} KiB", value / 1024.0),
        }
    }
}

/// The rows as a table whose columns stand under each other.
pub(crate) fn render(rows: &[Row]) -> String {
    let head = ["name", "reactor", "raw", "ratio", "budget", "ok/OVER"].map(str::to_owned);
    let lines: Vec<[String; 6]> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let mut widths = [0; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.len());
        }
    }
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            // Numbers to the right, words to the left.
            if (1..=3).contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        // Writing to a `String` does not fail.
        let _ = writeln!(text, "{}", cells.collect::<Vec<_>>().join(" | ").trim_end());
    }
    text
}
