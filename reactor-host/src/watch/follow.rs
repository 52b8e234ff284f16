//! Looking at the plugin folders whenever it is worth it, on one thread.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use super::inbox::{Heard, Inbox};
use super::pulse::Pulse;
use super::{Hint, WatchError, Watcher};
use crate::discover::{Change, Known, ScanOptions, Tracker, scan_with};

/// How a [`Follow`] looks.
#[derive(Clone, Copy, Debug)]
pub struct FollowSettings {
    /// How often to look when events cannot be had for everything: none at all, too few, or links whose targets
    /// change elsewhere. As often it is asked where the folders are, since a mount over one, or a new name of a folder
    /// further up, is no event either. [`Settings::poll_every`](crate::discover::Settings::poll_every) goes before it.
    pub fallback: Duration,
    /// The most bytes of a library that are read.
    pub max_library_bytes: u64,
}

impl Default for FollowSettings {
    fn default() -> Self {
        Self { fallback: Duration::from_secs(2), max_library_bytes: crate::discover::MAX_LIBRARY_BYTES }
    }
}

/// How much following the folders took so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Effort {
    /// How often the folders were scanned.
    pub looks: u64,
    /// How many files were read in those scans: libraries and manifests that might have changed.
    pub files_read: u64,
    /// How often it was asked where the folders are, which scans nothing.
    pub pulses: u64,
}

#[derive(Debug, Default)]
struct Tally {
    looks: AtomicU64,
    files_read: AtomicU64,
    pulses: AtomicU64,
}

/// Follows the plugin folders until it is dropped: a thread that takes hints, scans, and hands on what changed.
///
/// Dropping it stops the thread and waits for it, so that no change is handed on afterwards; dropped from within its
/// own callback it does not wait, and the callback that is running is the last.
#[derive(Debug)]
pub struct Follow {
    inbox: Arc<Inbox>,
    tally: Arc<Tally>,
    thread: Option<JoinHandle<()>>,
}

struct Follower<F> {
    dirs: Vec<PathBuf>,
    tracker: Tracker,
    known: Known,
    settings: FollowSettings,
    inbox: Arc<Inbox>,
    tally: Arc<Tally>,
    watcher: Option<Watcher>,
    changed: F,
    settled: HashSet<PathBuf>,
    /// When to look, and until when more events may put that off.
    due: Option<(Instant, Instant)>,
    /// Not before that: after each look there is a rest as long as the look was, whatever happens in the folders.
    rested: Instant,
    /// Whether there are changes that no event would tell.
    blind: bool,
    next_fallback: Instant,
    pulse: Pulse,
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
        let (inbox, tally) = (Arc::<Inbox>::default(), Arc::<Tally>::default());
        let poll = tracker.settings().poll_every;
        let settings = FollowSettings { fallback: poll.unwrap_or(settings.fallback), ..settings };
        let pulse = Pulse::of(&dirs);
        let hints = Arc::clone(&inbox);
        // Started before this returns, so that whatever happens afterwards is seen.
        let watcher = match poll {
            None => Watcher::start(dirs.clone(), move |hint| hints.put(hint))
                .inspect_err(|error| tracing::warn!(code = error.code(), "{error}"))
                .ok(),
            Some(_) => None,
        };
        let now = Instant::now();
        let follower = Follower {
            dirs,
            tracker,
            known,
            inbox: Arc::clone(&inbox),
            tally: Arc::clone(&tally),
            watcher,
            changed,
            settled: HashSet::new(),
            // What happened between the host's scan and the watch.
            due: Some((now, now)),
            rested: now,
            blind: false,
            next_fallback: now + settings.fallback,
            pulse,
            settings,
        };
        let thread = std::thread::Builder::new().name("reactor-watch".to_owned());
        let thread = thread.spawn(move || follower.run()).map_err(|source| WatchError::Thread { source })?;
        Ok(Self { inbox, tally, thread: Some(thread) })
    }

    /// Has the folders looked at now, whatever events say.
    pub fn rescan(&self) {
        self.inbox.put(Hint::Rescan);
    }

    /// What it took so far.
    pub fn effort(&self) -> Effort {
        Effort {
            looks: self.tally.looks.load(Ordering::Relaxed),
            files_read: self.tally.files_read.load(Ordering::Relaxed),
            pulses: self.tally.pulses.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.inbox.stop();
        if let Some(thread) =
            self.thread.take().filter(|thread| thread.thread().id() != std::thread::current().id())
        {
            // Panics of the callback are caught where they happen.
            drop(thread.join());
        }
    }
}

