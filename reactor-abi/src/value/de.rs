//! From a [`Value`] to a type.

mod access;
mod key;

use serde::de::value::{BorrowedStrDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::ser::MAX_WRAPPERS;
use super::{Value, ValueError, plain};

use access::{Entries, Items, Variant};

/// Reads one value, whose depth has been checked.
#[derive(Clone, Copy)]
pub(super) struct Reader<'de> {
    value: &'de Value,
    /// Newtypes and options that the type asked for on the way here; they are not in the value, so that
    /// nothing else would stop a type that refers to itself through them.
    wrappers: usize,
}

impl<'de> Reader<'de> {
    pub(super) fn root(value: &'de Value) -> Self {
        Self { value, wrappers: 0 }
    }

    fn inside(self, value: &'de Value) -> Self {
        Self { value, ..self }
    }

    fn wrapped(self) -> Result<Self, ValueError> {
        if self.wrappers >= MAX_WRAPPERS {
            return Err(ValueError::TooDeep);
        }
        Ok(Self { wrappers: self.wrappers + 1, ..self })
    }

    fn unexpected(self) -> Unexpected<'de> {
        match self.value {
            Value::Null => Unexpected::Unit,
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Int(value) => Unexpected::Signed(*value),
            Value::UInt(value) => Unexpected::Unsigned(*value),
            Value::Float(value) => Unexpected::Float(*value),
            Value::Text(text) => Unexpected::Str(text),
            Value::Bytes(bytes) => Unexpected::Bytes(bytes),
            Value::List(_) => Unexpected::Seq,
            Value::Map(_) => Unexpected::Map,
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            // As JSON readers do, so that types written for them find what they expect.
            Value::Int(value) => match u64::try_from(*value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i64(*value),
            },
            Value::UInt(value) => visitor.visit_u64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Value::List(items) => Items::read(self, items, visitor),
            Value::Map(entries) => Entries::read(self, entries, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self.wrapped()?) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        if name == plain::MARKED {
            return self.deserialize_any(visitor);
        }
        visitor.visit_newtype_struct(self.wrapped()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        if let Value::Bytes(bytes) = self.value {
            let mut numbers = SeqDeserializer::new(bytes.iter().copied());
            let read = visitor.visit_seq(&mut numbers)?;
            numbers.end()?;
            return Ok(read);
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Text(name) => visitor.visit_enum(BorrowedStrDeserializer::new(name)),
            Value::Map(entries) => match entries.first_key_value() {
                Some((name, content)) if entries.len() == 1 => {
                    visitor.visit_enum(Variant::new(name, self.inside(content)))
                }
                _ => Err(ValueError::Type {
                    path: String::new(),
                    expected: "a map of one entry, from the variant's name to its content".to_owned(),
                    found: format!("a map of {} entries", entries.len()),
                }),
            },
            _ => Err(ValueError::invalid_type(self.unexpected(), &"text or a map of one entry for an enum")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        map struct identifier
    }
}
