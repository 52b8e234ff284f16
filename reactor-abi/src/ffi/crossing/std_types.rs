//! What the types of the standard library are made of, and those of this crate.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{AsBytes, AsScalar, AsUnit, Encoded, Schema};
use crate::error::{Error, Result};
use crate::interface::{Input, Shape, crossing, put};
use crate::value::Value;

macro_rules! named {
    ($($crosses:ident: $($name:ty = $text:literal)*;)*) => {$($(
        // SAFETY: the name of a type of the language, and nothing else is written so.
        unsafe impl Schema for $name {
            type Crosses = $crosses;

            fn describe(shape: &mut Shape) {
                shape.text($text);
            }
        }
    )*)*};
}

named! {
    AsScalar:
        u16 = "u16" u32 = "u32" u64 = "u64" usize = "usize"
        i8 = "i8" i16 = "i16" i32 = "i32" i64 = "i64" isize = "isize"
        f32 = "f32" f64 = "f64" bool = "bool" char = "char";
    AsUnit: () = "()";
    Encoded:
        u128 = "u128" i128 = "i128"
        Duration = "Duration" PathBuf = "PathBuf" Value = "Value" Error = "reactor::Error";
}

// SAFETY: the name of a type of the language, and nothing else is written so.
unsafe impl Schema for u8 {
    type Crosses = AsScalar;

    fn describe(shape: &mut Shape) {
        shape.text("u8");
    }

    // Bytes go in one piece.
    fn encode_list(list: &[Self], output: &mut Vec<u8>) -> Result<()> {
        put(&list.len(), output)?;
        output.extend_from_slice(list);
        Ok(())
    }

    fn decode_list(input: &mut Input<'_>) -> Result<Vec<Self>> {
        Ok(input.take_bytes()?.to_vec())
    }

    fn as_bytes(list: &[Self]) -> Option<&[u8]> {
        Some(list)
    }

    fn from_bytes(bytes: Cow<'_, [u8]>) -> Result<Vec<Self>, Cow<'_, [u8]>> {
        Ok(bytes.into_owned())
    }
}

// SAFETY: the name of a type of the language, and nothing else is written so.
unsafe impl Schema for String {
    type Crosses = AsBytes;

    fn describe(shape: &mut Shape) {
        shape.text("String");
    }

    fn decode(input: &mut Input<'_>) -> Result<Self> {
        std::str::from_utf8(input.take_bytes()?).map(str::to_owned).map_err(|error| crossing("text", &error))
    }
}

// SAFETY: the name of a type of the language, and nothing else is written so.
unsafe impl<T: Schema> Schema for Vec<T> {
    type Crosses = AsBytes;

    fn describe(shape: &mut Shape) {
        generic::<T>("Vec", shape);
    }

    fn encode(&self, output: &mut Vec<u8>) -> Result<()> {
        T::encode_list(self, output)
    }

    fn decode(input: &mut Input<'_>) -> Result<Self> {
        T::decode_list(input)
    }
}

/// Writes `name<T>`.
fn generic<T: Schema>(name: &str, shape: &mut Shape) {
    shape.text(name).text("<");
    T::describe(shape);
    shape.text(">");
}

// SAFETY: the name of a type of the language, and nothing else is written so.
unsafe impl<T: Schema> Schema for Option<T> {
    type Crosses = Encoded;

    fn describe(shape: &mut Shape) {
        generic::<T>("Option", shape);
    }

    fn encode(&self, output: &mut Vec<u8>) -> Result<()> {
        output.push(u8::from(self.is_some()));
        self.as_ref().map_or(Ok(()), |value| value.encode(output))
    }

    fn decode(input: &mut Input<'_>) -> Result<Self> {
        match input.take::<u8>()? {
            0 => Ok(None),
            1 => Ok(Some(T::decode(input)?)),
            other => Err(crossing("an option", &format_args!("it begins with {other}"))),
        }
    }
}

// SAFETY: the name of a type of the language, and nothing else is written so.
unsafe impl<T: Schema, E: Schema> Schema for Result<T, E> {
    type Crosses = Encoded;

    fn describe(shape: &mut Shape) {
        shape.text("Result<");
        T::describe(shape);
        shape.text(", ");
        E::describe(shape);
        shape.text(">");
    }

    fn encode(&self, output: &mut Vec<u8>) -> Result<()> {
        output.push(u8::from(self.is_err()));
        match self {
            Ok(value) => value.encode(output),
            Err(error) => error.encode(output),
        }
    }

