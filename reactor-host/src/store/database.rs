//! The database file: opened, migrated, read once, and written to in steps that happen whole or not at all.
//!
//! Of this crate only this file and its parts know `redb`. What a row says is `codec`'s; what is to be written is the
//! writer's. A panic inside `redb` is an error here: the file is not trusted to be what was written.

mod schema;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::backends::FileBackend;
use redb::{Builder, DatabaseError, ReadableDatabase as _, ReadableTable, StorageError, TableDefinition};

pub(super) use self::schema::SCHEMA;
use super::codec::{self, Wrong};
use super::error::StoreError;
use super::files;
use super::tables::{Key, Record, Tables};
use crate::discover::{ContentHash, FileStamp};

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
pub(super) const QUARANTINE: TableDefinition<(&str, &[u8; 32]), &[u8]> = TableDefinition::new("quarantine");
const ROLLBACK: TableDefinition<&str, &[u8]> = TableDefinition::new("rollback");
const STATE: TableDefinition<&str, &[u8]> = TableDefinition::new("state");
const CHECKED: TableDefinition<&[u8; 32], &[u8]> = TableDefinition::new("checked");
const LIBRARIES: TableDefinition<&[u8; 32], &[u8]> = TableDefinition::new("libraries");

/// The row of `META` that holds the schema.
const SCHEMA_ROW: &str = "schema";

/// How much of the file is held in memory by the database: everything is in `Tables` already.
const CACHE_BYTES: usize = 4 << 20;

/// How the file is opened, so that tests can put a bad disk under it.
pub(super) type Opener = Arc<dyn Fn(&Builder, &Path) -> Result<redb::Database, DatabaseError> + Send + Sync>;

/// The file system, as it is.
pub(super) fn opener() -> Opener {
    Arc::new(|builder, path| {
        let file = files::private(true).open(path)?;
        builder.create_with_backend(FileBackend::new(file)?)
    })
}

/// All that a database held when it was opened.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) tables: Tables,
    pub(super) libraries: BTreeMap<ContentHash, FileStamp>,
    /// The schema that it was migrated from.
    pub(super) migrated_from: Option<u64>,
}

/// What is written in one step.
#[derive(Default)]
pub(super) struct Step<'a> {
    /// The records that are others, and what they are now.
    pub(super) records: &'a [(Key, Option<Record>)],
    /// The libraries that are listed from now on.
    pub(super) list: Vec<(ContentHash, FileStamp)>,
    /// Those that are not listed any more.
    pub(super) strike: Vec<ContentHash>,
}

/// See the module.
pub(super) struct Database {
    path: PathBuf,
    opener: Opener,
    /// `None` after a failure: it is opened again for the next step.
    open: Option<redb::Database>,
}

/// What went wrong, before it is known what that means.
enum Failure {
    /// The system refused something.
    Io(io::Error),
    /// The file is not what was written.
    Wrong(Wrong),
    /// The file is of a newer schema.
    Newer(u64),
    /// Somebody has the file, in spite of the lock on the folder.
    Held,
}

impl Database {
    /// Opens the database at `path`, or makes it; brings an older schema up; reads everything.
    pub(super) fn open(path: PathBuf, via: Opener) -> Result<(Self, Contents), StoreError> {
        let mut database = Self { path, opener: via, open: None };
        let result = database.make_if_need_be().and_then(|()| {
            contained(|| {
                let (redb, migrated_from) = database.opened()?;
                let contents = read(&redb, migrated_from)?;
                Ok((redb, contents))
            })
        });
        let path = &database.path;
        match result {
            Ok((redb, contents)) => {
                database.open = Some(redb);
                Ok((database, contents))
            }
            Err(Failure::Io(error)) => {
                Err(StoreError::Folder { path: path.clone(), message: error.to_string() })
            }
            Err(Failure::Wrong(message)) => Err(StoreError::Damaged { path: path.clone(), message }),
            Err(Failure::Newer(found)) => Err(StoreError::Newer { path: path.clone(), found, known: SCHEMA }),
            Err(Failure::Held) => Err(StoreError::Held {
                folder: path.parent().unwrap_or(path).to_owned(),
                holder: super::HeldBy::Unknown,
            }),
        }
    }

