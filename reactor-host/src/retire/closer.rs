//! Where libraries are closed: a thread that may hang.
//!
//! Closing runs code of the library (its last functions, what it gave to `atexit`), and nobody can end that. So
//! the thread that waits for all generations does not do it. One thread for all of them: while one library hangs in
//! there, the loader lets nobody close another anyhow.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use crate::native::Instance;
use crate::native::open::Closed;
use crate::shared::Shared;

type Job = (Instance, mpsc::SyncSender<Closed>);

/// See the module. The thread is made at first use.
pub(super) struct Closer {
    shared: Arc<Shared>,
    thread: Option<(Sender<Job>, JoinHandle<()>)>,
}

impl Closer {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), thread: None }
    }

    /// Closes the library behind an instance that was proved unused. Disconnected without an answer: it stays open,
    /// since the system gives no thread.
    pub(super) fn close(&mut self, instance: Instance) -> Receiver<Closed> {
        let (answer, closed) = mpsc::sync_channel(1);
        if self.thread.is_none() {
            self.thread = self.hire();
        }
        if let Some((jobs, _)) = &self.thread {
            // An instance that is not taken is dropped, which keeps its library.
            let _ = jobs.send((instance, answer));
        }
        closed
    }

    fn hire(&self) -> Option<(Sender<Job>, JoinHandle<()>)> {
        let (sender, jobs) = mpsc::channel::<Job>();
        let shared = Arc::clone(&self.shared);
        let work = move || {
            for (instance, answer) in jobs {
                // Nobody listens when the host has ended meanwhile.
                let _ = answer.send(instance.close());
                shared.routes.signal().notify();
            }
        };
        let thread = std::thread::Builder::new().name("reactor-close".to_owned()).spawn(work).ok()?;
        Some((sender, thread))
    }

    /// Ends the thread, and waits for that unless a library hangs in there.
    pub(super) fn end(self, hangs: bool) {
        let Some((jobs, thread)) = self.thread else { return };
        drop(jobs);
        if !hangs {
            // It catches nothing: had it panicked, its instance was dropped and so retained.
            let _ = thread.join();
        }
    }
}
