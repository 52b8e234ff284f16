//! What is counted of the calls into one generation: bytes that crossed, panics, and how long a sample of them took.
//!
//! Part of a binding, so that callers on both sides count in host memory. Owns the counting and nothing else: it has no
//! part in the pin protocol. Of its counters one order is promised: what a pin is counted as stands before it is left.
//!
//! Calls are the exits from a binding, which are counted anyhow; only what is no call, or several, is counted here. Bytes
//! are added on the cache line that the call has touched already, by entering. Of the time a sample is taken: the first
//! [`WARM_UP`] calls of a generation, then one in [`ONE_IN`] on average. Which comes next is chosen when one has been
//! timed, by a random distance, so that no regular pattern of calls is missed and the others pay for a comparison only.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// How many calls of a generation are timed before a sample is enough.
pub const WARM_UP: u32 = 256;

/// One in so many calls is timed after that, on average.
pub const ONE_IN: u64 = 1024;

/// Buckets of the histogram: four to an octave, from nanoseconds to half an hour.
pub const BUCKETS: usize = 160;

/// What is counted of the calls on one share of a binding. Its fields never go back but by wrapping.
#[repr(C)]
#[derive(Default)]
pub struct Traffic {
    /// Pins that are no call, less the calls that were made inside such pins.
    apart: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    /// The number of the entry that makes the next call to be timed, if each one until then makes one call; moved by
    /// those that do not. So a call need not look at `apart`.
    due: AtomicU64,
}

/// Adds to a counter; `owned`: nobody else writes it.
#[inline]
fn add(counter: &AtomicU64, by: u64, owned: bool) {
    if owned {
        counter.store(counter.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
    } else {
        counter.fetch_add(by, Ordering::Relaxed);
    }
}

impl Traffic {
    /// Size and the offset of every field: part of the ABI fingerprint.
    pub const LAYOUT: [usize; 5] = [
        size_of::<Self>(),
        std::mem::offset_of!(Self, apart),
        std::mem::offset_of!(Self, bytes_in),
        std::mem::offset_of!(Self, bytes_out),
        std::mem::offset_of!(Self, due),
    ];

    /// Counts the argument and the answer of one call. `owned`: the share is this thread's own; so below.
    #[inline]
    pub fn count(&self, bytes_in: usize, bytes_out: usize, owned: bool) {
        if bytes_in != 0 {
            add(&self.bytes_in, bytes_in as u64, owned);
        }
        if bytes_out != 0 {
            add(&self.bytes_out, bytes_out as u64, owned);
        }
    }

    /// Takes a pin that is about to be left out of the count of calls.
    #[inline]
    pub fn count_pin(&self, owned: bool) {
        add(&self.apart, 1, owned);
        add(&self.due, 1, owned);
    }

    /// Counts a call that was made inside such a pin.
    #[inline]
    pub fn count_call(&self, owned: bool) {
        add(&self.apart, u64::MAX, owned);
        add(&self.due, u64::MAX, owned);
    }

    /// Bytes of arguments and bytes of answers so far.
    pub(super) fn bytes(&self) -> (u64, u64) {
        (self.bytes_in.load(Ordering::Relaxed), self.bytes_out.load(Ordering::Relaxed))
    }

    /// Whether the call after so many entries is one to be timed.
    #[inline]
    pub(super) fn is_due(&self, entries: u64) -> bool {
        // Near each other; either may have wrapped.
        entries.wrapping_sub(self.due.load(Ordering::Relaxed)).cast_signed() >= 0
    }

    /// Chooses the next call to be timed: the very next one, or one further on.
    pub(super) fn choose(&self, entries: u64, very_next: bool) {
        // Shares and generations differ in what they mix.
        self.choose_by(entries, very_next, std::ptr::from_ref(self).addr() as u64);
    }

    #[inline]
    fn choose_by(&self, entries: u64, very_next: bool, seed: u64) {
        // Up to twice the mean.
        let distance = if very_next { 1 } else { 1 + mix(entries ^ seed) % (2 * ONE_IN - 1) };
        self.due.store(entries.wrapping_add(distance), Ordering::Relaxed);
    }

    fn reset(&self) {
        self.bytes_in.store(0, Ordering::Relaxed);
        self.bytes_out.store(0, Ordering::Relaxed);
        self.due.store(0, Ordering::Relaxed);
    }
}

/// The panics of one generation, and a histogram of how long its calls took.
#[repr(C)]
pub struct Meter {
    panics: AtomicU64,
    /// Calls that were counted in earlier roles of the binding.
    earlier: AtomicU64,
    timed: AtomicU32,
    buckets: [AtomicU32; BUCKETS],
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            panics: AtomicU64::new(0),
            earlier: AtomicU64::new(0),
            timed: AtomicU32::new(0),
            buckets: std::array::from_fn(|_| AtomicU32::new(0)),
        }
    }
}

