//! Runs plugin phases on a thread that may be given up: a phase that never returns costs that thread and no more.

use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

type Job = Box<dyn FnOnce() + Send>;

/// One worker thread, replaced when a job does not come back.
pub(crate) struct Runner {
    name: &'static str,
    worker: Mutex<Option<Sender<Job>>>,
}

impl Runner {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, worker: Mutex::default() }
    }

    /// Runs `job` and waits for it, at most `deadline`. `None`: it did not come back; it goes on by itself, and when it
    /// ends, what it came to is given to `late`.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        deadline: Duration,
        job: impl FnOnce() -> T + Send + 'static,
        late: impl FnOnce(T) + Send + 'static,
    ) -> Option<T> {
        // Handed from one to the other, never left between: an answer that nobody takes goes to `late`.
        let (answer, done) = mpsc::sync_channel(0);
        let job: Job = Box::new(move || {
            if let Err(unheard) = answer.send(job()) {
                late(unheard.0);
            }
        });
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        let job = match worker.as_ref() {
            Some(sender) => sender.send(job).err().map(|unsent| unsent.0),
            None => Some(job),
        };
        if let Some(job) = job {
            let sender = self.hire()?;
            sender.send(job).ok()?;
            *worker = Some(sender);
        }
        drop(worker);
        let answer = done.recv_timeout(deadline).ok();
        if answer.is_none() {
            *self.worker.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        answer
    }

    fn hire(&self) -> Option<Sender<Job>> {
        let (sender, jobs) = mpsc::channel::<Job>();
        let work = move || {
            for job in jobs {
                job();
            }
        };
        std::thread::Builder::new().name(self.name.to_owned()).spawn(work).ok()?;
        Some(sender)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_up_reaches_who_waits_for_it_late_and_the_next_job_runs_meanwhile() {
        let runner = Runner::new("test");
        let (release, held) = mpsc::channel::<()>();
        let (late, told) = mpsc::channel();
        let job = move || {
            // Until the test lets go of the other end.
            let _ = held.recv();
            7
        };
        let given_up = runner.run(Duration::from_millis(1), job, move |answer| {
            late.send(answer).expect("the test listens");
        });
        assert_eq!(given_up, None);
        let long = Duration::from_mins(1);
        assert_eq!(runner.run(long, || 8, |_| ()), Some(8), "another thread took its place");
        drop(release);
        assert_eq!(told.recv_timeout(long), Ok(7));
    }
}
