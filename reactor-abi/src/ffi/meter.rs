//! What is counted of the calls into one generation: bytes that crossed, panics, and how long a sample of them took.
//!
//! Part of a binding, so that callers on both sides count in host memory. Owns the counting and nothing else: it has no
//! part in the pin protocol, and no order between its counters is promised.
//!
//! A call adds to three counters on the cache line that it has touched already, by entering. Of the time only a sample is
//! taken: the first [`WARM_UP`] calls of a generation, then one in [`ONE_IN`], chosen at random so that no regular
//! pattern of calls is missed.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many calls of a generation are timed before a sample is enough.
pub const WARM_UP: u32 = 256;

/// One in so many calls is timed after that.
pub const ONE_IN: u32 = 64;

/// Buckets of the histogram: four to an octave, from nanoseconds to half an hour.
pub const BUCKETS: usize = 160;

/// Calls, and the bytes that crossed, by thread share.
#[repr(C)]
#[derive(Default)]
pub struct Traffic {
    calls: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

impl Traffic {
    /// Size and the offset of every field: part of the ABI fingerprint.
    pub const LAYOUT: [usize; 4] = [
        size_of::<Self>(),
        std::mem::offset_of!(Self, calls),
        std::mem::offset_of!(Self, bytes_in),
        std::mem::offset_of!(Self, bytes_out),
    ];

    /// Counts the argument and the answer of one call.
    #[inline]
    pub fn count(&self, bytes_in: usize, bytes_out: usize) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.bytes_in.fetch_add(bytes_in as u64, Ordering::Relaxed);
        self.bytes_out.fetch_add(bytes_out as u64, Ordering::Relaxed);
    }

    /// Calls, bytes of arguments and bytes of answers so far.
    pub fn read(&self) -> (u64, u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.calls), read(&self.bytes_in), read(&self.bytes_out))
    }

    fn reset(&self) {
        self.calls.store(0, Ordering::Relaxed);
        self.bytes_in.store(0, Ordering::Relaxed);
        self.bytes_out.store(0, Ordering::Relaxed);
    }
}

/// The panics of one generation, and a histogram of how long its calls took.
#[repr(C)]
pub struct Meter {
    panics: AtomicU64,
    timed: AtomicU32,
    buckets: [AtomicU32; BUCKETS],
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            panics: AtomicU64::new(0),
            timed: AtomicU32::new(0),
            buckets: std::array::from_fn(|_| AtomicU32::new(0)),
        }
    }
}

impl Meter {
    /// Size and the offset of every field: part of the ABI fingerprint.
    pub const LAYOUT: [usize; 4] = [
        size_of::<Self>(),
        std::mem::offset_of!(Self, panics),
        std::mem::offset_of!(Self, timed),
        std::mem::offset_of!(Self, buckets),
    ];

    /// Forgets everything: the binding gets a new role.
    pub fn reset<'a>(&self, shares: impl IntoIterator<Item = &'a Traffic>) {
        self.panics.store(0, Ordering::Relaxed);
        self.timed.store(0, Ordering::Relaxed);
        self.buckets.iter().for_each(|bucket| bucket.store(0, Ordering::Relaxed));
        shares.into_iter().for_each(Traffic::reset);
    }

    /// Counts one panic; answers how many there were before.
    pub fn count_panic(&self) -> u64 {
        self.panics.fetch_add(1, Ordering::SeqCst)
    }

    /// The panics so far.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::SeqCst)
    }

    /// The time now, if this call is one to be timed.
    #[inline]
    pub fn begin(&self) -> Option<Instant> {
        let timed = self.timed.load(Ordering::Relaxed) < WARM_UP || chosen();
        timed.then(Instant::now)
    }

    /// Ends what [`begin`](Self::begin) began.
    #[inline]
    pub fn end(&self, begun: Option<Instant>) {
        if let Some(begun) = begun {
            self.record(begun.elapsed());
        }
    }

    /// Counts one call that took so long.
    #[cold]
    pub fn record(&self, took: Duration) {
        let bucket = bucket_of(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        if self.timed.load(Ordering::Relaxed) < WARM_UP {
            self.timed.fetch_add(1, Ordering::Relaxed);
        }
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

/// True once in [`ONE_IN`], at random: Marsaglia's xorshift ("Xorshift RNGs", 2003), 32 bits, one per thread and library.
#[inline]
fn chosen() -> bool {
    thread_local!(static SEED: Cell<u32> = const { Cell::new(0x9e37_79b9) });
    SEED.with(|seed| {
        let mut x = seed.get();
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        seed.set(x);
        x.is_multiple_of(ONE_IN)
    })
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

    #[test]
    fn the_first_calls_are_timed_and_then_a_share_of_them() {
        let meter = Meter::default();
        for _ in 0..WARM_UP {
            let begun = meter.begin();
            assert!(begun.is_some());
            meter.end(begun);
        }
        let timed = (0..64 * 1_000).filter(|_| meter.begin().is_some()).count();
        assert!((500..2_000).contains(&timed), "{timed} of 64,000");
        assert_eq!(meter.buckets().iter().sum::<u32>(), WARM_UP);
        meter.reset(&[]);
        assert_eq!(meter.buckets().iter().sum::<u32>(), 0);
    }
}
