use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.2.0")]
pub trait Stats: Send + Sync {
    fn words(&self, text: &str) -> u64;
}

fn main() {}
