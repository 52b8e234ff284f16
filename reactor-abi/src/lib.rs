//! What a Reactor plugin links: the contract with its host, and nothing else.
//!
//! A plugin is a type that implements [`Plugin`] (or its short form [`Invoke`]), one [`export_plugin!`] line, and a
//! `plugin.toml` beside its `Cargo.toml`. This crate is its only dependency on Reactor; it knows no file system, no
//! async runtime and no logging framework, and a plugin crate can `#![forbid(unsafe_code)]`.
//!
//! ```
//! #![forbid(unsafe_code)]
//! use reactor_abi::prelude::*;
//!
//! #[derive(Default)]
//! struct Shout;
//!
//! impl Invoke for Shout {
//!     fn invoke(&self, _action: &str, value: Value) -> Result<Value> {
//!         Ok(value.read::<String>()?.to_uppercase().into())
//!     }
//! }
//!
//! export_plugin!(Shout);
//! # fn main() {}
//! ```
//!
//! # Where things are
//!
//! - [`plugin`], [`context`], [`log`], [`task`], [`peer`]: what an author writes and is given.
//! - [`mod@value`], [`error`], [`state`]: what crosses, as plain Rust.
//! - [`mod@interface`]: typed interfaces, between plugins and with the application.
//! - [`testing`]: a plugin in a unit test.
//! - [`facts`]: what a library says of its own build.
//! - [`ffi`]: the boundary itself, with all the `unsafe` of this crate. Hosts use it; plugins have no need to.

#[cfg(test)]
extern crate self as reactor_abi;

pub mod context;
pub mod error;
mod export;
pub mod facts;
pub mod ffi;
pub mod interface;
pub mod log;
pub mod peer;
pub mod plugin;
pub mod state;
pub mod task;
pub mod testing;
pub mod value;

pub use context::Services;
pub use error::{Error, Result};
pub use ffi::Entry;
pub use plugin::{Invoke, Plugin};
pub use state::{Migrations, State};
pub use value::Value;

/// What a plugin's source begins with: `use reactor_abi::prelude::*;`.
pub mod prelude {
    pub use crate::context::{Build, Init, Register, Registered, Services, Start};
    pub use crate::error::{Context as _, Error, Result};
    pub use crate::interface::{CallError, Schema, Stream, interface};
    pub use crate::log::Level;
    pub use crate::peer::Peer;
    pub use crate::plugin::{Invoke, Plugin};
    pub use crate::state::{Migrations, State};
    pub use crate::task::Task;
    pub use crate::value::Value;
    pub use crate::{export_plugin, value};
}
