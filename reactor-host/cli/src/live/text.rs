//! Texts cut and wrapped to the columns of a terminal. They may carry our own colours; whatever else could move the
//! cursor was taken out before, by [`crate::output::plain`].

use unicode_width::UnicodeWidthChar as _;

/// A change of colour, which takes no column, or a character.
enum Piece<'a> {
    Style(&'a str),
    Char(char, usize),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let c = rest.chars().next()?;
        let style = rest.strip_prefix("\x1b[").and_then(|after| after.find('m')).map(|end| end + 3);
        let length = style.unwrap_or(c.len_utf8());
        let (piece, after) = rest.split_at(length);
        rest = after;
        Some(match style {
            Some(_) => Piece::Style(piece),
            // A tab would jump; what else has no width is shown by nothing.
            None if c == '\t' => Piece::Char(' ', 1),
            None => Piece::Char(c, c.width().unwrap_or(0)),
        })
    })
}

/// The columns that `text` takes.
pub(crate) fn columns(text: &str) -> usize {
    pieces(text).map(|piece| if let Piece::Char(_, width) = piece { width } else { 0 }).sum()
}

/// `text` in at most `width` columns; one that does not fit ends with `…`.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let cut = columns(text) > width;
    let room = if cut { width.saturating_sub(1) } else { width };
    let (mut out, mut used, mut styled, mut full) = (String::with_capacity(text.len()), 0, false, false);
    for piece in pieces(text) {
        match piece {
            Piece::Style(style) => {
                // Those after the end count too: one of them may end a colour.
                styled = true;
                out.push_str(style);
            }
            Piece::Char(c, columns) if !full && used + columns <= room => {
                used += columns;
                out.push(c);
            }
            Piece::Char(..) => {
                if !full && cut && width > 0 {
                    out.push('…');
                }
                full = true;
            }
        }
    }
    if styled {
        out.push_str("\x1b[0m");
    }
    out
}

/// `text` in exactly `width` columns.
pub(crate) fn padded(text: &str, width: usize) -> String {
    let mut out = fit(text, width);
    let used = columns(&out);
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
    out
}

/// `text` in exactly `width` columns, to the right.
pub(crate) fn right(text: &str, width: usize) -> String {
    let text = fit(text, width);
    let gap = width.saturating_sub(columns(&text));
    format!("{}{text}", " ".repeat(gap))
}

/// `text` in lines of at most `width` columns, broken between words where that is possible. Those after the first are
/// indented.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    const INDENT: usize = 4;
    if columns(text) <= width || width <= 2 * INDENT {
        return vec![fit(text, width)];
    }
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    // Where the line can be broken: behind a blank, at which byte and column.
    let (mut blank, mut style) = (None, String::new());
    for piece in pieces(text) {
        let (c, columns) = match piece {
            Piece::Style(text) => {
                line.push_str(text);
                style = if text == "\x1b[0m" { String::new() } else { style + text };
                continue;
            }
            Piece::Char(c, columns) => (c, columns),
        };
        if used + columns > width {
            let (at, column) = blank.take().unwrap_or((line.len(), used));
            let rest = line.split_off(at);
            // A colour goes on in the next line.
            let next = format!("{}{style}{rest}", " ".repeat(INDENT));
            line.truncate(line.trim_end_matches(' ').len());
            line.push_str(if line.contains('\x1b') { "\x1b[0m" } else { "" });
            lines.push(std::mem::replace(&mut line, next));
            used = INDENT + used - column;
        }
        line.push(c);
        used += columns;
        if c == ' ' && used > width / 2 {
            blank = Some((line.len(), used));
        }
    }
    if line.contains('\x1b') {
        line.push_str("\x1b[0m");
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;

    #[test]
    fn a_text_is_cut_at_columns_not_at_bytes() {
        for (text, width, cut) in [
            ("greeting", 8, "greeting"),
            ("greeting", 7, "greeti…"),
            ("größe", 5, "größe"),
            ("漢字漢字", 8, "漢字漢字"),
            ("漢字漢字", 6, "漢字…"),
            ("e\u{301}e\u{301}e\u{301}", 3, "e\u{301}e\u{301}e\u{301}"),
            ("a\tb", 3, "a b"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
            ("", 4, ""),
        ] {
            assert_eq!(fit(text, width), cut, "{text:?} in {width}");
            assert!(columns(&fit(text, width)) <= width);
            assert_eq!(columns(&padded(text, width)), width, "{text:?} in {width}");
            assert_eq!(columns(&right(text, width)), width, "{text:?} in {width}");
        }
    }

    #[test]
    fn colours_take_no_column_and_end_with_the_text() {
        let red = "\x1b[31mrefused\x1b[0m now";
        assert_eq!(columns(red), 11);
        assert_eq!(fit(red, 4), "\x1b[31mref…\x1b[0m\x1b[0m");
        let lines = wrapped("\x1b[31mone two three four five six\x1b[0m seven", 14);
        assert!(lines.iter().all(|line| columns(line) <= 14 && line.ends_with("\x1b[0m")), "{lines:#?}");
        assert!(lines[1].starts_with("    \x1b[31m"), "the colour goes on: {lines:#?}");
    }

    #[test]
    fn a_long_line_is_broken_between_words_and_nothing_of_it_is_lost() {
        let text =
            "! notes 1.0.0  refused [RE0404]: notes depends on acme.base ^2, which is not here; install it";
        let lines = wrapped(text, 40);
        assert!(lines.iter().all(|line| columns(line) <= 40), "{lines:#?}");
        let joined = lines.iter().map(|line| line.trim_start()).collect::<Vec<_>>().join(" ");
        assert_eq!(joined, text);
        let long = "x".repeat(95);
        let lines = wrapped(&long, 40);
        assert_eq!(lines.iter().map(|line| line.trim_start()).collect::<String>(), long);
        assert_eq!(strip_str(&wrapped("short", 40).concat()).to_string(), "short");
    }
}
