//! Provides `bench.calls`, and exports the same functions to be called by their addresses.
#![expect(unsafe_code, reason = "exported symbols, and a buffer that crosses as pointer and length")]

use reactor_abi::prelude::*;
use typed_api::Calls;

struct Provider;

impl Plugin for Provider {
    fn init(_: &mut Init<'_>) -> Result<Self> {
        Ok(Self)
    }

    fn register(&self, cx: &mut Register<'_>) -> Result<()> {
        cx.provide::<dyn Calls>(Work)
    }
}

export_plugin!(Provider);

struct Work;

impl Calls for Work {
    fn scalar(&self, x: u64) -> u64 {
        x.wrapping_mul(3).wrapping_add(1)
    }

    fn sum(&self, bytes: &[u8]) -> u64 {
        bytes.iter().copied().map(u64::from).sum()
    }

    fn ends(&self, bytes: &[u8]) -> u64 {
        let end = |byte: Option<&u8>| byte.copied().map_or(0, u64::from);
        end(bytes.first()) + end(bytes.last())
    }

    fn echo(&self, text: &str) -> String {
        text.to_owned()
    }
}

/// See [`Calls::scalar`].
// SAFETY: no other library of this name is linked into a program; it is looked up in this very library.
#[unsafe(no_mangle)]
pub extern "C" fn scalar(x: u64) -> u64 {
    Work.scalar(x)
}

/// See [`Calls::sum`].
///
/// # Safety
///
/// `len` bytes are readable at `bytes` during the call.
// SAFETY: as for `scalar`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sum(bytes: *const u8, len: usize) -> u64 {
    // SAFETY: the caller promises it.
    Work.sum(unsafe { std::slice::from_raw_parts(bytes, len) })
}

/// See [`Calls::ends`].
///
/// # Safety
///
/// As for [`sum`].
// SAFETY: as for `scalar`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ends(bytes: *const u8, len: usize) -> u64 {
    // SAFETY: the caller promises it.
    Work.ends(unsafe { std::slice::from_raw_parts(bytes, len) })
}
