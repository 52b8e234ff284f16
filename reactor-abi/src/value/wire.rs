//! The canonical binary form: a tag, then the content as postcard writes it.
//!
//! Canonical means that each value has one encoding: integers that fit are [`Value::Int`], there is one NaN,
//! keys ascend and appear once, and no number is written longer than it need be. Reading refuses everything
//! else.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::ser::{Serialize, Serializer};

use super::plain::{Node, serialize_entries};
use super::tree::canonical_bits;
use super::{MAX_DEPTH, Value, ValueError, octets};

const NAME: &str = "Value";
/// The position is the tag: append only.
const TAGS: &[&str] = &["Null", "Bool", "Int", "UInt", "Float", "Text", "Bytes", "List", "Map"];

pub(super) fn encode(value: &Value) -> Result<Vec<u8>, ValueError> {
    value.check_depth()?;
    let bytes = Vec::with_capacity(encoded_len(value));
    postcard::to_extend(&Node(value), bytes).map_err(|error| ValueError::malformed(error.to_string()))
}

pub(super) fn decode(bytes: &[u8]) -> Result<Value, ValueError> {
    let fault = Cell::new(None);
    let mut deserializer = postcard::Deserializer::from_bytes(bytes);
    let value = Wire { level: 1, fault: &fault }
        .deserialize(&mut deserializer)
        .map_err(|error| fault.take().unwrap_or_else(|| ValueError::malformed(error.to_string())))?;
    let rest = deserializer.finalize().map_err(|error| ValueError::malformed(error.to_string()))?;
    if !rest.is_empty() {
        return Err(ValueError::TrailingBytes { count: rest.len() });
    }
    // Numbers padded with zero bits are the one liberty that postcard takes and this module cannot see; they
    // show in the length.
    if encoded_len(&value) != bytes.len() {
        return Err(ValueError::malformed("a number or a length is written with more bytes than it needs"));
    }
    Ok(value)
}

/// The length in bytes of the canonical form of a value whose depth has been checked.
pub(super) fn encoded_len(value: &Value) -> usize {
    let sized = |len: usize| varint_len(u64::try_from(len).unwrap_or(u64::MAX)) + len;
    1 + match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(value) => zigzag_len(*value),
        Value::UInt(value) => i64::try_from(*value).map_or_else(|_| varint_len(*value), zigzag_len),
        Value::Float(_) => 8,
        Value::Text(text) => sized(text.len()),
        Value::Bytes(bytes) => sized(bytes.len()),
        Value::List(items) => sized(items.len()) - items.len() + items.iter().map(encoded_len).sum::<usize>(),
        Value::Map(entries) => {
            let inside =
                entries.iter().map(|(key, value)| sized(key.len()) + encoded_len(value)).sum::<usize>();
            sized(entries.len()) - entries.len() + inside
        }
    }
}

fn zigzag_len(value: i64) -> usize {
    varint_len(((value << 1) ^ (value >> 63)).cast_unsigned())
}

/// Seven bits to a byte.
fn varint_len(value: u64) -> usize {
    let mut rest = value >> 7;
    let mut len = 1;
    while rest > 0 {
        rest >>= 7;
        len += 1;
    }
    len
}

/// How much to allocate on the word of an input that claims to hold this many items.
pub(super) fn modest(claimed: Option<usize>) -> usize {
    claimed.unwrap_or(0).min(256)
}

pub(super) fn serialize<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Value::Null => serializer.serialize_unit_variant(NAME, 0, TAGS[0]),
        Value::Bool(value) => serializer.serialize_newtype_variant(NAME, 1, TAGS[1], value),
        Value::Int(value) => serializer.serialize_newtype_variant(NAME, 2, TAGS[2], value),
        Value::UInt(value) => match i64::try_from(*value) {
            Ok(value) => serializer.serialize_newtype_variant(NAME, 2, TAGS[2], &value),
            Err(_) => serializer.serialize_newtype_variant(NAME, 3, TAGS[3], value),
        },
        Value::Float(value) => {
            let value = f64::from_bits(canonical_bits(*value));
            serializer.serialize_newtype_variant(NAME, 4, TAGS[4], &value)
        }
        Value::Text(text) => serializer.serialize_newtype_variant(NAME, 5, TAGS[5], text),
        Value::Bytes(bytes) => serializer.serialize_newtype_variant(NAME, 6, TAGS[6], &Octets(bytes)),
        Value::List(items) => serializer.serialize_newtype_variant(NAME, 7, TAGS[7], &Items(items)),
        Value::Map(entries) => serializer.serialize_newtype_variant(NAME, 8, TAGS[8], &Entries(entries)),
    }
}

