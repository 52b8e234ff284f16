//! What happens to plugins, as a stream.
//!
//! Owns the events and who listens. A listener that does not keep up loses the oldest events and is told how many: 65,536
//! wait for it, and log lines of 16 MiB beside them. Nothing waits for a listener.

mod queue;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use semver::Version;
use serde::{Deserialize, Serialize};

use self::queue::Queue;
use crate::manifest::PluginId;

/// Something that happened to one plugin.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// Its place in the host's history, from 1 without gaps.
    pub seq: u64,
    /// Microseconds since the host was built.
    pub at_us: u64,
    /// The plugin; absent where what was found says no id.
    pub plugin: Option<PluginId>,
    /// The plugin's version, as far as it is known.
    pub version: Option<Version>,
    /// The generation, where there is one.
    pub generation: Option<u64>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened. In JSON the variant is the field `event`, its fields stand beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// A plugin was found in a folder, complete and with a good manifest.
    Discovered {
        /// The library.
        #[serde(serialize_with = "crate::report::lossy")]
        path: std::path::PathBuf,
    },
    /// It can not be used as it is; what served before goes on.
    Refused {
        /// The stable code.
        code: String,
        /// Why, and what to do.
        message: String,
        /// The file, when there is one.
        #[serde(serialize_with = "crate::report::lossy_option")]
        path: Option<std::path::PathBuf>,
    },
    /// It runs, but something that it asks for is not there.
    Warned {
        /// The stable code.
        code: String,
        /// What is not there.
        message: String,
    },
    /// Its first generation serves.
    Loaded {
        /// From the bytes in memory to the first possible call, in microseconds.
        micros: u64,
        /// Whether it goes on with what was saved last.
        #[serde(default)]
        state: StateOutcome,
    },
    /// A new generation has taken over.
    Swapped {
        /// The generation that served before.
        from: u64,
        /// From the bytes in memory to the new generation's first possible call, in microseconds.
        micros: u64,
        /// For how long calls from outside were made to wait, in microseconds; 0 without state.
        paused_micros: u64,
        /// What became of the state.
        state: StateOutcome,
    },
    /// It provides an interface from here on.
    InterfaceProvided {
        /// The interface.
        interface: String,
        /// The version in which it is provided.
        version: String,
    },
    /// A new generation provides the interface.
    InterfaceChanged {
        /// The interface.
        interface: String,
        /// The version in which it was provided.
        before: String,
        /// The version in which it is provided.
        version: String,
    },
    /// It provides the interface no longer. Handles go to the next that fits, or answer why there is none.
    InterfaceWithdrawn {
        /// The interface.
        interface: String,
        /// The version in which it was provided.
        version: String,
    },
    /// A swap was taken back after the switch: this generation serves again.
    RolledBack {
        /// The generation that failed.
        from: u64,
        /// Which state it goes on with.
        state: StateOutcome,
        /// The stable code of what the failed one did.
        code: String,
        /// What it did.
        message: String,
    },
    /// The time in which a swap could be taken back has passed well: the generation before is stopped.
    TrialPassed {
        /// The generation that was kept ready.
        from: u64,
    },
    /// A build is not to be tried again until its bytes change or somebody lifts it. It is written down by now.
    Quarantined {
        /// What the build is known by: 64 hexadecimal digits.
        build: String,
        /// The stable code of what it did.
        code: String,
        /// What it did.
        message: String,
    },
    /// A quarantined build may be tried again.
    Released {
        /// What the build is known by.
        build: String,
    },
    /// A generation that served no more was closed, or could not be.
    Retired {
        /// Whether its library was closed.
        verdict: Verdict,
        /// Why not, one sentence each.
        reasons: Vec<String>,
        /// Whether a retained one stays for good. Else it is closed when it comes free, and a further event says so.
        #[serde(rename = "final", default)]
        is_final: bool,
        /// From the end of its service to the verdict, in microseconds.
        micros: u64,
    },
    /// The plugin is no longer there: removed, switched off, or the host is stopping.
    Stopped {
        /// Why.
        reason: String,
        /// How long `stop` and what belongs to it took, in microseconds.
        micros: u64,
    },
    /// A phase failed or panicked, or a swap was taken back.
    Failed {
        /// The phase.
        phase: String,
        /// The stable code.
        code: String,
        /// What the plugin said.
        message: String,
    },
    /// The plugin logged.
    Log {
        /// `trace`, `debug`, `info`, `warn` or `error`.
        #[serde(deserialize_with = "level")]
        level: LevelName,
        /// The message.
        message: String,
        /// The fields, by name.
        fields: std::collections::BTreeMap<String, reactor_abi::Value>,
    },
}

/// The name of a level. By another name than its own, since a `&str` would be read as a part of the text that is parsed.
pub type LevelName = &'static str;

/// The name of a level, out of a stream.
fn level<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<LevelName, D::Error> {
    use reactor_abi::log::Level;
    let name = String::deserialize(deserializer)?;
    let levels = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error];
    let known = levels.into_iter().map(Level::name).find(|known| *known == name);
    known.ok_or_else(|| serde::de::Error::custom(format!("`{name}` is no level")))
}

/// What became of a plugin's state at a start, a swap or a roll-back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StateOutcome {
    /// There was none to take over: the manifest names none, or none had been saved.
    #[default]
    None,
    /// Saved at an earlier time, taken over by the first generation.
    Restored,
    /// Saved by the old generation, taken over by the new one.
    HandedOver,
    /// Saved by the failed generation, taken back by the one before it.
    TakenBack,
    /// As it was at the switch: what was changed since is lost.
    AtSwitch,
}

