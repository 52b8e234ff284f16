//! Where one side writes bytes that the other side owns.

use std::ffi::c_void;
use std::mem::MaybeUninit;

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

    /// A sink for what is hardly ever written: nothing is made before the first write.
    ///
    /// # Safety
    ///
    /// As [`of`](Self::of).
    #[inline]
    pub(super) unsafe fn lazy(buffer: &mut Lazy) -> Self {
        Self { target: std::ptr::from_mut(buffer).cast(), append: append_lazily }
    }

    /// A sink into the memory of one `T`.
    ///
    /// # Safety
    ///
    /// As [`of`](Self::of).
    pub(super) unsafe fn fixed<T>(buffer: &mut Fixed<T>) -> Self {
        Self { target: std::ptr::from_mut(buffer).cast(), append: append_to_fixed::<T> }
    }

    /// Appends `bytes`.
    pub fn write(&self, bytes: &[u8]) {
        // SAFETY: `of` promised that the buffer outlives the sink; pointer and length come from one slice.
        unsafe { (self.append)(self.target, bytes.as_ptr(), bytes.len()) }
    }

    /// Appends the memory of `value`, whatever stands between its fields: bytes are copied, and nothing reads them as
    /// bytes.
    pub(super) fn write_value<T: Copy>(&self, value: &T) {
        let first = std::ptr::from_ref(value).cast();
        // SAFETY: as in `write`; the bytes are those of one value.
        unsafe { (self.append)(self.target, first, size_of::<T>()) }
    }
}

/// Appends to the `Vec<u8>` behind `target`. An allocation failure aborts, as everywhere in Rust.
unsafe extern "C" fn append_to_vec(target: *mut c_void, bytes: *const u8, len: usize) {
    // SAFETY: `Sink::of` made `target` from a live `&mut Vec<u8>` of this same library.
    let buffer = unsafe { &mut *target.cast::<Vec<u8>>() };
    // SAFETY: `Sink::write` passes the parts of one slice.
    buffer.extend_from_slice(unsafe { std::slice::from_raw_parts(bytes, len) });
}

/// What [`Sink::lazy`] writes to: one word to clear before a call, and one to look at after it.
pub(super) type Lazy = Option<Box<Vec<u8>>>;

#[cold]
unsafe extern "C" fn append_lazily(target: *mut c_void, bytes: *const u8, len: usize) {
    // SAFETY: `Sink::lazy` made `target` from a live `&mut Lazy` of this same library.
    let buffer = unsafe { &mut *target.cast::<Lazy>() };
    // SAFETY: `Sink::write` passes the parts of one slice.
    buffer.get_or_insert_default().extend_from_slice(unsafe { std::slice::from_raw_parts(bytes, len) });
}

/// What [`Sink::fixed`] writes to: room for one `T`, and for whatever else comes (an error) a buffer that grows.
pub(super) struct Fixed<T> {
    room: MaybeUninit<T>,
    filled: usize,
    /// All that was written, once that has turned out to be more than `room` takes.
    grown: Vec<u8>,
}

impl<T> Fixed<T> {
    pub(super) fn new() -> Self {
        Self { room: MaybeUninit::uninit(), filled: 0, grown: Vec::new() }
    }

    /// # Safety
    ///
    /// `bytes` leads to `len` bytes, which are initialised unless they are those of one `T`.
    unsafe fn append(&mut self, bytes: *const u8, len: usize) {
        if self.grown.is_empty() && len <= size_of::<T>() - self.filled {
            // SAFETY: so much room is left behind what is filled, and it is this value's own.
            unsafe {
                let free = self.room.as_mut_ptr().cast::<u8>().add(self.filled);
                std::ptr::copy_nonoverlapping(bytes, free, len);
            }
            self.filled += len;
        } else {
            if self.grown.is_empty() {
                self.grown = self.bytes();
            }
            // SAFETY: more than a `T` has, so all of it is initialised.
            self.grown.extend_from_slice(unsafe { std::slice::from_raw_parts(bytes, len) });
        }
    }

    /// Everything that was written, which is no `T`.
    pub(super) fn bytes(&self) -> Vec<u8> {
        if self.grown.is_empty() {
            // SAFETY: `append` has filled so many bytes.
            unsafe { std::slice::from_raw_parts(self.room.as_ptr().cast::<u8>(), self.filled) }.to_vec()
        } else {
            self.grown.clone()
        }
    }

    /// The `T`, if exactly its bytes were written.
    ///
    /// # Safety
    ///
    /// What was written are the bytes of a `T`.
    pub(super) unsafe fn value(self) -> Option<T> {
        // SAFETY: the room is full, of what the caller vouches for.
        (self.grown.is_empty() && self.filled == size_of::<T>()).then(|| unsafe { self.room.assume_init() })
    }
}

unsafe extern "C" fn append_to_fixed<T>(target: *mut c_void, bytes: *const u8, len: usize) {
    // SAFETY: `Sink::fixed` made `target` from a live `&mut Fixed<T>` of this same library.
    let buffer = unsafe { &mut *target.cast::<Fixed<T>>() };
    // SAFETY: `Sink::write` passes the parts of one slice, `Sink::write_value` those of a `T`.
    unsafe { buffer.append(bytes, len) }
}
