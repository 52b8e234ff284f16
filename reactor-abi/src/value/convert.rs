//! Looking into a value, and making one out of common types.

use std::collections::BTreeMap;
use std::mem;

use super::Value;

impl Value {
    /// Bytes. `From` makes a list of a `Vec<u8>`, as it does of every other `Vec`.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Bytes(bytes.into())
    }

    /// What a map holds under `key`; `None` if there is no such key or this is no map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map()?.get(key)
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The integer, if this is one that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::UInt(value) => i64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The integer, if this is one that fits.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(value) => u64::try_from(*value).ok(),
            Self::UInt(value) => Some(*value),
            _ => None,
        }
    }

    /// The float, or the float nearest to an integer.
    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is promised")]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::UInt(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The bytes, if these are bytes.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    /// The items, if this is a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    /// The entries, if this is a map.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Self>> {
        if let Self::Map(entries) = self { Some(entries) } else { None }
    }

    /// Moves the text out.
    ///
    /// # Errors
    ///
    /// The value unchanged, if it is no text.
    pub fn into_text(mut self) -> Result<String, Self> {
        if let Self::Text(text) = &mut self { Ok(mem::take(text)) } else { Err(self) }
    }

    /// Moves the bytes out.
    ///
    /// # Errors
    ///
    /// The value unchanged, if it is no bytes.
    pub fn into_bytes(mut self) -> Result<Vec<u8>, Self> {
        if let Self::Bytes(bytes) = &mut self { Ok(mem::take(bytes)) } else { Err(self) }
    }

    /// Moves the items out.
    ///
    /// # Errors
    ///
    /// The value unchanged, if it is no list.
    pub fn into_list(mut self) -> Result<Vec<Self>, Self> {
        if let Self::List(items) = &mut self { Ok(mem::take(items)) } else { Err(self) }
    }

    /// Moves the entries out.
    ///
    /// # Errors
    ///
    /// The value unchanged, if it is no map.
    pub fn into_map(mut self) -> Result<BTreeMap<String, Self>, Self> {
        if let Self::Map(entries) = &mut self { Ok(mem::take(entries)) } else { Err(self) }
    }
}

macro_rules! from_integer {
    ($to:ident: $($from:ty),*) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$to(value.into())
            }
        })*
    };
}

from_integer!(Int: i8, i16, i32, i64, u8, u16, u32);
from_integer!(Float: f32, f64);
from_integer!(Bool: bool);
from_integer!(Text: char, &str, String);

/// An integer above `i64::MAX` becomes [`Value::UInt`], every other [`Value::Int`].
impl From<u64> for Value {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::UInt(value), Self::Int)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        // No target has more than 64 bits.
        Self::from(u64::try_from(value).unwrap_or(u64::MAX))
    }
}

impl From<isize> for Value {
    fn from(value: isize) -> Self {
        // No target has more than 64 bits.
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Null
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().collect()
    }
}

impl<T: Into<Value>, const N: usize> From<[T; N]> for Value {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<K: Into<String>, T: Into<Value>> From<BTreeMap<K, T>> for Value {
    fn from(entries: BTreeMap<K, T>) -> Self {
        entries.into_iter().collect()
    }
}

/// A list.
impl<T: Into<Value>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

/// A map; of two entries with the same key the later stays.
impl<K: Into<String>, T: Into<Value>> FromIterator<(K, T)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, T)>>(entries: I) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}
