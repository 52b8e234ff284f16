//! What crosses of a typed interface: tables of thunks, callbacks, and the one function that takes encoded calls.
//!
//! Owns the layouts that the code made by `#[interface]` is written against. Must never know an interface: which
//! function stands behind a thunk's address is told by the signature in the method's [`Descriptor`] alone, and two sides
//! call each other through a thunk only after the host has found these signatures equal.
//!
//! [`Descriptor`]: crate::interface::Descriptor

use std::mem::MaybeUninit;

use abi_stable::StableAbi;
use abi_stable::std_types::RSlice;

use super::root::Status;
use super::sink::Sink;

/// In [`Slot::number`]: the provider is older than this method.
pub const MISSING: u32 = u32::MAX;

/// One method of an interface, as a caller finds it.
///
/// Three cases: `thunk` is not null, and is called with the arguments as they are; `thunk` is null and `number` is the
/// method's place with the provider, to be called by [`TableHead::encoded`]; `number` is [`MISSING`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// `unsafe extern "C" fn(object: *const (), <arguments>, answer: Sink) -> Reply<R>`, by its address.
    pub thunk: *const (),
    /// The method's place with the provider.
    pub number: u32,
}

// SAFETY: the address of a function, and a number.
unsafe impl Send for Slot {}
// SAFETY: as above.
unsafe impl Sync for Slot {}

impl Slot {
    /// A method that the provider has not.
    pub const MISSING: Self = Self { thunk: std::ptr::null(), number: MISSING };
}

/// Runs one method with encoded arguments: each in postcard, one after the other; the result in postcard, in the sink.
/// A callback is encoded as its place in `callbacks`.
///
/// Answers [`Status::Missing`] where the provider turns out not to have the method.
pub type EncodedFn = unsafe extern "C" fn(
    object: *const (),
    method: u32,
    input: RSlice<'_, u8>,
    callbacks: Callbacks,
    answer: Sink,
) -> Status;

/// The beginning of a table; `count` [`Slot`]s follow it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct TableHead {
    /// Takes encoded calls of any method.
    pub encoded: EncodedFn,
    /// How many slots follow.
    pub count: u32,
}

impl TableHead {
    /// The slot at `at`; [`Slot::MISSING`] beyond the end.
    ///
    /// # Safety
    ///
    /// `head` is the beginning of a [`Table`], or of memory laid out as one, that is readable for the call.
    #[inline]
    pub unsafe fn slot(head: *const Self, at: u32) -> Slot {
        // SAFETY: the caller promises a table.
        if at >= unsafe { (*head).count } {
            return Slot::MISSING;
        }
        // SAFETY: `count` slots follow the head, where `Table` has them.
        unsafe { *head.byte_add(std::mem::offset_of!(Table<1>, slots)).cast::<Slot>().add(at as usize) }
    }
}

/// A table with its slots: what a provider's side makes, in static memory, in the order of its own methods.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Table<const N: usize> {
    /// How encoded calls are made, and how many slots there are.
    pub head: TableHead,
    /// The methods.
    pub slots: [Slot; N],
}

/// An object lent for the time of one call, with its methods. Both sides know the same shape of its interface: it is
/// part of the signature of the method that it is an argument of.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Callback {
    /// What the thunks take first.
    pub object: *const (),
    /// Its methods.
    pub table: *const TableHead,
}

/// The callbacks of one encoded call, in the order of the arguments.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Callbacks {
    /// The first of them; null when there is none.
    pub first: *const Callback,
    /// How many there are.
    pub count: usize,
}

impl Callbacks {
    /// No callbacks.
    pub const NONE: Self = Self { first: std::ptr::null(), count: 0 };

    /// The callbacks of `list`, for as long as that is borrowed.
    pub fn of(list: &[Callback]) -> Self {
        Self { first: list.as_ptr(), count: list.len() }
    }

    /// The callback at `at`.
    ///
    /// # Safety
    ///
    /// The list that [`of`](Self::of) was given is still there.
    pub unsafe fn get(self, at: u32) -> Option<Callback> {
        // SAFETY: `first` and `count` are those of a slice; the caller promises that it lives.
        ((at as usize) < self.count).then(|| unsafe { *self.first.add(at as usize) })
    }
}

/// Bytes of the caller's, for the time of one call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RawSlice {
    /// The first of them; never null.
    pub first: *const u8,
    /// How many.
    pub len: usize,
}

/// What a thunk answers: `value` is there if the status is [`Status::Done`].
#[repr(C)]
pub struct Reply<R> {
    /// How it went. An encoded error is in the sink unless it is `Done`.
    pub status: Status,
    /// A scalar result; everything else is in the sink.
    pub value: MaybeUninit<R>,
}

/// An offered object and its table, as they cross to the host's services.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Offer {
    object: *const u8,
    table: *const u8,
}

impl Offer {
    /// `table` is the beginning of a [`Table`] whose thunks take `object` first.
    pub fn new(object: *const (), table: *const TableHead) -> Self {
        Self { object: object.cast(), table: table.cast() }
    }

    /// What the thunks take first.
    pub fn object(self) -> *const () {
        self.object.cast()
    }

    /// The methods.
    pub fn table(self) -> *const TableHead {
        self.table.cast()
    }
}

/// What a request about a stream came to. Numbers are part of the ABI.
#[repr(u8)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamStatus {
    /// The item was taken; the item is in the sink.
    Done,
    /// The time has passed: it is still full; there is still none.
    Waiting,
    /// Nobody takes items any more; no more items come, and the sink holds the encoded error with which it ended, if it
    /// ended with one.
    Closed,
}

/// Sizes, alignments and offsets of everything here: part of the ABI fingerprint.
pub const LAYOUT: [usize; 17] = [
    size_of::<Slot>(),
    align_of::<Slot>(),
    std::mem::offset_of!(Slot, thunk),
    std::mem::offset_of!(Slot, number),
    size_of::<TableHead>(),
    std::mem::offset_of!(TableHead, encoded),
    std::mem::offset_of!(TableHead, count),
    std::mem::offset_of!(Table<1>, slots),
    size_of::<Callback>(),
    std::mem::offset_of!(Callback, table),
    size_of::<Callbacks>(),
    std::mem::offset_of!(Callbacks, count),
    size_of::<RawSlice>(),
    std::mem::offset_of!(RawSlice, len),
    size_of::<Reply<u64>>(),
    align_of::<Reply<u64>>(),
    std::mem::offset_of!(Reply<u64>, value),
];
