//! Printing events as they come.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use reactor_host::{Event, Host, Subscription};

use crate::error::CliError;

/// How long [`Printer::after`] waits for a terminal that takes no more.
const PATIENCE: Duration = Duration::from_secs(1);

/// Prints a host's events on a thread of its own, until the host is gone.
pub(crate) struct Printer {
    thread: JoinHandle<io::Result<()>>,
    printed: Arc<Printed>,
}

/// The number of the last event that was printed; the largest number when no more will be.
#[derive(Default)]
struct Printed {
    seq: Mutex<u64>,
    more: Condvar,
}

impl Printed {
    fn set(&self, seq: u64) {
        *self.seq.lock().unwrap_or_else(PoisonError::into_inner) = seq;
        self.more.notify_all();
    }
}

impl Printer {
    /// Hands each event to `show`. When it fails, since nobody reads any more, `closed` is called and no more is
    /// printed.
    ///
    /// # Errors
    ///
    /// [`CliError::Thread`].
    pub(crate) fn start(
        events: Subscription,
        mut show: impl FnMut(&Event) -> io::Result<()> + Send + 'static,
        closed: impl FnOnce() + Send + 'static,
    ) -> Result<Self, CliError> {
        let printed = Arc::new(Printed::default());
        let ours = Arc::clone(&printed);
        let print = move || {
            for event in events {
                show(&event)?;
                ours.set(event.seq);
            }
            Ok(())
        };
        let ours = Arc::clone(&printed);
        let work = move || {
            let result = print();
            ours.set(u64::MAX);
            if result.is_err() {
                closed();
            }
            result
        };
        let thread = std::thread::Builder::new().name("reactor-print".to_owned());
        let thread = thread.spawn(work).map_err(|source| CliError::Thread { source })?;
        Ok(Self { thread, printed })
    }

    /// Gives `host` an order and returns when all events of it are printed, so that what is printed next comes after
    /// them.
    pub(crate) fn after<T>(&self, host: &Host, order: impl FnOnce(&Host) -> T) -> T {
        let events = host.events();
        let answer = order(host);
        let last = std::iter::from_fn(|| events.try_next()).last().map_or(0, |event| event.seq);
        let deadline = Instant::now() + PATIENCE;
        let mut printed = self.printed.seq.lock().unwrap_or_else(PoisonError::into_inner);
        while *printed < last {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            printed = self.printed.more.wait_timeout(printed, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        answer
    }

    /// Waits until all events of a host that has been dropped are printed.
    ///
    /// # Errors
    ///
    /// Why printing ended early.
    pub(crate) fn finish(self) -> Result<(), CliError> {
        // A panic has been printed by its thread.
        Ok(self.thread.join().unwrap_or(Ok(()))?)
    }
}
