//! What can be wrong with a manifest, and where.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::{IdError, MAX_MANIFEST_BYTES};

/// The most characters of a manifest that an error repeats.
const SHOWN: usize = 80;

/// A manifest was refused: what is wrong ([`problem`](Self::problem)) and where it stands.
///
/// Displayed as `plugin.toml:12:8: what is wrong`, followed by the offending line with a caret under the
/// place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}:{}: {problem}{place}", place.path.display(), place.line, place.column)]
pub struct ManifestError {
    place: Box<Place>,
    problem: Problem,
}

impl ManifestError {
    /// An error at a range of bytes of `text`.
    pub(super) fn at(path: &Path, text: &str, span: Range<usize>, problem: Problem) -> Self {
        Self { place: Box::new(Place::find(path, text, span)), problem }
    }

    /// The error of a manifest that was not read since it has more than [`MAX_MANIFEST_BYTES`].
    pub fn too_large(path: &Path, bytes: u64) -> Self {
        Self::at(path, "", 0..0, Problem::TooLarge { bytes })
    }

    /// The file, or the library that the manifest is embedded in.
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.place.line
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> usize {
        self.place.column
    }

    /// The offending text: at most 80 characters of one line, with control characters replaced.
    pub fn text(&self) -> &str {
        &self.place.text
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The stable code, `RE0101` to `RE0118`.
    pub fn code(&self) -> &'static str {
        self.problem.code()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    path: PathBuf,
    line: usize,
    column: usize,
    text: String,
    /// The part of the line that is shown, and where in it the caret stands, both in characters.
    excerpt: String,
    caret: Range<usize>,
}

impl Place {
    fn find(path: &Path, text: &str, span: Range<usize>) -> Self {
        let start = text.floor_char_boundary(span.start);
        let end = text.floor_char_boundary(span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let before = text[line_start..start].chars().count();
        let within = text[start..end.min(line_end)].chars().count();

        let line = text[line_start..line_end].trim_end_matches('\r');
        let skipped = if line.chars().count() > SHOWN { before.saturating_sub(SHOWN / 2) } else { 0 };
        let excerpt: String = line.chars().skip(skipped).take(SHOWN).map(printable).collect();
        let caret = before - skipped;
        let width = within.max(1).min(SHOWN.saturating_sub(caret).max(1));
        Self {
            path: path.to_owned(),
            line: text[..start].matches('\n').count() + 1,
            column: before + 1,
            text: shown(&text[start..end.min(line_end)]),
            excerpt,
            caret: caret..caret + width,
        }
    }
}

/// The offending line with a caret, on lines of their own.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.excerpt.is_empty() {
            return Ok(());
        }
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let (indent, width) = (self.caret.start, self.caret.len());
        write!(f, "\n{number} | {}\n{margin} | {:indent$}{:^<width$}", self.excerpt, "", "")
    }
}

/// At most 80 characters of what a manifest says, safe to print in a terminal.
pub(super) fn shown(text: &str) -> String {
    let mut cut: String = text.chars().take(SHOWN).map(printable).collect();
    if text.chars().nth(SHOWN).is_some() {
        cut.pop();
        cut.push('…');
    }
    cut
}

fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        // Marks that change the direction of the text after them can make a line read as another.
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// One way for a manifest to be wrong. Texts that it repeats are cut to 80 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// More than [`MAX_MANIFEST_BYTES`]; nothing of it was read.
    #[error("the manifest has {bytes} bytes; shorten it to {MAX_MANIFEST_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// Not TOML, or not UTF-8.
    #[error("not valid TOML: {reason}")]
    Syntax {
        /// The reader's words.
        reason: String,
    },
    /// A key that means nothing where it stands.
    #[error(
        "unknown key `{key}`{}{}",
        if table.is_empty() { String::new() } else { format!(" in `[{table}]`") },
        suggestion.as_ref().map_or_else(
            || "; remove it".to_owned(), |meant| format!(" (did you mean `{meant}`?)")
        )
    )]
    UnknownKey {
        /// The key.
        key: String,
        /// The table it stands in; empty at the top.
        table: String,
        /// A known key that looks like it.
        suggestion: Option<String>,
    },
    /// A key that must be there.
    #[error("`{key}` is missing; add it, as in `{example}`")]
    MissingKey {
        /// The key, with its table.
        key: String,
        /// A line that would do.
        example: String,
    },
    /// A value of another type than the key takes.
    #[error("`{key}` takes {expected}, not {found}")]
    WrongType {
        /// The key, with its table.
        key: String,
        /// What it takes.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A `schema` that this host cannot read.
    #[error(
        "manifest schema {found} is not known here; write `schema = 1`, or update the host if it is newer"
    )]
    UnknownSchema {
        /// The number that stands there.
        found: i64,
    },
    /// An empty text, or one of white space only.
    #[error("`{key}` is empty; write something or remove the key")]
    Empty {
        /// The key, with its table.
        key: String,
    },
    /// A text beyond its limit.
    #[error("`{key}` has {bytes} bytes; shorten it to {limit}")]
    TooLong {
        /// The key, with its table.
        key: String,
        /// Its length.
        bytes: usize,
        /// The most that is accepted, in bytes.
        limit: usize,
    },
    /// Not a plugin id.
    #[error("`{key}`: `{found}` is not a plugin id: {reason}")]
    BadId {
        /// The key, with its table.
        key: String,
        /// The text.
        found: String,
        /// The rule that it breaks.
        reason: IdError,
    },
    /// Not a `SemVer` version.
    #[error("`{key}`: `{found}` is not a version: {reason}; write three numbers, as in `1.4.2`")]
    BadVersion {
        /// The key, with its table.
        key: String,
        /// The text.
        found: String,
        /// The reader's words.
        reason: String,
    },
    /// Not a range of versions.
    #[error(
        "`{key}`: `{found}` is not a range of versions: {reason}; write one such as `^1.2` or `>=1.4, <3`"
    )]
    BadRange {
        /// The key, with its table.
        key: String,
        /// The text.
        found: String,
        /// The reader's words.
        reason: String,
    },
    /// A name, path, address or variable that breaks its rule.
    #[error("`{key}`: `{found}` cannot stand here: {reason}")]
    BadName {
        /// The key, with its table.
        key: String,
        /// The text.
        found: String,
        /// The rule that it breaks.
        reason: String,
    },
    /// A text that is none of the words that the key takes.
    #[error("`{key}`: `{found}` is not one of {allowed}")]
    BadChoice {
        /// The key, with its table.
        key: String,
        /// The text.
        found: String,
        /// The words, each in backticks.
        allowed: String,
    },
    /// A number, duration or size that cannot be read or is out of range.
    #[error("`{key}`: `{found}` does not do: {reason}")]
    BadQuantity {
        /// The key, with its table.
        key: String,
        /// The text.
        found: String,
        /// The rule that it breaks.
        reason: String,
    },
    /// Not an activation or deactivation event.
    #[error("`{key}`: `{found}` is not an event: {reason}")]
    BadEvent {
        /// The key.
        key: String,
        /// The text.
        found: String,
        /// What to write.
        reason: String,
    },
    /// The same thing said twice.
    #[error("`{key}` names `{value}` twice; remove one")]
    Duplicate {
        /// The key, with its table.
        key: String,
        /// What stands twice.
        value: String,
    },
    /// A plugin that needs, or is in conflict with, itself.
    #[error("`{key}` names `{value}`, which is this plugin's own; remove it")]
    RefersToItself {
        /// The key, with its table.
        key: String,
        /// The plugin's id, or an interface that it provides.
        value: String,
    },
    /// Two keys that cannot both hold.
    #[error("`{key}`: {reason}")]
    Contradiction {
        /// The key, with its table.
        key: String,
        /// What it contradicts and how to end that.
        reason: String,
    },
}

impl Problem {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "RE0101",
            Self::Syntax { .. } => "RE0102",
            Self::UnknownKey { .. } => "RE0103",
            Self::MissingKey { .. } => "RE0104",
            Self::WrongType { .. } => "RE0105",
            Self::UnknownSchema { .. } => "RE0106",
            Self::Empty { .. } => "RE0107",
            Self::TooLong { .. } => "RE0108",
            Self::BadId { .. } => "RE0109",
            Self::BadVersion { .. } => "RE0110",
            Self::BadRange { .. } => "RE0111",
            Self::BadName { .. } => "RE0112",
            Self::BadChoice { .. } => "RE0113",
            Self::BadQuantity { .. } => "RE0114",
            Self::BadEvent { .. } => "RE0115",
            Self::Duplicate { .. } => "RE0116",
            Self::RefersToItself { .. } => "RE0117",
            Self::Contradiction { .. } => "RE0118",
        }
    }
}

/// A manifest beside a library differs from the copy inside it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{field}` is {file} in the manifest file and {embedded} in the library; rebuild it or remove the file"
)]
#[non_exhaustive]
pub struct Disagreement {
    /// The key that differs.
    pub field: &'static str,
    /// What the file says.
    pub file: String,
    /// What the library says.
    pub embedded: String,
}

impl Disagreement {
    /// The stable code, `RE0119`.
    pub fn code(&self) -> &'static str {
        "RE0119"
    }
}
