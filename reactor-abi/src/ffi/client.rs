//! The plugin's side of the host services: the table's functions as safe methods.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use abi_stable::std_types::{RSlice, RStr};

use super::adapter::guarded;
use super::binding::{CellRef, Pin};
use super::interface::StreamStatus;
use super::root::{CallFn, Op, Status};
use super::services::{HostServicesRef, RawContext, RequestKind, TaskBody, Time};
use super::sink::Sink;
use crate::error::{Error, Result};
use crate::interface::{Offered, Provider, Want};
use crate::log::Level;
use crate::value::Value;

/// The services of one host, asked in the name of one generation.
#[derive(Clone, Copy)]
pub(crate) struct Client {
    services: HostServicesRef,
    context: RawContext,
}

impl Client {
    /// # Safety
    ///
    /// `context` is what the host gave together with `services`, and stays valid for as long as the client or a copy of it
    /// is used: while this library is open, unless it never leaves a [`KeptClient`].
    pub(crate) unsafe fn new(services: HostServicesRef, context: RawContext) -> Self {
        Self { services, context }
    }

    pub(crate) fn log(&self, level: Level, message: &str, fields: &[(String, Value)]) {
        // A field that is nested too deep loses the fields, not the message.
        let fields = postcard::to_stdvec(fields).unwrap_or_default();
        // SAFETY: table and context belong together (`new`).
        unsafe {
            (self.services.log())(
                self.context,
                level as u8,
                RStr::from_str(message),
                RSlice::from_slice(&fields),
            );
        }
    }

    pub(crate) fn time(&self) -> Time {
        // SAFETY: as in `log`.
        unsafe { (self.services.time())(self.context) }
    }

    pub(crate) fn spawn<F>(&self, name: &str, body: F) -> Result<u64>
    where
        F: FnOnce(u64) -> Result<()> + Send + 'static,
    {
        let body = TaskBody {
            data: Box::into_raw(Box::new(body)).cast(),
            run: run_task::<F>,
            discard: discard_task::<F>,
        };
        // SAFETY: as in `log`; `body` is handed over whole.
        let answer = self.ask(|context, sink| unsafe {
            (self.services.spawn())(context, RStr::from_str(name), body, sink)
        })?;
        let number =
            answer.try_into().map_err(|_| Error::new("RE0608", "the host answered no task number"))?;
        Ok(u64::from_le_bytes(number))
    }

    pub(crate) fn wait_cancelled(&self, task: u64, duration: Duration) -> bool {
        // SAFETY: as in `log`.
        unsafe { (self.services.wait_cancelled())(self.context, task, nanoseconds(duration)) }
    }

    pub(crate) fn cancel(&self, task: u64) {
        // SAFETY: as in `log`.
        unsafe { (self.services.cancel())(self.context, task) }
    }

    pub(crate) fn peer(&self, plugin: &str) -> Result<CellRef> {
        let mut reason = Vec::new();
        // SAFETY: as in `log`; the sink is used during this call.
        let cell =
            unsafe { (self.services.peer())(self.context, RStr::from_str(plugin), Sink::of(&mut reason)) };
        match cell {
            // SAFETY: the host keeps an importer's cells until that importer's library is closed.
            Some(cell) => Ok(unsafe { CellRef::new(cell.as_cell()) }),
            None => Err(Error::decode(&reason)),
        }
    }

    pub(crate) fn output(&self, plugin: &str) -> Result<Value> {
        // SAFETY: as in `log`.
        let answer = self.ask(|context, sink| unsafe {
            (self.services.output())(context, RStr::from_str(plugin), sink)
        })?;
        Ok(Value::decode(&answer)?)
    }

    pub(crate) fn request(&self, kind: RequestKind, plugin: &str) -> Result<()> {
        // SAFETY: as in `log`.
        self.ask(|context, sink| unsafe {
            (self.services.request())(context, kind, RStr::from_str(plugin), sink)
        })
        .map(drop)
    }

