//! The live view as lines of text: pure, from what is to be shown and the size of the terminal.

use std::fmt::Write as _;

use super::model::{Model, Row, State};
use super::text::{columns, fit, padded, right, wrapped};
use crate::output::{BAD, CHANGED, FAINT, GOOD};

/// Lines that the last lines of the log keep, if the terminal has them.
const LOG: usize = 6;

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// Exactly `size.rows` lines, none wider than `size.columns`.
pub(crate) fn frame(model: &Model, size: Size) -> Vec<String> {
    let mut lines = vec![title(model, size.columns)];
    let below = size.rows.saturating_sub(lines.len());
    // Heading and rule; the log gives way first where there is little room.
    let room = below.saturating_sub(2).saturating_sub(LOG).max(below.saturating_sub(2).div_ceil(2));
    let (shown, hidden) = choose(&model.rows, room);
    if !model.rows.is_empty() {
        let widths = Widths::of(&shown, size.columns);
        lines.push(format!("{FAINT}{}{FAINT:#}", widths.line(&HEADING.map(str::to_owned))));
        lines.extend(shown.iter().map(|row| drawn(row, &widths)));
        lines.extend(rest(&hidden));
    }
    let rule = format!("{FAINT}{}{FAINT:#}", "─".repeat(size.columns));
    let room = size.rows.saturating_sub(lines.len());
    let mut errors: Vec<_> = model.errors().iter().flat_map(|line| wrapped(line, size.columns)).collect();
    if !errors.is_empty() {
        errors.truncate(room * 2 / 3);
        lines.push(rule.clone());
        lines.extend(errors);
    }
    lines.push(rule);
    let room = size.rows.saturating_sub(lines.len());
    lines.extend(tail(model, size.columns, room));
    lines.truncate(size.rows);
    lines.resize(size.rows, String::new());
    lines.into_iter().map(|line| fit(&line, size.columns)).collect()
}

/// `reactor run plugins   6 plugins: 5 running, 1 failed`.
fn title(model: &Model, width: usize) -> String {
    const HINT: &str = "Ctrl-C ends";
    let mut line = format!("{}  {} plugin{}", model.title, model.rows.len(), plural(model.rows.len()));
    let counted = summary(&model.rows.iter());
    if !counted.is_empty() {
        let _ = write!(line, ": {counted}");
    }
    let gap = width.saturating_sub(columns(&line) + HINT.len());
    if gap < 2 {
        return line;
    }
    format!("{line}{}{FAINT}{HINT}{FAINT:#}", " ".repeat(gap))
}

fn plural(number: usize) -> &'static str {
    if number == 1 { "" } else { "s" }
}

fn summary<'a>(rows: &(impl Iterator<Item = &'a Row> + Clone)) -> String {
    let counted = State::ALL.iter().filter_map(|state| {
        let number = rows.clone().filter(|row| row.state == *state).count();
        let style = style(*state);
        (number > 0).then(|| format!("{style}{number} {}{style:#}", state.word()))
    });
    counted.collect::<Vec<_>>().join(", ")
}

/// The rows to show in `room` lines, and the others, for which one line is kept. Those in trouble go first; they stand
/// in the order of their names all the same.
fn choose(rows: &[Row], room: usize) -> (Vec<&Row>, Vec<&Row>) {
    if rows.len() <= room {
        return (rows.iter().collect(), Vec::new());
    }
    let mut ranked: Vec<usize> = (0..rows.len()).collect();
    ranked.sort_by_key(|at| (!rows[*at].state.is_trouble(), *at));
    let mut shown = ranked;
    let mut hidden = shown.split_off(room.saturating_sub(1));
    shown.sort_unstable();
    hidden.sort_unstable();
    let pick = |numbers: Vec<usize>| numbers.into_iter().map(|at| &rows[at]).collect();
    (pick(shown), pick(hidden))
}

fn rest(hidden: &[&Row]) -> Option<String> {
    let counted = summary(&hidden.iter().copied());
    (!hidden.is_empty()).then(|| format!("{FAINT}… and {} more:{FAINT:#} {counted}", hidden.len()))
}

