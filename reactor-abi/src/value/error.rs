//! What can be wrong with a value.

use std::fmt;

use serde::{de, ser};

use super::MAX_DEPTH;

/// Why data could not become a [`Value`](super::Value), or a value the type asked for.
///
/// A `path` leads from the outermost value to the offending part, as in `servers[2].port`; it is empty for
/// the value itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueError {
    /// More than [`MAX_DEPTH`] levels.
    TooDeep,
    /// Something of another type was found.
    Type {
        /// Where.
        path: String,
        /// What the reading type asks for.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// The type is right, but cannot hold this one.
    OutOfRange {
        /// Where.
        path: String,
        /// What the reading type can hold.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A map's key that cannot be written as text.
    Key {
        /// The map.
        path: String,
        /// The type of the key.
        found: String,
    },
    /// A map's key that appears twice.
    DuplicateKey {
        /// The map.
        path: String,
        /// The key.
        key: String,
    },
    /// The bytes are not a value's canonical encoding.
    Malformed {
        /// What is wrong with them.
        reason: String,
    },
    /// The bytes hold a value and then something more.
    TrailingBytes {
        /// How many bytes follow the value.
        count: usize,
    },
    /// What the type being read or written says itself, such as a missing field.
    Custom {
        /// Where.
        path: String,
        /// The type's own words.
        message: String,
    },
}

impl ValueError {
    /// The stable code, such as `RE0631`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooDeep => "RE0631",
            Self::Type { .. } => "RE0632",
            Self::OutOfRange { .. } => "RE0633",
            Self::Key { .. } => "RE0634",
            Self::DuplicateKey { .. } => "RE0635",
            Self::Malformed { .. } => "RE0636",
            Self::TrailingBytes { .. } => "RE0637",
            Self::Custom { .. } => "RE0638",
        }
    }

    /// Where the offending part stands, if that is known and it is not the whole.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::TooDeep | Self::Malformed { .. } | Self::TrailingBytes { .. } => None,
            Self::Type { path, .. }
            | Self::OutOfRange { path, .. }
            | Self::Key { path, .. }
            | Self::DuplicateKey { path, .. }
            | Self::Custom { path, .. } => Some(path.as_str()).filter(|path| !path.is_empty()),
        }
    }

    pub(super) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed { reason: reason.into() }
    }

    /// The same error seen from the map that holds the offending part under `key`.
    pub(super) fn in_key(self, key: &str) -> Self {
        self.inside(key)
    }

    /// The same error seen from the list that holds the offending part at `index`.
    pub(super) fn in_index(self, index: usize) -> Self {
        self.inside(&format!("[{index}]"))
    }

    fn inside(mut self, step: &str) -> Self {
        if let Self::Type { path, .. }
        | Self::OutOfRange { path, .. }
        | Self::Key { path, .. }
        | Self::DuplicateKey { path, .. }
        | Self::Custom { path, .. } = &mut self
        {
            let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
            *path = format!("{step}{dot}{path}");
        }
        self
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = self.path() {
            write!(f, "at `{path}`: ")?;
        }
        match self {
            Self::TooDeep => {
                write!(f, "the value is nested more than {MAX_DEPTH} levels deep; flatten it or refer by id")
            }
            Self::Type { expected, found, .. } => write!(f, "expected {expected}, found {found}"),
            Self::OutOfRange { expected, found, .. } => {
                write!(f, "expected {expected}, found {found}, which does not fit")
            }
            Self::Key { found, .. } => write!(
                f,
                "{found} cannot be a map's key; use text, an integer, a boolean, a character or a plain enum"
            ),
            Self::DuplicateKey { key, .. } => {
                write!(f, "the key `{key}` appears twice; keep one of the entries")
            }
            Self::Malformed { reason } => {
                write!(f, "these bytes are not what `Value::encode` writes: {reason}")
            }
            Self::TrailingBytes { count } => {
                write!(
                    f,
                    "{count} bytes follow the encoded value; give the bytes of one value and nothing else"
                )
            }
            Self::Custom { message, .. } => f.write_str(message),
        }
    }
}

impl std::error::Error for ValueError {}

impl ser::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom { path: String::new(), message: message.to_string() }
    }
}

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        ser::Error::custom(message)
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Type { path: String::new(), expected: expected.to_string(), found: shorten(found.to_string()) }
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::OutOfRange {
            path: String::new(),
            expected: expected.to_string(),
            found: shorten(found.to_string()),
        }
    }
}

/// serde describes a text by all of it, which may be a whole document.
fn shorten(mut text: String) -> String {
    const LONGEST: usize = 96;
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    text
}
