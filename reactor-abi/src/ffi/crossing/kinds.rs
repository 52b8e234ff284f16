//! The ways in which a type can cross, each as a marker.

use std::borrow::Cow;
use std::mem::ManuallyDrop;

use super::super::interface::{RawSlice, Reply};
use super::super::root::Status;
use super::super::sink::{Fixed, Lazy, Sink};
use super::{Crossing, Schema, Trouble};
use crate::error::{Error, Result};
use crate::interface::{Input, crossing};

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
    // Nothing is written to it with `Done`, so that there is nothing to look for and to drop then.
    let mut trouble: ManuallyDrop<Lazy> = ManuallyDrop::new(None);
    // SAFETY: the sink is used during this call only.
    let reply = call(unsafe { Sink::lazy(&mut trouble) });
    if reply.status == Status::Done {
        // SAFETY: the caller promises it.
        return Ok(unsafe { reply.value.assume_init() });
    }
    Err(Trouble::said(reply.status, ManuallyDrop::into_inner(trouble)))
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
        let bytes = match value.bytes()? {
            Cow::Borrowed(bytes) => {
                answer.write(bytes);
                return Ok(());
            }
            Cow::Owned(bytes) => bytes,
        };
        // First, since its elements may panic then.
        drop(value);
        answer.write(&bytes);
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no fixed layout, and so a `#[repr(C)]` type of an interface can not contain it",
    label = "this does not cross as it is",
    note = "take `#[repr(C)]` off the type: then it crosses encoded"
)]
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
        let first = raw.first.cast::<T>();
        if raw.len != size_of::<T>() || !first.is_aligned() {
            return Err(misplaced(raw, size_of::<T>(), align_of::<T>()));
        }
        // SAFETY: the address of a `T` that is kept for the call; both sides know the same layout.
        Ok(unsafe { &*first })
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

#[cold]
fn misplaced(raw: RawSlice, size: usize, align: usize) -> Error {
    let RawSlice { first, len } = raw;
    let why = format_args!("{len} bytes at {first:p} are given for {size} bytes, aligned to {align}");
    crossing("an argument", &why)
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
        // First, since it may panic then.
        drop(value);
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
