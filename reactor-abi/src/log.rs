//! Log records: a level, a message, and fields. The host adds plugin, version and generation.

use crate::ffi::client::Client;
use crate::value::Value;

/// How much a record matters. Numbers are part of the ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Each step.
    Trace = 1,
    /// For who debugs the plugin.
    Debug = 2,
    /// For who runs the application.
    Info = 3,
    /// Something is not as it should be; the plugin goes on.
    Warn = 4,
    /// Something failed.
    Error = 5,
}

impl Level {
    /// The level with this number; numbers that this build does not know are [`Level::Info`].
    pub fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Trace,
            2 => Self::Debug,
            4 => Self::Warn,
            5 => Self::Error,
            _ => Self::Info,
        }
    }

    /// The name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// A log record being put together. See [`Services::log`](crate::Services::log).
#[must_use = "a record is written by `emit`"]
pub struct Record<'a> {
    client: &'a Client,
    level: Level,
    message: String,
    fields: Vec<(String, Value)>,
}

impl<'a> Record<'a> {
    pub(crate) fn new(client: &'a Client, level: Level, message: String) -> Self {
        Self { client, level, message, fields: Vec::new() }
    }

    /// Adds a field.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    /// Writes the record.
    pub fn emit(self) {
        self.client.log(self.level, &self.message, &self.fields);
    }
}
