//! The host's side of the boundary: everything that touches foreign code, and with it all the `unsafe` of this crate.
//!
//! Owns opening and closing libraries, the memory that callers pin through, the services that plugins call, and the
//! traces that a library leaves in libc. Must never know why something is loaded, swapped or closed: that is decided
//! by safe code above, which is given [`Image`], [`Life`], [`Lease`] and [`Instance`].
#![expect(unsafe_code, reason = "the host's loader is one of the three fences around unsafe code")]

pub(crate) mod application;
pub(crate) mod context;
mod exports;
mod frames;
pub(crate) mod instance;
pub(crate) mod layout;
pub(crate) mod life;
pub(crate) mod open;
pub(crate) mod ops;
pub(crate) mod pool;
pub(crate) mod remote;
pub(crate) mod services;
pub(crate) mod shares;
pub(crate) mod traces;

pub(crate) use frames::inside_plugin_code;
pub(crate) use instance::Instance;
pub(crate) use life::Life;
pub(crate) use open::Image;
pub(crate) use pool::{Lease, Pool, Target};
