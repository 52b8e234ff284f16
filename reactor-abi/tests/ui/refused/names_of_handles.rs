use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.2.0")]
pub trait Stats {
    fn check(&self) -> bool;
    fn provider(&self) -> String;
}

fn main() {}
