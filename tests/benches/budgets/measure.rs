//! Two things timed in turn, and what is made of the times.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// The value below which `percent` of them lie. Sorts them.
pub(crate) fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(f64::NAN)
}

/// What `work` answers, and how long it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let answer = work();
    (answer, begun.elapsed())
}

/// One call of each of two kinds, timed in batches.
#[derive(Clone, Copy)]
pub(crate) struct Batches {
    /// How many threads call at the same time.
    pub(crate) threads: usize,
    /// How many batches of each kind a thread makes.
    pub(crate) rounds: usize,
    /// Calls in a batch.
    pub(crate) calls: u32,
}

impl Batches {
    /// The median time of one call of either, in seconds: `(reactor, raw)`. Batches take turns, and which goes first
    /// takes turns too, so that whatever else the machine does meets both alike.
    pub(crate) fn compare(
        self,
        reactor: impl Fn(u64) -> u64 + Sync,
        raw: impl Fn(u64) -> u64 + Sync,
    ) -> (f64, f64) {
        let barrier = Barrier::new(self.threads);
        let (reactor, raw, barrier) = (&reactor, &raw, &barrier);
        let times = std::thread::scope(|scope| {
            let callers: Vec<_> =
                (0..self.threads).map(|_| scope.spawn(|| self.take_turns(barrier, reactor, raw))).collect();
            callers.into_iter().map(|caller| caller.join().expect("no call panics")).collect::<Vec<_>>()
        });
        let (mut first, mut second): (Vec<f64>, Vec<f64>) = times.into_iter().flatten().unzip();
        (percentile(&mut first, 50), percentile(&mut second, 50))
    }

    fn take_turns(
        self,
        barrier: &Barrier,
        reactor: &impl Fn(u64) -> u64,
        raw: &impl Fn(u64) -> u64,
    ) -> Vec<(f64, f64)> {
        let turn = |round: usize| {
            if round.is_multiple_of(2) {
                let ours = self.batch(barrier, reactor);
                (ours, self.batch(barrier, raw))
            } else {
                let theirs = self.batch(barrier, raw);
                (self.batch(barrier, reactor), theirs)
            }
        };
        // The first ones fill caches.
        (0..self.rounds + 4).map(turn).skip(4).collect()
    }

    // By reference to the closure itself, of which each instance has this one use: then either kind of call is
    // inlined into its loop, and none pays for a frame that the other has not.
    #[inline(never)]
    fn batch(self, barrier: &Barrier, call: &impl Fn(u64) -> u64) -> f64 {
        barrier.wait();
        let begun = Instant::now();
        for argument in 0..u64::from(self.calls) {
            black_box(call(black_box(argument)));
        }
        begun.elapsed().as_secs_f64() / f64::from(self.calls)
    }
}