impl<F: FnMut(Vec<Change>)> Follower<F> {
    fn run(mut self) {
        loop {
            let heard = self.inbox.take(Some(self.next_turn()));
            if heard.stop {
                return;
            }
            self.take(heard);
            if self.next_look().is_some_and(|at| at <= Instant::now()) {
                self.look();
            } else if self.next_fallback <= Instant::now() {
                self.feel();
            }
        }
    }

    fn next_turn(&self) -> Instant {
        self.next_look().map_or(self.next_fallback, |look| look.min(self.next_fallback))
    }

    fn next_look(&self) -> Option<Instant> {
        let fallback = (self.blind || self.watcher.is_none()).then_some(self.next_fallback);
        let next = [self.due.map(|(at, _)| at), self.tracker.next_deadline(), fallback].into_iter().flatten();
        next.min().map(|at| at.max(self.rested))
    }

    fn take(&mut self, heard: Heard) {
        let now = Instant::now();
        if heard.rescan || !heard.settled.is_empty() {
            self.settled.extend(heard.settled);
            self.due = Some((now, now));
        }
        if heard.touched {
            // Each event puts the look off, but a file that never rests must not hide its neighbours.
            let quiet = self.tracker.settings().quiet;
            let latest = self.due.map_or(now + quiet * 10, |(_, latest)| latest);
            self.due = Some(((now + quiet).min(latest), latest));
        }
    }

    /// Asks where the folders are.
    fn feel(&mut self) {
        self.next_fallback = Instant::now() + self.settings.fallback;
        self.tally.pulses.fetch_add(1, Ordering::Relaxed);
        let pulse = Pulse::of(&self.dirs);
        if pulse != self.pulse {
            self.pulse = pulse;
            // What is mounted elsewhere may have the number of what was here.
            if let Some(watcher) = &self.watcher {
                watcher.distrust();
            }
            let now = Instant::now();
            self.due = Some((now, now));
        }
    }

    fn look(&mut self) {
        let begun = Instant::now();
        (self.due, self.blind) = (None, false);
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
        let settled = std::mem::take(&mut self.settled);
        // Who wrote through a mapping may have left the times as they were.
        self.known.forget_all(&settled);
        let options = ScanOptions {
            max_library_bytes: self.settings.max_library_bytes,
            now: SystemTime::now(),
            allow_shared_folders: self.tracker.settings().allow_shared_folders,
        };
        let scan = scan_with(&self.dirs, &self.known, &options);
        self.known.update(&scan);
        self.blind |= scan.has_links || scan.is_exposed();
        self.tally.files_read.fetch_add(scan.files_read, Ordering::Relaxed);
        let now = Instant::now();
        let changes = self.tracker.observe(scan, &settled, now);
        self.rested = now + now.saturating_duration_since(begun);
        self.next_fallback = self.rested + self.settings.fallback;
        self.tally.looks.fetch_add(1, Ordering::Relaxed);
        if !changes.is_empty() && catch_unwind(AssertUnwindSafe(|| (self.changed)(changes))).is_err() {
            let told =
                || tracing::error!("the receiver of plugin changes panicked; it goes on with the next batch");
            let _ = catch_unwind(told);
        }
    }
}
