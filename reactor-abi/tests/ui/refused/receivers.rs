use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.2.0")]
pub trait Stats {
    fn finish(self) -> u64;
    fn boxed(self: Box<Self>) -> u64;
    fn add(&mut self, text: &str);
    fn new(text: &str) -> u64;
}

fn main() {}
