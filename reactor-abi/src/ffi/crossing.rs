//! How each kind of type crosses: as it is, as bare bytes, or encoded.
//!
//! Owns the conversions between Rust values and what stands in the signature of a thunk. Must never know an interface or
//! a pin. Which conversion a type has is part of its description ([`Schema::describe`]), so two sides that were found to
//! agree on a signature agree on this as well.

#![expect(clippy::missing_safety_doc, reason = "the traits say what each of their functions asks")]

mod answers;
pub mod optional;
mod slices;

use std::borrow::{Borrow, Cow};

use super::interface::{RawSlice, Reply};
use super::root::Status;
use super::sink::{Fixed, Lazy, Sink};
use crate::error::{Error, Result};
use crate::interface::{Input, Schema, Shape, crossing};

pub use answers::Answer;
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
    /// The status, which is not `Done`; or `Done`, and the answer could not be read.
    pub(super) status: Status,
    /// Why.
    pub(super) error: Error,
}

impl Trouble {
    #[cold]
    fn answered(status: Status, bytes: &[u8]) -> Self {
        Self { status, error: Error::decode(bytes) }
    }

    #[cold]
    fn unreadable(error: Error) -> Self {
        Self { status: Status::Done, error }
    }
}

/// A scalar: crosses in a register.
pub struct AsScalar;

/// A type whose raw value is a register's.
///
/// # Safety
///
/// `Raw` is a scalar of a fixed layout.
pub unsafe trait Scalar: Copy + Schema {
    /// What crosses.
    type Raw: Copy;
    /// Gives it.
    fn raw(self) -> Self::Raw;
    /// Reads it.
    fn read(raw: Self::Raw) -> Result<Self>;
}

macro_rules! scalars {
    ($($name:ty)*) => {$(
        // SAFETY: a primitive that C has too.
        unsafe impl Scalar for $name {
            type Raw = Self;

            #[inline]
            fn raw(self) -> Self {
                self
            }

            #[inline]
            fn read(raw: Self) -> Result<Self> {
                Ok(raw)
            }
        }
    )*};
}

scalars!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize f32 f64 bool);

// SAFETY: crosses as its number.
unsafe impl Scalar for char {
    type Raw = u32;

    #[inline]
    fn raw(self) -> u32 {
        u32::from(self)
    }

    #[inline]
    fn read(raw: u32) -> Result<Self> {
        Self::from_u32(raw).ok_or_else(|| crossing("a character", &format_args!("{raw:#x} is none")))
    }
}

// SAFETY: `raw` and `read` are each other's inverse, and so are `give` and `receive`.
unsafe impl<T: Scalar> Crossing<T> for AsScalar {
    type Raw = T::Raw;
    type Kept<'a> = T::Raw;
    type Taken<'a> = T;
    type Reply = T::Raw;
    const IN_PLACE: bool = true;
    const CARRIES: bool = false;

    #[inline]
    fn keep(value: &T) -> Result<T::Raw> {
        Ok(value.raw())
    }

    #[inline]
    fn raw(kept: &T::Raw) -> T::Raw {
        *kept
    }

    #[inline]
    fn bytes(_: T::Raw) -> usize {
        0
    }

    #[inline]
    unsafe fn take<'a>(raw: T::Raw) -> Result<Self::Taken<'a>> {
        T::read(raw)
    }

    #[inline]
    fn own(taken: T) -> T {
        taken
    }

    #[inline]
    fn give(value: T, _: Sink) -> Result<T::Raw> {
        Ok(value.raw())
    }

    #[inline]
    unsafe fn receive(call: impl FnOnce(Sink) -> Reply<T::Raw>) -> Result<(T, usize), Trouble> {
        // SAFETY: the caller's `call` is to a thunk of this signature.
        let raw = unsafe { bare(call) }?;
        T::read(raw).map(|value| (value, 0)).map_err(Trouble::unreadable)
    }
}

/// A call whose answer is in the reply alone.
///
/// # Safety
///
/// `call` answers a value with `Done`.
#[inline]
pub(super) unsafe fn bare<R: Copy>(call: impl FnOnce(Sink) -> Reply<R>) -> Result<R, Trouble> {
    let mut trouble: Lazy = None;
    // SAFETY: the sink is used during this call only.
    let reply = call(unsafe { Sink::lazy(&mut trouble) });
    if reply.status == Status::Done {
        // SAFETY: the caller promises it.
        return Ok(unsafe { reply.value.assume_init() });
    }
    Err(Trouble::answered(reply.status, trouble.as_deref().map_or(&[], Vec::as_slice)))
}

