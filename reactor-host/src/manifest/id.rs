//! The id that a plugin is known by.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest id, in bytes.
pub const MAX_ID_BYTES: usize = 128;

/// A plugin's id: kebab-case segments joined by dots, at most [`MAX_ID_BYTES`] long.
///
/// A segment holds lower-case ASCII letters and digits; single hyphens may stand between them. Cloning is
/// cheap.
///
/// ```
/// # use reactor_host::manifest::PluginId;
/// let id: PluginId = "acme.word-count".parse()?;
/// assert_eq!(id.namespace(), "acme");
/// assert!("Acme.WordCount".parse::<PluginId>().is_err());
/// # Ok::<(), reactor_host::manifest::IdError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginId(Arc<str>);

impl PluginId {
    /// Checks a text and makes an id of it.
    ///
    /// # Errors
    /// [`IdError`] says which rule the text breaks.
    pub fn new(text: &str) -> Result<Self, IdError> {
        if text.is_empty() {
            return Err(IdError::Empty);
        }
        if text.len() > MAX_ID_BYTES {
            return Err(IdError::TooLong { bytes: text.len() });
        }
        for segment in text.split('.') {
            if segment.is_empty() {
                return Err(IdError::EmptySegment);
            }
            if let Some(found) =
                segment.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-'))
            {
                return Err(IdError::Character { found });
            }
            if segment.starts_with('-') || segment.ends_with('-') || segment.contains("--") {
                return Err(IdError::Hyphen { segment: segment.to_owned() });
            }
        }
        Ok(Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first segment: the publisher's namespace.
    pub fn namespace(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PluginId({})", self.0)
    }
}

impl FromStr for PluginId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl TryFrom<&str> for PluginId {
    type Error = IdError;

    fn try_from(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl AsRef<str> for PluginId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for PluginId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for PluginId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PluginId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// Why a text is no plugin id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Nothing between the quotes.
    #[error("it is empty; write an id such as `acme.word-count`")]
    Empty,
    /// Longer than [`MAX_ID_BYTES`].
    #[error("it has {bytes} bytes; shorten it to {MAX_ID_BYTES}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A dot at an end, or two in a row.
    #[error("a segment is empty; put one dot between segments and none at the ends")]
    EmptySegment,
    /// A character outside `a-z`, `0-9`, `-` and `.`.
    #[error("it holds {found:?}; use lower-case letters, digits, `-` and `.` only")]
    Character {
        /// The first such character.
        found: char,
    },
    /// A hyphen at the end of a segment, or two in a row.
    #[error("in segment `{segment}` a hyphen is not between two letters or digits; remove it")]
    Hyphen {
        /// The segment.
        segment: String,
    },
}

impl IdError {
    /// The stable code of every bad id.
    pub fn code(&self) -> &'static str {
        "RE0109"
    }
}
