//! How a caller pins the code it is about to run, and how the host learns that nobody is inside.
//!
//! A caller *loads* a cell, *enters* the binding it found, loads the cell *again*, and leaves and starts over when
//! the cell has changed in between. Entries and exits are counted apart, on cache lines that threads do not share.
//! A binding is unused when all exits are read first, then all entries, and the sums agree: a caller that enters
//! after its exits were read shows up in the entries, so the answer errs towards "in use" and never the other way.
//! (The two-counter reading is that of sleepable RCU, as its first paper of 2006 has it; the counters stand on the binding, not on the
//! cell, so one endless call retains one generation and delays nothing else.)
//!
//! The switch and the check form a store/load pattern on two locations (Dekker): the host stores the cell and then
//! reads the counters, the caller adds to the counters and then reads the cell. Both sides are sequentially
//! consistent, hence at least one of them sees the other. `tests/loom.rs` includes this very file over loom's
//! atomics and runs the whole protocol, recycling included.
//!
//! Bindings are type-stable: memory that once held one holds one for as long as anybody may look, possibly in a new
//! role. A late entry to a recycled binding is counted and taken back; counters therefore only ever grow.

pub use super::atomic::SHARDS;
use super::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use super::meter::{Meter, Traffic};

/// One thread's share of a binding's count, alone on its cache lines.
#[repr(C, align(128))]
struct Shard {
    entries: AtomicU64,
    exits: AtomicU64,
    /// Counted by callers on the line that they have just touched; no part of the protocol.
    traffic: Traffic,
}

/// What a cell points at: one provided thing of one generation, and the count of who is inside it.
///
/// `object` and `table` are what the thunks of the provider expect; their meaning belongs to who made the binding.
#[repr(C, align(128))]
pub struct Binding {
    object: AtomicPtr<()>,
    table: AtomicPtr<()>,
    generation: AtomicU64,
    flags: AtomicU32,
    waiting: AtomicU32,
    shards: [Shard; SHARDS],
    meter: Meter,
}

/// Cell words below this are no addresses but states: see [`ABSENT`] and [`PAUSED`].
pub const FIRST_ADDRESS: usize = 16;
/// Nobody provides this.
pub const ABSENT: usize = 0;
/// The provider is handing its state over; ask the host what to do.
pub const PAUSED: usize = 1;

/// Flag of a binding: callers report entering and leaving to the host, which lets calls made inside a call pass
/// while the outside waits.
pub const TRACKED: u32 = 1;

impl Shard {
    const LAYOUT: [usize; 4] = [
        size_of::<Self>(),
        std::mem::offset_of!(Self, entries),
        std::mem::offset_of!(Self, exits),
        std::mem::offset_of!(Self, traffic),
    ];
}

impl Binding {
    /// The same of one thread's share.
    pub const SHARD_LAYOUT: [usize; 4] = Shard::LAYOUT;

    /// Size, alignment and the offset of every field: part of the ABI fingerprint.
    pub const LAYOUT: [usize; 9] = [
        size_of::<Self>(),
        align_of::<Self>(),
        std::mem::offset_of!(Self, object),
        std::mem::offset_of!(Self, table),
        std::mem::offset_of!(Self, generation),
        std::mem::offset_of!(Self, flags),
        std::mem::offset_of!(Self, waiting),
        std::mem::offset_of!(Self, shards),
        std::mem::offset_of!(Self, meter),
    ];

    /// A binding with nobody inside, pointing nowhere.
    #[must_use]
    pub fn vacant() -> Self {
        Self {
            object: AtomicPtr::new(std::ptr::null_mut()),
            table: AtomicPtr::new(std::ptr::null_mut()),
            generation: AtomicU64::new(0),
            flags: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            shards: std::array::from_fn(|_| Shard {
                entries: AtomicU64::new(0),
                exits: AtomicU64::new(0),
                traffic: Traffic::default(),
            }),
            meter: Meter::default(),
        }
    }

    /// Gives the binding a (new) role. Only for a binding that no cell points at and that is unused.
    pub fn assign(&self, object: *mut (), table: *mut (), generation: u64, flags: u32) {
        self.object.store(object, Ordering::Relaxed);
        self.table.store(table, Ordering::Relaxed);
        self.generation.store(generation, Ordering::Relaxed);
        self.flags.store(flags, Ordering::Relaxed);
        self.meter.reset(self.shards.iter().map(|shard| &shard.traffic));
    }