/// A call whose answer is in the sink alone.
fn collected(call: impl FnOnce(Sink) -> Reply<()>) -> Result<Vec<u8>, Trouble> {
    let mut answer = Vec::new();
    // SAFETY: the sink is used during this call only.
    let reply = call(unsafe { Sink::of(&mut answer) });
    match reply.status {
        Status::Done => Ok(answer),
        status => Err(Trouble::answered(status, &answer)),
    }
}

/// Owned text or a list: bytes cross as they are, other elements encoded.
pub struct AsBytes;

/// A type that is bytes.
pub trait Bytes: Schema {
    /// The bytes.
    fn bytes(&self) -> Result<Cow<'_, [u8]>>;
    /// Reads them.
    fn read(bytes: Cow<'_, [u8]>) -> Result<Self>;
}

impl Bytes for String {
    fn bytes(&self) -> Result<Cow<'_, [u8]>> {
        Ok(Cow::Borrowed(self.as_bytes()))
    }

    fn read(bytes: Cow<'_, [u8]>) -> Result<Self> {
        Self::from_utf8(bytes.into_owned()).map_err(|error| crossing("text", &error))
    }
}

impl<T: Schema> Bytes for Vec<T> {
    fn bytes(&self) -> Result<Cow<'_, [u8]>> {
        if let Some(bytes) = T::as_bytes(self) {
            return Ok(Cow::Borrowed(bytes));
        }
        let mut bytes = Vec::new();
        self.encode(&mut bytes)?;
        Ok(Cow::Owned(bytes))
    }

    fn read(bytes: Cow<'_, [u8]>) -> Result<Self> {
        match T::from_bytes(bytes) {
            Ok(list) => Ok(list),
            Err(bytes) => read(&bytes),
        }
    }
}

impl RawSlice {
    /// The parts of `bytes`.
    #[inline]
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { first: bytes.as_ptr(), len: bytes.len() }
    }

    /// # Safety
    ///
    /// The bytes live for `'a`.
    #[inline]
    pub(super) unsafe fn get<'a>(self) -> &'a [u8] {
        // SAFETY: the parts of a slice, which lives as the caller promises.
        unsafe { std::slice::from_raw_parts(self.first, self.len) }
    }
}

// SAFETY: the bytes are passed where they lie, and read as what they were.
unsafe impl<T: Bytes> Crossing<T> for AsBytes {
    type Raw = RawSlice;
    type Kept<'a> = Cow<'a, [u8]>;
    type Taken<'a> = T;
    type Reply = ();
    const IN_PLACE: bool = false;
    const CARRIES: bool = true;

    fn keep(value: &T) -> Result<Cow<'_, [u8]>> {
        value.bytes()
    }

    fn raw(kept: &Cow<'_, [u8]>) -> RawSlice {
        RawSlice::of(kept)
    }

    fn bytes(raw: RawSlice) -> usize {
        raw.len
    }

    unsafe fn take<'a>(raw: RawSlice) -> Result<Self::Taken<'a>> {
        // SAFETY: what was kept lives for the call.
        T::read(Cow::Borrowed(unsafe { raw.get() }))
    }

    fn own(taken: T) -> T {
        taken
    }

    fn give(value: T, answer: Sink) -> Result<()> {
        answer.write(&value.bytes()?);
        Ok(())
    }

    unsafe fn receive(call: impl FnOnce(Sink) -> Reply<()>) -> Result<(T, usize), Trouble> {
        let answer = collected(call)?;
        let count = answer.len();
        Ok((T::read(Cow::Owned(answer)).map_err(Trouble::unreadable)?, count))
    }
}

/// A type of fixed layout that owns nothing: crosses where it lies.
pub struct AsPlain;

/// A `Copy` type without pointers whose layout is part of its description.
///
/// # Safety
///
/// The type is `repr(C)`, or a fieldless `enum` of a fixed representation, is made of such types and of scalars only, and
/// its [`Schema::describe`] names size, alignment and all offsets or discriminants.
pub unsafe trait Plain: Copy + Schema {}

macro_rules! plain {
    ($($name:ty)*) => {$(
        // SAFETY: a primitive, whose name says its layout.
        unsafe impl Plain for $name {}
    )*};
}

plain!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize f32 f64 bool char);

// SAFETY: elements one after the other; description and element say all of the layout.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] where [T; N]: Schema {}