    /// A new database gets its name when it is complete: a kill while it is made leaves none.
    fn make_if_need_be(&self) -> Result<(), Failure> {
        let new = self.path.with_extension("redb.new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        match fs::metadata(&self.path) {
            // `redb` would take it for a new one.
            Ok(metadata) if metadata.len() == 0 => return Err(Failure::Wrong("it is empty".to_owned())),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        contained(|| {
            let redb = (self.opener)(Builder::new().set_cache_size(CACHE_BYTES), &new)?;
            let step = redb.begin_write().map_err(redb::Error::from)?;
            schema::make(&step)?;
            step.commit().map_err(redb::Error::from)?;
            Ok(())
        })?;
        fs::rename(&new, &self.path)?;
        files::sync_folder(self.path.parent().unwrap_or(Path::new(".")))?;
        Ok(())
    }

    /// Opens the file, every page of it checked, and brings it to the schema of this program.
    fn opened(&self) -> Result<(redb::Database, Option<u64>), Failure> {
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
        let redb = (self.opener)(&builder, &self.path)?;
        let step = redb.begin_write().map_err(redb::Error::from)?;
        let migrated_from = schema::migrate(&step)?;
        if migrated_from.is_some() {
            step.commit().map_err(redb::Error::from)?;
        } else {
            step.abort()?;
        }
        Ok((redb, migrated_from))
    }

    /// Makes one step. When this returns it lasts.
    ///
    /// # Errors
    ///
    /// The step was not made, or it can not be told whether it was; made once more it comes to the same.
    pub(super) fn commit(&mut self, step: &Step) -> Result<(), StoreError> {
        let open = self.open.take();
        let result = contained(|| {
            let redb = match open {
                Some(redb) => redb,
                None => self.opened()?.0,
            };
            write(&redb, step)?;
            Ok(redb)
        });
        let write = |message: String| StoreError::Write { path: self.path.clone(), message };
        match result {
            Ok(redb) => {
                self.open = Some(redb);
                Ok(())
            }
            Err(Failure::Io(error)) => Err(write(error.to_string())),
            Err(Failure::Wrong(message)) => Err(write(message)),
            Err(Failure::Newer(found)) => {
                Err(StoreError::Newer { path: self.path.clone(), found, known: SCHEMA })
            }
            Err(Failure::Held) => Err(write("somebody else has opened it".to_owned())),
        }
    }
}

/// Closing writes too, and may fail like everything else; what was committed is safe before.
impl Drop for Database {
    fn drop(&mut self) {
        let open = self.open.take();
        let _ = contained(|| {
            drop(open);
            Ok(())
        });
    }
}

/// Runs something of `redb`'s; a panic there says that the file is not what was written.
fn contained<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // Nothing of ours is shared with what panicked: the database that it ran on is dropped with it.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Failure::Wrong(said.unwrap_or_else(|| "reading it panicked".to_owned())))
    })
}

fn write(redb: &redb::Database, step: &Step) -> Result<(), Failure> {
    let mut transaction = redb.begin_write().map_err(redb::Error::from)?;
    transaction.set_durability(redb::Durability::Immediate).map_err(redb::Error::from)?;
    {
        let mut quarantine = transaction.open_table(QUARANTINE)?;
        let mut rollback = transaction.open_table(ROLLBACK)?;
        let mut state = transaction.open_table(STATE)?;
        let mut checked = transaction.open_table(CHECKED)?;
        for (key, record) in step.records {
            match (key, record) {
                (Key::Quarantine(plugin, build), Some(Record::Quarantine(record))) => {
                    let row = codec::quarantine_row(record);
                    quarantine.insert((plugin.as_str(), &build.0), row.as_slice())?;
                }
                (Key::Quarantine(plugin, build), _) => {
                    quarantine.remove((plugin.as_str(), &build.0))?;
                }
                (Key::Rollback(plugin), Some(Record::Rollback(point, _))) => {
                    rollback.insert(plugin.as_str(), codec::rollback_row(point).as_slice())?;
                }
                (Key::Rollback(plugin), _) => {
                    rollback.remove(plugin.as_str())?;
                }
                (Key::State(plugin), Some(Record::State(record))) => {
                    state.insert(plugin.as_str(), codec::state_row(record).as_slice())?;
                }
                (Key::State(plugin), _) => {
                    state.remove(plugin.as_str())?;
                }
                (Key::Checked(build), Some(Record::Checked(record))) => {
                    checked.insert(&build.0, codec::checked_row(record).as_slice())?;
                }
                (Key::Checked(build), _) => {
                    checked.remove(&build.0)?;
                }
            }
        }
        let mut libraries = transaction.open_table(LIBRARIES)?;
        for build in &step.strike {
            libraries.remove(&build.0)?;
        }
        for (build, stamp) in &step.list {
            libraries.insert(&build.0, codec::library_row(stamp).as_slice())?;
        }
    }
    transaction.commit().map_err(redb::Error::from)?;
    Ok(())
}

fn read(redb: &redb::Database, migrated_from: Option<u64>) -> Result<Contents, Failure> {
    let transaction = redb.begin_read().map_err(redb::Error::from)?;
    let mut contents = Contents { migrated_from, ..Contents::default() };
    let tables = &mut contents.tables;
    for row in transaction.open_table(QUARANTINE)?.iter()? {
        let (key, value) = row?;
        let (plugin, build) = key.value();
        let (plugin, build) = (codec::plugin(plugin)?, ContentHash(*build));
        let record = codec::quarantine(plugin.clone(), build, value.value())?;
        tables.quarantine.insert((plugin, build), record);
    }
    for row in transaction.open_table(ROLLBACK)?.iter()? {
        let (plugin, point) = row?;
        tables.put_rollback(codec::plugin(plugin.value())?, codec::rollback(point.value())?);
    }
    for row in transaction.open_table(STATE)?.iter()? {
        let (plugin, state) = row?;
        tables.state.insert(codec::plugin(plugin.value())?, codec::state(state.value())?);
    }
    for row in transaction.open_table(CHECKED)?.iter()? {
        let (build, checked) = row?;
        tables.put_checked(ContentHash(*build.value()), codec::checked(checked.value())?);
    }
    for row in transaction.open_table(LIBRARIES)?.iter()? {
        let (build, stamp) = row?;
        contents.libraries.insert(ContentHash(*build.value()), codec::library(stamp.value())?);
    }
    Ok(contents)
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        // `redb` says so of a file that is none of its own.
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Wrong(error.to_string()),
            _ => Self::Io(error),
        }
    }
}

impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl From<redb::Error> for Failure {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) => error.into(),
            redb::Error::DatabaseAlreadyOpen => Self::Held,
            other => Self::Wrong(other.to_string()),
        }
    }
}

macro_rules! through_redb_error {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                redb::Error::from(error).into()
            }
        }
    )*};
}
through_redb_error!(DatabaseError, StorageError, redb::TableError);