const HEADING: [&str; 7] = ["PLUGIN", "VERSION", "GEN", "STATE", "CALLS/S", "P99", "LAST EVENT"];
/// Which columns are numbers, and stand to the right.
const RIGHT: [bool; 7] = [false, false, true, false, true, true, false];
/// The columns that a narrow terminal does without, the first to go first.
const TO_GO: [usize; 4] = [1, 5, 4, 2];
/// What the last column must have beside the others.
const EVENT: usize = 16;
const NAME: usize = 0;
const STATE: usize = 3;
const LAST: usize = 6;

/// How wide each column is; those with 0 are left out.
struct Widths([usize; 7]);

impl Widths {
    fn of(rows: &[&Row], width: usize) -> Self {
        let mut widths = HEADING.map(str::len);
        for row in rows {
            for (widest, cell) in widths.iter_mut().zip(cells(row)) {
                *widest = columns(&cell).max(*widest);
            }
        }
        // A name or version takes a share of the line, however long it is.
        widths[NAME] = widths[NAME].min((width / 3).max(8));
        widths[1] = widths[1].min((width / 6).max(8));
        widths[LAST] = 0;
        let used =
            |widths: &[usize; 7]| widths.iter().filter(|width| **width > 0).map(|width| width + 2).sum();
        for column in TO_GO {
            let used: usize = used(&widths);
            if used + EVENT > width {
                widths[column] = 0;
            }
        }
        widths[LAST] = width.saturating_sub(used(&widths));
        Self(widths)
    }

    fn line(&self, cells: &[String; 7]) -> String {
        let columns = self.0.iter().zip(cells).zip(RIGHT).filter(|((width, _), _)| **width > 0);
        let cells = columns.map(
            |((width, cell), to_right)| {
                if to_right { right(cell, *width) } else { padded(cell, *width) }
            },
        );
        let line = cells.collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned()
    }
}

fn cells(row: &Row) -> [String; 7] {
    [
        row.name.clone(),
        row.version.clone(),
        row.generation.map(|generation| generation.to_string()).unwrap_or_default(),
        row.state.word().to_owned(),
        row.calls_per_second.map(rate).unwrap_or_default(),
        row.p99_ns.map(time).unwrap_or_default(),
        row.last.text.clone(),
    ]
}

fn drawn(row: &Row, widths: &Widths) -> String {
    let mut cells = cells(row);
    let coloured = |style: anstyle::Style, text: &str| format!("{style}{text}{style:#}");
    cells[STATE] = coloured(style(row.state), &cells[STATE]);
    let style = if row.last.is_bad { BAD } else { FAINT };
    cells[LAST] = coloured(style, &cells[LAST]);
    widths.line(&cells)
}

fn style(state: State) -> anstyle::Style {
    match state {
        State::Running => GOOD,
        State::Trial => CHANGED,
        State::Failed | State::Refused => BAD,
        State::Stopped | State::Off => FAINT,
    }
}

/// The newest lines, as many as fit.
fn tail(model: &Model, width: usize, room: usize) -> Vec<String> {
    let mut shown = Vec::new();
    for line in model.lines.iter().rev() {
        if shown.len() >= room {
            break;
        }
        shown.extend(wrapped(line, width).into_iter().rev());
    }
    shown.truncate(room);
    shown.reverse();
    shown
}

/// Calls a second, in three digits: `0`, `12`, `1.2k`, `340k`, `3.4M`.
fn rate(calls: f64) -> String {
    match calls {
        ..0.05 => "0".to_owned(),
        ..9.95 => format!("{calls:.1}"),
        ..999.5 => format!("{calls:.0}"),
        ..9_950.0 => format!("{:.1}k", calls / 1e3),
        ..999_500.0 => format!("{:.0}k", calls / 1e3),
        ..9_950_000.0 => format!("{:.1}M", calls / 1e6),
        _ => format!("{:.0}M", calls / 1e6),
    }
}

/// A time from nanoseconds: `85 ns`, `1.2 µs`, `340 µs`, `2.5 ms`, `1.0 s`.
fn time(ns: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two digits of it are shown")]
    let ns = ns as f64;
    let (number, unit) = match ns {
        ..999.5 => return format!("{ns:.0} ns"),
        ..999_500.0 => (ns / 1e3, "µs"),
        ..999_500_000.0 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    if number < 9.95 { format!("{number:.1} {unit}") } else { format!("{number:.0} {unit}") }
}

#[cfg(test)]
mod tests;