    /// Offers an object under an interface. Who asks keeps the object until the instance is destroyed.
    pub(crate) fn provide(&self, offered: &Offered) -> Result<()> {
        let descriptor = postcard::to_stdvec(&offered.descriptor)?;
        // SAFETY: as in `log`; `offer` made descriptor, table and object for each other.
        self.ask(|context, sink| unsafe {
            (self.services.provide())(context, RSlice::from_slice(&descriptor), offered.offer, sink)
        })
        .map(drop)
    }

    /// The cell for an interface. What is bound behind it has a table in the order of the want's methods.
    fn import(&self, want: &Want) -> Result<CellRef> {
        let want = postcard::to_stdvec(want)?;
        let mut reason = Vec::new();
        // SAFETY: as in `log`; the sink is used during this call.
        let cell = unsafe {
            (self.services.import())(self.context, RSlice::from_slice(&want), Sink::of(&mut reason))
        };
        match cell {
            // SAFETY: the host keeps an importer's cells until that importer's library is closed.
            Some(cell) => Ok(unsafe { CellRef::new(cell.as_cell()) }),
            None => Err(Error::decode(&reason)),
        }
    }

    fn provider(&self, want: &Want) -> Result<Provider> {
        let want = postcard::to_stdvec(want)?;
        // SAFETY: as in `log`.
        let answer = self.ask(|context, sink| unsafe {
            (self.services.provider())(context, RSlice::from_slice(&want), sink)
        })?;
        Ok(postcard::from_bytes(&answer)?)
    }

    fn stream_open(&self, capacity: u32) -> Result<u64> {
        // SAFETY: as in `log`.
        let answer =
            self.ask(|context, sink| unsafe { (self.services.stream_open())(context, capacity, sink) })?;
        let number =
            answer.try_into().map_err(|_| Error::new("RE0608", "the host answered no stream number"))?;
        Ok(u64::from_le_bytes(number))
    }

    fn stream_push(&self, stream: u64, item: &[u8], wait: Duration) -> StreamStatus {
        // SAFETY: as in `log`.
        unsafe {
            (self.services.stream_push())(self.context, stream, RSlice::from_slice(item), nanoseconds(wait))
        }
    }

    fn stream_close(&self, stream: u64, error: Option<&Error>) {
        let error = error.map(Error::encode).unwrap_or_default();
        // SAFETY: as in `log`.
        unsafe { (self.services.stream_close())(self.context, stream, RSlice::from_slice(&error)) }
    }

    /// The status, and the item or the error that goes with it.
    fn stream_next(&self, stream: u64, wait: Duration) -> (StreamStatus, Vec<u8>) {
        let mut answer = Vec::new();
        // SAFETY: as in `log`; the sink is used during this call.
        let status = unsafe {
            (self.services.stream_next())(self.context, stream, nanoseconds(wait), Sink::of(&mut answer))
        };
        (status, answer)
    }

    fn stream_cancel(&self, stream: u64) {
        // SAFETY: as in `log`.
        unsafe { (self.services.stream_cancel())(self.context, stream) }
    }

