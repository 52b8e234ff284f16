//! The schema number of the database, and the way from older schemas to this one.
//!
//! A change of a table or of a row's form is a new schema: raise [`SCHEMA`], and append the step to [`STEPS`]. Steps that
//! were released are never changed. They all run in one transaction: a kill leaves the old schema or the new one.

use redb::{ReadableTable as _, WriteTransaction};

use super::{CHECKED, Failure, LIBRARIES, META, QUARANTINE, ROLLBACK, SCHEMA_ROW, STATE};
use crate::store::codec::schema_1;

/// The schema that this program writes.
pub(in crate::store) const SCHEMA: u64 = 2;

type Step = fn(&WriteTransaction) -> Result<(), Failure>;

/// The step at index `n` leads from schema `n + 1` to the next.
const STEPS: [Step; 1] = [quarantine_tells_when_and_where];

const _: () = assert!(STEPS.len() + 1 == 2 && SCHEMA == 2, "each schema but the first is reached by a step");

/// Makes the tables of a new database.
pub(super) fn make(transaction: &WriteTransaction) -> Result<(), Failure> {
    transaction.open_table(META)?.insert(SCHEMA_ROW, SCHEMA)?;
    transaction.open_table(QUARANTINE)?;
    transaction.open_table(ROLLBACK)?;
    transaction.open_table(STATE)?;
    transaction.open_table(CHECKED)?;
    transaction.open_table(LIBRARIES)?;
    Ok(())
}

/// Brings an older database to this schema, and answers the schema that it had, if that was another.
pub(super) fn migrate(transaction: &WriteTransaction) -> Result<Option<u64>, Failure> {
    let mut meta = transaction.open_table(META)?;
    let found = meta.get(SCHEMA_ROW)?.map(|row| row.value());
    let found = found.ok_or_else(|| Failure::Wrong("it names no schema".to_owned()))?;
    match found {
        SCHEMA => return Ok(None),
        newer if newer > SCHEMA => return Err(Failure::Newer(newer)),
        0 => return Err(Failure::Wrong("it names schema 0, which there never was".to_owned())),
        _ => {}
    }
    let done = usize::try_from(found - 1).unwrap_or(usize::MAX);
    for step in STEPS.iter().skip(done) {
        step(transaction)?;
    }
    meta.insert(SCHEMA_ROW, SCHEMA)?;
    Ok(Some(found))
}

/// 1 → 2: records of quarantine say when it was and where the file stood. Older ones say that they do not know.
fn quarantine_tells_when_and_where(transaction: &WriteTransaction) -> Result<(), Failure> {
    let mut table = transaction.open_table(QUARANTINE)?;
    let mut rows = Vec::new();
    for row in table.iter()? {
        let (key, value) = row?;
        let (plugin, build) = key.value();
        rows.push((plugin.to_owned(), *build, schema_1::quarantine_to_2(value.value())?));
    }
    for (plugin, build, row) in rows {
        table.insert((plugin.as_str(), &build), row.as_slice())?;
    }
    Ok(())
}
