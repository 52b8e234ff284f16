//! How a caller pins the code it is about to run, and how the host learns that nobody is inside.
//!
//! A caller *loads* a cell, *enters* the binding it found, loads the cell *again*, and *retreats* and starts over when
//! the cell has changed in between. Entries and exits are counted apart, on cache lines that threads do not share.
//! A binding is unused when all exits are read first, then all entries, and the sums agree: a caller that enters
//! after its exits were read shows up in the entries, so the answer errs towards "in use" and never the other way.
//! (The two-counter reading is that of sleepable RCU, as its first paper of 2006 has it; the counters stand on the binding, not on the
//! cell, so one endless call retains one generation and delays nothing else.)
//!
//! The switch and the check form a store/load pattern on two locations (Dekker): the host stores the cell and then
//! reads the counters, the caller adds to the counters and then reads the cell. Each side needs a full barrier between
//! its two steps, hence at least one of them sees the other. Leaving is the same pattern once more: the caller counts
//! itself out and then looks for a waiter, the waiter announces itself and then reads the counters.
//!
//! Who pays for the caller's barrier depends on its [`Share`]:
//!
//! - A share that belongs to one thread is written by nobody else, so counting is a load and a store, and the barrier is
//!   one that only the compiler sees. The host, which switches rarely, makes up for it: between its two steps it has
//!   *every thread that owns a share* execute a full barrier, and goes on when they have. Such a barrier falls either
//!   before the caller's second step, which then sees what the host stored, or after its first, which the host then
//!   sees. The system does it (`membarrier` on Linux). This is the "memb" flavour of liburcu, and what folly's
//!   `asymmetricThreadFenceLight`/`Heavy` and the crate `seize` rest on.
//! - A share that many threads use takes locked, sequentially consistent additions, which are full barriers.
//!
//! `tests/loom.rs` includes this very file over loom's atomics and runs the whole protocol, recycling included. The
//! asymmetric barrier is a full one there on both sides: that it is one is the system's promise.
//!
//! Bindings are type-stable: memory that once held one holds one for as long as anybody may look, possibly in a new
//! role. A late entry to a recycled binding is counted and taken back; counters therefore only ever grow.

pub use super::atomic::SHARDS;
use super::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, light_barrier};
use super::meter::{Meter, Traffic};

/// Which share of a binding's counters a thread counts on, and whether it is the only one to do so.
///
/// The host hands them out; the number is the same for all its bindings.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u32);

impl Share {
    const OWNED: u32 = 1 << 31;

    /// The share on which the host counts somebody in on their behalf: one of many threads.
    pub const COMMON: Self = Self(0);

    /// One of many threads: counting on it takes locked additions.
    pub const fn shared(index: u32) -> Self {
        Self(index & !Self::OWNED)
    }

    /// One thread's own.
    ///
    /// # Safety
    ///
    /// Of the program's threads one at a time counts on the share of this index, never on it as a [`shared`](Self::shared)
    /// one, and never in a signal handler; when it passes to another thread, what the former wrote is visible to it. Whoever reads the counters of
    /// bindings has every such thread execute a barrier first ([`inside`]).
    pub const unsafe fn owned(index: u32) -> Self {
        Self(index | Self::OWNED)
    }

    /// Whether it is one thread's own.
    #[inline]
    pub const fn is_owned(self) -> bool {
        self.0 & Self::OWNED != 0
    }

    /// How to load what the host stores, after counting: an owned share has its barrier in between, the others have it in
    /// the accesses.
    #[inline]
    const fn look(self) -> Ordering {
        if self.is_owned() { Ordering::Acquire } else { Ordering::SeqCst }
    }

    #[inline]
    const fn index(self) -> usize {
        const { assert!(SHARDS.is_power_of_two(), "so that finding a share is a mask") }
        // The mask takes the mark off, too.
        self.0 as usize & (SHARDS - 1)
    }
}

