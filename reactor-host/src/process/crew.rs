//! Threads that see to questions that come from nobody's call: as many as are at work at once, and no more than that.
//!
//! One that has had nothing to do for a while leaves.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

type Job = Box<dyn FnOnce() + Send>;

/// See the module.
pub(super) struct Crew {
    name: String,
    /// The most threads. Sixteen jobs for each of them may wait.
    most: usize,
    inner: Mutex<Inner>,
    bell: Condvar,
}

#[derive(Default)]
struct Inner {
    threads: usize,
    idle: usize,
    jobs: VecDeque<Job>,
    closed: bool,
}

/// How long a thread waits for the next job.
const PATIENCE: Duration = Duration::from_secs(10);

impl Crew {
    pub(super) fn new(name: String, most: usize) -> Arc<Self> {
        Arc::new(Self { name, most, inner: Mutex::default(), bell: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a thread do it. `false`: too much waits already, or there is no thread.
    pub(super) fn hand(self: &Arc<Self>, job: Job) -> bool {
        let mut inner = self.lock();
        if inner.closed || inner.jobs.len() >= 16 * self.most {
            return false;
        }
        inner.jobs.push_back(job);
        if inner.jobs.len() > inner.idle && inner.threads < self.most {
            let crew = Arc::clone(self);
            let hired = std::thread::Builder::new().name(self.name.clone()).spawn(move || crew.work());
            inner.threads += usize::from(hired.is_ok());
            // With nobody at all it would wait for ever.
            return inner.threads > 0;
        }
        self.bell.notify_one();
        true
    }

    /// Takes no more, and drops what waits.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        let jobs = std::mem::take(&mut inner.jobs);
        drop(inner);
        drop(jobs);
        self.bell.notify_all();
    }

    fn work(&self) {
        let mut inner = self.lock();
        loop {
            if let Some(job) = inner.jobs.pop_front() {
                drop(inner);
                job();
                inner = self.lock();
                continue;
            }
            if inner.closed {
                break;
            }
            inner.idle += 1;
            let waited = self.bell.wait_timeout(inner, PATIENCE).unwrap_or_else(PoisonError::into_inner);
            inner = waited.0;
            inner.idle -= 1;
            if waited.1.timed_out() && inner.jobs.is_empty() {
                break;
            }
        }
        inner.threads -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn jobs_that_wait_for_each_other_are_all_at_work_at_once() {
        let crew = Crew::new("test".to_owned(), 64);
        let (begun, all) = mpsc::channel();
        let barrier = Arc::new(std::sync::Barrier::new(20));
        for _ in 0..20 {
            let (barrier, begun) = (Arc::clone(&barrier), begun.clone());
            let met = move || {
                barrier.wait();
                begun.send(()).expect("the test listens");
            };
            assert!(crew.hand(Box::new(met)));
        }
        for _ in 0..20 {
            all.recv_timeout(Duration::from_mins(1)).expect("nobody waits for a thread");
        }
    }

    #[test]
    fn a_flood_is_turned_away() {
        let crew = Crew::new("test".to_owned(), 2);
        let (_release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let hang = || {
            let held = Arc::clone(&held);
            // Until the test lets go of the other end.
            Box::new(move || {
                let _ = held.lock().unwrap_or_else(PoisonError::into_inner).recv();
            })
        };
        let taken = (0..100).take_while(|_| crew.hand(hang())).count();
        assert!(taken <= 2 + 32, "{taken}");
        crew.close();
        assert!(!crew.hand(hang()));
    }
}
