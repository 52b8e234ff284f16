//! The form in text formats: JSON-like data, with a mark on the few things that JSON cannot say.

use std::collections::{BTreeMap, btree_map::Entry};
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::{MAX_DEPTH, Value, ValueError, wire};

/// The key that marks bytes.
pub(super) const BYTES: &str = "$bytes";
/// The key that marks a float that is no number.
pub(super) const FLOAT: &str = "$float";
/// The newtype by whose name [`Value`] knows this module's own serializer and deserializer, which need no
/// marks. To every other format a newtype is transparent.
pub(super) const MARKED: &str = "$reactor::Value";

/// How a text format names a float that is no number; `None` for a number.
pub(super) fn special_float(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("nan")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "inf" } else { "-inf" })
    } else {
        None
    }
}

/// The key to write for the only entry of a map that would otherwise be read as a mark.
pub(super) fn escaped_key(entries: &BTreeMap<String, Value>) -> Option<String> {
    let (key, _) = entries.first_key_value()?;
    (entries.len() == 1 && looks_like_mark(key)).then(|| format!("${key}"))
}

/// Whether this is a mark, or a mark behind further `$`, which writing adds and reading removes one by one.
fn looks_like_mark(key: &str) -> bool {
    key.starts_with('$') && matches!(key.trim_start_matches('$'), "bytes" | "float")
}

/// Takes the mark off a map that has been read.
fn unmark(mut entries: BTreeMap<String, Value>) -> Result<Value, ValueError> {
    if entries.len() != 1 || !entries.first_key_value().is_some_and(|(key, _)| looks_like_mark(key)) {
        return Ok(Value::Map(entries));
    }
    let Some((key, value)) = entries.pop_first() else { return Ok(Value::Null) };
    let wrong = |expected: &str| ValueError::Type {
        path: key.clone(),
        expected: format!("{expected} (double the `$` if this key is meant literally)"),
        found: value.kind().to_owned(),
    };
    match key.as_str() {
        BYTES => value
            .as_str()
            .and_then(parse_hex)
            .map(Value::Bytes)
            .ok_or_else(|| wrong("text of two hexadecimal digits for each byte")),
        FLOAT => match value.as_str() {
            Some("nan") => Ok(Value::Float(f64::NAN)),
            Some("inf") => Ok(Value::Float(f64::INFINITY)),
            Some("-inf") => Ok(Value::Float(f64::NEG_INFINITY)),
            _ => Err(wrong("`nan`, `inf` or `-inf`")),
        },
        _ => Ok(Value::Map(BTreeMap::from([(key[1..].to_owned(), value)]))),
    }
}

/// Prints bytes as hexadecimal digits.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.check_depth().map_err(serde::ser::Error::custom)?;
        Node(self).serialize(serializer)
    }
}

/// A value whose depth has been checked.
pub(super) struct Node<'a>(pub(super) &'a Value);

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return wire::serialize(self.0, serializer);
        }
        let marked = match self.0 {
            Value::Null => return serializer.serialize_unit(),
            Value::Bool(value) => return serializer.serialize_bool(*value),
            Value::Int(value) => return serializer.serialize_i64(*value),
            Value::UInt(value) => return serializer.serialize_u64(*value),
            Value::Text(text) => return serializer.serialize_str(text),
            Value::List(items) => return serializer.collect_seq(items.iter().map(Node)),
            Value::Float(value) => match special_float(*value) {
                Some(name) => Marked::Float(*value, name),
                None => return serializer.serialize_f64(*value),
            },
            Value::Bytes(bytes) => Marked::Bytes(bytes),
            Value::Map(entries) => match escaped_key(entries) {
                Some(key) => Marked::Map(entries, key),
                None => return serialize_entries(entries, serializer),
            },
        };
        serializer.serialize_newtype_struct(MARKED, &marked)
    }
}

pub(super) fn serialize_entries<S: Serializer>(
    entries: &BTreeMap<String, Value>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(entries.iter().map(|(key, value)| (key, Node(value))))
}

/// What needs a mark in a text format. The serializer of [`Value::of`] asks for the binary form, and gets it
/// bare.
enum Marked<'a> {
    /// With its name.
    Float(f64, &'static str),
    Bytes(&'a [u8]),
    /// With the escaped form of its only key.
    Map(&'a BTreeMap<String, Value>, String),
}

impl Serialize for Marked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return match self {
                Self::Float(value, _) => serializer.serialize_f64(*value),
                Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
                Self::Map(entries, _) => serialize_entries(entries, serializer),
            };
        }
        match self {
            Self::Float(_, name) => serializer.collect_map([(FLOAT, name)]),
            Self::Bytes(bytes) => serializer.collect_map([(BYTES, Hex(bytes).to_string())]),
            Self::Map(entries, key) => {
                serializer.collect_map(entries.values().map(|value| (key, Node(value))))
            }
        }
    }
}

impl<'de> de::Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Plain { level: 1, marked: false }.deserialize(deserializer)
        } else {
            wire::deserialize(deserializer)
        }
    }
}

/// Reads one value at `level`.
#[derive(Clone, Copy)]
struct Plain {
    level: usize,
    /// Whether marks are to be looked for. The deserializer of [`Value::read`] knows [`MARKED`] and skips the
    /// newtype, so that its maps are taken literally.
    marked: bool,
}

impl Plain {
    fn inside(self) -> Self {
        Self { level: self.level + 1, marked: false }
    }

    fn check<E: de::Error>(self) -> Result<(), E> {
        if self.level > MAX_DEPTH { Err(E::custom(ValueError::TooDeep)) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Plain {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_newtype_struct(MARKED, self)
    }
}

impl<'de> Visitor<'de> for Plain {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        // A second newtype inside is the data's own; it counts, so that a chain of them has an end.
        let level = if self.marked { self.level + 1 } else { self.level };
        if self.marked {
            self.inside().check()?;
        }
        deserializer.deserialize_any(Self { level, marked: true })
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.inside().check()?;
        self.inside().deserialize(deserializer)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::bytes(bytes))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Value, E> {
        Ok(Value::Bytes(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        self.check()?;
        let mut items = Vec::with_capacity(wire::modest(seq.size_hint()));
        while let Some(item) = seq.next_element_seed(self.inside())? {
            self.inside().check()?;
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        self.check()?;
        let mut entries = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            // A scalar one level too deep may be the content of a mark, which is no level of its own.
            let value = map.next_value_seed(self.inside())?;
            match entries.entry(key) {
                Entry::Vacant(place) => place.insert(value),
                Entry::Occupied(place) => {
                    let key = place.key().clone();
                    return Err(de::Error::custom(ValueError::DuplicateKey { path: String::new(), key }));
                }
            };
        }
        let value =
            if self.marked { unmark(entries).map_err(de::Error::custom)? } else { Value::Map(entries) };
        if value.as_map().is_some_and(|entries| !entries.is_empty()) {
            self.inside().check()?;
        }
        Ok(value)
    }
}
