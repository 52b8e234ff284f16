//! Typed interfaces: one trait, called across libraries and processes.
//!
//! Owns what both sides say to each other of an interface. Must never know how a host finds who provides one.

mod descriptor;

pub use descriptor::{Descriptor, Method, Provider, Want};
