//! The boundary itself: everything with a fixed layout, and all the `unsafe` of this crate.
//!
//! Owns the frozen types that both sides read ([`Cell`], [`Binding`], [`PluginRoot`], [`HostServices`]), the
//! adapter that turns a safe [`Plugin`](crate::Plugin) into C functions which never unwind, and the planted libc
//! definitions that let a library be closed. Must never know a plugin's own types beyond the `Plugin` trait, nor
//! anything of how the host loads, swaps or closes.
//!
//! Plugin authors need nothing from here: `export_plugin!` and the contexts are the safe face of it.
#![expect(unsafe_code, reason = "the foreign-function layer is one of the three fences around unsafe code")]

pub mod adapter;
pub mod binding;
pub mod calling;
pub mod client;
pub mod crossing;
pub mod interface;
pub mod meter;
pub(crate) mod panics;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod plants;
pub mod protocol;
pub mod root;
pub mod services;
pub mod sink;
pub(crate) mod stand_in;
mod wire;

/// The atomics that [`protocol`] counts with. A test includes the same source with loom's in their place.
mod atomic {
    pub(super) use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

    /// Shares of a binding's counters. Two threads that count on the same one slow each other down.
    pub const SHARDS: usize = 32;

    /// A caller's half of the barrier whose other half is the host's: it keeps the compiler from moving a look at what the
    /// host stores before the count.
    #[inline]
    pub(super) fn light_barrier() {
        std::sync::atomic::compiler_fence(Ordering::SeqCst);
    }
}

pub use binding::{Blocked, BlockedKind, Cell, CellRef, Pin, PinOps};
pub use protocol::{Binding, SHARDS, Share};
pub use root::{CallFn, Created, Entry, Op, PluginRoot, PluginRootRef, Status};
pub use services::{
    HooksPtr, HostServices, HostServicesRef, LibcHooks, Mark, RawContext, RequestKind, TaskBody, Time,
};
pub use sink::Sink;
