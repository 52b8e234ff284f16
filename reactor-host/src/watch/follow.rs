//! Looking at the plugin folders whenever it is worth it, on one thread.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use super::{Hint, WatchError, Watcher};
use crate::discover::{Change, Known, ScanOptions, Tracker, scan_with};

/// How a [`Follow`] looks.
#[derive(Clone, Debug)]
pub struct FollowSettings {
    /// How often to look when events cannot be had for everything: none at all, too few, or links whose targets
    /// change elsewhere.
    pub fallback: Duration,
    /// The most bytes of a library that are read.
    pub max_library_bytes: u64,
}

impl Default for FollowSettings {
    fn default() -> Self {
        Self { fallback: Duration::from_secs(2), max_library_bytes: crate::discover::MAX_LIBRARY_BYTES }
    }
}

/// Follows the plugin folders until it is dropped: a thread that takes hints, scans, and hands on what changed.
///
/// Dropping it stops the thread and waits for it, so that no change is handed on afterwards; dropped from within its
/// own callback it does not wait, and the callback that is running is the last.
#[derive(Debug)]
pub struct Follow {
    messages: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

enum Message {
    Hint(Hint),
    Stop,
}

struct Follower<F> {
    dirs: Vec<PathBuf>,
    tracker: Tracker,
    known: Known,
    settings: FollowSettings,
    watcher: Option<Watcher>,
    changed: F,
    settled: HashSet<PathBuf>,
    /// When to look, and until when more events may put that off.
    due: Option<(Instant, Instant)>,
    /// Whether there are changes that no event would tell.
    blind: bool,
    next_fallback: Instant,
}

impl Follow {
    /// Starts to follow `dirs`, and hands each non-empty batch of changes to `changed`, on the follower's thread.
    ///
    /// A host that has scanned already passes the tracker and what it knows, and hears only of what changed since;
    /// new ones make the first batch tell everything. Where the system gives no file events the folders are looked at
    /// every [`FollowSettings::fallback`], which is logged. A panic in `changed` is logged and ends that batch only.
    ///
    /// # Errors
    ///
    /// [`WatchError::Thread`] when no thread can be started.
    pub fn start(
        dirs: Vec<PathBuf>,
        tracker: Tracker,
        known: Known,
        settings: FollowSettings,
        changed: impl FnMut(Vec<Change>) + Send + 'static,
    ) -> Result<Self, WatchError> {
        let (messages, inbox) = channel();
        let hints = messages.clone();
        // Started before this returns, so that whatever happens afterwards is seen. A send fails when the follower
        // has stopped, which nobody needs to know.
        let watcher = Watcher::start(dirs.clone(), move |hint| drop(hints.send(Message::Hint(hint))));
        let watcher = watcher.inspect_err(|error| tracing::warn!(code = error.code(), "{error}")).ok();
        let now = Instant::now();
        let follower = Follower {
            dirs,
            tracker,
            known,
            watcher,
            changed,
            settled: HashSet::new(),
            // What happened between the host's scan and the watch.
            due: Some((now, now)),
            blind: false,
            next_fallback: now + settings.fallback,
            settings,
        };
        let thread = std::thread::Builder::new().name("reactor-watch".to_owned());
        let thread =
            thread.spawn(move || follower.run(&inbox)).map_err(|source| WatchError::Thread { source })?;
        Ok(Self { messages, thread: Some(thread) })
    }

    /// Has the folders looked at now, whatever events say.
    pub fn rescan(&self) {
        drop(self.messages.send(Message::Hint(Hint::Rescan)));
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        drop(self.messages.send(Message::Stop));
        if let Some(thread) =
            self.thread.take().filter(|thread| thread.thread().id() != std::thread::current().id())
        {
            // Panics of the callback are caught where they happen.
            drop(thread.join());
        }
    }
}

impl<F: FnMut(Vec<Change>)> Follower<F> {
    fn run(mut self, inbox: &Receiver<Message>) {
        loop {
            let message = match self.next_look() {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => inbox.recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            match message {
                Ok(Message::Hint(hint)) => self.take(hint),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            // Hints come in bursts: all that are here count for one look.
            for message in inbox.try_iter() {
                match message {
                    Message::Hint(hint) => self.take(hint),
                    Message::Stop => return,
                }
            }
            if self.next_look().is_some_and(|at| at <= Instant::now()) {
                self.look();
            }
        }
    }

    fn next_look(&self) -> Option<Instant> {
        let fallback = (self.blind || self.watcher.is_none()).then_some(self.next_fallback);
        [self.due.map(|(at, _)| at), self.tracker.next_deadline(), fallback].into_iter().flatten().min()
    }

    fn take(&mut self, hint: Hint) {
        let now = Instant::now();
        match hint {
            Hint::Settled(path) => {
                self.settled.insert(path);
                self.due = Some((now, now));
            }
            Hint::Rescan => self.due = Some((now, now)),
            Hint::Touched(_) => {
                // Each event puts the look off, but a file that never rests must not hide its neighbours.
                let quiet = self.tracker.settings().quiet;
                let latest = self.due.map_or(now + quiet * 10, |(_, latest)| latest);
                self.due = Some(((now + quiet).min(latest), latest));
            }
        }
    }

    fn look(&mut self) {
        (self.due, self.blind) = (None, false);
        self.next_fallback = Instant::now() + self.settings.fallback;
        // Before the scan, so that what happens in a new folder is either scanned or hinted at.
        if let Some(Err(error)) = self.watcher.as_mut().map(Watcher::refresh) {
            // A subscriber of the application's that panics must not end the watching.
            let told = || tracing::debug!(code = error.code(), "{error}");
            let _ = catch_unwind(AssertUnwindSafe(told));
            self.blind = true;
        }
        let wanted: Vec<PathBuf> = self.tracker.wanted().map(ToOwned::to_owned).collect();
        for source in wanted {
            self.known.forget(&source);
        }
        let options =
            ScanOptions { max_library_bytes: self.settings.max_library_bytes, now: SystemTime::now() };
        let scan = scan_with(&self.dirs, &self.known, &options);
        self.known.update(&scan);
        self.blind |= scan.has_links;
        let changes = self.tracker.observe(scan, &std::mem::take(&mut self.settled), Instant::now());
        if !changes.is_empty() && catch_unwind(AssertUnwindSafe(|| (self.changed)(changes))).is_err() {
            let told =
                || tracing::error!("the receiver of plugin changes panicked; it goes on with the next batch");
            let _ = catch_unwind(told);
        }
    }
}
