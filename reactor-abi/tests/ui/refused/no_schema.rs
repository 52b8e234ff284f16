use reactor_abi::prelude::*;

pub struct Summary;

#[interface(name = "text.stats", version = "1.0.0")]
pub trait Stats {
    fn summary(&self, text: &str) -> Summary;
    fn put(&self, summary: &Summary);
}

fn main() {}
