use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.2.0")]
pub trait Stats {
    fn words(&self, (text, more): (String, String)) -> u64 {
        let _ = (text, more);
        0
    }
    fn lines(&self, mut text: String) -> u64 {
        text.clear();
        0
    }
}

fn main() {}
