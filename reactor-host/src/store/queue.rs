//! Between those who store and the one thread that writes: the newest of everything, and which records the disk does
//! not have yet.
//!
//! A write changes the tables and marks its record; the writer takes all marks, with what the records are at that
//! moment, in one step. So several writes to a record become one, what is written is always the state of one moment,
//! and what could not be written stays marked, however long, in bounded memory.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::error::StoreError;
use super::record::Change;
use super::tables::{Key, Tables};
use crate::discover::ContentHash;

/// What becomes of changes.
#[derive(Debug)]
pub(super) enum Task {
    /// They are remembered, and that is all.
    Remember,
}

type Tell = Arc<dyn Fn(&StoreError) + Send + Sync>;

/// See the module.
pub(super) struct Core {
    task: Task,
    state: Mutex<State>,
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
    /// How many tickets were given out.
    issued: u64,
    /// The tickets up to this one are durable.
    durable: u64,
    /// The tickets up to this one were tried.
    tried: u64,
    /// Why the last try failed.
    failure: Option<StoreError>,
    tell: Option<Tell>,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("task", &self.task).finish_non_exhaustive()
    }
}

impl Core {
    pub(super) fn new(task: Task) -> Arc<Self> {
        Arc::new(Self { task, state: Mutex::default(), ended: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_durable(&self) -> bool {
        match self.task {
            Task::Remember => false,
        }
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
        for change in changes {
            if let Change::SetRollback { point, library, .. } = &change
                && !tables.names(&point.build)
            {
                heap.insert(point.build, Arc::clone(library));
            }
            tables.apply(change, |key| {
                marked.insert(key);
            });
        }
        heap.retain(|build, _| tables.names(build));
        match core.task {
            Task::Remember => {
                state.marked.clear();
                Ticket { core: Arc::clone(core), number: 0 }
            }
        }
    }

    pub(super) fn library(&self, build: &ContentHash) -> Result<Option<Arc<[u8]>>, StoreError> {
        Ok(self.lock().heap.get(build).cloned())
    }

    pub(super) fn flush(&self) -> Result<(), StoreError> {
        let issued = self.lock().issued;
        self.wait(issued)
    }

    fn wait(&self, number: u64) -> Result<(), StoreError> {
        let mut state = self.lock();
        loop {
            if state.durable >= number {
                return Ok(());
            }
            if state.tried >= number
                && let Some(failure) = &state.failure
            {
                return Err(failure.clone());
            }
            state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
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
    /// memory, and for a write that changed nothing.
    ///
    /// # Errors
    ///
    /// It can not be written. It is still kept in memory, and will be tried again with the next write.
    pub fn wait(self) -> Result<(), StoreError> {
        self.core.wait(self.number)
    }
}
