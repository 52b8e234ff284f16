//! A stand-in for a host, in memory: the table of services over a [`World`], and bindings for what is provided there.
//!
//! Owns the translation between C functions and the world's methods, for [`testing`](crate::testing). Must never be what
//! a real host is built on: cells, bindings and contexts made here are never freed, since a test may let go of a plugin
//! before it lets go of its handles.

mod bindings;

use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::{RSlice, RStr};

use super::adapter;
use super::client::{Client, KeptClient};
use super::interface::{Offer, StreamStatus};
use super::root::{Created, Op, PluginRootRef, Status};
use super::services::{HostServices, HostServicesRef, OpaqueCell, RawContext, RequestKind, TaskBody, Time};
use super::sink::Sink;
use crate::context::Birth;
use crate::error::{Error, Result};
use crate::interface::{Descriptor, Offered, Provider, Want};
use crate::log::Level;
use crate::testing::{Seat, World};
use crate::value::Value;

pub(crate) use bindings::{Bound, Wire, WireState};

/// What a context's address leads to. Never freed.
#[expect(clippy::cast_ptr_alignment, reason = "it was made of such an address")]
fn seat(context: RawContext) -> &'static Seat {
    // SAFETY: `context_of` makes every context that the functions below are given.
    unsafe { &*context.0.cast::<Seat>() }
}

fn context_of(seat: &'static Seat) -> RawContext {
    RawContext(std::ptr::from_ref(seat).cast())
}

/// The services of a seat.
pub(crate) fn client(seat: &'static Seat) -> KeptClient {
    // SAFETY: the table's functions read such contexts, which are never freed.
    KeptClient::of_library(unsafe { Client::new(services(), context_of(seat)) })
}

fn services() -> HostServicesRef {
    const SERVICES: &WithMetadata<HostServices> = &WithMetadata::new(HostServices {
        log,
        time,
        spawn,
        wait_cancelled,
        cancel,
        peer,
        output,
        request,
        provide,
        import,
        provider,
        stream_open,
        stream_push,
        stream_close,
        stream_next,
        stream_cancel,
    });
    HostServicesRef(SERVICES.static_as_prefix())
}

/// An instance of a plugin, behind its own functions.
pub(crate) struct Instance {
    root: PluginRootRef,
    instance: *mut u8,
}

// SAFETY: a plugin is `Send + Sync`.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

impl Instance {
    /// Runs `init`.
    pub(crate) fn create<P: crate::Plugin>(seat: &'static Seat, birth: &Birth) -> Result<Self> {
        let root = adapter::root::<P>();
        let birth = postcard::to_stdvec(birth)?;
        let mut answer = Vec::new();
        // SAFETY: the plugin's own function; the sink is used during this call only.
        let Created { status, instance } = unsafe {
            let sink = Sink::of(&mut answer);
            (root.create())(services(), context_of(seat), RSlice::from_slice(&birth), sink)
        };
        match status {
            Status::Done => Ok(Self { root, instance }),
            _ => Err(Error::decode(&answer)),
        }
    }

    /// Runs one operation. `Restore` is for an instance that nobody else is inside of.
    pub(crate) fn call(&self, op: Op, name: &str, input: &[u8]) -> Result<Vec<u8>> {
        let mut answer = Vec::new();
        // SAFETY: the instance is there until drop; the sink is used during this call only.
        let status = unsafe {
            let sink = Sink::of(&mut answer);
            let (name, input) = (RStr::from_str(name), RSlice::from_slice(input));
            (self.root.call())(self.instance, op as u8, name, input, sink)
        };
        super::client::settle(status, answer)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let mut answer = Vec::new();
        // SAFETY: made by `create`, and destroyed here only.
        unsafe { (self.root.destroy())(self.instance, Sink::of(&mut answer)) };
    }
}

/// A task's body, until it is run.
pub(crate) struct Body(TaskBody);

// SAFETY: `Client::spawn` asks for a closure that is `Send`.
unsafe impl Send for Body {}

impl Body {
    /// Runs it.
    pub(crate) fn run(self, task: u64) -> Result<()> {
        let mut answer = Vec::new();
        let body = std::mem::ManuallyDrop::new(self);
        // SAFETY: run once, and not discarded any more.
        let status = unsafe { (body.0.run)(body.0.data, task, Sink::of(&mut answer)) };
        super::client::settle(status, answer).map(drop)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // SAFETY: it was not run.
        unsafe { (self.0.discard)(self.0.data) }
    }
}

/// Answers with bytes or with an encoded error.
fn answer(sink: Sink, result: Result<Vec<u8>>) -> Status {
    match result {
        Ok(bytes) => {
            sink.write(&bytes);
            Status::Done
        }
        Err(error) => {
            sink.write(&error.encode());
            Status::Failed
        }
    }
}

