//! Which thread counts on which share of the bindings' counters, and the barrier that the host owes those who own one.
//!
//! Owns the slots, one for each share that one thread can have for itself, and the decision whether there are such at all:
//! only where the system can have all threads of the process execute a barrier. Must never know what is counted.
//!
//! A thread is known by its kernel id. It keeps its share until it is gone, and no code of its own gives it back: a thread
//! that ends runs destructors of libraries to the last, and those may call plugins. So whoever needs a share looks, and
//! takes over that of a thread which the kernel no longer knows.

mod slots;
#[cfg(target_os = "linux")]
#[path = "shares/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "shares/elsewhere.rs"]
mod system;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use reactor_abi::ffi::{SHARDS, Share};

use self::slots::Slots;

/// Shares that many threads use: those that come when all others are taken. The first is also [`Share::COMMON`].
const SHARED: usize = 4;

/// Shares that one thread has for itself.
const OWNED: usize = SHARDS - SHARED;

/// Who has which. One table for the program, as there is one of `PinOps`.
static SHARES: Shares = Shares::new();

struct Shares {
    slots: Slots<OWNED>,
    /// Counts those who share, so that they spread.
    next: AtomicU32,
}

/// Finds out whether threads can own shares. It can take some milliseconds, once in the life of a process with several
/// threads; not to be met by a call.
pub(super) fn prepare() {
    can_own();
}

/// The answer does not change, so no share is ever both owned and counted on by others.
fn can_own() -> bool {
    static CAN_OWN: OnceLock<bool> = OnceLock::new();
    *CAN_OWN.get_or_init(system::register)
}

/// The share that this thread is to count on.
pub(super) unsafe extern "C" fn claim() -> Share {
    if can_own() { SHARES.claim() } else { SHARES.share(SHARDS) }
}

impl Shares {
    const fn new() -> Self {
        Self { slots: Slots::new([const { AtomicU64::new(0) }; OWNED]), next: AtomicU32::new(0) }
    }

    fn claim(&self) -> Share {
        let own = system::this_thread().and_then(|me| self.slots.claim(me, system::is_gone));
        match own.and_then(|slot| u32::try_from(SHARED + slot).ok()) {
            // SAFETY: the slot says that it is this thread's until it is gone, and the index is none that `share(SHARED)`
            // gives. Handles are not to be used in signal handlers. The host looks at counters by `barrier`.
            Some(index) => unsafe { Share::owned(index) },
            None => self.share(SHARED),
        }
    }

    /// One of the first `among`, in turn.
    fn share(&self, among: usize) -> Share {
        let among = u32::try_from(among).unwrap_or(1);
        Share::shared(self.next.fetch_add(1, Ordering::Relaxed) % among)
    }
}

/// A full barrier in this thread, and in every thread that owns a share. `false`: in this one only, since the system
/// refuses what it granted when it was first asked.
pub(crate) fn barrier() -> bool {
    fence(Ordering::SeqCst);
    !can_own() || system::barrier()
}
