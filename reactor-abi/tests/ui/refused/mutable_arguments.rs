use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.2.0")]
pub trait Stats {
    fn fill(&self, buffer: &mut [u8]) -> usize;
    fn tell(&self, progress: &mut dyn Fn(u64));
}

fn main() {}
