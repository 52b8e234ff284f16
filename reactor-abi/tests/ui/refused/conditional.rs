use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.2.0")]
pub trait Stats {
    #[cfg(unix)]
    fn words(&self) -> bool;
}

fn main() {}
