//! What stands on the screen, and what to write so that something else does. Pure.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anstream::adapter::strip_str;

use super::frame::Size;

/// The least time between two drawings.
const PERIOD: Duration = Duration::from_millis(100);

/// What stands on the screen.
#[derive(Debug, Default)]
pub(super) struct Screen {
    lines: Vec<String>,
    size: Option<Size>,
}

impl Screen {
    /// What to write so that `lines` stand there; `None`: they do.
    pub(super) fn show(&mut self, lines: Vec<String>, size: Size, colours: bool) -> Option<Vec<u8>> {
        let plain = |line: String| if colours { line } else { strip_str(&line).to_string() };
        let lines: Vec<String> = lines.into_iter().map(plain).collect();
        let mut out = String::new();
        if self.size != Some(size) {
            out.push_str("\x1b[2J");
            self.lines.clear();
        }
        for (number, line) in lines.iter().enumerate() {
            if self.lines.get(number).is_none_or(|shown| shown != line) {
                // Cleared before: behind a line that fills its row, the cursor stands on its last character. Writing
                // to a string cannot fail.
                let _ = write!(out, "\x1b[{};1H\x1b[2K{line}", number + 1);
            }
        }
        (self.lines, self.size) = (lines, Some(size));
        // As one change, where the terminal knows how.
        (!out.is_empty()).then(|| format!("\x1b[?2026h{out}\x1b[?2026l").into_bytes())
    }
}

/// When to draw next.
#[derive(Debug, Default)]
pub(super) struct Pace {
    drawn: Option<Instant>,
}

impl Pace {
    /// The earliest time for something new.
    pub(super) fn next(&self, now: Instant) -> Instant {
        self.drawn.map_or(now, |drawn| drawn + PERIOD)
    }

    pub(super) fn drawn(&mut self, now: Instant) {
        self.drawn = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { columns: 20, rows: 3 };

    fn show(screen: &mut Screen, lines: &[&str], size: Size) -> Option<String> {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        screen.show(lines, size, false).map(|bytes| String::from_utf8(bytes).expect("text"))
    }

    #[test]
    fn only_lines_that_changed_are_written_and_nothing_where_none_did() {
        let mut screen = Screen::default();
        let first = show(&mut screen, &["a", "b", "c"], SIZE).expect("something new");
        assert!(first.contains("\x1b[2J") && first.contains("\x1b[3;1H\x1b[2Kc"), "{first:?}");
        assert_eq!(show(&mut screen, &["a", "b", "c"], SIZE), None);
        let second = show(&mut screen, &["a", "B", "c"], SIZE).expect("something new");
        assert_eq!(second, "\x1b[?2026h\x1b[2;1H\x1b[2KB\x1b[?2026l");
    }

    #[test]
    fn another_size_draws_everything_again() {
        let mut screen = Screen::default();
        show(&mut screen, &["a", "b"], SIZE);
        let again = show(&mut screen, &["a", "b"], Size { columns: 10, rows: 2 }).expect("all of it");
        assert!(again.contains("\x1b[2J\x1b[1;1H\x1b[2Ka\x1b[2;1H\x1b[2Kb"), "{again:?}");
    }

    #[test]
    fn without_colours_there_are_none() {
        let mut screen = Screen::default();
        let lines = || vec!["\x1b[31mred\x1b[0m".to_owned()];
        let plain = screen.show(lines(), SIZE, false).expect("something new");
        assert!(!String::from_utf8(plain).expect("text").contains("[31m"));
        let coloured = Screen::default().show(lines(), SIZE, true).expect("something new");
        assert!(String::from_utf8(coloured).expect("text").contains("[31m"));
    }

    #[test]
    fn drawings_keep_their_distance() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert_eq!(pace.next(start), start, "the first one at once");
        pace.drawn(start);
        assert_eq!(pace.next(start + Duration::from_millis(5)), start + PERIOD);
        assert!(pace.next(start + 2 * PERIOD) < start + 2 * PERIOD, "one that is late is due");
    }
}
