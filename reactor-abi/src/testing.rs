//! Trying a plugin in a unit test, without a host.
//!
//! A [`Bench`] runs the plugin's real phases, through the same functions that a host calls, against services that stand in
//! memory: the log is kept, the clock moves when the test says so, tasks are threads that are joined, and other plugins and
//! interfaces are what the test provides.
//!
//! ```
//! use reactor_abi::prelude::*;
//! use reactor_abi::testing::Bench;
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
//! let plugin = Bench::<Shout>::new().start()?;
//! assert_eq!(plugin.invoke("shout", "hello")?, Value::from("HELLO"));
//! # Ok::<(), Error>(())
//! ```
//!
//! It knows no manifest, order or file: what a plugin may provide, and when it is started and swapped, is a host's business,
//! and for an application's tests to look at. What it owns is the stand-in's rules; it must never be part of a host.

mod bench;
mod interfaces;
mod running;
mod streams;
mod tasks;
mod world;

pub use bench::Bench;
pub use running::Running;
pub use world::LogLine;
pub(crate) use world::{Seat, World};

/// What a host answers too, by the same codes.
mod code {
    /// Nobody is there.
    pub(super) const UNAVAILABLE: &str = "RE0601";
    /// Nobody provides the interface.
    pub(super) const NO_PROVIDER: &str = "RE0747";
    /// Who asks has ended.
    pub(super) const ENDED: &str = "RE0606";
    /// No task can be spawned now.
    pub(super) const NO_TASK: &str = "RE0607";
}