fn cell(sink: Sink, result: Result<&'static Wire>) -> Option<&'static OpaqueCell> {
    match result {
        // SAFETY: wires are never freed.
        Ok(wire) => Some(unsafe { OpaqueCell::from_cell(wire.cell()) }),
        Err(error) => {
            sink.write(&error.encode());
            None
        }
    }
}

unsafe extern "C" fn log(context: RawContext, level: u8, message: RStr<'_>, fields: RSlice<'_, u8>) {
    let fields: Vec<(String, Value)> = postcard::from_bytes(fields.as_slice()).unwrap_or_default();
    seat(context).log(Level::from_number(level), message.as_str(), fields);
}

unsafe extern "C" fn time(context: RawContext) -> Time {
    seat(context).time()
}

unsafe extern "C" fn spawn(context: RawContext, name: RStr<'_>, body: TaskBody, sink: Sink) -> Status {
    let number = seat(context).spawn(name.as_str(), Body(body));
    answer(sink, number.map(|number| number.to_le_bytes().to_vec()))
}

unsafe extern "C" fn wait_cancelled(context: RawContext, task: u64, nanoseconds: u64) -> bool {
    seat(context).wait_cancelled(task, nanoseconds)
}

unsafe extern "C" fn cancel(context: RawContext, task: u64) {
    seat(context).cancel(task);
}

unsafe extern "C" fn peer(context: RawContext, plugin: RStr<'_>, sink: Sink) -> Option<&'static OpaqueCell> {
    cell(sink, seat(context).peer(plugin.as_str()))
}

unsafe extern "C" fn output(context: RawContext, plugin: RStr<'_>, sink: Sink) -> Status {
    answer(sink, seat(context).output(plugin.as_str()).and_then(|value| Ok(value.encode()?)))
}

unsafe extern "C" fn request(context: RawContext, kind: RequestKind, plugin: RStr<'_>, sink: Sink) -> Status {
    answer(sink, seat(context).request(kind, plugin.as_str()).map(|()| Vec::new()))
}

unsafe extern "C" fn provide(
    context: RawContext,
    descriptor: RSlice<'_, u8>,
    offer: Offer,
    sink: Sink,
) -> Status {
    let descriptor = postcard::from_bytes::<Descriptor>(descriptor.as_slice()).map_err(Error::from);
    answer(
        sink,
        descriptor.and_then(|descriptor| seat(context).provide(descriptor, offer)).map(|()| Vec::new()),
    )
}

unsafe extern "C" fn import(
    context: RawContext,
    want: RSlice<'_, u8>,
    sink: Sink,
) -> Option<&'static OpaqueCell> {
    let want = postcard::from_bytes::<Want>(want.as_slice()).map_err(Error::from);
    cell(sink, want.and_then(|want| seat(context).import(want)))
}

unsafe extern "C" fn provider(context: RawContext, want: RSlice<'_, u8>, sink: Sink) -> Status {
    let want = postcard::from_bytes::<Want>(want.as_slice()).map_err(Error::from);
    let provider: Result<Provider> = want.and_then(|want| seat(context).provider(&want));
    answer(sink, provider.and_then(|provider| Ok(postcard::to_stdvec(&provider)?)))
}

unsafe extern "C" fn stream_open(context: RawContext, capacity: u32, sink: Sink) -> Status {
    answer(sink, seat(context).stream_open(capacity).map(|number| number.to_le_bytes().to_vec()))
}

unsafe extern "C" fn stream_push(
    context: RawContext,
    stream: u64,
    item: RSlice<'_, u8>,
    nanoseconds: u64,
) -> StreamStatus {
    seat(context).stream_push(stream, item.as_slice(), nanoseconds)
}

unsafe extern "C" fn stream_close(context: RawContext, stream: u64, error: RSlice<'_, u8>) {
    seat(context).stream_close(stream, error.as_slice());
}

unsafe extern "C" fn stream_next(
    context: RawContext,
    stream: u64,
    nanoseconds: u64,
    sink: Sink,
) -> StreamStatus {
    let (status, bytes) = seat(context).stream_next(stream, nanoseconds);
    sink.write(&bytes);
    status
}

unsafe extern "C" fn stream_cancel(context: RawContext, stream: u64) {
    seat(context).stream_cancel(stream);
}

/// Offers an object of the test's own: what keeps it is given back.
pub(crate) fn offered(world: &World, plugin: &str, offered: Offered) -> Result<()> {
    let Offered { descriptor, offer, object } = offered;
    world.offer(plugin, 0, descriptor, Bound::of_offer(offer), Some(object))
}
