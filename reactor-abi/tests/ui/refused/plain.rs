use reactor_abi::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Schema)]
#[repr(C)]
pub struct Text {
    text: String,
}

#[derive(Serialize, Deserialize, Schema)]
#[repr(C)]
pub struct Kept {
    number: u64,
}

fn main() {}
