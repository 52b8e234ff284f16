//! Keys of maps, which are text in a value, as the type that they were.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{Deserializer, Error as _, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use crate::value::ValueError;

/// Reads one key.
pub(super) struct KeyReader<'de>(pub(super) &'de str);

macro_rules! parsed {
    ($($method:ident: $visit:ident, $expected:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            match self.0.parse() {
                Ok(key) => visitor.$visit(key),
                Err(_) => Err(ValueError::invalid_value(Unexpected::Str(self.0), &$expected)),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for KeyReader<'de> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_borrowed_str(self.0)
    }

    parsed! {
        deserialize_bool: visit_bool, "`true` or `false` as a key";
        deserialize_i8: visit_i8, "an i8 as a key";
        deserialize_i16: visit_i16, "an i16 as a key";
        deserialize_i32: visit_i32, "an i32 as a key";
        deserialize_i64: visit_i64, "an i64 as a key";
        deserialize_i128: visit_i128, "an i128 as a key";
        deserialize_u8: visit_u8, "a u8 as a key";
        deserialize_u16: visit_u16, "a u16 as a key";
        deserialize_u32: visit_u32, "a u32 as a key";
        deserialize_u64: visit_u64, "a u64 as a key";
        deserialize_u128: visit_u128, "a u128 as a key";
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_enum(BorrowedStrDeserializer::new(self.0))
    }

    forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}