    fn ask(&self, call: impl FnOnce(RawContext, Sink) -> Status) -> Result<Vec<u8>> {
        let mut answer = Vec::new();
        // SAFETY: the sink is used during `call` only.
        let status = call(self.context, unsafe { Sink::of(&mut answer) });
        settle(status, answer)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A client together with what keeps the context that it asks with: it never goes anywhere without.
///
/// A plugin's is kept by its library, which is open while the plugin's code runs; the application's by `keeper`.
#[derive(Clone)]
pub struct KeptClient {
    client: Client,
    _keeper: Option<Arc<dyn Any + Send + Sync>>,
}

impl KeptClient {
    /// The application's client, and what keeps its context.
    ///
    /// # Safety
    ///
    /// `context` belongs to `services`, and stays valid while `keeper` lives; and so do the cells that they give for it.
    pub unsafe fn new(
        services: HostServicesRef,
        context: RawContext,
        keeper: Arc<dyn Any + Send + Sync>,
    ) -> Self {
        // SAFETY: the client is used through this value only, which has the keeper.
        Self { client: unsafe { Client::new(services, context) }, _keeper: Some(keeper) }
    }

    /// One whose context this library keeps.
    pub(crate) fn of_library(client: Client) -> Self {
        Self { client, _keeper: None }
    }

    pub(crate) fn import(&self, want: &Want) -> Result<CellRef> {
        self.client.import(want)
    }

    pub(crate) fn provider(&self, want: &Want) -> Result<Provider> {
        self.client.provider(want)
    }

    pub(crate) fn stream_open(&self, capacity: u32) -> Result<u64> {
        self.client.stream_open(capacity)
    }

    pub(crate) fn stream_push(&self, stream: u64, item: &[u8], wait: Duration) -> StreamStatus {
        self.client.stream_push(stream, item, wait)
    }

    pub(crate) fn stream_close(&self, stream: u64, error: Option<&Error>) {
        self.client.stream_close(stream, error);
    }

    pub(crate) fn stream_next(&self, stream: u64, wait: Duration) -> (StreamStatus, Vec<u8>) {
        self.client.stream_next(stream, wait)
    }

    pub(crate) fn stream_cancel(&self, stream: u64) {
        self.client.stream_cancel(stream);
    }
}

/// Runs an action through a cell: pin, call, decode. Both sides call plugins this way.
///
/// # Errors
///
/// The plugin's error, its panic, or why it can not be entered.
pub fn invoke(cell: CellRef, action: &str, value: &Value) -> Result<Value> {
    let input = value.encode()?;
    let answer = call(cell, Op::Invoke, action, &input)?;
    Ok(Value::decode(&answer)?)
}

/// Runs one operation through a cell that leads to an instance.
///
/// # Errors
///
/// As [`invoke`].
pub fn call(cell: CellRef, op: Op, name: &str, input: &[u8]) -> Result<Vec<u8>> {
    run(&cell.pin()?, op, name, input)
}

/// As [`call`], into what is pinned already, by a pin that is [set apart](Pin::set_apart).
///
/// # Errors
///
/// The plugin's error or its panic.
pub fn call_pinned(pin: &Pin, op: Op, name: &str, input: &[u8]) -> Result<Vec<u8>> {
    let answer = run(pin, op, name, input);
    pin.count_call();
    answer
}

fn run(pin: &Pin, op: Op, name: &str, input: &[u8]) -> Result<Vec<u8>> {
    let binding = pin.binding();
    let mut answer = Vec::new();
    // SAFETY: a binding behind a peer cell holds an instance and the `CallFn` that belongs to it, and the pin keeps
    // both alive; the sink is used during this call only.
    let status = pin.timed(|| unsafe {
        let function = std::mem::transmute::<*mut (), CallFn>(binding.table());
        function(
            binding.object().cast(),
            op as u8,
            RStr::from_str(name),
            RSlice::from_slice(input),
            Sink::of(&mut answer),
        )
    });
    pin.count(input.len(), answer.len());
    if status == Status::Panicked {
        pin.count_panic();
    }
    settle(status, answer)
}

/// Reads an answer by its status.
///
/// # Errors
///
/// The encoded error, when the status is not `Done`.
pub fn settle(status: Status, answer: Vec<u8>) -> Result<Vec<u8>> {
    match status {
        Status::Done => Ok(answer),
        Status::Failed | Status::Panicked | Status::Blocked | Status::Missing => Err(Error::decode(&answer)),
    }
}

unsafe extern "C" fn run_task<F>(data: *mut u8, task: u64, answer: Sink) -> Status
where
    F: FnOnce(u64) -> Result<()> + Send + 'static,
{
    // SAFETY: `spawn` made `data` from a `Box<F>`, and the host runs or discards it once.
    let body = unsafe { Box::from_raw(data.cast::<F>()) };
    guarded(answer, move || body(task).map(|()| Vec::new()))
}

unsafe extern "C" fn discard_task<F>(data: *mut u8) {
    // SAFETY: as in `run_task`.
    let body = unsafe { Box::from_raw(data.cast::<F>()) };
    let mut ignored = Vec::new();
    // SAFETY: the sink is used during this call only.
    let answer = unsafe { Sink::of(&mut ignored) };
    guarded(answer, move || {
        drop(body);
        Ok(Vec::new())
    });
}
