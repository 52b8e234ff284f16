//! The types of signatures: what each is made of, and how it crosses.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Crossing;
use crate::error::Result;
use crate::interface::{CallError, Input, Shape, put};

/// A type that signatures of an interface may be made of: it says what it consists of, so that both sides can find out
/// at binding whether they mean the same.
///
/// Derive it beside `Serialize` and `Deserialize`:
///
/// ```
/// use reactor_abi::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Schema)]
/// pub struct Summary {
///     pub words: u64,
///     pub longest: String,
/// }
/// ```
///
/// Names of fields and variants are part of the description and so is their order, since the encoding goes by order; the
/// type's own name is not. A `Copy` type that is `#[repr(C)]` (or, without fields, an enum of a fixed `repr`) and is made of such types and of
/// scalars crosses in one process as it is, where it lies; its layout is part of the description then.
///
/// `serde(rename…)` and `serde(skip)` are understood; what this encoding can not carry (`flatten`, `tag`, `untagged`, `with`
/// and others) is a compile error that says what to write instead.
///
/// # Safety
///
/// Not for writing by hand: signatures that are equal as texts are called as equal ones. Two types with the same
/// description have `Crosses` with the same `Raw` and `Reply`, and are encoded alike; a description is one word, or has its
/// brackets closed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it is made of",
    label = "this type does not implement `Schema`",
    note = "write `#[derive(Serialize, Deserialize, Schema)]` on it; types without owned data only: no references, no \
            pointers"
)]
pub unsafe trait Schema: Serialize + DeserializeOwned + 'static {
    /// How values of it cross.
    type Crosses: Crossing<Self>;

    /// Adds what it is made of to a signature.
    fn describe(shape: &mut Shape);

    /// Appends the value, encoded.
    ///
    /// # Errors
    ///
    /// The type refuses to be serialised.
    fn encode(&self, output: &mut Vec<u8>) -> Result<()> {
        put(self, output)
    }

    /// Takes a value off the input.
    ///
    /// # Errors
    ///
    /// There is none.
    fn decode(input: &mut Input<'_>) -> Result<Self> {
        input.take()
    }

    /// Appends a list of values, encoded.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    fn encode_list(list: &[Self], output: &mut Vec<u8>) -> Result<()> {
        put(&list.len(), output)?;
        list.iter().try_for_each(|item| item.encode(output))
    }

    /// Takes a list of values off the input.
    ///
    /// # Errors
    ///
    /// There is none.
    fn decode_list(input: &mut Input<'_>) -> Result<Vec<Self>> {
        let count = input.take_count()?;
        let mut list = Vec::with_capacity(count.min(input.left() / size_of::<Self>().max(1)));
        for _ in 0..count {
            list.push(Self::decode(input)?);
        }
        Ok(list)
    }

    /// A list as the bytes that it is, if it is bytes.
    #[doc(hidden)]
    fn as_bytes(list: &[Self]) -> Option<&[u8]> {
        let _ = list;
        None
    }

    /// The list that is these bytes, or the bytes back.
    #[doc(hidden)]
    fn from_bytes(bytes: Cow<'_, [u8]>) -> Result<Vec<Self>, Cow<'_, [u8]>> {
        Err(bytes)
    }
}

/// What each method of a callback returns: something that can say that the call came to nothing.
#[diagnostic::on_unimplemented(
    message = "an interface whose method returns `{Self}` can not be a callback",
    label = "`&dyn` of this interface can not be an argument",
    note = "a callback's methods return `Result<T, E>` with `E: From<reactor_abi::interface::CallError>`, since a call \
            back can fail on its way"
)]
pub trait Fallible<'x>: Sized {
    /// The answer for a call that came to nothing.
    fn failed(error: CallError) -> Self;
}

impl<T: Schema, E: Schema + From<CallError>> Fallible<'_> for Result<T, E> {
    fn failed(error: CallError) -> Self {
        Err(E::from(error))
    }
}
