//! The tasks of one generation: which run, and which have been told to end.
//!
//! Pure bookkeeping with a bell; threads are made and plugin code is run elsewhere. Where a plugin runs in a process of its
//! own, its tasks are kept there; this side knows which there are by what it is told, and does not believe that none run
//! before the other side has answered that it admits no more.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use reactor_abi::Error;

/// See the module.
#[derive(Default)]
pub(crate) struct Tasks {
    inner: Mutex<Inner>,
    cancelled: Condvar,
    teller: OnceLock<Mutex<Teller>>,
}

/// Tells the other side which tasks run, and which round of closing was heard of.
pub(crate) type Teller = Box<dyn Fn(u64, Vec<String>) + Send>;

#[derive(Default)]
struct Inner {
    next: u64,
    running: BTreeMap<u64, Task>,
    closed: bool,
    /// How often they were closed.
    round: u64,
    far: Option<Far>,
}

/// The tasks of another process.
#[derive(Default)]
struct Far {
    /// Up to which round it has answered.
    round: u64,
    running: Vec<String>,
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
        drop(inner);
        self.tell();
        Ok(number)
    }

    /// Notes that a task has ended.
    pub(crate) fn retire(&self, number: u64) {
        self.lock().running.remove(&number);
        self.tell();
    }

    /// Tells one task to end.
    pub(crate) fn cancel(&self, number: u64) {
        if let Some(task) = self.lock().running.get_mut(&number) {
            task.cancelled = true;
        }
        self.cancelled.notify_all();
    }

    /// Tells all to end and admits no more. Which round of closing this is.
    pub(crate) fn close(&self) -> u64 {
        let mut inner = self.lock();
        inner.round += 1;
        let round = inner.round;
        self.end_all(inner);
        round
    }

    /// The same, told by the other side, which is yet to be [told](Self::tell) of it. Waits for nobody.
    pub(crate) fn close_in_round(&self, round: u64) {
        let mut inner = self.lock();
        inner.round = round;
        self.end_all(inner);
    }

    fn end_all(&self, mut inner: MutexGuard<'_, Inner>) {
        inner.closed = true;
        for task in inner.running.values_mut() {
            task.cancelled = true;
        }
        self.cancelled.notify_all();
    }

    /// Has `teller` told of every change: these are the tasks of the other side's generation.
    pub(crate) fn report_to(&self, teller: Teller) {
        // Set once, when the generation is made.
        let _ = self.teller.set(Mutex::new(teller));
    }

    /// Tells the other side, if there is one, how things are. Waits for whoever is telling.
    pub(crate) fn tell(&self) {
        let Some(teller) = self.teller.get() else { return };
        // Told under this lock, so that what is told last is how things are.
        let teller = teller.lock().unwrap_or_else(PoisonError::into_inner);
        let round = self.lock().round;
        teller(round, self.running());
    }

    /// The tasks are those of another process from here on.
    pub(crate) fn follow(&self) {
        self.lock().far = Some(Far::default());
    }

    /// What that process tells.
    pub(crate) fn hear(&self, round: u64, running: Vec<String>) {
        if let Some(far) = &mut self.lock().far {
            *far = Far { round, running };
        }
    }

    /// Admits tasks again, after a suspension.
    pub(crate) fn reopen(&self) {
        self.lock().closed = false;
    }

    /// The names of those that run.
    pub(crate) fn running(&self) -> Vec<String> {
        let inner = self.lock();
        let far = inner.far.iter().flat_map(|far| {
            let silent = far.round < inner.round;
            let unknown = silent.then(|| "(its process has not yet answered)".to_owned());
            far.running.iter().cloned().chain(unknown)
        });
        inner.running.values().map(|task| task.name.clone()).chain(far).collect()
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn who_is_told_to_close_waits_for_nobody_who_tells() {
        let tasks = std::sync::Arc::new(Tasks::default());
        let ((begun, telling), (let_go, held)) = (mpsc::channel(), mpsc::channel::<()>());
        // As a socket that is full: it returns when the test lets go.
        tasks.report_to(Box::new(move |round, _| {
            let _ = begun.send(round);
            let _ = held.recv();
        }));
        let admitting = std::sync::Arc::clone(&tasks);
        let admitted = std::thread::spawn(move || admitting.admit("task"));
        assert_eq!(telling.recv(), Ok(0));
        tasks.close_in_round(3);
        assert!(tasks.wait_cancelled(1, Duration::ZERO));
        drop(let_go);
        admitted.join().expect("no panic").expect("it came before");
        tasks.tell();
        assert_eq!(telling.recv(), Ok(3));
    }
}
