use reactor_abi::prelude::*;

#[derive(Schema)]
pub struct Summary {
    words: u64,
}

fn main() {}
