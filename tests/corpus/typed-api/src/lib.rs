//! The interfaces that the benches call.
#![forbid(unsafe_code)]

use reactor_abi::prelude::*;

/// Calls that do hardly any work: what is left is the call.
#[interface(name = "bench.calls", version = "1.0.0")]
pub trait Calls {
    /// A number in, a number out.
    fn scalar(&self, x: u64) -> u64;
    /// The sum of the bytes.
    fn sum(&self, bytes: &[u8]) -> u64;
    /// The sum of the first and the last byte.
    fn ends(&self, bytes: &[u8]) -> u64;
    /// The same text.
    fn echo(&self, text: &str) -> String;
}

/// Calls of [`Calls`] from inside a plugin.
#[interface(name = "bench.relay", version = "1.0.0")]
pub trait Relay {
    /// How long so many calls of `scalar` take, in nanoseconds.
    fn scalars(&self, calls: u32) -> u64;
}
