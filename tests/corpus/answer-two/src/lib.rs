//! Build 2 of a plugin without state.
#![forbid(unsafe_code)]
include!("../../answer.rs");
const BUILD: u64 = 2;
