//! Small pieces of text.

use std::time::Duration;

/// A time in the unit that reads best: `0.9 ms`, `312 ms`, `21.0 s`.
pub(crate) fn micros(micros: u64) -> String {
    let ms = Duration::from_micros(micros).as_secs_f64() * 1000.0;
    match ms {
        ..9.95 => format!("{ms:.1} ms"),
        ..9999.5 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1000.0),
    }
}

/// A text from elsewhere, unable to move the cursor or change colours. Lines after the first are indented, so that
/// none can pass for a line of ours.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        match c {
            '\n' => shown.push_str("\n    "),
            '\t' => shown.push(c),
            c if c.is_control() || turns_text(c) => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// Whether `c` changes the order in which what stands around it is shown, or breaks the line where `\n` does not.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

/// A text of the book's without its marks for links: `[Trials](trials.md)` is `Trials (trials.md)`.
pub(crate) fn unlinked(text: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, name, address, after)) = next_link(rest) {
        shown.extend([before, name, " (", address, ")"]);
        rest = after;
    }
    shown + rest
}

/// What stands before the first link, its name, its address, and what stands behind it.
fn next_link(text: &str) -> Option<(&str, &str, &str, &str)> {
    let middle = text.find("](")?;
    let (before, name) = text[..middle].rsplit_once('[')?;
    let (address, after) = text[middle + 2..].split_once(')')?;
    Some((before, name, address, after))
}

/// A paragraph in lines of at most 100 characters, each behind `indent` blanks.
pub(crate) fn filled(text: &str, indent: usize) -> String {
    const WIDTH: usize = 100;
    let mut filled = String::new();
    let mut used = WIDTH;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used + 1 + length > WIDTH {
            filled.push_str(if filled.is_empty() { "" } else { "\n" });
            filled.extend(std::iter::repeat_n(' ', indent));
            used = indent;
        } else {
            filled.push(' ');
            used += 1;
        }
        filled.push_str(word);
        used += length;
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        for (us, text) in [
            (0, "0.0 ms"),
            (900, "0.9 ms"),
            (9_940, "9.9 ms"),
            (9_960, "10 ms"),
            (312_400, "312 ms"),
            (9_999_900, "10.0 s"),
            (21_000_000, "21.0 s"),
        ] {
            assert_eq!(micros(us), text);
        }
    }

    #[test]
    fn links_are_a_name_and_an_address() {
        for (text, shown) in [
            ("see [Trials](trials.md)", "see Trials (trials.md)"),
            ("[A](a.md) and [B](b.md#c), `[x]`", "A (a.md) and B (b.md#c), `[x]`"),
            ("see ](no link", "see ](no link"),
            ("none", "none"),
        ] {
            assert_eq!(unlinked(text), shown);
        }
    }

    #[test]
    fn foreign_text_stays_in_its_line() {
        assert_eq!(plain("a\x1b[2Jb\r"), "a\\u{1b}[2Jb");
        assert_eq!(plain("first\n+ fake 1.0.0\n"), "first\n    + fake 1.0.0");
        assert_eq!(plain("user\u{202e}gnp.exe"), "user\\u{202e}gnp.exe");
        assert_eq!(plain("tab\tand ünïcode"), "tab\tand ünïcode");
    }
}
