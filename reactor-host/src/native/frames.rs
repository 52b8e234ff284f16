//! Which plugin code the current thread is inside of.
//!
//! Phases, tasks and calls into plugins whose callers can be made to wait leave a frame here. It answers two
//! questions: may this caller pass while others wait (it is inside the old generation already), and would waiting for
//! the host here wait for itself.

use std::cell::RefCell;
use std::mem::{ManuallyDrop, take};

use reactor_abi::ffi::protocol::Binding;

/// How many frames need no allocation.
const NEAR: usize = 8;

/// The frames of a thread, the innermost last: those in `near`, then those in `far`.
///
/// It has no destructor. A thread that ends enters plugin code once more, for what the plugin left to be done then,
/// and by that time nobody would run a destructor of ours: what is allocated is freed when the last far frame is left.
struct Frames {
    near: [*const Binding; NEAR],
    depth: usize,
    far: ManuallyDrop<Vec<*const Binding>>,
}

thread_local!(static FRAMES: RefCell<Frames> = const {
    RefCell::new(Frames { near: [std::ptr::null(); NEAR], depth: 0, far: ManuallyDrop::new(Vec::new()) })
});

impl Frames {
    fn push(&mut self, binding: *const Binding) {
        if self.depth < NEAR && self.far.is_empty() {
            self.near[self.depth] = binding;
            self.depth += 1;
        } else {
            self.far.push(binding);
        }
    }

    fn pop(&mut self, binding: *const Binding) {
        if let Some(at) = self.far.iter().rposition(|frame| *frame == binding) {
            self.far.remove(at);
            if self.far.is_empty() {
                drop(take(&mut *self.far));
            }
        } else if let Some(at) = self.near[..self.depth].iter().rposition(|frame| *frame == binding) {
            self.near.copy_within(at + 1..self.depth, at);
            self.depth -= 1;
        }
    }

    fn iter(&self) -> impl Iterator<Item = *const Binding> {
        self.near[..self.depth].iter().chain(self.far.iter()).copied()
    }
}

/// Notes that this thread enters plugin code under `binding`.
pub(super) fn push(binding: *const Binding) {
    FRAMES.with_borrow_mut(|frames| frames.push(binding));
}

/// Notes that it has left again. Frames are left in the order opposite to that in which they were entered, except
/// by guards that somebody drops out of order: the innermost frame of that binding goes.
pub(super) fn pop(binding: *const Binding) {
    FRAMES.with_borrow_mut(|frames| frames.pop(binding));
}

/// Whether this thread is inside `binding`.
pub(super) fn contain(binding: impl Fn(*const Binding) -> bool) -> bool {
    FRAMES.with_borrow(|frames| frames.iter().any(binding))
}

/// Whether this thread is inside any plugin code that leaves frames.
pub(crate) fn inside_plugin_code() -> bool {
    FRAMES.with_borrow(|frames| frames.iter().next().is_some())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_left_in_any_order() {
        // Addresses that nobody looks behind.
        let binding = |number: usize| std::ptr::without_provenance::<Binding>(number * align_of::<Binding>());
        let inside = |number| contain(|frame| frame == binding(number));
        for number in 1..=2 * NEAR {
            push(binding(number));
        }
        push(binding(1));
        for number in 2..=2 * NEAR {
            assert!(inside(number));
            pop(binding(number));
            assert!(!inside(number) && inside(1), "{number}");
        }
        push(binding(2));
        for (left, others) in [(1, true), (1, true), (2, false)] {
            pop(binding(left));
            assert_eq!(inside_plugin_code(), others);
        }
        pop(binding(3));
        assert!(!inside_plugin_code());
    }
}