/// Whether a generation's library was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Closed, and the loader says that it is gone.
    Unloaded,
    /// Kept, for the reasons beside.
    Retained,
    /// Linked into the program: there was nothing to close.
    Linked,
}

struct Mailbox {
    queue: Mutex<Queue>,
    arrived: Condvar,
}

/// Who listens to one host.
pub(crate) struct Events {
    origin: Instant,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    last: u64,
    mailboxes: Vec<Weak<Mailbox>>,
    /// The last events, for who comes later; bounded as what waits for a listener is.
    kept: Option<Queue>,
    closed: bool,
}

impl Events {
    pub(crate) fn new(origin: Instant) -> Self {
        Self { origin, inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time as events have it.
    pub(crate) fn now_us(&self) -> u64 {
        micros(self.origin.elapsed())
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        Self::join(&mut self.lock(), queue::CAPACITY)
    }

    fn join(inner: &mut Inner, most: usize) -> Subscription {
        let queue = Queue::new(most, inner.closed);
        let mailbox = Arc::new(Mailbox { queue: Mutex::new(queue), arrived: Condvar::new() });
        inner.mailboxes.push(Arc::downgrade(&mailbox));
        Subscription { mailbox }
    }

    /// Keeps the last `keep` events of either sort from here on, for [`catch_up`](Self::catch_up).
    pub(crate) fn keep(&self, keep: usize) {
        let mut inner = self.lock();
        inner.kept.get_or_insert_with(|| Queue::new(0, false)).allow(keep);
    }

    /// The kept events after number `since`, and those that come, without a gap between; a listener may be `most` behind.
    pub(crate) fn catch_up(&self, since: u64, most: usize) -> (Vec<Event>, Subscription) {
        let mut inner = self.lock();
        let kept = inner.kept.as_ref().map_or_else(Vec::new, |kept| kept.after(since));
        (kept, Self::join(&mut inner, most))
    }

    pub(crate) fn emit(
        &self,
        plugin: Option<PluginId>,
        version: Option<Version>,
        generation: Option<u64>,
        kind: EventKind,
    ) {
        let mut inner = self.lock();
        inner.last += 1;
        let event = Event {
            seq: inner.last,
            at_us: micros(self.origin.elapsed()),
            plugin,
            version,
            generation,
            kind,
        };
        inner.mailboxes.retain(|mailbox| {
            let Some(mailbox) = mailbox.upgrade() else { return false };
            mailbox.queue.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
            mailbox.arrived.notify_one();
            true
        });
        if let Some(kept) = &mut inner.kept {
            kept.push(event);
        }
    }

    /// Ends every subscription once it has been read to its end.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        for mailbox in inner.mailboxes.drain(..).filter_map(|mailbox| mailbox.upgrade()) {
            mailbox.queue.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
            mailbox.arrived.notify_all();
        }
    }
}

/// Whole microseconds.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A listener. Dropping it ends the subscription. As an iterator it waits for the next event, until the host is gone.
pub struct Subscription {
    mailbox: Arc<Mailbox>,
}

impl Subscription {
    /// The next event, waiting at most `timeout`. `None`: none came, or the host is gone.
    pub fn next_timeout(&self, timeout: Duration) -> Option<Event> {
        self.wait(Instant::now().checked_add(timeout))
    }

    /// The next event if there is one already.
    pub fn try_next(&self) -> Option<Event> {
        self.mailbox.queue.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// How many events were dropped because nobody read them, up to now.
    pub fn lost(&self) -> u64 {
        self.mailbox.queue.lock().unwrap_or_else(PoisonError::into_inner).lost
    }

    /// Whether no event waits and none will come.
    pub(crate) fn is_over(&self) -> bool {
        let queue = self.mailbox.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.closed && queue.is_empty()
    }

    fn wait(&self, deadline: Option<Instant>) -> Option<Event> {
        let mut queue = self.mailbox.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(event) = queue.pop() {
                return Some(event);
            }
            if queue.closed {
                return None;
            }
            queue = match deadline {
                None => self.mailbox.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left =
                        deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
                    self.mailbox.arrived.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

impl Iterator for Subscription {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.wait(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_for_later_is_bounded_in_bytes_and_logs_push_out_logs_only() {
        let events = Events::new(Instant::now());
        events.keep(4096);
        events.emit(None, None, None, EventKind::Loaded { micros: 0, state: StateOutcome::default() });
        for _ in 0..64 {
            let (message, fields) = ("x".repeat(1 << 20), std::collections::BTreeMap::new());
            events.emit(None, None, None, EventKind::Log { level: "info", message, fields });
        }
        let (kept, _) = events.catch_up(0, 1);
        assert!(matches!(kept[0].kind, EventKind::Loaded { .. }), "what became of a plugin is still there");
        let bytes = |event: &Event| match &event.kind {
            EventKind::Log { message, .. } => message.len(),
            _ => 0,
        };
        let bytes: usize = kept.iter().map(bytes).sum();
        assert!((8 << 20..=16 << 20).contains(&bytes), "{bytes} bytes of log lines are kept");
        assert_eq!(kept.last().map(|event| event.seq), Some(65), "the newest are");
    }
}
