//! How each kind of type crosses: as it is, as bare bytes, or encoded.
//!
//! Owns the conversions between Rust values and what stands in the signature of a thunk. Must never know an interface or
//! a pin. Which conversion a type has is part of its description ([`Schema::describe`]), so two sides that were found to
//! agree on a signature agree on this as well.

#![expect(
    clippy::missing_safety_doc,
    clippy::missing_errors_doc,
    reason = "the traits say once what each of their functions asks; each fails where a value can not be carried across"
)]

mod answers;
mod kinds;
pub mod optional;
mod schema;
mod slices;
mod std_types;

use std::borrow::Borrow;

use super::interface::Reply;
use super::root::Status;
use super::sink::{Lazy, Sink};
use crate::error::{Error, Result};
use crate::interface::{CallError, Input, Shape};

pub use answers::Answer;
use kinds::read;
pub use kinds::{AsBytes, AsPlain, AsScalar, AsUnit, Bytes, Encoded, Plain, Scalar};
pub use schema::{Fallible, Schema};
pub use slices::{KeptSlice, TakenSlice};

/// How values of `T` cross by the raw road, both ways.
///
/// # Safety
///
/// `take` makes of what `raw` gave, while what was kept lives, the value that was kept. `receive` answers what `give`
/// was given. Both sides of a boundary are compiled apart: `Raw` and `Reply` have a fixed layout.
pub unsafe trait Crossing<T> {
    /// What stands in the thunk's signature.
    type Raw: Copy;
    /// What the caller keeps for the call.
    type Kept<'a>
    where
        T: 'a;
    /// What the provider makes of it.
    type Taken<'a>: Borrow<T>;
    /// What stands in [`Reply::value`].
    type Reply: Copy;
    /// Whether elements of a slice cross where they lie.
    const IN_PLACE: bool;
    /// Whether anything but a scalar crosses.
    const CARRIES: bool;

    /// Prepares an argument.
    fn keep(value: &T) -> Result<Self::Kept<'_>>;
    /// What is passed of it.
    fn raw(kept: &Self::Kept<'_>) -> Self::Raw;
    /// How many bytes cross beside the raw value.
    fn bytes(raw: Self::Raw) -> usize;
    /// Reads an argument. The raw value is one of [`raw`](Self::raw), for what is still kept.
    unsafe fn take<'a>(raw: Self::Raw) -> Result<Self::Taken<'a>>;
    /// A value of one's own.
    fn own(taken: Self::Taken<'_>) -> T;
    /// Gives an answer.
    fn give(value: T, answer: Sink) -> Result<Self::Reply>;
    /// Calls and receives an answer; and how many bytes it had. `call` passes the sink to a thunk of this signature.
    unsafe fn receive(call: impl FnOnce(Sink) -> Reply<Self::Reply>) -> Result<(T, usize), Trouble>;
}

/// What a thunk answered instead of an answer.
pub struct Trouble {
    status: Status,
    why: Why,
}

enum Why {
    /// What was in the sink.
    Said(Lazy),
    /// Another reason.
    Error(Error),
}

impl Trouble {
    /// The status is not `Done`, and the bytes were in the sink.
    #[cold]
    pub(super) fn answered(status: Status, bytes: &[u8]) -> Self {
        Self { status, why: Why::Error(Error::decode(bytes)) }
    }

    /// The same, to be read later: nothing here can panic.
    #[inline]
    fn said(status: Status, sink: Lazy) -> Self {
        Self { status, why: Why::Said(sink) }
    }

    #[cold]
    fn unreadable(error: Error) -> Self {
        Self { status: Status::Done, why: Why::Error(error) }
    }

    /// Whether the provider panicked.
    #[inline]
    pub(super) fn is_panic(&self) -> bool {
        self.status == Status::Panicked
    }

    /// As the caller is told.
    #[cold]
    #[inline(never)]
    #[expect(clippy::unnecessary_box_returns, reason = "one word, so that answers stay in registers")]
    pub(super) fn told(self) -> Box<CallError> {
        let error = match self.why {
            Why::Said(sink) => Error::decode(sink.as_deref().map_or(&[], Vec::as_slice)),
            Why::Error(error) => error,
        };
        Box::new(match self.status {
            Status::Panicked => CallError::Panicked(error),
            Status::Blocked => CallError::blocked(error),
            _ => CallError::failed(error),
        })
    }
}

/// What an argument may be: by value, or behind a `&`.
///
/// # Safety
///
/// As [`Crossing`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` can not be an argument of an interface",
    label = "this does not cross",
    note = "scalars, `&str`, `&[u8]`, `String`, and types that derive `Schema`, `Serialize` and `Deserialize` do"
)]
pub unsafe trait Argument {
    /// As [`Crossing::Raw`].
    type Raw: Copy;
    /// As [`Crossing::Kept`].
    type Kept<'a>
    where
        Self: 'a;
    /// As [`Crossing::Taken`].
    type Taken<'a>: Borrow<Self>;
    /// What the encoded road makes of it.
    type Read<'a>: Borrow<Self>;
    /// As [`Crossing::CARRIES`].
    const CARRIES: bool;

    /// As [`Crossing::keep`].
    fn keep(&self) -> Result<Self::Kept<'_>>;
    /// As [`Crossing::raw`].
    fn raw(kept: &Self::Kept<'_>) -> Self::Raw;
    /// As [`Crossing::bytes`].
    fn bytes(raw: Self::Raw) -> usize;
    /// As [`Crossing::take`].
    unsafe fn take<'a>(raw: Self::Raw) -> Result<Self::Taken<'a>>;
    /// For the encoded road.
    fn put(&self, output: &mut Vec<u8>) -> Result<()>;
    /// From the encoded road.
    fn get<'a>(input: &mut Input<'a>) -> Result<Self::Read<'a>>;
    /// Adds the type to a signature.
    fn write(shape: &mut Shape);
}

// SAFETY: passes on what the type's own crossing does.
unsafe impl<T: Schema> Argument for T {
    type Raw = <T::Crosses as Crossing<T>>::Raw;
    type Kept<'a> = <T::Crosses as Crossing<T>>::Kept<'a>;
    type Taken<'a> = <T::Crosses as Crossing<T>>::Taken<'a>;
    type Read<'a> = T;
    const CARRIES: bool = <T::Crosses as Crossing<T>>::CARRIES;

    #[inline]
    fn keep(&self) -> Result<Self::Kept<'_>> {
        T::Crosses::keep(self)
    }

    #[inline]
    fn raw(kept: &Self::Kept<'_>) -> Self::Raw {
        T::Crosses::raw(kept)
    }

    #[inline]
    fn bytes(raw: Self::Raw) -> usize {
        T::Crosses::bytes(raw)
    }

    #[inline]
    unsafe fn take<'a>(raw: Self::Raw) -> Result<Self::Taken<'a>> {
        // SAFETY: as the caller promises.
        unsafe { T::Crosses::take(raw) }
    }

    fn put(&self, output: &mut Vec<u8>) -> Result<()> {
        self.encode(output)
    }

    fn get(input: &mut Input<'_>) -> Result<T> {
        T::decode(input)
    }

    fn write(shape: &mut Shape) {
        T::describe(shape);
    }
}
