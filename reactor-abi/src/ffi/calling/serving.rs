//! What stands around a provider's method.

use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::interface::{Callbacks, Reply};
use super::super::panics;
use super::super::root::Status;
use super::super::sink::Sink;
use crate::error::{Error, Result};
use crate::interface::Input;

/// Runs a method by the raw road. Nothing unwinds.
#[inline]
pub fn serve<R: Copy>(answer: Sink, run: impl FnOnce() -> Result<R>) -> Reply<R> {
    let before = panics::so_far();
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Reply { status: Status::Done, value: MaybeUninit::new(value) },
        Ok(Err(error)) => refused(answer, &error, Status::Failed),
        Err(payload) => refused(answer, &panics::error(payload, before), Status::Panicked),
    }
}

#[cold]
fn refused<R>(answer: Sink, error: &Error, status: Status) -> Reply<R> {
    answer.write(&error.encode());
    Reply { status, value: MaybeUninit::uninit() }
}

/// Runs a method by the encoded road: `run` appends the encoded answer, and answers whether there is such a method.
/// Nothing unwinds.
pub fn serve_encoded(
    answer: Sink,
    input: &[u8],
    callbacks: Callbacks,
    run: impl FnOnce(&mut Input<'_>, &mut Vec<u8>) -> Result<bool>,
) -> Status {
    let before = panics::so_far();
    let mut bytes = Vec::new();
    let done =
        catch_unwind(AssertUnwindSafe(|| run(&mut Input::with_callbacks(input, callbacks), &mut bytes)));
    let (status, bytes) = match done {
        Ok(Ok(true)) => (Status::Done, bytes),
        Ok(Ok(false)) => (Status::Missing, Vec::new()),
        Ok(Err(error)) => (Status::Failed, error.encode()),
        Err(payload) => (Status::Panicked, panics::error(payload, before).encode()),
    };
    answer.write(&bytes);
    status
}
