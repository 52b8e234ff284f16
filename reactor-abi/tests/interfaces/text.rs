//! An interface crate as its author writes it.

use reactor_abi::prelude::*;
use serde::{Deserialize, Serialize};

/// What a text consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub(crate) struct Summary {
    /// How many words it has.
    pub(crate) words: u64,
    /// The longest of them.
    pub(crate) longest: String,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub(crate) struct Change {
    /// The word that came.
    pub(crate) word: String,
}

/// A place: crosses as it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Schema)]
#[repr(C)]
pub(crate) struct Point {
    /// To the right.
    pub(crate) x: f64,
    /// Down.
    pub(crate) y: f64,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub(crate) enum StatsError {
    /// There is no text.
    Empty,
    /// A callback did not want to go on.
    Stopped {
        /// At this word.
        at: usize,
    },
    /// A callback could not be called.
    Call(String),
}

impl From<CallError> for StatsError {
    fn from(error: CallError) -> Self {
        Self::Call(error.to_string())
    }
}

/// Is told how far something is.
#[interface(name = "text.progress", version = "1.0.0")]
pub(crate) trait Progress {
    /// Another word.
    ///
    /// # Errors
    ///
    /// To end it.
    fn step(&self, at: usize, word: &str) -> Result<(), StatsError>;
}

/// A stream by another name.
pub(crate) type Changes = Stream<Change>;

/// Looks at texts.
#[interface(name = "text.stats", version = "1.2.0")]
pub(crate) trait TextStats {
    /// Counts words.
    fn words(&self, text: &str) -> u64;
    /// Takes one scalar of each kind.
    fn flip(&self, flag: bool, sign: char, small: i8, real: f64) -> f64;
    /// Adds bytes.
    fn checksum(&self, bytes: &[u8]) -> u32;
    /// In capitals.
    fn upper(&self, text: String) -> String;
    /// Backwards.
    fn reversed(&self, bytes: Vec<u8>) -> Vec<u8>;
    /// What it consists of.
    ///
    /// # Errors
    ///
    /// It is empty.
    fn summary(&self, text: &str) -> Result<Summary, StatsError>;
    /// Adds summaries.
    fn total(&self, all: &[Summary], extra: Option<&Summary>, suffix: Option<&str>) -> Option<Summary>;
    /// The middle of points.
    fn middle(&self, points: &[Point], by: Point, first: &Point) -> Point;
    /// Nothing.
    fn nothing(&self);
    /// Counts words, and tells of each.
    ///
    /// # Errors
    ///
    /// Those of `progress`.
    fn scan(&self, text: &str, progress: &dyn Progress) -> Result<u64, StatsError>;
    /// Each word.
    fn watch(&self, text: &str) -> Changes;
    /// A stream, or not.
    ///
    /// # Errors
    ///
    /// As asked for.
    fn fallible(&self, fine: bool) -> Result<Stream<Change>, StatsError>;
    /// Panics when it is told to.
    fn fails(&self, how: u8) -> u8;
    /// Counts lines.
    #[since("1.1")]
    fn lines(&self, text: &str) -> u64 {
        1 + self.words(text)
    }
}