// SAFETY: both sides know the same layout, since it is part of the description.
unsafe impl<T: Plain> Crossing<T> for AsPlain {
    type Raw = RawSlice;
    type Kept<'a> = &'a T;
    type Taken<'a> = &'a T;
    type Reply = ();
    const IN_PLACE: bool = true;
    const CARRIES: bool = true;

    #[inline]
    fn keep(value: &T) -> Result<&T> {
        Ok(value)
    }

    #[inline]
    fn raw(kept: &&T) -> RawSlice {
        RawSlice { first: std::ptr::from_ref::<T>(kept).cast(), len: size_of::<T>() }
    }

    #[inline]
    fn bytes(raw: RawSlice) -> usize {
        raw.len
    }

    #[inline]
    unsafe fn take<'a>(raw: RawSlice) -> Result<Self::Taken<'a>> {
        // SAFETY: the address of a `T` that is kept for the call; both sides know the same layout.
        Ok(unsafe { &*raw.first.cast::<T>() })
    }

    #[inline]
    fn own(taken: &T) -> T {
        *taken
    }

    fn give(value: T, answer: Sink) -> Result<()> {
        answer.write_value(&value);
        Ok(())
    }

    unsafe fn receive(call: impl FnOnce(Sink) -> Reply<()>) -> Result<(T, usize), Trouble> {
        let mut answer = Fixed::<T>::new();
        // SAFETY: the sink is used during this call only.
        let reply = call(unsafe { Sink::fixed(&mut answer) });
        if reply.status != Status::Done {
            return Err(Trouble::answered(reply.status, &answer.bytes()));
        }
        // SAFETY: `give` wrote the bytes of a `T`.
        let value = unsafe { answer.value() };
        value
            .map(|value| (value, size_of::<T>()))
            .ok_or_else(|| Trouble::unreadable(crossing("an answer", &"it has another size")))
    }
}

/// Everything else: crosses encoded.
pub struct Encoded;

// SAFETY: encoded and decoded; nothing is shared.
unsafe impl<T: Schema> Crossing<T> for Encoded {
    type Raw = RawSlice;
    type Kept<'a> = Vec<u8>;
    type Taken<'a> = T;
    type Reply = ();
    const IN_PLACE: bool = false;
    const CARRIES: bool = true;

    fn keep(value: &T) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        value.encode(&mut bytes)?;
        Ok(bytes)
    }

    fn raw(kept: &Vec<u8>) -> RawSlice {
        RawSlice::of(kept)
    }

    fn bytes(raw: RawSlice) -> usize {
        raw.len
    }

    unsafe fn take<'a>(raw: RawSlice) -> Result<Self::Taken<'a>> {
        // SAFETY: what was kept lives for the call.
        read(unsafe { raw.get() })
    }

    fn own(taken: T) -> T {
        taken
    }

    fn give(value: T, answer: Sink) -> Result<()> {
        let mut bytes = Vec::new();
        value.encode(&mut bytes)?;
        answer.write(&bytes);
        Ok(())
    }

    unsafe fn receive(call: impl FnOnce(Sink) -> Reply<()>) -> Result<(T, usize), Trouble> {
        let answer = collected(call)?;
        Ok((read(&answer).map_err(Trouble::unreadable)?, answer.len()))
    }
}

/// All of `bytes` as one value.
pub(super) fn read<T: Schema>(bytes: &[u8]) -> Result<T> {
    let mut input = Input::new(bytes);
    let value = T::decode(&mut input)?;
    input.end()?;
    Ok(value)
}

/// Nothing at all.
pub struct AsUnit;

// SAFETY: nothing crosses.
unsafe impl Crossing<()> for AsUnit {
    type Raw = u8;
    type Kept<'a> = ();
    type Taken<'a> = ();
    type Reply = ();
    const IN_PLACE: bool = false;
    const CARRIES: bool = false;

    fn keep((): &()) -> Result<()> {
        Ok(())
    }

    fn raw((): &()) -> u8 {
        0
    }

    fn bytes(_: u8) -> usize {
        0
    }

    unsafe fn take<'a>(_: u8) -> Result<Self::Taken<'a>> {
        Ok(())
    }

    fn own((): ()) {}

    #[inline]
    fn give((): (), _: Sink) -> Result<()> {
        Ok(())
    }

    #[inline]
    unsafe fn receive(call: impl FnOnce(Sink) -> Reply<()>) -> Result<((), usize), Trouble> {
        // SAFETY: the value is none.
        unsafe { bare(call) }.map(|()| ((), 0))
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

    fn get<'a>(input: &mut Input<'a>) -> Result<T> {
        T::decode(input)
    }

    fn write(shape: &mut Shape) {
        T::describe(shape);
    }
}