impl Meter {
    /// Size and the offset of every field: part of the ABI fingerprint.
    pub const LAYOUT: [usize; 5] = [
        size_of::<Self>(),
        std::mem::offset_of!(Self, panics),
        std::mem::offset_of!(Self, earlier),
        std::mem::offset_of!(Self, timed),
        std::mem::offset_of!(Self, buckets),
    ];

    /// Forgets everything: the binding, which has been left so often and is unused, gets a new role.
    pub(super) fn reset<'a>(&self, exits: u64, shares: impl Iterator<Item = &'a Traffic> + Clone) {
        self.panics.store(0, Ordering::Relaxed);
        self.timed.store(0, Ordering::Relaxed);
        self.buckets.iter().for_each(|bucket| bucket.store(0, Ordering::Relaxed));
        self.earlier.store(less_apart(exits, shares.clone()), Ordering::Relaxed);
        shares.for_each(Traffic::reset);
    }

    /// The calls of this role of a binding that has been left so often.
    pub(super) fn calls<'a>(&self, exits: u64, shares: impl Iterator<Item = &'a Traffic>) -> u64 {
        let calls = less_apart(exits, shares).wrapping_sub(self.earlier.load(Ordering::Relaxed));
        // A pin that is no call is counted a moment before it is left.
        if calls > u64::MAX / 2 { 0 } else { calls }
    }

    /// Counts one panic; answers how many there were before.
    pub fn count_panic(&self) -> u64 {
        self.panics.fetch_add(1, Ordering::SeqCst)
    }

    /// The panics so far.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::SeqCst)
    }

    /// Counts one call that took so long; `true`: more are wanted before a sample is enough.
    pub(super) fn record(&self, took: Duration) -> bool {
        let bucket = bucket_of(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.timed.load(Ordering::Relaxed) < WARM_UP
            && self.timed.fetch_add(1, Ordering::Relaxed) + 1 < WARM_UP
    }

    /// How many calls fell into each bucket; [`longest_of`] tells what a bucket stands for.
    pub fn buckets(&self) -> [u32; BUCKETS] {
        std::array::from_fn(|at| self.buckets[at].load(Ordering::Relaxed))
    }
}

/// The bucket of a duration in nanoseconds.
fn bucket_of(nanoseconds: u64) -> usize {
    if nanoseconds < 4 {
        return 0;
    }
    let octave = nanoseconds.ilog2();
    let quarter = (nanoseconds >> (octave - 2)) & 3;
    let at = u64::from(octave - 2) * 4 + quarter + 1;
    usize::try_from(at).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The longest duration, in nanoseconds, that falls into a bucket; the last holds all that is longer too.
pub fn longest_of(bucket: usize) -> u64 {
    if bucket == 0 {
        return 3;
    }
    let at = bucket.min(BUCKETS - 1) as u64 - 1;
    let (octave, quarter) = (at / 4 + 2, at % 4);
    ((4 + quarter + 1) << (octave - 2)) - 1
}

fn less_apart<'a>(exits: u64, shares: impl Iterator<Item = &'a Traffic>) -> u64 {
    shares.fold(exits, |calls, share| calls.wrapping_sub(share.apart.load(Ordering::Relaxed)))
}

