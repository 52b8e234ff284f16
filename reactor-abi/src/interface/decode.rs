//! Reads what postcard wrote, from whoever sent it.
//!
//! The same format as postcard's own reader takes (its specification is at <https://postcard.jamesmunns.com>), with two
//! more rules. What is nested more than [`MOST_LEVELS`] deep is refused: a type that contains itself would otherwise let a
//! few bytes for each level use up the stack. And nothing is reserved that the bytes which are left could not fill.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer as _, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// How deep structs, enums, tuples, lists, maps and options may be nested in each other.
pub(super) const MOST_LEVELS: usize = 256;

/// As many elements are taken on trust, since there might be some that take no bytes.
const WITHOUT_BYTES: usize = 1 << 16;

/// Why it can not be read.
#[derive(Debug)]
pub(super) struct Unreadable(String);

impl Unreadable {
    #[cold]
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

impl serde::de::Error for Unreadable {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }
}

type Result<T> = std::result::Result<T, Unreadable>;

/// A reader of bytes.
pub(super) struct Decoder<'de> {
    rest: &'de [u8],
    levels: usize,
}

impl<'de> Decoder<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { rest: bytes, levels: 0 }
    }

    /// What was not read.
    pub(super) fn rest(&self) -> &'de [u8] {
        self.rest
    }

    fn byte(&mut self) -> Result<u8> {
        let (first, rest) =
            self.rest.split_first().ok_or_else(|| Unreadable::new("the input ends too early"))?;
        self.rest = rest;
        Ok(*first)
    }

    fn exactly<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (first, rest) =
            self.rest.split_first_chunk().ok_or_else(|| Unreadable::new("the input ends too early"))?;
        self.rest = rest;
        Ok(*first)
    }

    /// Seven bits a byte, the least significant first, for a number of `bits` bits.
    fn varint(&mut self, bits: u32) -> Result<u128> {
        let mut number = 0_u128;
        let mut shift = 0;
        loop {
            let byte = self.byte()?;
            let part = u128::from(byte & 0x7f);
            if shift >= bits || (bits - shift < 7 && part >> (bits - shift) != 0) {
                return Err(Unreadable::new(format!("a number has more than {bits} bits")));
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
            shift += 7;
        }
    }

    fn unsigned<T: TryFrom<u128>>(&mut self, bits: u32) -> Result<T> {
        T::try_from(self.varint(bits)?).map_err(|_| Unreadable::new("a number does not fit"))
    }

    /// Zigzag: the sign is the last bit.
    fn signed<T: TryFrom<i128>>(&mut self, bits: u32) -> Result<T> {
        let number = self.varint(bits)?;
        let half = (number >> 1).cast_signed();
        let number = if number & 1 == 0 { half } else { !half };
        T::try_from(number).map_err(|_| Unreadable::new("a number does not fit"))
    }

    /// A length and as many bytes.
    pub(super) fn bytes(&mut self) -> Result<&'de [u8]> {
        let len: usize = self.unsigned(usize::BITS)?;
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or_else(|| {
            Unreadable::new(format!("{len} bytes are to come, and {} are left", self.rest.len()))
        })?;
        self.rest = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<&'de str> {
        std::str::from_utf8(self.bytes()?).map_err(Unreadable::custom)
    }

    /// The length of a list or a map.
    pub(super) fn count(&mut self) -> Result<usize> {
        let (count, left) = (self.unsigned::<u64>(64)?, self.rest.len());
        usize::try_from(count).ok().filter(|count| *count <= left.saturating_add(WITHOUT_BYTES)).ok_or_else(
            || Unreadable::new(format!("a list is to have {count} elements, and {left} bytes are left")),
        )
    }

    /// One level further in, until [`leave`](Self::leave). After an error nothing is read any more.
    pub(super) fn enter(&mut self) -> Result<()> {
        if self.levels == MOST_LEVELS {
            return Err(Unreadable::new(format!("it is nested more than {MOST_LEVELS} levels deep")));
        }
        self.levels += 1;
        Ok(())
    }

    /// Undoes one [`enter`](Self::enter).
    pub(super) fn leave(&mut self) {
        self.levels -= 1;
    }

    fn within<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.enter()?;
        let read = read(self);
        self.leave();
        read
    }

    fn list<V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value> {
        self.within(|decoder| visitor.visit_seq(Elements { decoder, left: count }))
    }
}

macro_rules! numbers {
    ($($read:ident($bits:literal): $($method:ident => $visit:ident),*;)*) => {$($(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            let number = self.$read($bits)?;
            visitor.$visit(number)
        }
    )*)*};
}

impl<'de> Deserializer<'de> for &mut Decoder<'de> {
    type Error = Unreadable;

    fn is_human_readable(&self) -> bool {
        false
    }

    numbers! {
        unsigned(16): deserialize_u16 => visit_u16;
        unsigned(32): deserialize_u32 => visit_u32;
        unsigned(64): deserialize_u64 => visit_u64;
        unsigned(128): deserialize_u128 => visit_u128;
        signed(16): deserialize_i16 => visit_i16;
        signed(32): deserialize_i32 => visit_i32;
        signed(64): deserialize_i64 => visit_i64;
        signed(128): deserialize_i128 => visit_i128;
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u8(self.byte()?)
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_i8(self.byte()?.cast_signed())
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f32(f32::from_le_bytes(self.exactly()?))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f64(f64::from_le_bytes(self.exactly()?))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            other => Err(Unreadable::new(format!("{other} is neither true nor false"))),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let text = self.text()?;
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => visitor.visit_char(letter),
            _ => Err(Unreadable::new("a character is not one")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_bytes(self.bytes()?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.byte()? {
            0 => visitor.visit_none(),
            1 => self.within(|decoder| visitor.visit_some(decoder)),
            other => Err(Unreadable::new(format!("an option begins with {other}"))),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        self.within(|decoder| visitor.visit_newtype_struct(decoder))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let count = self.count()?;
        self.list(count, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        self.list(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.list(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.list(fields.len(), visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let left = self.count()?;
        self.within(|decoder| visitor.visit_map(Elements { decoder, left }))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.within(|decoder| visitor.visit_enum(decoder))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
        Err(Unreadable::new("its type wants the encoding to say what comes, and this one does not"))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_any(visitor)
    }
}

/// What is left of a list or of a map.
struct Elements<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: usize,
}

impl<'de> Elements<'_, 'de> {
    fn one<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.decoder).map(Some)
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Unreadable;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.one(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(self.decoder.rest.len()))
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = Unreadable;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.one(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        seed.deserialize(&mut *self.decoder)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(self.decoder.rest.len()))
    }
}

impl<'de> EnumAccess<'de> for &mut Decoder<'de> {
    type Error = Unreadable;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self)> {
        let number: u32 = self.unsigned(32)?;
        let variant = seed.deserialize(number.into_deserializer())?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Decoder<'de> {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<()> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(Elements { decoder: self, left: len })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_seq(Elements { decoder: self, left: fields.len() })
    }
}
