//! The repository's own sources, as text to be looked over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::corpus::root;

/// How a file's own test module begins, which stands at its end.
const UNIT_TESTS: &str = "#[cfg(test)]\nmod tests {";

/// A file of the repository.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Its path from the root, with `/` between folders.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl SourceFile {
    /// Whether it stands at `place`: the file itself, or, for a place that ends with `/`, anywhere below.
    pub fn is_in(&self, place: &str) -> bool {
        self.path == place || (place.ends_with('/') && self.path.starts_with(place))
    }

    /// Whether only tests compile it.
    pub fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.ends_with("/tests.rs")
            || self.path.contains("/tests/")
            || self.path.ends_with("/fixture.rs")
    }

    /// The part before the file's own test module.
    pub fn without_unit_tests(&self) -> &str {
        self.text.split_once(UNIT_TESTS).map_or(&self.text, |(code, _)| code)
    }

    /// The file's own test module.
    pub fn unit_tests(&self) -> &str {
        self.text.split_once(UNIT_TESTS).map_or("", |(_, tests)| tests)
    }
}

/// Every file with this extension that belongs to the repository, by path. Folders that builds make are passed over.
///
/// # Panics
///
/// When one can not be read.
pub fn files(extension: &str) -> Vec<SourceFile> {
    let mut files = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().expect("a folder of the repository") {
            let path = entry.expect("an entry of a folder").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') && !path.ends_with("book/book") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = std::fs::read_to_string(&path).expect("a text");
                files.push(SourceFile { path: relative(&path), text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// The path of a file of the repository.
pub fn path(relative: &str) -> PathBuf {
    root().join(relative)
}

/// What is to be blanked out of a source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blank {
    /// Comments only.
    Comments,
    /// Comments, and what stands between quotes.
    CommentsAndTexts,
}

/// `text` with comments, and texts if asked, replaced by blanks. Lines stay lines.
pub fn blank(text: &str, what: Blank) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let before = out.chars().next_back();
        let (length, keep) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if rest.starts_with("/*") {
            (block_comment(rest), false)
        } else if let Some(length) = literal(rest, before) {
            (length, what == Blank::Comments)
        } else {
            (first.len_utf8(), true)
        };
        let (piece, after) = rest.split_at(length);
        if keep {
            out.push_str(piece);
        } else {
            out.extend(piece.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        rest = after;
    }
    out
}

/// The length of the comment that `text` begins with; comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_u32, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of the string or character that `text` begins with, if it begins with one.
fn literal(text: &str, before: Option<char>) -> Option<usize> {
    if text.starts_with('"') {
        return Some(quoted(text, '"'));
    }
    if let Some(raw) = text.strip_prefix('r')
        && !before.is_some_and(|c| c.is_alphanumeric() && c != 'b' && c != 'c' || c == '_')
    {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = 1 + hashes + 1;
            return Some(text[start..].find(&end).map_or(text.len(), |at| start + at + end.len()));
        }
    }
    // `'a'` and `'\n'` are characters, `'a` is a lifetime.
    let mut inner = text.strip_prefix('\'')?.chars();
    let is_character = match inner.next()? {
        '\\' => true,
        _ => inner.next() == Some('\''),
    };
    is_character.then(|| quoted(text, '\''))
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Every error code that programs can meet, with the places where the sources write it: `path:line`.
pub fn error_codes() -> BTreeMap<String, Vec<String>> {
    let mut codes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let ours = ["reactor-abi/", "reactor-host/"];
    for file in
        files("rs").iter().filter(|file| !file.is_test() && ours.iter().any(|place| file.is_in(place)))
    {
        let text = blank(file.without_unit_tests(), Blank::Comments);
        for (number, line) in text.lines().enumerate() {
            for (at, _) in line.match_indices("\"RE") {
                let Some(code) = line.get(at + 1..at + 7) else { continue };
                if code[2..].bytes().all(|byte| byte.is_ascii_digit()) && line[at + 7..].starts_with('"') {
                    codes.entry(code.to_owned()).or_default().push(format!("{}:{}", file.path, number + 1));
                }
            }
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_texts_are_told_from_code() {
        for (text, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("\" // no"); g"#, "f(          ); g"),
            (r##"r#"a "b" c"# d"##, "             d"),
            ("for r in x", "for r in x"),
            ("'x' 'a: '\\'' &'a str", "    'a:      &'a str"),
            (r#"b"un" bar"#, "b     bar"),
        ] {
            assert_eq!(blank(text, Blank::CommentsAndTexts), code, "{text}");
        }
        assert_eq!(blank("\"// no\" // yes", Blank::Comments), "\"// no\"       ");
    }

    #[test]
    fn codes_are_found_where_they_are_defined() {
        let codes = error_codes();
        let places = &codes["RE0101"];
        assert!(places.iter().all(|place| place.starts_with("reactor-host/src/manifest/")), "{places:?}");
    }
}