/// One thread's share of a binding's count, alone on its cache lines.
#[repr(C, align(128))]
struct Shard {
    entries: AtomicU64,
    exits: AtomicU64,
    /// Exits that end no pin: of those who came in between a switch and their own second look, which may be in another
    /// role of the binding than the one they meant.
    retreats: AtomicU64,
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
    const LAYOUT: [usize; 6] = [
        size_of::<Self>(),
        align_of::<Self>(),
        std::mem::offset_of!(Self, entries),
        std::mem::offset_of!(Self, exits),
        std::mem::offset_of!(Self, retreats),
        std::mem::offset_of!(Self, traffic),
    ];

    fn vacant() -> Self {
        Self {
            entries: AtomicU64::new(0),
            exits: AtomicU64::new(0),
            retreats: AtomicU64::new(0),
            traffic: Traffic::default(),
        }
    }
}

/// Adds one to a counter of `share`, ahead of a look at what the host may have stored: the look is a load in the order
/// that [`Share::look`] tells. Answers what the counter stands at.
#[inline]
fn count(counter: &AtomicU64, share: Share, owned: Ordering) -> u64 {
    if share.is_owned() {
        // Nobody else writes it.
        let counted = counter.load(Ordering::Relaxed).wrapping_add(1);
        counter.store(counted, owned);
        light_barrier();
        counted
    } else {
        counter.fetch_add(1, Ordering::SeqCst).wrapping_add(1)
    }
}

