//! What is on disk: the held folder, the database, the libraries; in which order they are opened and written.
//!
//! The order of a write is what makes it safe against a kill: the files of new libraries, then the step of the database
//! that lists them, then the removal of files that it lists no more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::database::{Database, Opener, Step};
use super::error::StoreError;
use super::files;
use super::holder::{self, Hold, Holder};
use super::libraries::Libraries;
use super::queue::{Batch, Outcome};
use super::record::Change;
use super::tables::{Key, Record, Tables};
use crate::discover::{ContentHash, FileStamp};
use crate::manifest::PluginId;

const DATABASE: &str = "store.redb";
const LIBRARIES: &str = "builds";

/// What opening a store came to, beside the store.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Opened {
    /// Files of libraries that nothing listed, left by a host that was killed; they are removed.
    pub swept: Vec<PathBuf>,
    /// Rollback points whose library is gone or not what was stored; they are forgotten.
    pub dropped: Vec<Dropped>,
    /// The schema that the database had before it was brought up to this program's.
    pub migrated_from: Option<u64>,
}

/// A rollback point that could not be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The plugin.
    pub plugin: PluginId,
    /// The build that it could have been rolled back to.
    pub build: ContentHash,
    /// What is wrong with the library.
    pub message: String,
}

/// See the module. Fields are dropped in their order: the database is closed before the folder is let go.
pub(super) struct Disk {
    database: Database,
    libraries: Libraries,
    /// What the database lists.
    listed: BTreeMap<ContentHash, FileStamp>,
    /// What each rollback point in the database names.
    points: BTreeMap<PluginId, ContentHash>,
    _hold: Hold,
}

impl Disk {
    pub(super) fn open(
        folder: &Path,
        holder: &Holder,
        via: Opener,
    ) -> Result<(Self, Tables, Opened), StoreError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error: std::io::Error| StoreError::Folder { path, message: error.to_string() }
        };
        files::private_folder(folder).map_err(failed(folder))?;
        files::check_folder(folder).map_err(failed(folder))?;
        let place = folder.join(LIBRARIES);
        for own in [holder::LOCK, DATABASE, LIBRARIES].map(|name| folder.join(name)) {
            files::check_own(&own).map_err(failed(&own))?;
        }
        let hold = Hold::take(folder, holder)?;
        let (database, contents) = Database::open(folder.join(DATABASE), via)?;
        let libraries = Libraries::open(place.clone()).map_err(failed(&place))?;
        let looked = libraries.look(&contents.libraries).map_err(failed(&place))?;
        let mut opened =
            Opened { swept: looked.swept, migrated_from: contents.migrated_from, ..Opened::default() };
        let mut tables = contents.tables;
        let mut disk = Self {
            database,
            libraries,
            listed: contents.libraries,
            points: tables.rollback.iter().map(|(plugin, point)| (plugin.clone(), point.build)).collect(),
            _hold: hold,
        };
        let mut bad: BTreeMap<ContentHash, String> = looked.unusable.into_iter().collect();
        for build in disk.points.values().filter(|build| !disk.listed.contains_key(*build)) {
            bad.entry(*build).or_insert_with(|| "it is not listed".to_owned());
        }
        let mut forgotten = Vec::new();
        for (plugin, build) in &disk.points {
            if let Some(message) = bad.get(build) {
                let dropped = Dropped { plugin: plugin.clone(), build: *build, message: message.clone() };
                opened.dropped.push(dropped);
                tables.apply(Change::RemoveRollback { plugin: plugin.clone() }, |key| forgotten.push(key));
            }
        }
        let records: Vec<_> = forgotten.into_iter().map(|key| (key, None)).collect();
        disk.step(&records, looked.restamped).map_err(|error| match error {
            StoreError::Write { path, message } => StoreError::Folder { path, message },
            other => other,
        })?;
        Ok((disk, tables, opened))
    }

    pub(super) fn libraries(&self) -> Libraries {
        self.libraries.clone()
    }

    /// Writes what is in `batch`. A library that can not be written keeps its rollback point back, and nothing else.
    pub(super) fn write(&mut self, batch: Batch) -> Outcome {
        let mut outcome = Outcome::default();
        let mut list = Vec::new();
        let mut records = Vec::new();
        for (key, record) in batch.records {
            match self.write_library(record.as_ref(), &list) {
                Ok(None) => {}
                Ok(Some(written)) => list.push(written),
                Err(error) => {
                    outcome.stuck.push((key, error));
                    continue;
                }
            }
            records.push((key, record));
        }
        // A file whose name may not last is not listed.
        if !list.is_empty()
            && let Err(error) = self.libraries.sync()
        {
            outcome.result = Err(error);
            return outcome;
        }
        outcome.result = self.step(&records, list);
        outcome
    }

    /// Writes the library that a rollback point brings along, unless it is there.
    fn write_library(
        &self,
        record: Option<&Record>,
        written: &[(ContentHash, FileStamp)],
    ) -> Result<Option<(ContentHash, FileStamp)>, StoreError> {
        let Some(Record::Rollback(point, bytes)) = record else { return Ok(None) };
        let there =
            self.listed.contains_key(&point.build) || written.iter().any(|(build, _)| *build == point.build);
        if there {
            return Ok(None);
        }
        let Some(bytes) = bytes else {
            return Err(StoreError::Library {
                path: self.libraries.path(&point.build),
                build: point.build,
                message: "its bytes are not at hand".to_owned(),
            });
        };
        Ok(Some((point.build, self.libraries.write(&point.build, bytes)?)))
    }

    /// One step of the database, and what of the libraries follows from it.
    fn step(
        &mut self,
        records: &[(Key, Option<Record>)],
        list: Vec<(ContentHash, FileStamp)>,
    ) -> Result<(), StoreError> {
        let mut points = self.points.clone();
        for (key, record) in records {
            match (key, record) {
                (Key::Rollback(plugin), Some(Record::Rollback(point, _))) => {
                    points.insert(plugin.clone(), point.build);
                }
                (Key::Rollback(plugin), _) => {
                    points.remove(plugin);
                }
                _ => {}
            }
        }
        let named: BTreeSet<ContentHash> = points.values().copied().collect();
        let listed = self.listed.keys().copied();
        let strike: Vec<ContentHash> = listed.filter(|build| !named.contains(build)).collect();
        if records.is_empty() && list.is_empty() && strike.is_empty() {
            return Ok(());
        }
        let step = Step { records, list: list.clone(), strike: strike.clone() };
        self.database.commit(&step)?;
        self.points = points;
        self.listed.extend(list);
        for build in &strike {
            self.listed.remove(build);
            self.libraries.remove(build);
        }
        Ok(())
    }
}
