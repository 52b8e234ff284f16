use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.2.0")]
pub trait Stats
where
    Self: Sized,
{
    fn words(&self, text: &str) -> u64
    where
        Self: Sized;
}

fn main() {}