impl Binding {
    /// The same of one thread's share.
    pub const SHARD_LAYOUT: [usize; 6] = Shard::LAYOUT;

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
            shards: std::array::from_fn(|_| Shard::vacant()),
            meter: Meter::default(),
        }
    }

    /// Gives the binding a (new) role. Only for a binding that no cell points at and that is unused.
    pub fn assign(&self, object: *mut (), table: *mut (), generation: u64, flags: u32) {
        self.object.store(object, Ordering::Relaxed);
        self.table.store(table, Ordering::Relaxed);
        self.generation.store(generation, Ordering::Relaxed);
        self.flags.store(flags, Ordering::Relaxed);
        self.meter.reset(self.exits(), self.traffics());
    }

    /// What is counted of its calls beside who is inside.
    #[inline]
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// What is counted of the calls on one share.
    #[inline]
    pub fn traffic(&self, share: Share) -> &Traffic {
        &self.shards[share.index()].traffic
    }

    fn traffics(&self) -> impl Iterator<Item = &Traffic> + Clone {
        self.shards.iter().map(|shard| &shard.traffic)
    }

    /// How many calls have returned in this role, as their pins were left.
    pub fn calls(&self) -> u64 {
        // Exits first: what a pin counts beside, it counts before it is left.
        self.meter.calls(self.exits(), self.traffics())
    }

    /// Bytes of arguments and of answers in this role.
    pub fn bytes(&self) -> (u64, u64) {
        self.traffics().map(Traffic::bytes).fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1))
    }

    /// Whether the call that has just entered on `share` is one to be timed.
    #[inline]
    pub fn is_due(&self, share: Share) -> bool {
        self.is_due_at(share, self.shards[share.index()].entries.load(Ordering::Relaxed))
    }

    /// As [`is_due`](Self::is_due), of the entry that was counted as that number there.
    #[inline]
    pub fn is_due_at(&self, share: Share, entry: u64) -> bool {
        self.shards[share.index()].traffic.is_due(entry)
    }

    /// Counts a call on `share` that took so long, and chooses the next one to be timed there.
    #[cold]
    pub fn record(&self, share: Share, took: std::time::Duration) {
        let Shard { entries, traffic, .. } = &self.shards[share.index()];
        let again = self.meter.record(took);
        traffic.choose(entries.load(Ordering::Relaxed), again);
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

    /// Counts one caller in. Answers the entry's number on this share.
    #[inline]
    pub fn enter(&self, share: Share) -> u64 {
        // Whoever sees the exit that follows sees this entry, too.
        count(&self.shards[share.index()].entries, share, Ordering::Relaxed)
    }

    /// Counts one caller out, on the share that it was counted in by. `true`: somebody waits for the binding to be unused
    /// and must be told.
    #[inline]
    #[must_use]
    pub fn leave(&self, share: Share) -> bool {
        // Release: whoever sees the exit sees all that was done inside.
        count(&self.shards[share.index()].exits, share, Ordering::Release);
        self.is_awaited(share)
    }

    /// Counts out one that came too late, or to no purpose, and did nothing inside. The answer is that of
    /// [`leave`](Self::leave).
    #[cold]
    #[must_use]
    pub fn retreat(&self, share: Share) -> bool {
        count(&self.shards[share.index()].retreats, share, Ordering::Release);
        self.is_awaited(share)
    }

    /// Has a caller that was counted in on one share, and is still inside, counted in on another. As [`leave`](Self::leave)
    /// by the first one, but that it is no call.
    #[must_use]
    pub fn change_share(&self, from: Share, to: Share) -> bool {
        self.enter(to);
        self.retreat(from)
    }

    #[inline]
    fn is_awaited(&self, share: Share) -> bool {
        self.waiting.load(share.look()) != 0
    }

    /// As the function [`inside`], of this binding alone.
    pub fn inside(&self, barrier: impl FnOnce() -> bool) -> u64 {
        inside(|of| of(self), barrier)
    }

    fn sum(&self, of: impl Fn(&Shard) -> &AtomicU64) -> u64 {
        self.shards.iter().fold(0, |sum, shard| sum.wrapping_add(of(shard).load(Ordering::Acquire)))
    }

    fn exits(&self) -> u64 {
        self.sum(|shard| &shard.exits)
    }

    /// Announces that somebody waits for the binding to be unused. Announce, then look, then park.
    pub fn announce_waiter(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes the announcement back.
    pub fn retract_waiter(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many callers are inside several bindings together, which `each` runs its argument on: at least so many were at one
/// moment of the call. 0 means unused, provided that no cell has pointed at any of them since before the call. All exits of
/// all of them are read before all entries, so who goes from one to another is not overlooked.
///
/// `barrier` is a full barrier in this thread and in every thread that owns a share, and tells whether it was. If it
/// was not, nothing is known, and the answer is not 0.
pub fn inside(each: impl Fn(&mut dyn FnMut(&Binding)), barrier: impl FnOnce() -> bool) -> u64 {
    // What was stored before (a cell, the announcement of a waiter) is seen by all who do not show in what is read now.
    let was_barrier = barrier();
    let (mut exits, mut entries) = (0_u64, 0_u64);
    each(&mut |one| exits = exits.wrapping_add(one.exits()).wrapping_add(one.sum(|shard| &shard.retreats)));
    each(&mut |one| entries = entries.wrapping_add(one.sum(|shard| &shard.entries)));
    let inside = entries.wrapping_sub(exits);
    if was_barrier { inside } else { inside.max(1) }
}

/// Enters what `word` points at; answers the number of the entry, too. `None`: it holds a state, or has changed meanwhile;
/// [`acquire`] is for that.
///
/// # Safety
///
/// As [`acquire`].
#[inline]
pub unsafe fn attempt<'a>(
    word: &AtomicPtr<Binding>,
    share: Share,
    disturbed: impl FnOnce(&Binding),
) -> Option<(&'a Binding, u64)> {
    let seen = word.load(Ordering::Acquire);
    if seen.addr() < FIRST_ADDRESS {
        return None;
    }
    // SAFETY: an address in the cell is that of a type-stable binding; the caller of this function upholds it.
    let binding = unsafe { &*seen };
    let entry = binding.enter(share);
    if word.load(share.look()) == seen {
        return Some((binding, entry));
    }
    if binding.retreat(share) {
        disturbed(binding);
    }
    None
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
pub unsafe fn acquire<'a>(
    word: &AtomicPtr<Binding>,
    share: Share,
    disturbed: impl Fn(&Binding),
) -> Result<&'a Binding, usize> {
    loop {
        // SAFETY: what the caller promises.
        if let Some((binding, _)) = unsafe { attempt(word, share, &disturbed) } {
            return Ok(binding);
        }
        let state = word.load(Ordering::Acquire).addr();
        if state < FIRST_ADDRESS {
            return Err(state);
        }
    }
}
