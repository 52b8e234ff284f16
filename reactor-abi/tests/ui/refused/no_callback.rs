use reactor_abi::prelude::*;

#[interface(name = "text.progress", version = "1.0.0")]
pub trait Progress {
    fn step(&self, at: u64) -> bool;
}

#[interface(name = "text.stats", version = "1.0.0")]
pub trait Stats {
    fn scan(&self, text: &str, progress: &dyn Progress) -> u64;
}

fn main() {}
