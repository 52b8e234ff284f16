//! Which plugin code the current thread is inside of.
//!
//! Phases, tasks and calls into plugins whose callers can be made to wait leave a frame here. It answers two
//! questions: may this caller pass while others wait (it is inside the old generation already), and would waiting for
//! the host here wait for itself.

use std::cell::RefCell;

use reactor_abi::ffi::protocol::Binding;

thread_local!(static FRAMES: RefCell<Vec<*const Binding>> = const { RefCell::new(Vec::new()) });

/// Notes that this thread enters plugin code under `binding`.
pub(super) fn push(binding: *const Binding) {
    // A thread that is being torn down keeps no frames: it can not be made to wait for itself any more.
    let _ = FRAMES.try_with(|frames| frames.borrow_mut().push(binding));
}

/// Notes that it has left again. Frames are left in the order opposite to that in which they were entered, except
/// by guards that somebody drops out of order: the innermost frame of that binding goes.
pub(super) fn pop(binding: *const Binding) {
    let _ = FRAMES.try_with(|frames| {
        let mut frames = frames.borrow_mut();
        if let Some(at) = frames.iter().rposition(|frame| *frame == binding) {
            frames.remove(at);
        }
    });
}

/// Whether this thread is inside `binding`.
pub(super) fn contain(binding: impl Fn(*const Binding) -> bool) -> bool {
    FRAMES.try_with(|frames| frames.borrow().iter().any(|frame| binding(*frame))).unwrap_or(false)
}

/// Whether this thread is inside any plugin code that leaves frames.
pub(crate) fn inside_plugin_code() -> bool {
    FRAMES.try_with(|frames| !frames.borrow().is_empty()).unwrap_or(false)
}

/// A frame for as long as it lives.
pub(super) struct Frame(*const Binding);

impl Frame {
    pub(super) fn new(binding: *const Binding) -> Self {
        push(binding);
        Self(binding)
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        pop(self.0);
    }
}
