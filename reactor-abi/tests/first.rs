#![forbid(unsafe_code)]
#![deny(missing_docs)]
//! x
use reactor_abi::prelude::*;
use serde::{Deserialize, Serialize};
/// d
#[derive(Serialize, Deserialize, Schema, Debug, PartialEq)]
pub struct Summary {
    /// f
    pub words: u64,
    /// g
    pub longest: String,
}
/// e
#[derive(Serialize, Deserialize, Schema, Debug, PartialEq)]
pub enum StatsError {
    /// s
    Empty,
    /// c
    Call(String),
}
impl From<CallError> for StatsError {
    fn from(e: CallError) -> Self {
        Self::Call(e.to_string())
    }
}
/// P
#[interface(name = "progress", version = "1.0.0")]
pub trait Progress {
    /// step
    fn step(&self, at: u64) -> Result<(), StatsError>;
}
/// T
#[interface(name = "text.stats", version = "1.2.0")]
pub trait TextStats {
    /// words
    fn words(&self, text: &str) -> u64;
    /// summary
    fn summary(&self, text: &str) -> Result<Summary, StatsError>;
    /// lines
    #[since("1.1")]
    fn lines(&self, text: &str) -> u64 {
        1 + self.words(text)
    }
    /// scan
    fn scan(&self, text: &str, progress: &dyn Progress) -> Result<u64, StatsError>;
    /// maybe
    fn maybe(&self, text: Option<&str>, s: String, v: &[u8], l: &[Summary]) -> Vec<u8>;
}
#[test]
fn first() {
    use reactor_abi::interface::Interface;
    println!("{:#?}", <dyn TextStats as Interface>::descriptor());
}
