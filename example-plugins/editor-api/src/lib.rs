//! What an editor asks of its plugins. The editor and the plugins depend on this crate, and on nothing of each other.

#![forbid(unsafe_code)]

use reactor_abi::prelude::*;

/// Figures about a text.
#[interface(name = "editor.text-stats", version = "1.0.0")]
pub trait TextStats {
    /// How many words there are in `text`.
    fn words(&self, text: &str) -> u64;
}
