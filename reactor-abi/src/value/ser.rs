//! From any serialisable data to a [`Value`].

mod key;

use std::collections::{BTreeMap, btree_map::Entry};
use std::fmt;

use serde::Serialize;
use serde::ser::{self, Serializer};

use super::{MAX_DEPTH, Value, ValueError, plain, wire};

use key::KeyBuilder;

/// How many newtypes and `Some`s may stand around the parts of a value on the way from its outside to its
/// inside. They leave no trace in the value, so that only this bounds a type that refers to itself through
/// them.
pub(super) const MAX_WRAPPERS: usize = 4 * MAX_DEPTH;

/// Builds the value at one level.
#[derive(Clone, Copy)]
pub(super) struct Builder {
    level: usize,
    wrappers: usize,
    /// Whether this is the content of [`plain::MARKED`], which then comes without a mark.
    unmarked: bool,
}

impl Builder {
    pub(super) fn root() -> Self {
        Self { level: 1, wrappers: 0, unmarked: false }
    }

    fn inside(self) -> Result<Self, ValueError> {
        if self.level >= MAX_DEPTH {
            return Err(ValueError::TooDeep);
        }
        Ok(Self { level: self.level + 1, unmarked: false, ..self })
    }

    fn wrapped(self) -> Result<Self, ValueError> {
        if self.wrappers >= MAX_WRAPPERS {
            return Err(ValueError::TooDeep);
        }
        Ok(Self { wrappers: self.wrappers + 1, ..self })
    }

    fn items(self, len: Option<usize>, variant: Option<&'static str>) -> Result<Items, ValueError> {
        let at = if variant.is_some() { self.inside()? } else { self };
        Ok(Items { at, variant, done: Vec::with_capacity(wire::modest(len)) })
    }

    fn entries(self, variant: Option<&'static str>) -> Result<Entries, ValueError> {
        let at = if variant.is_some() { self.inside()? } else { self };
        Ok(Entries { at, variant, done: BTreeMap::new(), key: String::new() })
    }
}

/// An enum's content, or the content alone where there is no enum.
fn tagged(variant: Option<&'static str>, content: Value) -> Value {
    match variant {
        Some(variant) => Value::Map(BTreeMap::from([(variant.to_owned(), content)])),
        None => content,
    }
}

fn locate(variant: Option<&'static str>, error: ValueError) -> ValueError {
    match variant {
        Some(variant) => error.in_key(variant),
        None => error,
    }
}

fn out_of_range(number: impl fmt::Display) -> ValueError {
    ValueError::OutOfRange {
        path: String::new(),
        expected: "an integer of at most 64 bits".to_owned(),
        found: format!("integer `{number}`"),
    }
}

macro_rules! from {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, value: $type) -> Result<Value, ValueError> {
            Ok(Value::from(value))
        })*
    };
}

impl Serializer for Builder {
    type Ok = Value;
    type Error = ValueError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    fn is_human_readable(&self) -> bool {
        !self.unmarked
    }

    from! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_f32: f32, serialize_f64: f64,
        serialize_char: char, serialize_str: &str,
    }

    fn serialize_i128(self, value: i128) -> Result<Value, ValueError> {
        let unsigned = || u64::try_from(value).map(Value::from).map_err(|_| out_of_range(value));
        i64::try_from(value).map_or_else(|_| unsigned(), |value| Ok(Value::Int(value)))
    }

    fn serialize_u128(self, value: u128) -> Result<Value, ValueError> {
        u64::try_from(value).map(Value::from).map_err(|_| out_of_range(value))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, ValueError> {
        Ok(Value::bytes(bytes))
    }

    fn serialize_none(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, ValueError> {
        value.serialize(self.wrapped()?)
    }

    fn serialize_unit(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, ValueError> {
        Ok(Value::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &str,
        value: &T,
    ) -> Result<Value, ValueError> {
        if name == plain::MARKED {
            return value.serialize(Self { unmarked: true, ..self });
        }
        value.serialize(self.wrapped()?)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, ValueError> {
        let content = value.serialize(self.inside()?).map_err(|error| error.in_key(variant))?;
        Ok(tagged(Some(variant), content))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items, ValueError> {
        self.items(len, None)
    }

    fn serialize_tuple(self, len: usize) -> Result<Items, ValueError> {
        self.items(Some(len), None)
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items, ValueError> {
        self.items(Some(len), None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items, ValueError> {
        self.items(Some(len), Some(variant))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Entries, ValueError> {
        self.entries(None)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, ValueError> {
        self.entries(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries, ValueError> {
        self.entries(Some(variant))
    }
}

/// A list being built.
pub(super) struct Items {
    at: Builder,
    variant: Option<&'static str>,
    done: Vec<Value>,
}

impl Items {
    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), ValueError> {
        let index = self.done.len();
        let item = item.serialize(self.at.inside()?);
        self.done.push(item.map_err(|error| locate(self.variant, error.in_index(index)))?);
        Ok(())
    }

    fn finish(self) -> Value {
        tagged(self.variant, Value::List(self.done))
    }
}

macro_rules! items {
    ($($trait:ident::$method:ident),*) => {
        $(impl ser::$trait for Items {
            type Ok = Value;
            type Error = ValueError;

            fn $method<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), ValueError> {
                self.push(item)
            }

            fn end(self) -> Result<Value, ValueError> {
                Ok(self.finish())
            }
        })*
    };
}

items!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

/// A map being built.
pub(super) struct Entries {
    at: Builder,
    variant: Option<&'static str>,
    done: BTreeMap<String, Value>,
    /// The key whose value comes next.
    key: String,
}

impl Entries {
    fn insert<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), ValueError> {
        let value =
            value.serialize(self.at.inside()?).map_err(|error| locate(self.variant, error.in_key(&key)))?;
        match self.done.entry(key) {
            Entry::Vacant(place) => {
                place.insert(value);
                Ok(())
            }
            Entry::Occupied(place) => {
                let error = ValueError::DuplicateKey { path: String::new(), key: place.key().clone() };
                Err(locate(self.variant, error))
            }
        }
    }

    fn finish(self) -> Value {
        tagged(self.variant, Value::Map(self.done))
    }
}

impl ser::SerializeMap for Entries {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        self.key = key.serialize(KeyBuilder).map_err(|error| locate(self.variant, error))?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let key = std::mem::take(&mut self.key);
        self.insert(key, value)
    }

    fn end(self) -> Result<Value, ValueError> {
        Ok(self.finish())
    }
}

macro_rules! entries {
    ($($trait:ident),*) => {
        $(impl ser::$trait for Entries {
            type Ok = Value;
            type Error = ValueError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), ValueError> {
                self.insert(key.to_owned(), value)
            }

            fn end(self) -> Result<Value, ValueError> {
                Ok(self.finish())
            }
        })*
    };
}

entries!(SerializeStruct, SerializeStructVariant);
