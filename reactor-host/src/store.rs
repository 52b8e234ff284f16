//! What lasts: quarantined builds, rollback points with their libraries, saved state, and which builds were checked.
//!
//! Owns one database, `store.redb`, and the folder `builds` beside it, in the data folder of one host; or the same
//! things on the heap, for a host without a data folder. Everything is also kept in memory, so that a read never waits
//! for a disk and always sees the newest write. A write is queued, and answers with a [`Ticket`]; whoever waits for the
//! ticket knows that the write outlives a kill at any moment after. One thread writes, in order, what has gathered.
//!
//! Must never know why something is stored: of generations, swaps and orders it knows nothing. Only `store/database.rs`
//! and its parts know `redb`.

mod codec;
mod database;
mod disk;
mod error;
mod files;
mod holder;
mod libraries;
mod queue;
mod record;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;

use self::disk::Disk;
pub use self::disk::{Dropped, Opened};
pub use self::error::StoreError;
pub use self::holder::{HeldBy, Holder};
use self::libraries::Libraries;
use self::queue::Core;
pub use self::queue::Ticket;
pub use self::record::{Change, ManifestText, Quarantined, RollbackPoint, SavedState};
use self::tables::Tables;
use self::writer::Writer;
use crate::discover::ContentHash;
use crate::manifest::PluginId;

/// What lasts, of one host. Cheap to clone: all clones are one store.
///
/// ```
/// use reactor_host::PluginId;
/// use reactor_host::store::{SavedState, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::in_memory();
/// let plugin = PluginId::new("word-count")?;
/// let state = SavedState::new(1, *b"42", 7);
/// store.put_state(&plugin, state.clone()).wait()?; // returns when it can not be lost any more
/// assert_eq!(store.state(&plugin), Some(state));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    core: Arc<Core>,
    on_disk: Option<OnDisk>,
}

#[derive(Clone, Debug)]
struct OnDisk {
    libraries: Libraries,
    writer: Arc<Writer>,
}

impl Store {
    /// A store that lasts as long as the program: nothing is written anywhere.
    pub fn in_memory() -> Self {
        Self { core: Core::new(Tables::default(), false), on_disk: None }
    }

    /// Opens the store in a data folder, which is made if need be, and holds it until the last clone is dropped.
    ///
    /// # Errors
    ///
    /// Another host has it; it is damaged, or of a newer version; the system refuses something. The folder is free again then.
    pub fn open(folder: &Path, holder: &Holder) -> Result<(Self, Opened), StoreError> {
        Self::open_with(folder, holder, database::opener())
    }

    fn open_with(
        folder: &Path,
        holder: &Holder,
        via: database::Opener,
    ) -> Result<(Self, Opened), StoreError> {
        let (disk, tables, opened) = Disk::open(folder, holder, via)?;
        let core = Core::new(tables, true);
        let libraries = disk.libraries();
        let writer = Arc::new(Writer::start(Arc::clone(&core), disk)?);
        Ok((Self { core, on_disk: Some(OnDisk { libraries, writer }) }, opened))
    }

    /// Whether what is stored outlives the program.
    pub fn is_durable(&self) -> bool {
        self.on_disk.is_some()
    }

    /// Makes several changes in one step: after a kill either all of them are there or none. In their order.
    pub fn apply(&self, changes: Vec<Change>) -> Ticket {
        Core::apply(&self.core, changes)
    }

    /// Returns when everything that was stored before is durable; tries again what could not be written.
    ///
    /// # Errors
    ///
    /// It can not be written. It is still kept in memory, and will be tried again with the next write.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.core.flush()
    }

    /// As [`flush`](Self::flush), and lets the data folder go, so that another host can have it. What is stored later is
    /// kept in memory only. The last clone that is dropped does this too.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush); the folder is let go all the same.
    pub fn close(&self) -> Result<(), StoreError> {
        self.on_disk.as_ref().map_or(Ok(()), |on_disk| on_disk.writer.close())
    }

    /// Has `tell` called, on the thread that writes, whenever a write failed. One listener; a later one replaces it. It
    /// must neither hold this store, or the store is never closed, nor wait for a ticket.
    pub fn on_failure(&self, tell: impl Fn(&StoreError) + Send + Sync + 'static) {
        self.core.on_failure(Arc::new(tell));
    }
}

