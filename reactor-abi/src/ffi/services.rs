//! What a plugin asks of its host: one table of functions, and the context that says who is asking.

#![expect(clippy::expl_impl_clone_on_copy, reason = "the StableAbi derive writes it so")]

use abi_stable::StableAbi;
use abi_stable::std_types::{RSlice, RStr};

use super::binding::Cell;
use super::interface::{Offer, StreamStatus};
use super::root::Status;
use super::sink::Sink;

/// Which generation asks. Opaque to the plugin; valid until its library is closed; passed back with each request.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct RawContext(pub *const u8);

// SAFETY: an address that only the host gives meaning to, and the host's services may be called from any thread.
unsafe impl Send for RawContext {}
// SAFETY: as above.
unsafe impl Sync for RawContext {}

/// Two clocks, read together.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Nanoseconds since the host was built; never goes back.
    pub monotonic_ns: u64,
    /// Nanoseconds since 1970-01-01 00:00 UTC; may jump.
    pub unix_ns: u64,
}

/// What a plugin may ask to be done to a plugin. Numbers are part of the ABI.
#[repr(u8)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// Read the plugin's files again and swap it.
    Swap,
    /// Switch it off until somebody switches it on.
    Disable,
    /// Stop it and close its library.
    Stop,
}

/// A task's body: run once or dropped once, by the host, on a thread of the host's.
#[repr(C)]
#[derive(StableAbi)]
pub struct TaskBody {
    /// The plugin's closure.
    pub data: *mut u8,
    /// Runs and frees it. `task` names the task to the services.
    pub run: unsafe extern "C" fn(data: *mut u8, task: u64, answer: Sink) -> Status,
    /// Frees it unrun.
    pub discard: unsafe extern "C" fn(data: *mut u8),
}

