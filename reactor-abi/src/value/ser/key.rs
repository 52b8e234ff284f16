//! Keys of maps as text.

use serde::Serialize;
use serde::ser::{Impossible, Serializer};

use crate::value::ValueError;

/// Turns a key into text, and refuses what has no plain text.
pub(super) struct KeyBuilder;

type Never = Impossible<String, ValueError>;

fn refuse<T>(found: &str) -> Result<T, ValueError> {
    Err(ValueError::Key { path: String::new(), found: found.to_owned() })
}

macro_rules! written {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, value: $type) -> Result<String, ValueError> {
            Ok(value.to_string())
        })*
    };
}

impl Serializer for KeyBuilder {
    type Ok = String;
    type Error = ValueError;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    written! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
        serialize_char: char, serialize_str: &str,
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<String, ValueError> {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        key: &T,
    ) -> Result<String, ValueError> {
        key.serialize(self)
    }

    fn serialize_f32(self, _: f32) -> Result<String, ValueError> {
        refuse("a float")
    }

    fn serialize_f64(self, _: f64) -> Result<String, ValueError> {
        refuse("a float")
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<String, ValueError> {
        refuse("bytes")
    }

    fn serialize_none(self) -> Result<String, ValueError> {
        refuse("an option")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<String, ValueError> {
        refuse("an option")
    }

    fn serialize_unit(self) -> Result<String, ValueError> {
        refuse("null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<String, ValueError> {
        refuse("null")
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, ValueError> {
        refuse("an enum with content")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Never, ValueError> {
        refuse("a list")
    }

    fn serialize_tuple(self, _: usize) -> Result<Never, ValueError> {
        refuse("a tuple")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Never, ValueError> {
        refuse("a tuple")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Never, ValueError> {
        refuse("an enum with content")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Never, ValueError> {
        refuse("a map")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Never, ValueError> {
        refuse("a struct")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Never, ValueError> {
        refuse("an enum with content")
    }
}
