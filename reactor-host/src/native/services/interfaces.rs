//! The services for typed interfaces and streams.

use abi_stable::std_types::RSlice;
use reactor_abi::Error;
use reactor_abi::ffi::interface::{Offer, StreamStatus};
use reactor_abi::ffi::services::OpaqueCell;
use reactor_abi::ffi::{RawContext, Sink, Status};

use super::answered;

fn none() -> Error {
    Error::new("RE0605", "this host has no interfaces")
}

pub(super) unsafe extern "C" fn provide(_: RawContext, _: RSlice<'_, u8>, _: Offer, answer: Sink) -> Status {
    answered(answer, || Err(none()))
}

pub(super) unsafe extern "C" fn import(
    _: RawContext,
    _: RSlice<'_, u8>,
    answer: Sink,
) -> Option<&'static OpaqueCell> {
    answered(answer, || Err(none()));
    None
}

pub(super) unsafe extern "C" fn provider(_: RawContext, _: RSlice<'_, u8>, answer: Sink) -> Status {
    answered(answer, || Err(none()))
}

pub(super) unsafe extern "C" fn stream_open(_: RawContext, _: u32, answer: Sink) -> Status {
    answered(answer, || Err(none()))
}

pub(super) unsafe extern "C" fn stream_push(
    _: RawContext,
    _: u64,
    _: RSlice<'_, u8>,
    _: u64,
) -> StreamStatus {
    StreamStatus::Closed
}

pub(super) unsafe extern "C" fn stream_close(_: RawContext, _: u64, _: RSlice<'_, u8>) {}

pub(super) unsafe extern "C" fn stream_next(_: RawContext, _: u64, _: u64, _: Sink) -> StreamStatus {
    StreamStatus::Closed
}

pub(super) unsafe extern "C" fn stream_cancel(_: RawContext, _: u64) {}
