//! Who has a data folder: the lock that says that somebody has, and the note that says who.
//!
//! The lock is the truth: the system lets it go when its process ends, however that ends. The note is only for the
//! message that a second host gives. One that a killed host left behind is replaced by whoever gets the lock.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::files;

/// The file whose lock says that somebody has the folder.
pub(super) const LOCK: &str = "store.lock";
const NOTE: &str = "store.holder";
const NEW_NOTE: &str = "store.holder.new";

/// Who opens a data folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct Holder {
    /// The application's id.
    pub application: String,
    /// Its version.
    pub version: String,
    /// The process.
    pub pid: u32,
    /// Since when: seconds since 1970.
    pub since_unix: u64,
}

impl Holder {
    /// This process, from now on.
    pub fn new(application: impl Into<String>, version: impl Into<String>) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            application: application.into(),
            version: version.into(),
            pid: std::process::id(),
            since_unix: since.as_secs(),
        }
    }
}

/// Who has a data folder, as far as it can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeldBy {
    /// What the holder wrote of itself.
    Known(Holder),
    /// It has not written it yet, or it can not be read.
    Unknown,
}

impl fmt::Display for HeldBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(Holder { application, version, pid, since_unix }) => {
                write!(f, "{application} {version}, process {pid}, since {}", Utc(*since_unix))
            }
            Self::Unknown => f.write_str("another host, which has not said yet who it is"),
        }
    }
}

/// Seconds since 1970, as a person reads them.
struct Utc(u64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0 / 86_400, self.0 % 86_400);
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`; years begin in March there.
        let days = days + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

/// A data folder that is held. Dropping it lets it go.
pub(super) struct Hold {
    lock: File,
    folder: PathBuf,
}

impl Hold {
    /// Takes the folder for `holder`, which must not be inside anybody else's hands.
    pub(super) fn take(folder: &Path, holder: &Holder) -> Result<Self, StoreError> {
        let path = folder.join(LOCK);
        let failed = |error: io::Error| StoreError::Folder { path: path.clone(), message: error.to_string() };
        // The lock file stays for good: one that could be removed could be locked by two under one name.
        let lock = files::private(true).open(&path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Held { folder: folder.to_owned(), holder: read_note(folder) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let hold = Self { lock, folder: folder.to_owned() };
        // What an earlier holder wrote is not said of this one, should the new note fail.
        let _ = fs::remove_file(folder.join(NOTE));
        write_note(folder, holder)
            .map_err(|error| StoreError::Folder { path: folder.join(NOTE), message: error.to_string() })?;
        Ok(hold)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // A note that stays harms nobody. The lock is let go in so many words: a child process that is being started
        // has a copy of the descriptor for a moment.
        let _ = fs::remove_file(self.folder.join(NOTE));
        let _ = self.lock.unlock();
    }
}

fn write_note(folder: &Path, holder: &Holder) -> io::Result<()> {
    let text = toml::to_string(holder).map_err(io::Error::other)?;
    let new = folder.join(NEW_NOTE);
    // Left by a host that was killed right here.
    let _ = fs::remove_file(&new);
    files::private(true).open(&new)?.write_all(text.as_bytes())?;
    fs::rename(new, folder.join(NOTE))
}

fn read_note(folder: &Path) -> HeldBy {
    let text = fs::read_to_string(folder.join(NOTE)).ok();
    text.and_then(|text| toml::from_str(&text).ok()).map_or(HeldBy::Unknown, HeldBy::Known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_a_person_reads_them() {
        // As `date -u -d @SECONDS '+%F %T UTC'` says.
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_700_000_000, "2023-11-14 22:13:20 UTC"),
            (4_102_444_799, "2099-12-31 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(Utc(seconds).to_string(), text);
        }
    }
}
