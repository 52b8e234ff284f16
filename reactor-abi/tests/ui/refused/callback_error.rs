use reactor_abi::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Schema)]
pub struct Stopped;

#[interface(name = "text.progress", version = "1.0.0")]
pub trait Progress {
    fn step(&self, at: u64) -> Result<(), Stopped>;
}

#[interface(name = "text.stats", version = "1.0.0")]
pub trait Stats {
    fn scan(&self, text: &str, progress: &dyn Progress) -> u64;
}

fn main() {}
