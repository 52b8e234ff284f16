//! The pin protocol, run through every interleaving that matters: this includes the very source that callers and
//! hosts use, over loom's atomics.
#![expect(unsafe_code, reason = "the protocol under test dereferences what its cells point at")]
#![allow(dead_code, reason = "the tests use a part of the protocol")]

use loom::sync::Arc;
use loom::thread;

/// What `ffi::atomic` is to the real one.
///
/// loom knows sequential consistency from fences alone and takes a `SeqCst` access for an `AcqRel` one, so each such
/// access stands between two fences here. Weaker accesses are passed on as they are: a place that should have been
/// sequentially consistent and is not still fails.
mod atomic {
    pub(super) use loom::sync::atomic::Ordering;
    use loom::sync::atomic::fence;

    /// Two threads with a share each are all that a model needs.
    #[expect(unreachable_pub, reason = "the protocol hands it on")]
    pub const SHARDS: usize = 2;

    fn access<T>(order: Ordering, weaker: Ordering, run: impl FnOnce(Ordering) -> T) -> T {
        if order != Ordering::SeqCst {
            return run(order);
        }
        fence(Ordering::SeqCst);
        let result = run(weaker);
        fence(Ordering::SeqCst);
        result
    }

    macro_rules! integer {
        ($name:ident, $of:ident) => {
            pub(super) struct $name(loom::sync::atomic::$name);

            impl $name {
                pub(super) fn new(value: $of) -> Self {
                    Self(loom::sync::atomic::$name::new(value))
                }

                pub(super) fn load(&self, order: Ordering) -> $of {
                    access(order, Ordering::Acquire, |order| self.0.load(order))
                }

                pub(super) fn store(&self, value: $of, order: Ordering) {
                    access(order, Ordering::Release, |order| self.0.store(value, order));
                }

                pub(super) fn fetch_add(&self, value: $of, order: Ordering) -> $of {
                    access(order, Ordering::AcqRel, |order| self.0.fetch_add(value, order))
                }

                pub(super) fn fetch_sub(&self, value: $of, order: Ordering) -> $of {
                    access(order, Ordering::AcqRel, |order| self.0.fetch_sub(value, order))
                }
            }
        };
    }

    integer!(AtomicU64, u64);
    integer!(AtomicU32, u32);

    pub(super) struct AtomicPtr<T>(loom::sync::atomic::AtomicPtr<T>);

    impl<T> AtomicPtr<T> {
        pub(super) fn new(value: *mut T) -> Self {
            Self(loom::sync::atomic::AtomicPtr::new(value))
        }

        pub(super) fn load(&self, order: Ordering) -> *mut T {
            access(order, Ordering::Acquire, |order| self.0.load(order))
        }

        pub(super) fn store(&self, value: *mut T, order: Ordering) {
            access(order, Ordering::Release, |order| self.0.store(value, order));
        }
    }
}

/// What is counted beside the protocol and has no part in it.
mod meter {
    #[derive(Default)]
    #[expect(unreachable_pub, reason = "the protocol hands it on")]
    pub struct Meter(());
    #[derive(Default)]
    #[expect(unreachable_pub, reason = "the protocol hands it on")]
    pub struct Traffic(());

    impl Meter {
        #[expect(clippy::unused_self, reason = "as in the library")]
        pub(super) fn reset<'a>(&self, _: impl Iterator<Item = &'a Traffic>) {}
    }
}

#[allow(unreachable_pub, reason = "in the library it is public")]
#[path = "../src/ffi/protocol.rs"]
mod protocol;

use atomic::{AtomicPtr, AtomicU32, Ordering};
use protocol::{Binding, acquire};

/// Explores every interleaving with at most three preemptions: all known defects of such protocols need two.
fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// What the code behind a binding would be: alive until the host has proved that nobody is inside.
struct Code {
    alive: loom::sync::atomic::AtomicBool,
}

