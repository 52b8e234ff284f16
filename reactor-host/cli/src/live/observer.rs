//! Watching a host for the live view: its list, what it counts, and what happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use reactor_host::Host;

use super::Shared;
use super::model::counts;
use crate::error::CliError;

/// How often the host is asked for its list.
const LIST: Duration = Duration::from_millis(200);
/// Over how long calls are counted.
const COUNT: Duration = Duration::from_secs(1);

/// Watches until it is dropped; then it holds the host no more.
pub(crate) struct Observer {
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Observer {
    /// Begins to.
    ///
    /// # Errors
    ///
    /// [`CliError::Thread`].
    pub(crate) fn start(host: Arc<Host>, shared: Arc<Shared>) -> Result<Self, CliError> {
        let end = Arc::new(AtomicBool::new(false));
        let ours = Arc::clone(&end);
        let thread = std::thread::Builder::new().name("reactor-observe".to_owned());
        let thread = thread
            .spawn(move || observe(&host, &shared, &ours))
            .map_err(|source| CliError::Thread { source })?;
        Ok(Self { end, thread: Some(thread) })
    }
}

fn observe(host: &Host, shared: &Shared, end: &AtomicBool) {
    let events = host.events();
    let (mut list, mut count) = (Instant::now(), Instant::now());
    while !end.load(Ordering::SeqCst) {
        let event = events.next_timeout(list.saturating_duration_since(Instant::now()));
        if let Some(event) = &event {
            shared.update(|model| model.happened(event));
        }
        let now = Instant::now();
        if now >= count {
            let counts = counts(host);
            shared.update(|model| model.count(now, counts));
            count = now + COUNT;
        }
        if now >= list {
            let listed = host.list();
            shared.update(|model| model.list(&listed));
            list = now + LIST;
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.end.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // A panic of it has been printed by it.
            let _ = thread.join();
        }
    }
}
