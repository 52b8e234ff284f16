//! The services for typed interfaces and streams. What is encoded is read here, whichever way it came.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use abi_stable::std_types::RSlice;
use reactor_abi::Error;
use reactor_abi::ffi::interface::{Offer, StreamStatus};
use reactor_abi::ffi::services::OpaqueCell;
use reactor_abi::ffi::{RawContext, Sink, Status};
use reactor_abi::interface::{Descriptor, Want};

use super::super::context::Context;
use super::super::life::Life;
use super::super::pool::Target;
use super::answered;
use crate::interfaces::{OfferError, Offered, Wanted};

/// The longest descriptor that is read, in bytes.
const LONGEST: usize = 1 << 20;

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    if bytes.len() > LONGEST {
        return Err(unreadable(format!("it has {} bytes, and {LONGEST} are the most", bytes.len())));
    }
    postcard::from_bytes(bytes).map_err(|error| unreadable(error.to_string()))
}

fn unreadable(reason: String) -> Error {
    let error = OfferError::Unreadable { reason };
    Error::new(error.code(), error.to_string())
}

pub(super) unsafe extern "C" fn provide(
    context: RawContext,
    descriptor: RSlice<'_, u8>,
    offer: Offer,
    answer: Sink,
) -> Status {
    // SAFETY: the plugin passes its own context, and its library is open since it runs.
    let context = unsafe { Context::of(context) };
    answered(answer, || {
        let add = |life: &Life, offered: Offered| {
            // SAFETY: the plugin's side of the boundary makes table and descriptor from one trait, and keeps the object
            // until the instance is destroyed, which is done when nobody is inside.
            unsafe { life.exports.add(life.plugin.as_str(), offered, offer, None) }
        };
        take_offer(context, descriptor.as_slice(), add).map(|()| Vec::new())
    })
}

/// Has `add` take in what a generation offers by this descriptor, if it may now.
///
/// # Errors
///
/// The descriptor is none, it comes outside of `register`, or `add` does not take it.
pub(crate) fn take_offer(
    context: &Context,
    descriptor: &[u8],
    add: impl FnOnce(&Life, Offered) -> Result<(), OfferError>,
) -> Result<(), Error> {
    let told = |error: OfferError| Error::new(error.code(), error.to_string());
    let (desk, life) = (context.desk()?, &context.life);
    let offered = Offered::new(read::<Descriptor>(descriptor)?).map_err(told)?;
    let interface = offered.name.clone();
    if !life.phases().contains(&"register") {
        return Err(told(OfferError::Late { plugin: life.plugin.to_string(), interface }));
    }
    add(life, offered).map_err(told)?;
    desk.offered(life, &interface);
    Ok(())
}

/// A generation's question for an interface, which it has encoded.
///
/// # Errors
///
/// It is none, or the interface is provided and in no way that fits.
pub(crate) fn take_want(context: &Context, want: &[u8]) -> Result<Arc<Wanted>, Error> {
    context.desk()?.wanted(&context.life, read::<Want>(want)?)
}

pub(super) unsafe extern "C" fn import(
    context: RawContext,
    want: RSlice<'_, u8>,
    answer: Sink,
) -> Option<&'static OpaqueCell> {
    // SAFETY: as in `provide`.
    let context = unsafe { Context::of(context) };
    let mut cell = None;
    answered(answer, || {
        let wanted = take_want(context, want.as_slice())?;
        let lease = context.import(&Target::Interface(wanted))?;
        // SAFETY: the context holds the lease until the library is closed.
        cell = Some(unsafe { OpaqueCell::from_cell(lease.as_ptr()) });
        Ok(Vec::new())
    });
    cell
}

pub(super) unsafe extern "C" fn provider(context: RawContext, want: RSlice<'_, u8>, answer: Sink) -> Status {
    // SAFETY: as in `provide`.
    let context = unsafe { Context::of(context) };
    answered(answer, || {
        let wanted = take_want(context, want.as_slice())?;
        Ok(postcard::to_stdvec(&context.desk()?.provider(&context.life, &wanted)?)?)
    })
}

pub(super) unsafe extern "C" fn stream_open(context: RawContext, capacity: u32, answer: Sink) -> Status {
    // SAFETY: as in `provide`.
    let context = unsafe { Context::of(context) };
    answered(answer, || {
        let number = context.desk()?.stream_open(&context.life, capacity)?;
        Ok(number.to_le_bytes().to_vec())
    })
}

pub(super) unsafe extern "C" fn stream_push(
    context: RawContext,
    stream: u64,
    item: RSlice<'_, u8>,
    nanoseconds: u64,
) -> StreamStatus {
    // SAFETY: as in `provide`.
    let context = unsafe { Context::of(context) };
    let wait = Duration::from_nanos(nanoseconds);
    catch_unwind(AssertUnwindSafe(|| match context.desk() {
        Ok(desk) => desk.stream_push(&context.life, stream, item.as_slice(), wait),
        Err(_) => StreamStatus::Closed,
    }))
    .unwrap_or(StreamStatus::Closed)
}

pub(super) unsafe extern "C" fn stream_close(context: RawContext, stream: u64, error: RSlice<'_, u8>) {
    // SAFETY: as in `provide`.
    let context = unsafe { Context::of(context) };
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let Ok(desk) = context.desk() {
            desk.stream_close(&context.life, stream, error.as_slice());
        }
    }));
}

pub(super) unsafe extern "C" fn stream_next(
    context: RawContext,
    stream: u64,
    nanoseconds: u64,
    answer: Sink,
) -> StreamStatus {
    // SAFETY: as in `provide`.
    let context = unsafe { Context::of(context) };
    let wait = Duration::from_nanos(nanoseconds);
    let next = catch_unwind(AssertUnwindSafe(|| match context.desk() {
        Ok(desk) => desk.stream_next(&context.life, stream, wait),
        Err(error) => (StreamStatus::Closed, error.encode()),
    }));
    let (status, bytes) = next.unwrap_or((StreamStatus::Closed, Vec::new()));
    answer.write(&bytes);
    status
}

pub(super) unsafe extern "C" fn stream_cancel(context: RawContext, stream: u64) {
    // SAFETY: as in `provide`.
    let context = unsafe { Context::of(context) };
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let Ok(desk) = context.desk() {
            desk.stream_cancel(stream);
        }
    }));
}
