//! Build 1 of a plugin as one writes it without a platform.
include!("../../exports.rs");
const BUILD: u32 = 1;
