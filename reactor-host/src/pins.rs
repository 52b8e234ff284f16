//! The pins of this host program for cells made by hand: what the benches measure calls by.
//!
//! Owns nothing; applications have no use for it.

use reactor_abi::ffi::{Binding, PinOps};

/// The table that the host's own cells have. A cell of another owner that holds no address refuses its callers.
pub fn ops() -> &'static PinOps {
    &crate::native::ops::PIN_OPS
}

/// How many callers are inside, as the host finds out.
pub fn inside(binding: &Binding) -> u64 {
    binding.inside(crate::native::shares::barrier)
}
