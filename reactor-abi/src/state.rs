//! What a plugin hands to its next generation, and how old states are brought up to date.
//!
//! `save` gives a [`State`]: bytes under a schema number that the author counts up whenever the saved type
//! changes. `restore` gets such a state back, perhaps from an older build. [`Migrations`] lead from one
//! schema to the next, so that `restore` only ever reads the newest type.

mod migrations;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::value::octets;

pub use migrations::Migrations;

/// The codes of the errors made here.
mod code {
    /// The state's schema is no usable number.
    pub(super) const SCHEMA: &str = "RE0621";
    /// The data cannot be written.
    pub(super) const WRITE: &str = "RE0622";
    /// The bytes are not what the type reads.
    pub(super) const READ: &str = "RE0623";
    /// No migration leads to the wanted schema.
    pub(super) const MISSING: &str = "RE0624";
}

/// Saved data and the number of the schema that it was saved under.
///
/// ```
/// use reactor_abi::state::State;
///
/// let saved = State::of(2, &vec!["one", "two"])?;
/// assert_eq!(saved.schema(), 2);
/// assert_eq!(saved.read::<Vec<String>>()?, ["one", "two"]);
/// # Ok::<(), reactor_abi::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    schema: u32,
    #[serde(with = "octets")]
    bytes: Vec<u8>,
}

impl State {
    /// Saves `data` under `schema`. Schemas count from 1.
    ///
    /// The bytes do not describe themselves: a type that has changed in any way needs another schema number.
    ///
    /// # Errors
    ///
    /// If `schema` is 0, or the type refuses to be serialised.
    pub fn of<T: Serialize + ?Sized>(schema: u32, data: &T) -> Result<Self> {
        if schema == 0 {
            return Err(Error::new(
                code::SCHEMA,
                "schema 0 means that nothing is saved; count schemas from 1",
            ));
        }
        let bytes = postcard::to_stdvec(data).map_err(|error| {
            Error::new(code::WRITE, format!("the state cannot be saved under schema {schema}: {error}"))
        })?;
        Ok(Self { schema, bytes })
    }

    /// Nothing saved: schema 0 and no bytes.
    pub fn empty() -> Self {
        Self { schema: 0, bytes: Vec::new() }
    }

    /// Whether nothing was saved. There is then nothing to restore.
    pub fn is_empty(&self) -> bool {
        self.schema == 0 && self.bytes.is_empty()
    }

    /// Reads the data as the type that was saved under [`State::schema`].
    ///
    /// # Errors
    ///
    /// If nothing was saved, or the bytes are not exactly what `T` is saved as.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        if self.is_empty() {
            return Err(Error::new(code::READ, "nothing was saved; ask `is_empty` before reading"));
        }
        let schema = self.schema;
        match postcard::take_from_bytes(&self.bytes) {
            Ok((data, [])) => Ok(data),
            Ok((_, rest)) => Err(Error::new(
                code::READ,
                format!(
                    "the state saved under schema {schema} has {} bytes more than the type reads; a changed \
                     type needs another schema number and a migration",
                    rest.len()
                ),
            )),
            Err(error) => Err(Error::new(
                code::READ,
                format!(
                    "the state saved under schema {schema} ({} bytes) is not what the type reads: {error}; \
                     a changed type needs another schema number and a migration",
                    self.bytes.len()
                ),
            )),
        }
    }

    /// The number that the data was saved under; 0 if nothing was saved.
    pub fn schema(&self) -> u32 {
        self.schema
    }

    /// The saved bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Nothing saved.
impl Default for State {
    fn default() -> Self {
        Self::empty()
    }
}

#[cfg(test)]
mod tests;