    fn decode(input: &mut Input<'_>) -> Result<Self> {
        match input.take::<u8>()? {
            0 => Ok(Ok(T::decode(input)?)),
            1 => Ok(Err(E::decode(input)?)),
            other => Err(crossing("a result", &format_args!("it begins with {other}"))),
        }
    }
}

// SAFETY: the name of a type of the language, and nothing else is written so.
unsafe impl<T: Schema> Schema for Box<T> {
    type Crosses = Encoded;

    fn describe(shape: &mut Shape) {
        generic::<T>("Box", shape);
    }

    fn encode(&self, output: &mut Vec<u8>) -> Result<()> {
        T::encode(self, output)
    }

    fn decode(input: &mut Input<'_>) -> Result<Self> {
        T::decode(input).map(Box::new)
    }
}

// SAFETY: the name of a type of the language, and nothing else is written so.
unsafe impl<T: Schema, const N: usize> Schema for [T; N]
where
    [T; N]: Serialize + DeserializeOwned,
{
    type Crosses = Encoded;

    fn describe(shape: &mut Shape) {
        shape.text("[");
        T::describe(shape);
        shape.text("; ").text(&N.to_string()).text("]");
    }
}

macro_rules! lists {
    ($($name:ident: $($bound:path),*;)*) => {$(
        // SAFETY: the name of a type of the language, and nothing else is written so.
        unsafe impl<T: Schema $(+ $bound)*> Schema for $name<T> {
            type Crosses = Encoded;

            fn describe(shape: &mut Shape) {
                generic::<T>(stringify!($name), shape);
            }
        }
    )*};
}

lists! {
    VecDeque:;
    BTreeSet: Ord;
}

// SAFETY: the name of a type of the language, and nothing else is written so.
unsafe impl<T: Schema + Eq + Hash, S: BuildHasher + Default + 'static> Schema for HashSet<T, S> {
    type Crosses = Encoded;

    fn describe(shape: &mut Shape) {
        generic::<T>("HashSet", shape);
    }
}

/// Writes `name<K, V>`.
fn map<K: Schema, V: Schema>(name: &str, shape: &mut Shape) {
    shape.text(name).text("<");
    K::describe(shape);
    shape.text(", ");
    V::describe(shape);
    shape.text(">");
}

// SAFETY: the name of a type of the language, and nothing else is written so.
unsafe impl<K: Schema + Ord, V: Schema> Schema for BTreeMap<K, V> {
    type Crosses = Encoded;

    fn describe(shape: &mut Shape) {
        map::<K, V>("BTreeMap", shape);
    }
}

// SAFETY: the name of a type of the language, and nothing else is written so.
unsafe impl<K: Schema + Eq + Hash, V: Schema, S: BuildHasher + Default + 'static> Schema
    for HashMap<K, V, S>
{
    type Crosses = Encoded;

    fn describe(shape: &mut Shape) {
        map::<K, V>("HashMap", shape);
    }
}

macro_rules! tuples {
    ($($first:ident $(, $rest:ident)*;)*) => {$(
        // SAFETY: the name of a type of the language, and nothing else is written so.
        unsafe impl<$first: Schema $(, $rest: Schema)*> Schema for ($first, $($rest,)*) {
            type Crosses = Encoded;

            fn describe(shape: &mut Shape) {
                // A level, as a derived tuple struct is one, which reads the same.
                shape.within::<Self>(|shape| {
                    shape.text("(");
                    $first::describe(shape);
                    $(
                        shape.text(", ");
                        $rest::describe(shape);
                    )*
                    shape.text(")");
                });
            }

            fn encode(&self, output: &mut Vec<u8>) -> Result<()> {
                #[expect(non_snake_case, reason = "a field is named for its type")]
                let ($first, $($rest,)*) = self;
                $first.encode(output)?;
                $($rest.encode(output)?;)*
                Ok(())
            }

            fn decode(input: &mut Input<'_>) -> Result<Self> {
                Ok(($first::decode(input)?, $($rest::decode(input)?,)*))
            }
        }
    )*};
}

tuples! {
    A;
    A, B;
    A, B, C;
    A, B, C, D;
    A, B, C, D, E;
    A, B, C, D, E, F;
    A, B, C, D, E, F, G;
    A, B, C, D, E, F, G, H;
}
