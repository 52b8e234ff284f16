use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.2.0")]
pub trait Stats {
    fn all(&self, texts: Vec<&str>) -> u64;
    fn pairs(&self, texts: &[(&str, u32)]) -> u64;
    fn kept(&self, text: &'static str) -> u64;
    fn raw(&self, text: *const u8) -> u64;
    fn call(&self, done: fn(u64)) -> u64;
    fn sized(&self, object: Box<dyn ToString>) -> u64;
}

fn main() {}
