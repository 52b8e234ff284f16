use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.2.0")]
pub trait Stats {
    type Word;
    const MOST: usize;
    fn words(&self) -> Self::Word;
}

fn main() {}
