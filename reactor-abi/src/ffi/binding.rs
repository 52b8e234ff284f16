//! Cells, and the guard that a caller holds while it is inside.

mod brief;

use std::cell::Cell as Slot;
use std::marker::PhantomData;
use std::time::Instant;

use super::atomic::AtomicPtr;
use super::protocol::{self, Binding, Share};
use super::sink::Sink;
use crate::error::Error;

pub(super) use brief::BriefPin;

/// What the host answers to a caller whose cell holds no address.
#[repr(C)]
pub struct Blocked {
    /// What to do now.
    pub kind: BlockedKind,
    /// The binding already entered on the caller's behalf (on [`Share::COMMON`]), for [`BlockedKind::Enter`]; else null.
    pub binding: *const Binding,
}

/// See [`Blocked`].
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockedKind {
    /// The cell holds an address by now: load again.
    Retry,
    /// This caller may enter the old generation (it is inside it already).
    Enter,
    /// Refused; the reason is in the sink, as an encoded [`Error`].
    Refused,
}

/// What the code on both sides needs of the host to use a cell. One table per host program, never freed.
#[repr(C)]
pub struct PinOps {
    /// The share of every binding's counters that this thread is to count on from now on, with cells of this table.
    pub claim: unsafe extern "C" fn() -> Share,
    /// The cell held `word` instead of an address.
    pub blocked: unsafe extern "C" fn(cell: *const Cell, word: usize, reason: Sink) -> Blocked,
    /// The last caller may have left a binding on which somebody waits.
    pub disturbed: unsafe extern "C" fn(cell: *const Cell, binding: *const Binding),
    /// This thread entered a tracked binding.
    pub entered: unsafe extern "C" fn(binding: *const Binding),
    /// This thread leaves a tracked binding (the last one it entered).
    pub left: unsafe extern "C" fn(binding: *const Binding),
    /// A call into this binding, which is still pinned through the cell, has panicked; it is counted already.
    pub panicked: unsafe extern "C" fn(cell: *const Cell, binding: *const Binding),
}

/// What a handle reads: a word that is an address or a state, and whom to ask when it is a state.
///
/// Cells live in host memory that is type-stable; the host writes the word, everybody reads it.
#[repr(C, align(64))]
pub struct Cell {
    word: AtomicPtr<Binding>,
    ops: &'static PinOps,
    owner: AtomicPtr<()>,
}

impl Cell {
    /// Size, alignment and the offset of every field: part of the ABI fingerprint.
    pub const LAYOUT: [usize; 5] = [
        size_of::<Self>(),
        align_of::<Self>(),
        std::mem::offset_of!(Self, word),
        std::mem::offset_of!(Self, ops),
        std::mem::offset_of!(Self, owner),
    ];

    /// An absent cell. `owner` is the host's own business.
    #[must_use]
    pub fn new(ops: &'static PinOps, owner: *mut ()) -> Self {
        Self { word: AtomicPtr::default(), ops, owner: AtomicPtr::new(owner) }
    }

    /// The word: host only.
    pub fn word(&self) -> &AtomicPtr<Binding> {
        &self.word
    }

    /// What the host keeps with the cell: host only.
    pub fn owner(&self) -> &AtomicPtr<()> {
        &self.owner
    }
}

/// A cell's address, as handles keep it.
#[derive(Clone, Copy)]
pub struct CellRef(*const Cell);

// SAFETY: a cell is atomics and a shared reference; whoever made the `CellRef` promised that it outlives its uses.
unsafe impl Send for CellRef {}
// SAFETY: as above.
unsafe impl Sync for CellRef {}

impl CellRef {
    /// Wraps a cell's address.
    ///
    /// # Safety
    ///
    /// The cell, and each binding whose address its word ever holds, outlives every copy of the reference and every
    /// [`Pin`] taken through it.
    /// If the reference is given to [`client::call`](super::client::call) or [`client::invoke`](super::client::invoke),
    /// or a pin taken through it to [`client::call_pinned`](super::client::call_pinned), each such binding holds an
    /// instance and the `CallFn` that belongs to it.
    pub unsafe fn new(cell: *const Cell) -> Self {
        Self(cell)
    }

    /// The address.
    pub fn as_ptr(self) -> *const Cell {
        self.0
    }