struct Octets<'a>(&'a [u8]);

impl Serialize for Octets<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        octets::serialize(self.0, serializer)
    }
}

struct Items<'a>(&'a [Value]);

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Node))
    }
}

struct Entries<'a>(&'a BTreeMap<String, Value>);

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_entries(self.0, serializer)
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Wire { level: 1, fault: &Cell::new(None) }.deserialize(deserializer)
}

/// Reads one value at `level`.
#[derive(Clone, Copy)]
struct Wire<'a> {
    level: usize,
    /// What went wrong, since postcard's error keeps no words.
    fault: &'a Cell<Option<ValueError>>,
}

impl Wire<'_> {
    fn fail<E: de::Error>(self, error: ValueError) -> E {
        let outer = E::custom(&error);
        self.fault.set(Some(error));
        outer
    }
}

impl<'de> DeserializeSeed<'de> for Wire<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.level > MAX_DEPTH {
            return Err(self.fail(ValueError::TooDeep));
        }
        deserializer.deserialize_enum(NAME, TAGS, self)
    }
}

impl<'de> Visitor<'de> for Wire<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an encoded value")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Value, A::Error> {
        let (tag, content) = data.variant_seed(Tag(self))?;
        let inside = Wire { level: self.level + 1, ..self };
        match tag {
            0 => content.unit_variant().map(|()| Value::Null),
            1 => content.newtype_variant().map(Value::Bool),
            2 => content.newtype_variant().map(Value::Int),
            3 => match Value::from(content.newtype_variant::<u64>()?) {
                Value::Int(_) => {
                    Err(self.fail(ValueError::malformed("an integer has the tag of larger ones")))
                }
                value => Ok(value),
            },
            4 => {
                let value: f64 = content.newtype_variant()?;
                if value.to_bits() != canonical_bits(value) {
                    return Err(self.fail(ValueError::malformed("a NaN is not the canonical one")));
                }
                Ok(Value::Float(value))
            }
            5 => content.newtype_variant().map(Value::Text),
            6 => content.newtype_variant().map(|OctetBuf(bytes)| Value::Bytes(bytes)),
            7 => content.newtype_variant_seed(List(inside)).map(Value::List),
            _ => content.newtype_variant_seed(Map(inside)).map(Value::Map),
        }
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct OctetBuf(#[serde(with = "octets")] Vec<u8>);

struct Tag<'a>(Wire<'a>);

impl<'de> DeserializeSeed<'de> for Tag<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Tag<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the tag of a value")
    }

    fn visit_u64<E: de::Error>(self, tag: u64) -> Result<usize, E> {
        match usize::try_from(tag) {
            Ok(tag) if tag < TAGS.len() => Ok(tag),
            _ => Err(self.0.fail(ValueError::malformed(format!("{tag} is no tag of a value")))),
        }
    }

    fn visit_str<E: de::Error>(self, tag: &str) -> Result<usize, E> {
        TAGS.iter().position(|known| *known == tag).ok_or_else(|| E::unknown_variant(tag, TAGS))
    }
}

struct List<'a>(Wire<'a>);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Value>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the items of a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Value>, A::Error> {
        let mut items = Vec::with_capacity(modest(seq.size_hint()));
        while let Some(item) = seq.next_element_seed(self.0)? {
            items.push(item);
        }
        Ok(items)
    }
}

struct Map<'a>(Wire<'a>);

impl<'de> DeserializeSeed<'de> for Map<'_> {
    type Value = BTreeMap<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Map<'_> {
    type Value = BTreeMap<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the entries of a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = BTreeMap::<String, Value>::new();
        while let Some(key) = map.next_key::<String>()? {
            if entries.last_key_value().is_some_and(|(last, _)| *last >= key) {
                let reason = format!("the key `{key}` is out of order or appears twice");
                return Err(self.0.fail(ValueError::malformed(reason)));
            }
            let value = map.next_value_seed(self.0)?;
            entries.insert(key, value);
        }
        Ok(entries)
    }
}
