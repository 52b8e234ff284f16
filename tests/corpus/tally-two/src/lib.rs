//! Build 2 of a plugin with state.
#![forbid(unsafe_code)]
include!("../../tally.rs");
const BUILD: u64 = 2;
