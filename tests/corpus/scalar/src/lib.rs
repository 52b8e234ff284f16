//! A plugin that exports plain C functions beside its entry: what the benches call with and without Reactor.
#![expect(unsafe_code, reason = "exported symbols, and a buffer that crosses as pointer and length")]

use reactor_abi::prelude::*;

#[derive(Default)]
struct Scalar;

impl Invoke for Scalar {
    /// `echo`: the value.
    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        match action {
            "echo" => Ok(value),
            _ => Err(Error::unknown_action(action)),
        }
    }
}

export_plugin!(Scalar);

/// A number in, a number out, and hardly any work: what is left is the call.
// SAFETY: no other library of this name is linked into a program; it is looked up in this very library.
#[unsafe(no_mangle)]
pub extern "C" fn scalar(x: u64) -> u64 {
    x.wrapping_mul(3).wrapping_add(1)
}

/// The sum of the bytes.
///
/// # Safety
///
/// `len` bytes are readable at `bytes` during the call.
// SAFETY: as for `scalar`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sum(bytes: *const u8, len: usize) -> u64 {
    // SAFETY: the caller promises it.
    let bytes = unsafe { std::slice::from_raw_parts(bytes, len) };
    bytes.iter().copied().map(u64::from).sum()
}

/// The sum of the first and the last byte: of a call that hands a buffer over, all but the reading.
///
/// # Safety
///
/// As for [`sum`].
// SAFETY: as for `scalar`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ends(bytes: *const u8, len: usize) -> u64 {
    // SAFETY: the caller promises it.
    let bytes = unsafe { std::slice::from_raw_parts(bytes, len) };
    let end = |byte: Option<&u8>| byte.copied().map_or(0, u64::from);
    end(bytes.first()) + end(bytes.last())
}
