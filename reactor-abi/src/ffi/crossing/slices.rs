//! Borrowed text, and slices.

use std::borrow::Borrow;

use super::super::interface::RawSlice;
use super::{Argument, Crossing};
use crate::error::Result;
use crate::interface::{Input, Schema, Shape, crossing};

// SAFETY: the bytes are passed where they lie, and are text on both sides.
unsafe impl Argument for str {
    type Raw = RawSlice;
    type Kept<'a> = &'a str;
    type Taken<'a> = &'a str;
    type Read<'a> = &'a str;
    const CARRIES: bool = true;

    #[inline]
    fn keep(&self) -> Result<&str> {
        Ok(self)
    }

    #[inline]
    fn raw(kept: &&str) -> RawSlice {
        RawSlice::of(kept.as_bytes())
    }

    #[inline]
    fn bytes(raw: RawSlice) -> usize {
        raw.len
    }

    #[inline]
    unsafe fn take<'a>(raw: RawSlice) -> Result<Self::Taken<'a>> {
        // SAFETY: `raw` was made of a `str` that is kept for the call.
        Ok(unsafe { std::str::from_utf8_unchecked(raw.get()) })
    }

    fn put(&self, output: &mut Vec<u8>) -> Result<()> {
        crate::interface::put(self, output)
    }

    fn get<'a>(input: &mut Input<'a>) -> Result<&'a str> {
        std::str::from_utf8(input.take_bytes()?).map_err(|error| crossing("text", &error))
    }

    fn write(shape: &mut Shape) {
        shape.text("str");
    }
}

/// Whether slices of `T` cross where they lie. What has no size can not be counted in bytes.
const fn in_place<T: Schema>() -> bool {
    <T::Crosses as Crossing<T>>::IN_PLACE && size_of::<T>() != 0
}

/// What a caller keeps of a slice.
pub struct KeptSlice {
    raw: RawSlice,
    /// The elements, unless they cross where they lie: `raw` is the parts of this then.
    _encoded: Vec<u8>,
}

/// What a provider makes of a slice.
pub enum TakenSlice<'a, T> {
    /// Where the caller has it.
    Lent(&'a [T]),
    /// Decoded.
    Read(Vec<T>),
}

impl<T> Borrow<[T]> for TakenSlice<'_, T> {
    #[inline]
    fn borrow(&self) -> &[T] {
        match self {
            Self::Lent(slice) => slice,
            Self::Read(list) => list,
        }
    }
}

// SAFETY: elements whose layout both sides know are passed where they lie, others encoded.
unsafe impl<T: Schema> Argument for [T] {
    type Raw = RawSlice;
    type Kept<'a> = KeptSlice;
    type Taken<'a> = TakenSlice<'a, T>;
    type Read<'a> = Vec<T>;
    const CARRIES: bool = true;

    #[inline]
    fn keep(&self) -> Result<KeptSlice> {
        if in_place::<T>() {
            let raw = RawSlice { first: self.as_ptr().cast(), len: size_of_val(self) };
            return Ok(KeptSlice { raw, _encoded: Vec::new() });
        }
        let mut encoded = Vec::new();
        T::encode_list(self, &mut encoded)?;
        Ok(KeptSlice { raw: RawSlice::of(&encoded), _encoded: encoded })
    }

    #[inline]
    fn raw(kept: &KeptSlice) -> RawSlice {
        kept.raw
    }

    #[inline]
    fn bytes(raw: RawSlice) -> usize {
        raw.len
    }

    #[inline]
    unsafe fn take<'a>(raw: RawSlice) -> Result<Self::Taken<'a>> {
        if in_place::<T>() {
            // SAFETY: `raw` was made of a slice of such elements that is kept for the call.
            let slice =
                unsafe { std::slice::from_raw_parts(raw.first.cast::<T>(), raw.len / size_of::<T>()) };
            return Ok(TakenSlice::Lent(slice));
        }
        // SAFETY: as above.
        let mut input = Input::new(unsafe { raw.get() });
        let list = T::decode_list(&mut input)?;
        input.end()?;
        Ok(TakenSlice::Read(list))
    }

    fn put(&self, output: &mut Vec<u8>) -> Result<()> {
        T::encode_list(self, output)
    }

    fn get(input: &mut Input<'_>) -> Result<Vec<T>> {
        T::decode_list(input)
    }

    fn write(shape: &mut Shape) {
        shape.text("[");
        T::describe(shape);
        shape.text("]");
    }
}