    /// Pins what the cell points at.
    ///
    /// # Errors
    ///
    /// The host's reason when nobody provides this or the provider may not be entered now.
    #[expect(
        clippy::inline_always,
        reason = "a pin that is made in place stays in registers; called, it takes a tenth of the call"
    )]
    #[inline(always)]
    pub fn pin(self) -> Result<Pin, Error> {
        // SAFETY: whoever made this reference promised that the cell lives.
        let cell = unsafe { &*self.0 };
        let share = share(cell.ops);
        // SAFETY: the same promise covers every binding whose address the word holds.
        let entered = unsafe { protocol::attempt(&cell.word, share, |binding| self.disturbed(binding)) };
        let binding = match entered {
            Some((binding, _)) => binding,
            None => self.acquire_slowly(share)?,
        };
        if binding.is_tracked() {
            // SAFETY: `ops` is the host's table; the binding is live.
            unsafe { (cell.ops.entered)(binding) }
        }
        Ok(Pin { cell: self, binding, share, apart: false, not_send: PhantomData })
    }

    #[cold]
    #[inline(never)]
    fn acquire_slowly<'a>(self, share: Share) -> Result<&'a Binding, Error> {
        // SAFETY: as in `pin`.
        let cell = unsafe { &*self.0 };
        loop {
            // SAFETY: as in `pin`.
            let acquired = unsafe { protocol::acquire(&cell.word, share, |binding| self.disturbed(binding)) };
            let word = match acquired {
                Ok(binding) => return Ok(binding),
                Err(word) => word,
            };
            let mut reason = Vec::new();
            // SAFETY: `ops` is the host's table; the sink is used during this call only.
            let answer = unsafe { (cell.ops.blocked)(self.0, word, Sink::of(&mut reason)) };
            match answer.kind {
                BlockedKind::Retry => {}
                BlockedKind::Enter => {
                    // SAFETY: the host entered a live, type-stable binding on our behalf.
                    let binding = unsafe { &*answer.binding };
                    if binding.change_share(Share::COMMON, share) {
                        self.disturbed(binding);
                    }
                    return Ok(binding);
                }
                BlockedKind::Refused => return Err(Error::decode(&reason)),
            }
        }
    }

    #[cold]
    fn disturbed(self, binding: &Binding) {
        disturbed(self.0, binding);
    }
}

// Functions by C's convention, which do not unwind, and which take words: see `brief`.

/// `cell` lives, and `binding` was found in it.
#[cold]
#[inline(never)]
extern "C" fn disturbed(cell: *const Cell, binding: &Binding) {
    // SAFETY: the cell lives as long as what it is reached by is used; `ops` is the host's table.
    unsafe { ((*cell).ops.disturbed)(cell, binding) }
}

/// `cell` lives, and `binding` is pinned through it.
#[cold]
#[inline(never)]
extern "C" fn panicked(cell: *const Cell, binding: &Binding) {
    binding.meter().count_panic();
    // SAFETY: as in `disturbed`.
    unsafe { ((*cell).ops.panicked)(cell, binding) }
}

/// Holds one generation: while it lives, the code behind it stays mapped. Not sendable; dropped where it was taken.
///
/// Each pin counts as one call, unless it is [set apart](Self::set_apart).
pub struct Pin {
    cell: CellRef,
    binding: *const Binding,
    share: Share,
    apart: bool,
    not_send: PhantomData<*const ()>,
}

impl Pin {
    /// What is pinned.
    #[inline]
    pub fn binding(&self) -> &Binding {
        // SAFETY: entered when the pin was made, left only in drop; and type-stable besides.
        unsafe { &*self.binding }
    }

    /// Says that this pin is no call by itself. Calls made inside it are to be [counted](Self::count_call).
    #[must_use]
    pub fn set_apart(mut self) -> Self {
        self.apart = true;
        self
    }

    /// Counts a call made inside a pin that is [set apart](Self::set_apart).
    #[inline]
    pub fn count_call(&self) {
        self.binding().traffic(self.share).count_call(self.share.is_owned());
    }

    /// Counts what crossed in one call.
    #[inline]
    pub fn count(&self, bytes_in: usize, bytes_out: usize) {
        self.binding().traffic(self.share).count(bytes_in, bytes_out, self.share.is_owned());
    }

    /// Makes one call inside the pin, and times it if it is one of the sample. Others cost a comparison.
    #[inline]
    pub fn timed<T>(&self, call: impl FnOnce() -> T) -> T {
        if self.binding().is_due(self.share) { self.timed_slowly(call) } else { call() }
    }

    #[cold]
    #[inline(never)]
    fn timed_slowly<T>(&self, call: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let answer = call();
        self.binding().record(self.share, begun.elapsed());
        answer
    }

    /// Counts a panic, and tells the host.
    #[cold]
    pub fn count_panic(&self) {
        panicked(self.cell.0, self.binding());
    }
}

impl Drop for Pin {
    #[inline]
    fn drop(&mut self) {
        // As it was when the pin was made: a binding gets no new role while somebody is inside.
        if self.binding().is_tracked() {
            // SAFETY: `entered` was called on this thread with this binding; the cell outlives the pin.
            unsafe { ((*self.cell.0).ops.left)(self.binding) }
        }
        if self.apart {
            self.binding().traffic(self.share).count_pin(self.share.is_owned());
        }
        if self.binding().leave(self.share) {
            self.cell.disturbed(self.binding());
        }
    }
}

// Const and without a destructor: a lazy or dropping thread-local would keep its library from being closed.
thread_local!(static MINE: Slot<(*const PinOps, Share)> = const { Slot::new((std::ptr::null(), Share::COMMON)) });

/// This thread's [`share`], if it has been asked for.
#[inline]
fn share_at_hand(ops: &'static PinOps) -> Option<Share> {
    let (of, share) = MINE.get();
    std::ptr::eq(of, ops).then_some(share)
}

/// This thread's share of the counters behind the cells of `ops`: asked for once per thread and library, or again when
/// cells of several host programs take turns.
#[inline]
fn share(ops: &'static PinOps) -> Share {
    #[cold]
    #[inline(never)]
    fn claim(ops: &'static PinOps) -> Share {
        // SAFETY: `ops` is a host's table.
        let share = unsafe { (ops.claim)() };
        MINE.set((ops, share));
        share
    }
    share_at_hand(ops).unwrap_or_else(|| claim(ops))
}
