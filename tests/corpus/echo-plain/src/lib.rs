//! Gives back what it is given, wherever it runs.
#![forbid(unsafe_code)]
include!("../../echoer.rs");
export_plugin!(Echoer);
