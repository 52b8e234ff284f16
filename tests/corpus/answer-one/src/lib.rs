//! Build 1 of a plugin without state.
#![forbid(unsafe_code)]
include!("../../answer.rs");
const BUILD: u64 = 1;