/// A cell, two bindings, and the code behind each. The memory is type-stable: it lives as long as the model.
struct Model {
    word: AtomicPtr<Binding>,
    bindings: [Binding; 2],
    codes: [Code; 2],
    woken: AtomicU32,
}

impl Model {
    fn new() -> Arc<Self> {
        let code = || Code { alive: loom::sync::atomic::AtomicBool::new(true) };
        let model = Arc::new(Self {
            word: AtomicPtr::new(std::ptr::null_mut()),
            bindings: [Binding::vacant(), Binding::vacant()],
            codes: [code(), code()],
            woken: AtomicU32::new(0),
        });
        for (index, binding) in model.bindings.iter().enumerate() {
            binding.assign(
                std::ptr::without_provenance_mut(index + 1),
                std::ptr::null_mut(),
                index as u64,
                0,
            );
        }
        model.word.store(model.address(0), Ordering::SeqCst);
        model
    }

    fn address(&self, index: usize) -> *mut Binding {
        std::ptr::from_ref(&self.bindings[index]).cast_mut()
    }

    /// Pins, runs the code, leaves.
    fn call(&self, shard: usize) -> usize {
        // SAFETY: both bindings live as long as the model.
        let binding =
            unsafe { acquire(&self.word, shard, |_| self.wake()) }.expect("the cell is never empty");
        let index = binding.object().addr() - 1;
        assert!(self.codes[index].alive.load(Ordering::Relaxed), "code {index} ran after it was closed");
        if binding.leave(shard) {
            self.wake();
        }
        index
    }

    fn wake(&self) {
        self.woken.fetch_add(1, Ordering::SeqCst);
    }

    /// Sends calls to the other binding, waits until the first is unused, and closes the code behind it.
    fn switch_and_close(&self) {
        self.word.store(self.address(1), Ordering::SeqCst);
        self.bindings[0].announce_waiter();
        while self.bindings[0].inside() != 0 {
            thread::yield_now();
        }
        self.bindings[0].retract_waiter();
        self.codes[0].alive.store(false, Ordering::Relaxed);
    }
}

#[test]
fn no_call_runs_code_that_was_closed() {
    explore(|| {
        let model = Model::new();
        let callers: Vec<_> = (0..2)
            .map(|shard| {
                let model = Arc::clone(&model);
                thread::spawn(move || model.call(shard))
            })
            .collect();
        model.switch_and_close();
        for caller in callers {
            caller.join().unwrap();
        }
        assert_eq!(model.bindings[0].inside(), 0);
        assert_eq!(model.bindings[1].inside(), 0);
    });
}

#[test]
fn a_late_entry_to_a_recycled_binding_is_taken_back() {
    explore(|| {
        let model = Model::new();
        let caller = {
            let model = Arc::clone(&model);
            thread::spawn(move || model.call(0))
        };
        model.switch_and_close();
        // The binding is given a new role and the cell is pointed at it: the address is the same as before.
        model.codes[0].alive.store(true, Ordering::Relaxed);
        model.bindings[0].assign(std::ptr::without_provenance_mut(1), std::ptr::null_mut(), 2, 0);
        model.word.store(model.address(0), Ordering::SeqCst);
        while model.bindings[1].inside() != 0 {
            thread::yield_now();
        }
        model.codes[1].alive.store(false, Ordering::Relaxed);
        caller.join().unwrap();
        assert_eq!((model.bindings[0].inside(), model.bindings[1].inside()), (0, 0));
    });
}

#[test]
fn whoever_waits_for_the_last_caller_is_woken_or_sees_it_gone() {
    explore(|| {
        let model = Model::new();
        let caller = {
            let model = Arc::clone(&model);
            thread::spawn(move || model.call(0))
        };
        model.word.store(model.address(1), Ordering::SeqCst);
        model.bindings[0].announce_waiter();
        let was_unused = model.bindings[0].inside() == 0;
        caller.join().unwrap();
        // Parked for good if it saw somebody inside and nobody rang afterwards.
        assert!(was_unused || model.woken.load(Ordering::SeqCst) > 0);
    });
}
