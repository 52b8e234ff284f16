//! The plugin that behaves alike wherever it runs.
#![forbid(unsafe_code)]
include!("../../actor.rs");
export_plugin!(Actor);