/// The services of the host, appended to in minor versions of the plugin API.
///
/// Every function may be called from any thread while the generation's library is open, and answers `Failed` (or the
/// nearest thing to it) once the plugin has stopped.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = HostServicesRef, prefix_fields = HostServicesPrefix)))]
#[sabi(missing_field(panic))]
pub struct HostServices {
    /// Writes a line to the host's log. `level`: see `log::Level`; `fields`: an encoded list of name and `Value`.
    pub log: unsafe extern "C" fn(context: RawContext, level: u8, message: RStr<'_>, fields: RSlice<'_, u8>),
    /// Reads the clocks.
    pub time: unsafe extern "C" fn(context: RawContext) -> Time,
    /// Starts a task. Writes the task's number (8 bytes, little-endian) or, with `Failed`, an encoded error; the
    /// body is the host's from here on either way.
    pub spawn:
        unsafe extern "C" fn(context: RawContext, name: RStr<'_>, body: TaskBody, answer: Sink) -> Status,
    /// Waits until the task is cancelled or `nanoseconds` have passed (0: only looks). `true`: cancelled.
    pub wait_cancelled: unsafe extern "C" fn(context: RawContext, task: u64, nanoseconds: u64) -> bool,
    /// Cancels a task; does not wait for it.
    pub cancel: unsafe extern "C" fn(context: RawContext, task: u64),
    /// The caller's own cell for another plugin's `invoke`, whether or not that plugin is there. The binding's
    /// object is the instance and its table a `CallFn`. Null: refused, with an encoded error in the sink.
    pub peer: unsafe extern "C" fn(
        context: RawContext,
        plugin: RStr<'_>,
        answer: Sink,
    ) -> Option<&'static OpaqueCell>,
    /// Writes what another plugin's `build` made (an encoded `Value`), as of now.
    pub output: unsafe extern "C" fn(context: RawContext, plugin: RStr<'_>, answer: Sink) -> Status,
    /// Queues a request; answers before it is carried out.
    pub request: unsafe extern "C" fn(
        context: RawContext,
        kind: RequestKind,
        plugin: RStr<'_>,
        answer: Sink,
    ) -> Status,
    /// Offers an object under an interface, during `register`. `descriptor`: an encoded
    /// [`Descriptor`](crate::interface::Descriptor), whose methods the offer's table has in that order. The object stays
    /// where it is until the instance is destroyed.
    pub provide: unsafe extern "C" fn(
        context: RawContext,
        descriptor: RSlice<'_, u8>,
        offer: Offer,
        answer: Sink,
    ) -> Status,
    /// The caller's own cell for an interface, whether or not anybody provides it. `want`: an encoded
    /// [`Want`](crate::interface::Want). The binding's object and table are those of the provider, the table in the order
    /// of the want's methods. Null: refused, with an encoded error in the sink.
    pub import: unsafe extern "C" fn(
        context: RawContext,
        want: RSlice<'_, u8>,
        answer: Sink,
    ) -> Option<&'static OpaqueCell>,
    /// Writes who is behind such a cell at the moment: an encoded [`Provider`](crate::interface::Provider), or with
    /// `Failed` why nobody is.
    pub provider: unsafe extern "C" fn(context: RawContext, want: RSlice<'_, u8>, answer: Sink) -> Status,
    /// Opens a stream that holds at most `capacity` items (at least 1). Writes its number (8 bytes, little-endian).
    pub stream_open: unsafe extern "C" fn(context: RawContext, capacity: u32, answer: Sink) -> Status,
    /// Adds an item to a stream that the caller opened; waits up to `nanoseconds` while it is full.
    pub stream_push: unsafe extern "C" fn(
        context: RawContext,
        stream: u64,
        item: RSlice<'_, u8>,
        nanoseconds: u64,
    ) -> StreamStatus,
    /// Ends a stream that the caller opened. `error`: an encoded error, or nothing.
    pub stream_close: unsafe extern "C" fn(context: RawContext, stream: u64, error: RSlice<'_, u8>),
    /// Takes an item of a stream; waits up to `nanoseconds` while there is none.
    pub stream_next: unsafe extern "C" fn(
        context: RawContext,
        stream: u64,
        nanoseconds: u64,
        answer: Sink,
    ) -> StreamStatus,
    /// Takes no more items of a stream: what is queued is dropped, and who adds is told.
    #[sabi(last_prefix_field)]
    pub stream_cancel: unsafe extern "C" fn(context: RawContext, stream: u64),
}

/// A cell whose address crosses; its layout is frozen by the ABI fingerprint, not by `StableAbi`.
#[repr(C)]
#[derive(StableAbi)]
pub struct OpaqueCell {
    #[sabi(unsafe_opaque_field)]
    cell: Cell,
}

impl OpaqueCell {
    /// The cell.
    pub fn as_cell(&self) -> *const Cell {
        &raw const self.cell
    }

    /// The same address as an opaque one.
    ///
    /// # Safety
    ///
    /// The cell lives until the library that receives the reference is closed.
    pub unsafe fn from_cell(cell: *const Cell) -> &'static Self {
        // SAFETY: one field at offset 0, `repr(C)`; the caller promises the life time.
        unsafe { &*cell.cast::<Self>() }
    }
}

/// The address of a [`LibcHooks`], as it crosses: the table's layout is guarded by the ABI fingerprint.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct HooksPtr(*const u8);

impl HooksPtr {
    /// The address of `hooks`.
    pub fn new(hooks: &LibcHooks) -> Self {
        Self(std::ptr::from_ref(hooks).cast())
    }

    /// The table.
    pub fn as_ptr(self) -> *const LibcHooks {
        self.0.cast()
    }
}

/// The host's side of the planted libc definitions (Linux): what a library would have asked of libc, asked of the
/// host, which lets libc hold only the host's own functions.
///
/// Signatures are those of the C functions, with the generation in front. Fields are appended only.
#[repr(C)]
#[derive(Debug)]
pub struct LibcHooks {
    /// How many bytes of this table the host fills: a library asks libc itself for what an older host does not know.
    pub size: usize,
    /// Which generation asks.
    pub context: RawContext,
    /// `pthread_key_create`
    pub key_create: unsafe extern "C-unwind" fn(
        context: RawContext,
        key: *mut u32,
        destructor: Option<unsafe extern "C" fn(*mut u8)>,
    ) -> i32,
    /// `pthread_key_delete`
    pub key_delete: unsafe extern "C-unwind" fn(context: RawContext, key: u32) -> i32,
    /// `pthread_setspecific`
    pub set_specific: unsafe extern "C-unwind" fn(context: RawContext, key: u32, value: *const u8) -> i32,
    /// `__cxa_thread_atexit_impl`
    pub thread_atexit: unsafe extern "C-unwind" fn(
        context: RawContext,
        destructor: unsafe extern "C" fn(*mut u8),
        object: *mut u8,
    ) -> i32,
    /// `pthread_create`
    pub thread_create: unsafe extern "C-unwind" fn(
        context: RawContext,
        thread: *mut usize,
        attributes: *const u8,
        body: unsafe extern "C-unwind" fn(*mut u8) -> *mut u8,
        argument: *mut u8,
    ) -> i32,
    /// `sigaction`
    pub signal_action:
        unsafe extern "C-unwind" fn(context: RawContext, signal: i32, new: *const u8, old: *mut u8) -> i32,
    /// `signal`
    pub signal: unsafe extern "C-unwind" fn(context: RawContext, signal: i32, handler: usize) -> usize,
    /// `timer_create`
    pub timer_create:
        unsafe extern "C-unwind" fn(context: RawContext, clock: i32, event: *mut u8, timer: *mut u8) -> i32,
    /// Told before the library asks libc itself for something that closing the library does not take back. `mark`:
    /// a [`Mark`]'s number; `detail`: the signal's, where there is one. Anything but 0 is an error number: the library
    /// is being closed, and does not ask.
    pub mark: unsafe extern "C-unwind" fn(context: RawContext, mark: u32, detail: i64) -> i32,
}

/// What a library leaves with libc by ways that are only noted. Numbers are part of the ABI: append, never renumber.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A signal handler, by another function than `sigaction` and `signal`.
    Signal = 1,
    /// An exit handler that belongs to the process or to another library: only the process's end runs it.
    ExitHandler = 2,
    /// A handler for `quick_exit` of that kind.
    QuickExitHandler = 3,
    /// A handler for `fork` of that kind.
    ForkHandler = 4,
    /// A function that a message queue calls.
    QueueNotice = 5,
    /// A text of the library's own in the environment, by `putenv`.
    Environment = 6,
    /// The name that the library logs under, by `openlog`.
    LogName = 7,
}
