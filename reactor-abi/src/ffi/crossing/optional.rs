//! `Option<&T>`: what is borrowed, or nothing.

use std::mem::MaybeUninit;

use super::Argument;
use crate::error::Result;
use crate::interface::{Input, crossing};

/// What stands for an `Option<&T>` in the signature of a thunk.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawOption<R: Copy> {
    is_there: bool,
    raw: MaybeUninit<R>,
}

impl<R: Copy> RawOption<R> {
    fn get(self) -> Option<R> {
        // SAFETY: `raw` fills both together.
        self.is_there.then(|| unsafe { self.raw.assume_init() })
    }
}

/// As [`Argument::keep`].
///
/// # Errors
///
/// As there.
pub fn keep<T: Argument + ?Sized>(value: Option<&T>) -> Result<Option<T::Kept<'_>>> {
    value.map(T::keep).transpose()
}

/// As [`Argument::raw`].
pub fn raw<T: Argument + ?Sized>(kept: &Option<T::Kept<'_>>) -> RawOption<T::Raw> {
    match kept {
        Some(kept) => RawOption { is_there: true, raw: MaybeUninit::new(T::raw(kept)) },
        None => RawOption { is_there: false, raw: MaybeUninit::uninit() },
    }
}

/// As [`Argument::bytes`].
pub fn bytes<T: Argument + ?Sized>(raw: RawOption<T::Raw>) -> usize {
    raw.get().map_or(0, T::bytes)
}

/// As [`Argument::take`].
///
/// # Errors
///
/// As there.
///
/// # Safety
///
/// As there.
pub unsafe fn take<'a, T: Argument + ?Sized>(raw: RawOption<T::Raw>) -> Result<Option<T::Taken<'a>>> {
    // SAFETY: as the caller promises.
    raw.get().map(|raw| unsafe { T::take(raw) }).transpose()
}

/// As [`Argument::put`].
///
/// # Errors
///
/// As there.
pub fn put<T: Argument + ?Sized>(value: Option<&T>, output: &mut Vec<u8>) -> Result<()> {
    output.push(u8::from(value.is_some()));
    value.map_or(Ok(()), |value| value.put(output))
}

/// As [`Argument::get`].
///
/// # Errors
///
/// As there.
pub fn get<'a, T: Argument + ?Sized>(input: &mut Input<'a>) -> Result<Option<T::Read<'a>>> {
    match input.take::<u8>()? {
        0 => Ok(None),
        1 => T::get(input).map(Some),
        other => Err(crossing("an option", &format_args!("it begins with {other}"))),
    }
}