/// Builds that are not to be tried again.
impl Store {
    /// Quarantines a build of a plugin; replaces what was said of it before.
    pub fn quarantine(&self, record: Quarantined) -> Ticket {
        self.apply(vec![Change::Quarantine(record)])
    }

    /// Lets a build be tried again.
    pub fn lift(&self, plugin: &PluginId, build: &ContentHash) -> Ticket {
        self.apply(vec![Change::Lift { plugin: plugin.clone(), build: *build }])
    }

    /// Why a build is quarantined; `None` if it is not.
    pub fn quarantined(&self, plugin: &PluginId, build: &ContentHash) -> Option<Quarantined> {
        self.core.read(|tables| tables.quarantined(plugin, build).cloned())
    }

    /// Everything that is quarantined, by plugin and then by build.
    pub fn quarantine_list(&self) -> Vec<Quarantined> {
        self.core.read(|tables| tables.quarantine_list().cloned().collect())
    }
}

/// The last good builds.
impl Store {
    /// Stores what a plugin can be rolled back to, with the library, whose hash `point.build` must be; replaces the
    /// point that the plugin had. A library that no point names any more is removed.
    pub fn set_rollback(&self, plugin: &PluginId, point: RollbackPoint, library: Arc<[u8]>) -> Ticket {
        self.apply(vec![Change::SetRollback { plugin: plugin.clone(), point, library }])
    }

    /// Forgets what a plugin can be rolled back to.
    pub fn remove_rollback(&self, plugin: &PluginId) -> Ticket {
        self.apply(vec![Change::RemoveRollback { plugin: plugin.clone() }])
    }

    /// What a plugin can be rolled back to.
    pub fn rollback(&self, plugin: &PluginId) -> Option<RollbackPoint> {
        self.core.read(|tables| tables.rollback(plugin).cloned())
    }

    /// Every rollback point, by plugin.
    pub fn rollback_list(&self) -> Vec<(PluginId, RollbackPoint)> {
        self.core.read(|tables| {
            tables.rollback_list().map(|(plugin, point)| (plugin.clone(), point.clone())).collect()
        })
    }

    /// The library that a rollback point names. `None`: no rollback point names it.
    ///
    /// # Errors
    ///
    /// The stored file can not be read, or its bytes are not those that were stored.
    pub fn library(&self, build: &ContentHash) -> Result<Option<Arc<[u8]>>, StoreError> {
        let (bytes, named) = self.core.library(build);
        match (&self.on_disk, bytes) {
            (Some(on_disk), None) if named => match on_disk.libraries.read(build) {
                Ok(bytes) => Ok(Some(bytes)),
                // It was removed meanwhile.
                Err(_) if !self.core.library(build).1 => Ok(None),
                Err(error) => Err(error),
            },
            (_, bytes) => Ok(bytes),
        }
    }
}

/// What plugins saved.
impl Store {
    /// Stores a plugin's state; replaces the one before.
    pub fn put_state(&self, plugin: &PluginId, state: SavedState) -> Ticket {
        self.apply(vec![Change::PutState { plugin: plugin.clone(), state }])
    }

    /// A plugin's state.
    pub fn state(&self, plugin: &PluginId) -> Option<SavedState> {
        self.core.read(|tables| tables.state(plugin).cloned())
    }

    /// Forgets a plugin's state.
    pub fn remove_state(&self, plugin: &PluginId) -> Ticket {
        self.apply(vec![Change::RemoveState { plugin: plugin.clone() }])
    }

    /// The plugins that have a state, in order.
    pub fn state_list(&self) -> Vec<PluginId> {
        self.core.read(|tables| tables.state_list().cloned().collect())
    }
}

/// Builds whose layout was found good.
impl Store {
    /// Remembers that `program`, which has the ABI fingerprint `fingerprint`, found the layout of a build good. What
    /// another program or fingerprint found of it is forgotten.
    pub fn checked(&self, build: &ContentHash, program: &str, fingerprint: u64) -> Ticket {
        let program = program.into();
        self.apply(vec![Change::Checked { build: *build, program, fingerprint }])
    }

    /// The builds whose layout some program found good, in no order.
    pub fn checked_list(&self) -> Vec<ContentHash> {
        self.core.read(|tables| tables.checked.keys().copied().collect())
    }

    /// Whether this very program with this very fingerprint found the layout of a build good.
    pub fn is_checked(&self, build: &ContentHash, program: &str, fingerprint: u64) -> bool {
        self.core.read(|tables| tables.is_checked(build, program, fingerprint))
    }
}
