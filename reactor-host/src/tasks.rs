//! The tasks of one generation: which run, and which have been told to end.
//!
//! Pure bookkeeping with a bell; threads are made and plugin code is run elsewhere.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reactor_abi::Error;

/// See the module.
#[derive(Default)]
pub(crate) struct Tasks {
    inner: Mutex<Inner>,
    cancelled: Condvar,
}

#[derive(Default)]
struct Inner {
    next: u64,
    running: BTreeMap<u64, Task>,
    closed: bool,
}

struct Task {
    name: String,
    cancelled: bool,
}

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a task that is about to run.
    pub(crate) fn admit(&self, name: &str) -> Result<u64, Error> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(Error::new(
                "RE0607",
                format!("task `{name}` comes too late: the tasks are being ended"),
            ));
        }
        inner.next += 1;
        let number = inner.next;
        inner.running.insert(number, Task { name: name.to_owned(), cancelled: false });
        Ok(number)
    }

    /// Notes that a task has ended.
    pub(crate) fn retire(&self, number: u64) {
        self.lock().running.remove(&number);
    }

    /// Tells one task to end.
    pub(crate) fn cancel(&self, number: u64) {
        if let Some(task) = self.lock().running.get_mut(&number) {
            task.cancelled = true;
        }
        self.cancelled.notify_all();
    }

    /// Tells all to end and admits no more.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        for task in inner.running.values_mut() {
            task.cancelled = true;
        }
        self.cancelled.notify_all();
    }

    /// Admits tasks again, after a suspension.
    pub(crate) fn reopen(&self) {
        self.lock().closed = false;
    }

    /// The names of those that run.
    pub(crate) fn running(&self) -> Vec<String> {
        self.lock().running.values().map(|task| task.name.clone()).collect()
    }

    /// Waits until the task is told to end, at most `limit` (zero: only looks). `true`: it is told to end, or
    /// unknown.
    pub(crate) fn wait_cancelled(&self, number: u64, limit: Duration) -> bool {
        let is_cancelled = |inner: &Inner| inner.running.get(&number).is_none_or(|task| task.cancelled);
        let deadline = Instant::now().checked_add(limit);
        let mut inner = self.lock();
        while !is_cancelled(&inner) {
            inner = match deadline {
                None => self.cancelled.wait(inner).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => {
                        self.cancelled.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0
                    }
                    _ => return false,
                },
            };
        }
        true
    }
}
