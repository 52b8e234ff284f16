//! Where one side writes bytes that the other side owns.

use std::ffi::c_void;

use abi_stable::StableAbi;

/// A place for an answer: the callee writes, the caller's memory grows, nothing allocated crosses.
///
/// Each write appends. A sink is valid for the call it is passed to and no longer.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct Sink {
    target: *mut c_void,
    append: unsafe extern "C" fn(target: *mut c_void, bytes: *const u8, len: usize),
}

impl Sink {
    /// A sink that appends to `buffer`.
    ///
    /// # Safety
    ///
    /// The sink (and every copy of it) is used only while `buffer` is alive and otherwise untouched.
    pub unsafe fn of(buffer: &mut Vec<u8>) -> Self {
        Self { target: std::ptr::from_mut(buffer).cast(), append: append_to_vec }
    }

    /// Appends `bytes`.
    pub fn write(&self, bytes: &[u8]) {
        // SAFETY: `of` promised that the buffer outlives the sink; pointer and length come from one slice.
        unsafe { (self.append)(self.target, bytes.as_ptr(), bytes.len()) }
    }
}

/// Appends to the `Vec<u8>` behind `target`. An allocation failure aborts, as everywhere in Rust.
unsafe extern "C" fn append_to_vec(target: *mut c_void, bytes: *const u8, len: usize) {
    // SAFETY: `Sink::of` made `target` from a live `&mut Vec<u8>` of this same library.
    let buffer = unsafe { &mut *target.cast::<Vec<u8>>() };
    // SAFETY: `Sink::write` passes the parts of one slice.
    buffer.extend_from_slice(unsafe { std::slice::from_raw_parts(bytes, len) });
}
