//! What each plugin costs and does, in numbers: calls, panics, bytes that crossed, how long calls take.
//!
//! Owns the sums over a plugin's generations. The counting itself is done by callers, in the bindings that they pin
//! through ([`reactor_abi::ffi::meter`]); this module reads it. Must never be on the way of a call.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use reactor_abi::ffi::meter::longest_of;
use serde::{Deserialize, Serialize};

use crate::manifest::PluginId;
use crate::native::Life;
use crate::report::{PluginInfo, PluginStatus};

/// What was counted of one plugin since the host was built. Counters never go back, also not over a swap.
///
/// ```
/// # fn show(host: &reactor_host::Host) {
/// for account in host.accounts() {
///     println!("{}: {} calls, p99 {} ns", account.plugin, account.calls, account.latency.p99_ns);
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Account {
    /// The plugin.
    pub plugin: PluginId,
    /// The generation that serves; absent when none does.
    pub generation: Option<u64>,
    /// Calls of actions and health checks by handle, from the application and from other plugins.
    pub calls: u64,
    /// Panics of calls, phases and tasks.
    pub panics: u64,
    /// Bytes of encoded arguments.
    pub bytes_in: u64,
    /// Bytes of encoded answers.
    pub bytes_out: u64,
    /// Calls and phases inside at this moment, over all generations that are not closed.
    pub inside: u64,
    /// Tasks that run, over all generations.
    pub tasks: usize,
    /// Threads that it made itself and that have not ended, and those of its tasks, over all generations.
    pub threads: usize,
    /// Generations that are not closed: the one that serves, one kept ready to go back to, and retained ones.
    pub generations: usize,
    /// How long calls into the serving generation took.
    pub latency: Latency,
}

/// How long calls took, of a sample: the first 256 calls of the generation, and then one in 1,024 on average.
///
/// Times are in nanoseconds, from when the generation is pinned until it has returned, and at most a quarter too high.
/// All are 0 when nothing was sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Latency {
    /// How many calls were timed.
    pub samples: u64,
    /// Half of them took no longer.
    pub p50_ns: u64,
    /// Nine in ten took no longer.
    pub p90_ns: u64,
    /// 99 in 100 took no longer.
    pub p99_ns: u64,
    /// None took longer.
    pub max_ns: u64,
}

impl Latency {
    fn of(buckets: &[u32]) -> Self {
        let samples: u64 = buckets.iter().map(|count| u64::from(*count)).sum();
        // The bucket of the sample at rank `part`/100, rounded up; ranks begin with 1.
        let at = |part: u64| {
            let rank = (samples * part).div_ceil(100).max(1);
            let mut seen = 0;
            let found = buckets.iter().position(|count| {
                seen += u64::from(*count);
                seen >= rank
            });
            found.map_or(0, longest_of)
        };
        if samples == 0 {
            return Self::default();
        }
        Self { samples, p50_ns: at(50), p90_ns: at(90), p99_ns: at(99), max_ns: at(100) }
    }
}

/// What generations have counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) calls: u64,
    pub(crate) panics: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

impl Counts {
    fn and(&self, other: &Self) -> Self {
        self.each(other, u64::wrapping_add)
    }

    fn or_more(&self, other: &Self) -> Self {
        self.each(other, u64::max)
    }

    fn each(&self, other: &Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            calls: with(self.calls, other.calls),
            panics: with(self.panics, other.panics),
            bytes_in: with(self.bytes_in, other.bytes_in),
            bytes_out: with(self.bytes_out, other.bytes_out),
        }
    }
}

/// The sum of a plugin's generations that are gone.
#[derive(Default)]
pub(crate) struct Totals {
    calls: AtomicU64,
    panics: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

impl Totals {
    /// Takes over what a generation has counted that is going.
    pub(crate) fn add(&self, counts: &Counts) {
        self.calls.fetch_add(counts.calls, Ordering::Relaxed);
        self.panics.fetch_add(counts.panics, Ordering::Relaxed);
        self.bytes_in.fetch_add(counts.bytes_in, Ordering::Relaxed);
        self.bytes_out.fetch_add(counts.bytes_out, Ordering::Relaxed);
    }

    fn read(&self) -> Counts {
        Counts {
            calls: self.calls.load(Ordering::Relaxed),
            panics: self.panics.load(Ordering::Relaxed),
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
        }
    }
}

/// Every plugin of one host.
#[derive(Default)]
pub(crate) struct Ledger {
    plugins: Mutex<BTreeMap<PluginId, Entry>>,
}

#[derive(Default)]
struct Entry {
    totals: Arc<Totals>,
    told: Counts,
    lives: Vec<Weak<Life>>,
}

impl Ledger {
    /// Takes a generation into the account of its plugin.
    pub(crate) fn open(&self, plugin: &PluginId, life: impl FnOnce(Arc<Totals>) -> Arc<Life>) -> Arc<Life> {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = plugins.entry(plugin.clone()).or_default();
        let life = life(Arc::clone(&entry.totals));
        if entry.lives.len() == entry.lives.capacity() {
            entry.lives.retain(|life| life.strong_count() > 0);
        }
        entry.lives.push(Arc::downgrade(&life));
        life
    }

    /// The accounts, by plugin; `listing` says who serves.
    pub(crate) fn read(&self, listing: &[PluginInfo]) -> Vec<Account> {
        let serving: BTreeMap<&PluginId, u64> = listing
            .iter()
            .filter_map(|info| match (&info.plugin, &info.status) {
                (Some(plugin), PluginStatus::Running { generation }) => Some((plugin, *generation)),
                _ => None,
            })
            .collect();
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        plugins
            .iter_mut()
            .map(|(plugin, entry)| entry.account(plugin, serving.get(plugin).copied()))
            .collect()
    }
}

impl Entry {
    fn account(&mut self, plugin: &PluginId, generation: Option<u64>) -> Account {
        // A generation that is going is added to the totals a moment after it can no longer be found: nothing told
        // before is taken back.
        let lives: Vec<Arc<Life>> = self.lives.iter().filter_map(Weak::upgrade).collect();
        let now = lives.iter().fold(self.totals.read(), |sum, life| sum.and(&life.counts()));
        self.told = self.told.or_more(&now);
        let latency = lives.iter().find(|life| Some(life.number) == generation);
        Account {
            plugin: plugin.clone(),
            generation,
            calls: self.told.calls,
            panics: self.told.panics,
            bytes_in: self.told.bytes_in,
            bytes_out: self.told.bytes_out,
            inside: lives.iter().map(|life| life.inside()).sum(),
            tasks: lives.iter().map(|life| life.tasks.running().len()).sum(),
            threads: lives.iter().map(|life| life.traces.threads().len()).sum(),
            generations: lives.len(),
            latency: latency.map(|life| Latency::of(&life.latency())).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_sample() {
        assert_eq!(Latency::of(&[0; 160]), Latency::default());
        let mut buckets = [0; 160];
        buckets[0] = 50;
        buckets[10] = 40;
        buckets[20] = 9;
        buckets[30] = 1;
        let latency = Latency::of(&buckets);
        assert_eq!(latency.samples, 100);
        let [p50, p90, p99, max] = [0, 10, 20, 30].map(longest_of);
        assert_eq!((latency.p50_ns, latency.p90_ns), (p50, p90));
        assert_eq!((latency.p99_ns, latency.max_ns), (p99, max));
    }
}
