//! What stands in for a host's memory: everything that plugins on one bench share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::code;
use super::interfaces::Interfaces;
use super::streams::Streams;
use super::tasks::Tasks;
use crate::error::{Error, Result};
use crate::ffi::stand_in::Wire;
use crate::ffi::{RequestKind, Time};
use crate::log::Level;
use crate::value::Value;

/// A line of the log that a plugin wrote.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogLine {
    /// How important it is.
    pub level: Level,
    /// The message.
    pub message: String,
    /// The fields, in the order in which they were added.
    pub fields: Vec<(String, Value)>,
}

/// Everything that is shared.
#[derive(Default)]
pub(crate) struct World {
    inner: Mutex<Inner>,
    /// Told whenever something changes that somebody may wait for.
    changed: Condvar,
}

/// See [`World`].
#[derive(Default)]
pub(super) struct Inner {
    pub(super) log: Vec<LogLine>,
    pub(super) monotonic: Duration,
    pub(super) unix: Duration,
    pub(super) peers: BTreeMap<String, &'static Wire>,
    pub(super) outputs: BTreeMap<String, Value>,
    pub(super) requests: Vec<(RequestKind, String)>,
    pub(super) tasks: Tasks,
    pub(super) streams: Streams,
    pub(super) interfaces: Interfaces,
}

impl World {
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, and wakes who waits.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let made = change(&mut self.lock());
        self.changed.notify_all();
        made
    }

    /// Waits until `done` answers something.
    pub(super) fn wait<T>(&self, mut done: impl FnMut(&mut Inner) -> Option<T>) -> T {
        let mut inner = self.lock();
        loop {
            if let Some(answer) = done(&mut inner) {
                drop(inner);
                self.changed.notify_all();
                return answer;
            }
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// As [`wait`](Self::wait), but no longer than `wait` by the real clock.
    pub(super) fn wait_at_most<T>(
        &self,
        wait: Duration,
        mut done: impl FnMut(&mut Inner) -> Option<T>,
    ) -> Option<T> {
        let Some(deadline) = std::time::Instant::now().checked_add(wait) else {
            return Some(self.wait(done));
        };
        let mut inner = self.lock();
        loop {
            if let Some(answer) = done(&mut inner) {
                drop(inner);
                self.changed.notify_all();
                return Some(answer);
            }
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() {
                return None;
            }
            inner = self.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// One generation at the bench: who asks. Never freed, since copies of its services may be kept.
pub(crate) struct Seat {
    pub(super) world: Weak<World>,
    pub(super) plugin: String,
    pub(super) generation: u64,
    /// From `start` on.
    pub(super) started: AtomicBool,
    pub(super) registers: AtomicBool,
    pub(super) stopped: AtomicBool,
}

impl Seat {
    pub(super) fn new(world: &Arc<World>, plugin: &str, generation: u64) -> &'static Self {
        Box::leak(Box::new(Self {
            world: Arc::downgrade(world),
            plugin: plugin.to_owned(),
            generation,
            started: AtomicBool::new(false),
            registers: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        }))
    }

    /// The world, while this generation has a part in it.
    pub(super) fn world(&self) -> Result<Arc<World>> {
        self.world.upgrade().filter(|_| !self.stopped.load(Ordering::Acquire)).ok_or_else(|| {
            Error::new(code::ENDED, format!("generation {} of {} has ended", self.generation, self.plugin))
        })
    }

    pub(crate) fn log(&self, level: Level, message: &str, fields: Vec<(String, Value)>) {
        if let Ok(world) = self.world() {
            world.change(|inner| inner.log.push(LogLine { level, message: message.to_owned(), fields }));
        }
    }

    pub(crate) fn time(&self) -> Time {
        let (monotonic, unix) = self.world.upgrade().map_or_else(Default::default, |world| {
            let inner = world.lock();
            (inner.monotonic, inner.unix)
        });
        let nanoseconds = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Time { monotonic_ns: nanoseconds(monotonic), unix_ns: nanoseconds(unix) }
    }

    pub(crate) fn peer(&self, plugin: &str) -> Result<&'static Wire> {
        let world = self.world()?;
        Ok(*world.lock().peers.entry(plugin.to_owned()).or_insert_with(|| {
            Wire::new(crate::ffi::stand_in::WireState::Cut(Error::new(
                code::UNAVAILABLE,
                format!("{plugin} is not there; give the bench a `peer` of that name"),
            )))
        }))
    }

    pub(crate) fn output(&self, plugin: &str) -> Result<Value> {
        self.world()?.lock().outputs.get(plugin).cloned().ok_or_else(|| {
            Error::new(
                code::UNAVAILABLE,
                format!("{plugin} has no output; give the bench an `output` of that name"),
            )
        })
    }

    pub(crate) fn request(&self, kind: RequestKind, plugin: &str) -> Result<()> {
        self.world()?.change(|inner| inner.requests.push((kind, plugin.to_owned())));
        Ok(())
    }
}
