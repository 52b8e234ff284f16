use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.2.0")]
pub trait Stats {
    fn put<T: Into<u64>>(&self, number: T);
    fn fill<const N: usize>(&self) -> u64;
    fn text<'a>(&self, text: &'a str) -> u64;
}

fn main() {}
