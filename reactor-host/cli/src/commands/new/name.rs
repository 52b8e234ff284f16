//! The name of what is made: a crate's, and a plugin's id.

use std::path::Path;

use reactor_host::manifest::{IdError, PluginId};

use crate::error::CliError;

/// The longest name. Registries take 64 bytes, templates append to it, and rustfmt breaks lines that a longer one is in.
const MAX_BYTES: usize = 32;

/// What cargo or Rust refuse as the name of a crate, or what would hide something of theirs.
const TAKEN: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "reactor-abi",
    "reactor-host",
    "ref",
    "return",
    "self",
    "serde",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield", // Names of devices on Windows.
    "aux",
    "con",
    "nul",
    "prn",
];

/// A name that is both.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    /// The last part of `path`.
    ///
    /// # Errors
    ///
    /// [`CliError::BadName`].
    pub(super) fn of(path: &Path) -> Result<Self, CliError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match refused(&name) {
            None => Ok(Self(name)),
            Some(why) => Err(CliError::BadName { name, why }),
        }
    }

    /// As it is.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As Rust code writes it: `text_stats`.
    pub(super) fn in_code(&self) -> String {
        self.0.replace('-', "_")
    }

    /// As a type: `TextStats`.
    pub(super) fn as_type(&self) -> String {
        let capital = |word: &str| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
                .collect::<String>()
        };
        self.0.split('-').map(capital).collect()
    }
}

/// Why `name` is none.
fn refused(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("the path ends with no name".to_owned());
    }
    if name.len() > MAX_BYTES {
        return Some(format!("it is {} bytes long, and {MAX_BYTES} are the most", name.len()));
    }
    if name.contains('.') {
        return Some("a crate's name has no dots".to_owned());
    }
    // Its advice is that for ids, which may have dots; ours follows.
    match PluginId::new(name) {
        Ok(_) => {}
        Err(IdError::Character { found }) => return Some(format!("it holds {found:?}")),
        Err(IdError::Hyphen { .. }) => {
            return Some("a hyphen is not between two letters or digits".to_owned());
        }
        Err(error) => return Some(error.to_string()),
    }
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Some("a crate's name begins with a letter".to_owned());
    }
    TAKEN.contains(&name).then(|| "Rust or cargo has another use for that name".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_crate_and_a_plugin() {
        for (path, name) in [("greeting", "greeting"), ("/tmp/text-stats", "text-stats"), ("a/b2/", "b2")] {
            assert_eq!(Name::of(Path::new(path)).expect("a name").as_str(), name);
        }
        let name = Name::of(Path::new("text-stats-2")).expect("a name");
        assert_eq!((name.in_code().as_str(), name.as_type().as_str()), ("text_stats_2", "TextStats2"));
    }

    #[test]
    fn what_cargo_or_a_host_would_refuse_is_refused() {
        let long = "a".repeat(MAX_BYTES + 1);
        for (path, says) in [
            ("", "no name"),
            (".", "no name"),
            ("..", "no name"),
            ("Greeting", "'G'"),
            ("text_stats", "'_'"),
            ("-x", "hyphen"),
            ("x--y", "hyphen"),
            ("7up", "begins with a letter"),
            ("acme.greeting", "no dots"),
            ("grüße", "'ü'"),
            ("fn", "another use"),
            ("test", "another use"),
            ("reactor-abi", "another use"),
            (&long, "33 bytes"),
        ] {
            let error = Name::of(Path::new(path)).expect_err(path);
            assert_eq!(error.code(), "RE0940");
            assert!(error.to_string().contains(says), "{path}: {error}");
            assert_eq!(error.to_string().matches("; use ").count(), 1, "one advice: {error}");
        }
    }
}
