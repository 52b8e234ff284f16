//! Between those who store and the one thread that writes: the newest of everything, and which records the disk does
//! not have yet.
//!
//! A write changes the tables and marks its record; the writer takes all marks, with what the records are at that
//! moment, in one step. So several writes to a record become one, what is written is always the state of one moment,
//! and what could not be written stays marked, however long, in bounded memory. Must never know what a disk is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::error::StoreError;
use super::record::Change;
use super::tables::{Key, Record, Tables};
use crate::discover::ContentHash;

/// Whoever is told of writes that failed.
pub(super) type Tell = Arc<dyn Fn(&StoreError) + Send + Sync>;

/// See the module.
pub(super) struct Core {
    /// Whether somebody writes; else everything is remembered, and that is all.
    durable: bool,
    state: Mutex<State>,
    /// Rung when there is something to write.
    work: Condvar,
    /// Rung when a write ended.
    ended: Condvar,
}

#[derive(Default)]
struct State {
    tables: Tables,
    /// The libraries that no disk has: all that are named for a store in memory, else those not written yet.
    heap: HashMap<ContentHash, Arc<[u8]>>,
    /// The records in which the disk is behind.
    marked: BTreeSet<Key>,
    /// Those of them that could not be written by themselves, while others could.
    stuck: BTreeMap<Key, Stuck>,
    /// How many tickets were given out.
    issued: u64,
    /// The tickets up to this one were tried.
    tried: u64,
    /// The tickets up to this one are durable, but for those of what is stuck.
    durable: u64,
    /// Whether what is stuck is to be tried as well.
    thorough: bool,
    /// Why the last try failed.
    failure: Option<StoreError>,
    tell: Option<Tell>,
    closing: bool,
    closed: bool,
}

/// A record that could not be written, and whose tickets that concerns: those after the one and up to the other.
struct Stuck {
    after: u64,
    upto: u64,
    error: StoreError,
}

/// What the writer takes in one step.
pub(super) struct Batch {
    pub(super) records: Vec<(Key, Option<Record>)>,
    upto: u64,
}

/// What became of a batch.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) result: Result<(), StoreError>,
    /// Records that were left out, and why.
    pub(super) stuck: Vec<(Key, StoreError)>,
}

impl Default for Outcome {
    fn default() -> Self {
        Self { result: Ok(()), stuck: Vec::new() }
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("durable", &self.durable).finish_non_exhaustive()
    }
}

/// The side of those who store.
impl Core {
    pub(super) fn new(tables: Tables, durable: bool) -> Arc<Self> {
        let state = State { tables, ..State::default() };
        Arc::new(Self { durable, state: Mutex::new(state), work: Condvar::new(), ended: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn on_failure(&self, tell: Tell) {
        self.lock().tell = Some(tell);
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&Tables) -> T) -> T {
        look(&self.lock().tables)
    }

    pub(super) fn apply(core: &Arc<Self>, changes: Vec<Change>) -> Ticket {
        let mut state = core.lock();
        let State { tables, heap, marked, .. } = &mut *state;
        let (mut touched, mut renamed) = (false, false);
        for change in changes {
            let brought = match &change {
                // One that is named already is on the heap or on the disk.
                Change::SetRollback { point, library, .. } if !tables.names(&point.build) => {
                    Some((point.build, Arc::clone(library)))
                }
                _ => None,
            };
            tables.apply(change, |key| {
                touched = true;
                renamed |= matches!(key, Key::Rollback(_));
                if core.durable {
                    marked.insert(key);
                }
            });
            heap.extend(brought);
        }
        if renamed {
            heap.retain(|build, _| tables.names(build));
        }
        // What changes nothing is as durable as what it found.
        if core.durable && touched {
            state.issued += 1;
            core.work.notify_one();
        }
        Ticket { core: Arc::clone(core), number: state.issued }
    }

    /// The library on the heap, and whether a rollback point names it.
    pub(super) fn library(&self, build: &ContentHash) -> (Option<Arc<[u8]>>, bool) {
        let state = self.lock();
        (state.heap.get(build).cloned(), state.tables.names(build))
    }

    /// Waits for everything that was stored before, and has what is stuck tried again.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        if !self.durable {
            return Ok(());
        }
        let mut state = self.lock();
        state.issued += 1;
        state.thorough = true;
        self.work.notify_one();
        let number = state.issued;
        let mut state = self.wait(state, number)?;
        state.stuck.pop_first().map_or(Ok(()), |(key, stuck)| {
            let error = stuck.error.clone();
            state.stuck.insert(key, stuck);
            Err(error)
        })
    }

    fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        number: u64,
    ) -> Result<MutexGuard<'a, State>, StoreError> {
        loop {
            if state.tried >= number {
                let concerned = |stuck: &&Stuck| stuck.after < number && number <= stuck.upto;
                if let Some(stuck) = state.stuck.values().find(concerned) {
                    return Err(stuck.error.clone());
                }
                if state.durable >= number {
                    return Ok(state);
                }
                if let Some(failure) = &state.failure {
                    return Err(failure.clone());
                }
            }
            if state.closed {
                return Err(StoreError::Closed);
            }
            state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Has the writer end when it has written what there is.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_one();
    }
}

/// The writer's side.
impl Core {
    /// Waits for something to write. `None`: there will be nothing any more.
    pub(super) fn take(&self) -> Option<Batch> {
        let mut state = self.lock();
        while state.tried == state.issued {
            if state.closing {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let State { tables, heap, marked, stuck, thorough, .. } = &mut *state;
        let mut keys = std::mem::take(marked);
        if std::mem::take(thorough) {
            keys.extend(stuck.keys().cloned());
        }
        let record = |key: Key| {
            let record = tables.record(&key, heap);
            (key, record)
        };
        Some(Batch { records: keys.into_iter().map(record).collect(), upto: state.issued })
    }

    /// Takes note of what became of a batch, whose records were `keys`, and tells.
    pub(super) fn ended(&self, keys: Vec<Key>, upto: u64, outcome: Outcome) {
        let mut state = self.lock();
        let after = state.tried;
        state.tried = upto;
        let failed = outcome.result.as_ref().err().cloned();
        let mut told = failed.clone();
        if let Some(failure) = failed {
            state.failure = Some(failure);
            state.marked.extend(keys);
        } else {
            state.failure = None;
            state.durable = upto;
            for (key, error) in outcome.stuck {
                told.get_or_insert_with(|| error.clone());
                let after = state.stuck.get(&key).map_or(after, |stuck| stuck.after);
                state.stuck.insert(key, Stuck { after, upto, error });
            }
            state.written(&keys, upto);
        }
        let tell = state.tell.clone();
        drop(state);
        self.ended.notify_all();
        if let (Some(error), Some(tell)) = (told, tell) {
            tell(&error);
        }
    }

    /// The writer is gone.
    pub(super) fn closed(&self) {
        let mut state = self.lock();
        state.closing = true;
        state.closed = true;
        drop(state);
        self.ended.notify_all();
    }
}

impl State {
    /// Forgets what the disk has now: all of `keys` but what is stuck since this batch.
    fn written(&mut self, keys: &[Key], upto: u64) {
        for key in keys {
            if self.stuck.get(key).is_some_and(|stuck| stuck.upto == upto) {
                continue;
            }
            self.stuck.remove(key);
            // It is newer than what was written if it is marked again: then its library may be another.
            if let Key::Rollback(plugin) = key
                && !self.marked.contains(key)
                && let Some(build) = self.tables.rollback(plugin).map(|point| point.build)
                && !self.stuck.keys().any(|key| self.names(key, &build))
            {
                self.heap.remove(&build);
            }
        }
    }
}

impl State {
    fn names(&self, key: &Key, build: &ContentHash) -> bool {
        matches!(key, Key::Rollback(plugin) if self.tables.rollback(plugin).is_some_and(|point| point.build == *build))
    }
}

impl Batch {
    pub(super) fn keys(&self) -> Vec<Key> {
        self.records.iter().map(|(key, _)| key.clone()).collect()
    }

    pub(super) fn upto(&self) -> u64 {
        self.upto
    }
}

/// The receipt for a write that was queued. Dropping it changes nothing: the write goes on.
#[derive(Clone, Debug)]
pub struct Ticket {
    core: Arc<Core>,
    number: u64,
}

impl Ticket {
    /// Returns when the write is durable: it is there after a kill at any moment from now on. At once for a store in
    /// memory.
    ///
    /// # Errors
    ///
    /// It can not be written. It is still kept in memory, and will be tried again with the next write.
    pub fn wait(self) -> Result<(), StoreError> {
        self.core.wait(self.core.lock(), self.number).map(drop)
    }
}
