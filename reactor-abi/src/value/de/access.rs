//! Reading what is inside lists, maps and enums.

use std::collections::{BTreeMap, btree_map};
use std::slice;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::Reader;
use super::key::KeyReader;
use crate::value::{Value, ValueError};

/// A list being read.
pub(super) struct Items<'de> {
    at: Reader<'de>,
    rest: slice::Iter<'de, Value>,
    index: usize,
}

impl<'de> Items<'de> {
    pub(super) fn read<V: Visitor<'de>>(
        at: Reader<'de>,
        items: &'de [Value],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let mut access = Items { at, rest: items.iter(), index: 0 };
        let read = visitor.visit_seq(&mut access)?;
        all_read(items.len(), access.rest.len())?;
        Ok(read)
    }
}

/// A type that stops early would lose what follows.
fn all_read(len: usize, left: usize) -> Result<(), ValueError> {
    if left == 0 { Ok(()) } else { Err(de::Error::invalid_length(len, &(len - left).to_string().as_str())) }
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        let Some(item) = self.rest.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(self.at.inside(item)).map(Some).map_err(|error| error.in_index(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// A map being read.
pub(super) struct Entries<'de> {
    at: Reader<'de>,
    rest: btree_map::Iter<'de, String, Value>,
    /// The entry whose value comes next.
    current: Option<(&'de str, &'de Value)>,
}

impl<'de> Entries<'de> {
    pub(super) fn read<V: Visitor<'de>>(
        at: Reader<'de>,
        entries: &'de BTreeMap<String, Value>,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let mut access = Entries { at, rest: entries.iter(), current: None };
        let read = visitor.visit_map(&mut access)?;
        all_read(entries.len(), access.rest.len())?;
        Ok(read)
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = ValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ValueError> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.current = Some((key, value));
        seed.deserialize(KeyReader(key)).map(Some).map_err(|error| error.in_key(key))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, ValueError> {
        let Some((key, value)) = self.current.take() else {
            return Err(de::Error::custom("the type asks for the value of an entry before its key"));
        };
        seed.deserialize(self.at.inside(value)).map_err(|error| error.in_key(key))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// A variant with content being read.
pub(super) struct Variant<'de> {
    name: &'de str,
    content: Reader<'de>,
}

impl<'de> Variant<'de> {
    pub(super) fn new(name: &'de str, content: Reader<'de>) -> Self {
        Self { name, content }
    }

    fn read<T>(self, read: impl FnOnce(Reader<'de>) -> Result<T, ValueError>) -> Result<T, ValueError> {
        read(self.content).map_err(|error| error.in_key(self.name))
    }
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = ValueError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), ValueError> {
        let variant = seed.deserialize(BorrowedStrDeserializer::<ValueError>::new(self.name))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        self.read(de::Deserialize::deserialize)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ValueError> {
        self.read(|content| seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, ValueError> {
        self.read(|content| content.deserialize_tuple(len, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.read(|content| content.deserialize_map(visitor))
    }
}
