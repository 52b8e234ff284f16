//! The pin of a common call, which stays in registers.
//!
//! What has its address taken, or is to be dropped after a panic, is kept in memory, and a call of a few instructions
//! doubles by that. So all of this is made in place; and what a call hardly ever does is in functions by C's convention,
//! which do not unwind, and which take words.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::time::Instant;

use super::super::protocol::{self, Binding, Share};
use super::{Cell, CellRef, disturbed, panicked, share_at_hand};

impl CellRef {
    /// Pins what the cell points at for one call, if nothing is in the way: this thread owns a share, nobody waits to be
    /// told who is inside, and the cell holds an address and keeps it. [`pin`](Self::pin) is for all else.
    #[expect(clippy::inline_always, reason = "as for `pin`")]
    #[inline(always)]
    pub(in crate::ffi) fn pin_briefly<'a>(self) -> Option<BriefPin<'a>> {
        // SAFETY: whoever made this reference promised that the cell lives.
        let cell = unsafe { &*self.0 };
        let share = share_at_hand(cell.ops)?;
        if !share.is_owned() {
            return None;
        }
        // SAFETY: the same promise covers every binding whose address the word holds.
        let entered = unsafe { protocol::attempt(&cell.word, share, |binding| disturbed(self.0, binding)) };
        let (binding, entry) = entered?;
        let pin = BriefPin { cell: self.0, binding, share, entry, not_send: PhantomData };
        if binding.is_tracked() {
            pin.retreat();
            return None;
        }
        Some(pin)
    }
}

#[cold]
#[inline(never)]
#[expect(improper_ctypes_definitions, reason = "called from here only; C's convention is for not unwinding")]
extern "C" fn now() -> Instant {
    Instant::now()
}

#[cold]
#[inline(never)]
#[expect(improper_ctypes_definitions, reason = "as above")]
extern "C" fn record(binding: &Binding, share: Share, begun: Instant) {
    binding.record(share, begun.elapsed());
}

/// A [`Pin`](super::Pin) for one call, of a thread that owns its share, on a binding that is not tracked: nothing of that
/// need be looked at again.
pub(in crate::ffi) struct BriefPin<'a> {
    cell: *const Cell,
    binding: &'a Binding,
    share: Share,
    entry: u64,
    not_send: PhantomData<*const ()>,
}

#[expect(clippy::inline_always, reason = "what has its address taken is kept in memory")]
impl BriefPin<'_> {
    /// What is pinned.
    #[inline(always)]
    pub(in crate::ffi) fn binding(&self) -> &Binding {
        self.binding
    }

    /// As [`Pin::count`](super::Pin::count).
    #[inline(always)]
    pub(in crate::ffi) fn count(&self, bytes_in: usize, bytes_out: usize) {
        self.binding.traffic(self.share).count(bytes_in, bytes_out, true);
    }

    /// As [`Pin::timed`](super::Pin::timed).
    #[inline(always)]
    pub(in crate::ffi) fn timed<T>(&self, call: impl FnOnce() -> T) -> T {
        if !self.binding.is_due_at(self.share, self.entry) {
            return call();
        }
        let begun = now();
        let answer = call();
        record(self.binding, self.share, begun);
        answer
    }

    /// As [`Pin::count_panic`](super::Pin::count_panic).
    #[inline(always)]
    pub(in crate::ffi) fn count_panic(&self) {
        panicked(self.cell, self.binding);
    }

    /// Leaves, and was no call.
    #[inline(always)]
    pub(in crate::ffi) fn retreat(self) {
        let pin = ManuallyDrop::new(self);
        if pin.binding.retreat(pin.share) {
            disturbed(pin.cell, pin.binding);
        }
    }
}

impl Drop for BriefPin<'_> {
    #[expect(clippy::inline_always, reason = "as above")]
    #[inline(always)]
    fn drop(&mut self) {
        if self.binding.leave(self.share) {
            disturbed(self.cell, self.binding);
        }
    }
}
