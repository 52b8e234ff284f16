use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.2.0")]
pub trait Stats {
    fn put(&self, words: impl Iterator<Item = String>);
    fn words(&self, text: &str) -> impl Iterator<Item = String>;
}

fn main() {}
