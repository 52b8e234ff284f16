//! Built with each version of an interface, wherever it runs.
#![forbid(unsafe_code)]
include!("../../evolver.rs");
export_plugin!(Evolver);
