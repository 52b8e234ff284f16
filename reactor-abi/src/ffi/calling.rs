//! Both ends of a call to an interface: what a handle goes through, and what stands around a provider's method.
//!
//! The expansion of `#[interface]` is written against this. Must never know a method: that is the expansion's.

mod offering;
mod serving;
mod target;
#[cfg(test)]
mod tests;

pub use offering::{Admits, Interface, Offered, ProvidedAs, import, offer};
pub use serving::{serve, serve_encoded};
pub use target::{Callback, Entered, Lending, Link, LinkEntered, Proxied, Target, call_encoded, lent};
