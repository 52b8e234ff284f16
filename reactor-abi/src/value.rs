//! A value of any shape, for what two sides exchange without sharing a type.
//!
//! Configuration, contributions, commands' arguments, signals and build outputs are [`Value`]s. A value is
//! plain Rust data: it crosses to another library or process encoded, never as a pointer. Three conversions
//! lead in and out:
//!
//! - [`Value::of`] and [`Value::read`], from and to any serde type, following the conventions of JSON;
//! - [`Value::encode`] and [`Value::decode`], the canonical bytes: two values are equal exactly when their
//!   bytes are;
//! - serde: a text format sees JSON-like data, a binary format (postcard) sees a compact tagged form.
//!
//! # In text formats
//!
//! Where a format says that people read it, bytes are a map of one entry, `{"$bytes": "00ff"}` (hexadecimal),
//! and a float that is no number is `{"$float": "nan"}`, `"inf"` or `"-inf"`. A map that looks like one of
//! those by accident has one more `$` before its key, and loses it when it is read. Everything thus comes
//! back as it was.
//!
//! # Depth
//!
//! A value is at most [`MAX_DEPTH`] levels deep. That is checked by everything that makes one out of other
//! data, so that hostile input ends in an error. A value put together by hand can be deeper: it can be
//! cloned, compared, printed and dropped, and is refused as soon as it is encoded, serialised or read.

mod convert;
mod de;
mod error;
mod macros;
pub(crate) mod octets;
mod plain;
mod ser;
mod text;
mod tree;
mod wire;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use error::ValueError;

/// The most levels that a value may have. A scalar, or an empty list or map, is one level.
///
/// JSON readers have limits of their own: `serde_json` takes 127 brackets.
pub const MAX_DEPTH: usize = 128;

/// A value of any shape.
///
/// Equality is that of the canonical bytes: a NaN equals every NaN, `0.0` is not `-0.0`, and the integer `1`
/// is not the float `1.0`. The type has a destructor, so contents are moved out with [`Value::into_text`] and
/// its siblings rather than by a pattern.
///
/// ```
/// use reactor_abi::{value, value::Value};
/// use std::collections::BTreeMap;
///
/// let theme = value!({ "accent": "red", "sizes": [10, 12] });
/// assert_eq!(theme.get("accent").and_then(Value::as_str), Some("red"));
/// assert_eq!(theme.to_string(), r#"{"accent":"red","sizes":[10,12]}"#);
///
/// let sizes: Vec<u8> = theme.get("sizes").unwrap().read()?;
/// assert_eq!(Value::of(&BTreeMap::from([("sizes", sizes)]))?.get("sizes"), theme.get("sizes"));
/// assert_eq!(Value::decode(&theme.encode()?)?, theme);
/// # Ok::<(), reactor_abi::value::ValueError>(())
/// ```
#[derive(Default)]
pub enum Value {
    /// Nothing; what `None` and `()` become.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// An integer that fits `i64`.
    Int(i64),
    /// An integer above `i64::MAX`. A smaller one put here by hand is equal to, and encoded as, a
    /// [`Value::Int`].
    UInt(u64),
    /// A floating-point number.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Values in order.
    List(Vec<Value>),
    /// Values by key, in the order of the keys' bytes.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// Turns any serialisable data into a value.
    ///
    /// The conventions are those of JSON: a struct is a map, an enum is tagged from outside (`"Unit"`, or a
    /// map of one entry from the variant's name to its content), `None` and `()` are null. Keys of maps may
    /// be text, integers, booleans, characters and plain enums. Bytes given to serde as bytes stay bytes; a
    /// plain `Vec<u8>` is a list.
    ///
    /// # Errors
    ///
    /// [`ValueError`], naming the path to the offending part: the data is too deep, an integer needs more
    /// than 64 bits, a map's key is none of the above or appears twice, or the type's own `Serialize`
    /// refuses.
    pub fn of<T: Serialize + ?Sized>(data: &T) -> Result<Self, ValueError> {
        data.serialize(ser::Builder::root())
    }

    /// Reads the value as a type of yours; the counterpart of [`Value::of`].
    ///
    /// An integer is read by every integer type that can hold it, and by floats.
    ///
    /// # Errors
    ///
    /// [`ValueError`], naming the path to the offending part: it has another type, it does not fit, a field
    /// is missing, or the value is too deep.
    pub fn read<'de, T: Deserialize<'de>>(&'de self) -> Result<T, ValueError> {
        self.check_depth()?;
        T::deserialize(de::Reader::root(self))
    }

    /// The canonical bytes.
    ///
    /// # Errors
    ///
    /// [`ValueError::TooDeep`], for a value made by hand.
    pub fn encode(&self) -> Result<Vec<u8>, ValueError> {
        wire::encode(self)
    }

    /// Reads canonical bytes. Any input is safe: what is too deep, cut short or too long ends in an error,
    /// and nothing is allocated that the input does not pay for.
    ///
    /// # Errors
    ///
    /// [`ValueError`] unless the bytes are exactly what [`Value::encode`] gives for some value.
    pub fn decode(bytes: &[u8]) -> Result<Self, ValueError> {
        wire::decode(bytes)
    }

    /// Whether the value keeps to [`MAX_DEPTH`]. Only one made by hand can fail.
    ///
    /// # Errors
    ///
    /// [`ValueError::TooDeep`].
    pub fn check_depth(&self) -> Result<(), ValueError> {
        fn walk(value: &Value, level: usize) -> Result<(), ValueError> {
            // Returning here also bounds this recursion.
            if level > MAX_DEPTH {
                return Err(ValueError::TooDeep);
            }
            match value {
                Value::List(items) => items.iter().try_for_each(|item| walk(item, level + 1)),
                Value::Map(entries) => entries.values().try_for_each(|item| walk(item, level + 1)),
                _ => Ok(()),
            }
        }
        walk(self, 1)
    }

    /// The name of the value's type, for messages: `null`, `bool`, `integer`, `float`, `text`, `bytes`,
    /// `list`, `map`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::UInt(_) => "integer",
            Self::Float(_) => "float",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }
}

#[cfg(test)]
mod tests;
