use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.2.0")]
pub trait Stats {
    unsafe fn words(&self, text: &str) -> u64;
    extern "C" fn lines(&self, text: &str) -> u64;
}

fn main() {}
