//! Which thread has which slot.
//!
//! Owns the words that say so, and how they change hands without a lock. Must never know what a slot is good for.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// How many bits of a word a process id takes, and a thread id: Linux counts no further (`PID_MAX_LIMIT`).
const ID_BITS: u32 = 22;
const IDS: u64 = (1 << ID_BITS) - 1;

/// A thread of a process, as the kernel knows it.
///
/// An id may come again when the thread is gone. The process is part of it for the child of a fork, whose one thread goes
/// on with the share of the thread that forked, under another id: slots that another process took stay taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Thread(u64);

impl Thread {
    pub(super) fn new(process: i32, id: i32) -> Option<Self> {
        let bits = |id: i32| u64::try_from(id).ok().filter(|id| (1..=IDS).contains(id));
        Some(Self(bits(process)? << ID_BITS | bits(id)?))
    }

    pub(super) fn process(self) -> u64 {
        self.0 >> ID_BITS
    }

    pub(super) fn id(self) -> u64 {
        self.0 & IDS
    }
}

/// What stands in a slot: a thread and, above it, a count of how often the slot was taken. 0: nobody has had it.
///
/// The count tells a thread from another that has the id of one gone.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Word(u64);

impl Word {
    const FREE: Self = Self(0);
    const TAKEN: u64 = 1 << (2 * ID_BITS);

    fn thread(self) -> Thread {
        Thread(self.0 % Self::TAKEN)
    }

    fn taken_by(self, thread: Thread) -> Self {
        Self((self.0 - self.thread().0).wrapping_add(Self::TAKEN) | thread.0)
    }
}

pub(super) struct Slots<const N: usize> {
    words: [AtomicU64; N],
}

impl<const N: usize> Slots<N> {
    /// Over words that are all 0.
    pub(super) const fn new(words: [AtomicU64; N]) -> Self {
        Self { words }
    }

    /// The slot of `me`, the calling thread: the one it has, a free one, or one of a thread that is gone. `None`: all are
    /// taken by others. `is_gone` is asked of threads of this process only.
    pub(super) fn claim(&self, me: Thread, is_gone: impl Fn(Thread) -> bool) -> Option<usize> {
        let mine = |word: Word| word.thread() == me;
        let theirs = |word: Word| word.thread().process() == me.process() && is_gone(word.thread());
        self.take(me, mine)
            .or_else(|| self.take(me, |word| word == Word::FREE))
            .or_else(|| self.take(me, theirs))
    }

    /// Takes the first slot that may be taken. Also one that is this thread's already is taken anew: it may be that of a
    /// thread of the same id that is gone, and somebody else may have seen that and be about to take it.
    fn take(&self, me: Thread, may_be_taken: impl Fn(Word) -> bool) -> Option<usize> {
        self.words.iter().position(|slot| {
            let word = Word(slot.load(Ordering::Acquire));
            let taken = may_be_taken(word)
                && slot
                    .compare_exchange(word.0, word.taken_by(me).0, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok();
            if taken {
                // What the thread before has written is ahead of its end, and the end ahead of what the kernel said of it.
                fence(Ordering::SeqCst);
            }
            taken
        })
    }
}

#[cfg(test)]
mod tests;
