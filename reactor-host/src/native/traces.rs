//! What a library leaves in libc, kept where the host can take it back.
//!
//! A library asks the host instead of libc (see `reactor_abi::ffi::plants`). libc holds only the host's functions;
//! they enter a generation before they run its code, and skip what belongs to one that is gone. So a thread may
//! outlive a library that it used: its destructors for that library's thread-locals are run if the library is still
//! there when the thread ends, and forgotten (with what they would have freed) if it is not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod exits;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) mod linux;

/// What one generation has asked for.
#[derive(Default)]
pub(crate) struct Traces {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Thread keys and their destructors.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    keys: std::collections::HashMap<u32, Option<unsafe extern "C" fn(*mut u8)>>,
    /// Threads that hold something of this generation's, by address.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    touched: std::collections::HashMap<usize, std::sync::Weak<exits::ThreadExits>>,
    threads: BTreeMap<u64, String>,
    next_thread: u64,
    signals: BTreeSet<i32>,
    timers: u32,
}

impl Traces {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The threads that run or may yet run this generation's code, by name.
    pub(crate) fn threads(&self) -> Vec<String> {
        self.lock().threads.values().cloned().collect()
    }

    fn count_in(&self, name: String) -> u64 {
        let mut inner = self.lock();
        inner.next_thread += 1;
        let number = inner.next_thread;
        inner.threads.insert(number, name);
        number
    }

    fn rename(&self, number: u64, name: String) {
        if let Some(slot) = self.lock().threads.get_mut(&number) {
            *slot = name;
        }
    }

    fn count_out(&self, number: u64) {
        self.lock().threads.remove(&number);
    }

    /// What can not be taken back, in words; empty when all can.
    pub(crate) fn indelible(&self) -> Vec<String> {
        let inner = self.lock();
        let mut reasons: Vec<String> = inner
            .signals
            .iter()
            .map(|signal| format!("it installed a handler for signal {signal}"))
            .collect();
        if inner.timers > 0 {
            reasons.push(format!("it created {} notification timer(s)", inner.timers));
        }
        reasons
    }
}
