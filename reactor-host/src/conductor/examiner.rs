//! Asks generations on trial whether all is well, on a thread of its own: one that does not answer delays nobody.
//!
//! Owns that thread. Must never know what becomes of a generation that is not well: it says so, and that is all.

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Weak};
use std::time::Duration;

use reactor_abi::ffi::Op;

use crate::generation::{Generation, PhaseFailure};
use crate::order::Order;
use crate::report::Reason;
use crate::runner::Runner;
use crate::shared::Shared;

/// The code of a health check that the plugin failed.
const UNWELL: &str = "RE0521";

struct Job {
    generation: Arc<Generation>,
    limit: Duration,
}

/// See the module.
pub(super) struct Examiner {
    shared: Weak<Shared>,
    thread: Option<Sender<Job>>,
}

impl Examiner {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::downgrade(shared), thread: None }
    }

    /// Has a generation examined; what is wrong comes as [`Order::Misbehaved`]. An answer that takes longer than
    /// `limit` is wrong too.
    pub(super) fn examine(&mut self, generation: &Arc<Generation>, limit: Duration) {
        let job = Job { generation: Arc::clone(generation), limit };
        let unsent = match &self.thread {
            Some(jobs) => jobs.send(job).err().map(|unsent| unsent.0),
            None => Some(job),
        };
        if let Some(job) = unsent {
            // Without a thread there is no examination: the trial goes on without it.
            self.thread = hire(self.shared.clone()).inspect(|jobs| drop(jobs.send(job)));
        }
    }
}

fn hire(shared: Weak<Shared>) -> Option<Sender<Job>> {
    let (jobs, inbox) = mpsc::channel::<Job>();
    let work = move || {
        let runner = Runner::new("reactor-health");
        for Job { generation, limit } in inbox {
            let number = generation.life.number;
            let answer = {
                let examined = Arc::clone(&generation);
                let Some(host) = shared.upgrade() else { return };
                // Whoever retires the generation waits for this to end.
                let late = move |_| host.routes.signal().notify();
                let ask = move || examined.run(Op::Health).map(drop);
                runner.run(limit, ask, late).unwrap_or_else(|| Err(PhaseFailure::late("health", limit)))
            };
            drop(generation);
            let Some(host) = shared.upgrade() else { return };
            host.routes.signal().notify();
            if let Err(failure) = answer {
                let reason =
                    Reason::new(UNWELL, format!("it failed its health check: {}", Reason::from(failure)));
                host.order(Order::Misbehaved { generation: number, reason });
            }
        }
    };
    std::thread::Builder::new().name("reactor-examine".to_owned()).spawn(work).ok()?;
    Some(jobs)
}
