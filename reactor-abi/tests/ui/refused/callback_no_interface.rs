use reactor_abi::prelude::*;

pub trait Progress {}

#[interface(name = "text.stats", version = "1.0.0")]
pub trait Stats {
    fn scan(&self, text: &str, progress: &dyn Progress) -> u64;
    fn more(&self, progress: &(dyn Progress + Send)) -> u64;
    fn maybe(&self, progress: Option<&dyn Progress>) -> u64;
}

fn main() {}