/// Bits that look random: the finishing steps of `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014).
fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_bucket_whose_bounds_hold_it_and_those_are_a_quarter_apart() {
        let mut last = 0;
        for nanoseconds in (0..5_000).chain((12..40).map(|bits| (1 << bits) + 1)) {
            let bucket = bucket_of(nanoseconds);
            assert!(bucket >= last, "{nanoseconds}");
            assert!(longest_of(bucket) >= nanoseconds, "{nanoseconds} in {bucket}");
            assert!(bucket == 0 || longest_of(bucket - 1) < nanoseconds, "{nanoseconds} in {bucket}");
            assert!(
                longest_of(bucket) <= nanoseconds.max(3) + nanoseconds / 4 + 1,
                "{nanoseconds} in {bucket}"
            );
            last = bucket;
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    /// Stands for the address of a share, which each run has another of.
    const SEED: u64 = 0x7f3a_15c0_2040;

    /// One call on a share, which is timed if it is one of those.
    fn call(meter: &Meter, share: &Traffic, entries: &mut u64) -> bool {
        *entries += 1;
        let is_due = share.is_due(*entries);
        if is_due {
            let again = meter.record(Duration::from_nanos(50));
            share.choose_by(*entries, again, SEED);
        }
        is_due
    }

    #[test]
    fn the_first_calls_are_timed_and_then_a_share_of_them() {
        let (meter, share, mut entries) = (Meter::default(), Traffic::default(), 0);
        for _ in 0..2 {
            for number in 0..WARM_UP {
                assert!(call(&meter, &share, &mut entries), "call {number}");
            }
            let timed = (0..1024 * 1_000).filter(|_| call(&meter, &share, &mut entries)).count();
            assert!((900..1_100).contains(&timed), "{timed} of 1,024,000");
            assert_eq!(meter.buckets().iter().sum::<u32>() as usize, WARM_UP as usize + timed);
            meter.reset(entries, [&share].into_iter());
            assert_eq!(meter.buckets().iter().sum::<u32>(), 0);
        }
    }

    #[test]
    fn calls_that_come_in_a_regular_pattern_are_timed_alike() {
        let (meter, share, mut entries) = (Meter::default(), Traffic::default(), 0);
        for _ in 0..WARM_UP {
            call(&meter, &share, &mut entries);
        }
        let mut timed = [0; 4];
        for number in 0..4_000_000 {
            timed[number % 4] += usize::from(call(&meter, &share, &mut entries));
        }
        assert!(timed.iter().all(|one| (850..1_110).contains(one)), "{timed:?}");
    }

    #[test]
    fn shares_time_other_calls_than_each_other() {
        let dues = [SEED, SEED + size_of::<Traffic>() as u64].map(|seed| {
            let share = Traffic::default();
            share.choose_by(WARM_UP.into(), false, seed);
            share.due.load(Ordering::Relaxed)
        });
        assert_ne!(dues[0], dues[1]);
    }

    #[test]
    fn the_next_timed_call_is_so_many_calls_away_whatever_pins_are_made_for() {
        for owned in [true, false] {
            let share = Traffic::default();
            share.choose_by(10, false, SEED);
            let next = || (11..=11 + 2 * ONE_IN).find(|entry| share.is_due(*entry)).expect("one of them");
            let chosen = next();
            share.count_pin(owned);
            assert_eq!(next(), chosen + 1, "an entry that made no call");
            (0..3).for_each(|_| share.count_call(owned));
            assert_eq!(next(), (chosen - 2).max(11), "three calls for which nobody entered");

            let fresh = Traffic::default();
            fresh.count_call(owned);
            assert!(fresh.is_due(0), "that none was chosen lasts");
        }
    }

    #[test]
    fn calls_are_exits_less_pins_that_are_none_and_calls_in_such_pins_count() {
        for owned in [true, false] {
            let (meter, shares) = (Meter::default(), [Traffic::default(), Traffic::default()]);
            let calls = |exits| meter.calls(exits, shares.iter());
            assert_eq!(calls(5), 5);
            (0..3).for_each(|_| shares[1].count_call(owned));
            assert_eq!(calls(5), 8, "three in a pin that has not been left");
            shares[1].count_pin(owned);
            assert_eq!(calls(6), 8, "the pin itself is none");
            meter.reset(6, shares.iter());
            assert_eq!(calls(6), 0);
            shares[0].count_pin(owned);
            assert_eq!(calls(6), 0, "never less than none");
            assert_eq!(calls(8), 1);
        }
    }
}