    /// What is counted of its calls beside who is inside.
    #[inline]
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The bytes that crossed on the share of thread `shard` (below [`SHARDS`]).
    #[inline]
    pub fn traffic(&self, shard: usize) -> &Traffic {
        &self.shards[shard].traffic
    }

    /// The object pointer that the provider's thunks take first.
    #[inline]
    pub fn object(&self) -> *mut () {
        self.object.load(Ordering::Relaxed)
    }

    /// The provider's table of thunks.
    #[inline]
    pub fn table(&self) -> *mut () {
        self.table.load(Ordering::Relaxed)
    }

    /// The generation's number, unique within its host.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Whether callers report to the host ([`TRACKED`]).
    #[inline]
    pub fn is_tracked(&self) -> bool {
        self.flags.load(Ordering::Relaxed) & TRACKED != 0
    }

    /// Counts one caller in, on the share of thread `shard` (below [`SHARDS`]).
    #[inline]
    pub fn enter(&self, shard: usize) {
        self.shards[shard].entries.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts one caller out; the share may be another than the one it entered by. `true`: somebody waits for the
    /// binding to be unused and must be told.
    #[inline]
    #[must_use]
    pub fn leave(&self, shard: usize) -> bool {
        self.shards[shard].exits.fetch_add(1, Ordering::SeqCst);
        self.waiting.load(Ordering::SeqCst) != 0
    }

    /// How many callers are inside: at least so many were at one moment of the call. 0 means unused, provided that
    /// no cell has pointed here since before the call.
    pub fn inside(&self) -> u64 {
        inside(|of| of(self))
    }

    fn sum(&self, of: impl Fn(&Shard) -> &AtomicU64) -> u64 {
        self.shards.iter().fold(0, |sum, shard| sum.wrapping_add(of(shard).load(Ordering::SeqCst)))
    }

    /// How many entries were ever counted, in this role and earlier ones: calls are not counted a second time elsewhere.
    pub fn entries(&self) -> u64 {
        self.sum(|shard| &shard.entries)
    }

    /// Announces that somebody waits for the binding to be unused. Announce, then look, then park.
    pub fn announce_waiter(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
    }

    /// Takes the announcement back.
    pub fn retract_waiter(&self) {
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// How many callers are inside several bindings together, which `each` runs its argument on: as [`Binding::inside`] has
/// it for one. All exits of all of them are read before all entries, so who goes from one to another is not overlooked.
pub fn inside(each: impl Fn(&mut dyn FnMut(&Binding))) -> u64 {
    let (mut exits, mut entries) = (0_u64, 0_u64);
    each(&mut |binding| exits = exits.wrapping_add(binding.sum(|shard| &shard.exits)));
    each(&mut |binding| entries = entries.wrapping_add(binding.sum(|shard| &shard.entries)));
    entries.wrapping_sub(exits)
}

/// Enters whatever `word` points at, or says why it can not: the state that stands in place of an address.
///
/// `disturbed` is told of a binding that was entered and left again and on which somebody waits.
///
/// # Errors
///
/// The state word ([`ABSENT`], [`PAUSED`]).
///
/// # Safety
///
/// `word` holds state words and addresses of type-stable bindings only: each address it ever held stays readable as
/// a `Binding` for as long as `'a` lasts.
#[inline]
pub unsafe fn acquire<'a>(
    word: &AtomicPtr<Binding>,
    shard: usize,
    disturbed: impl Fn(&Binding),
) -> Result<&'a Binding, usize> {
    loop {
        let seen = word.load(Ordering::Acquire);
        if seen.addr() < FIRST_ADDRESS {
            return Err(seen.addr());
        }
        // SAFETY: an address in the cell is that of a type-stable binding; the caller of this function upholds it.
        let binding = unsafe { &*seen };
        binding.enter(shard);
        if word.load(Ordering::SeqCst) == seen {
            return Ok(binding);
        }
        if binding.leave(shard) {
            disturbed(binding);
        }
    }
}
