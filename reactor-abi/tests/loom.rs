//! The pin protocol, run through every interleaving that matters: this includes the very source that callers and
//! hosts use, over loom's atomics.
#![expect(unsafe_code, reason = "the protocol under test dereferences what its cells point at")]
#![allow(dead_code, reason = "the tests use a part of the protocol")]

use loom::sync::Arc;
use loom::thread;

/// What `ffi::atomic` is to the real one.
///
/// loom knows sequential consistency from fences alone and takes a `SeqCst` access for an `AcqRel` one, so a fence stands
/// here between a `SeqCst` write and the next `SeqCst` load of the same thread: what those two are promised, and nothing
/// more. A place where either should have been sequentially consistent and is not fails.
///
/// The asymmetric barrier is a fence on either side. That the light half may be one for the compiler alone is what the
/// system's half makes true, and can be argued but not run.
mod atomic {
    use std::cell::Cell;

    pub(super) use loom::sync::atomic::Ordering;
    use loom::sync::atomic::fence;

    /// One that many threads use, and one that belongs to a thread, are all that a model needs.
    #[expect(unreachable_pub, reason = "the protocol hands it on")]
    pub const SHARDS: usize = 2;

    std::thread_local! {
        /// Of the model that this thread explores; loom's threads are all on it.
        pub(super) static LIGHT_BARRIER_IS_FENCE: Cell<bool> = const { Cell::new(true) };
    }

    loom::thread_local! {
        static WROTE: Cell<bool> = Cell::new(false);
    }

    pub(super) fn light_barrier() {
        if LIGHT_BARRIER_IS_FENCE.get() {
            fence(Ordering::SeqCst);
        }
    }

    fn loaded(order: Ordering) -> Ordering {
        if order != Ordering::SeqCst {
            return order;
        }
        if WROTE.with(|wrote| wrote.replace(false)) {
            fence(Ordering::SeqCst);
        }
        Ordering::Acquire
    }

    fn written(order: Ordering, weaker: Ordering) -> Ordering {
        if order != Ordering::SeqCst {
            return order;
        }
        WROTE.with(|wrote| wrote.set(true));
        weaker
    }

    macro_rules! integer {
        ($name:ident, $of:ident) => {
            pub(super) struct $name(loom::sync::atomic::$name);

            impl $name {
                pub(super) fn new(value: $of) -> Self {
                    Self(loom::sync::atomic::$name::new(value))
                }

                pub(super) fn load(&self, order: Ordering) -> $of {
                    self.0.load(loaded(order))
                }

                pub(super) fn store(&self, value: $of, order: Ordering) {
                    self.0.store(value, written(order, Ordering::Release));
                }

                pub(super) fn fetch_add(&self, value: $of, order: Ordering) -> $of {
                    self.0.fetch_add(value, written(order, Ordering::AcqRel))
                }

                pub(super) fn fetch_sub(&self, value: $of, order: Ordering) -> $of {
                    self.0.fetch_sub(value, written(order, Ordering::AcqRel))
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
            self.0.load(loaded(order))
        }

        pub(super) fn store(&self, value: *mut T, order: Ordering) {
            self.0.store(value, written(order, Ordering::Release));
        }
    }
}

/// What is counted beside the protocol and has no part in it.
#[expect(unreachable_pub, reason = "the protocol hands it on")]
#[expect(clippy::unused_self, reason = "as in the library")]
mod meter {
    #[derive(Default)]
    pub struct Meter(());
    #[derive(Default)]
    pub struct Traffic(());

    impl Meter {
        pub(super) fn reset<'a>(&self, _: u64, _: impl Iterator<Item = &'a Traffic>) {}

        pub(super) fn calls<'a>(&self, exits: u64, _: impl Iterator<Item = &'a Traffic>) -> u64 {
            exits
        }

        pub(super) fn record(&self, _: std::time::Duration) -> bool {
            false
        }
    }

    impl Traffic {
        pub(super) fn bytes(&self) -> (u64, u64) {
            (0, 0)
        }

        pub(super) fn is_due(&self, _: u64) -> bool {
            false
        }

        pub(super) fn choose(&self, _: u64, _: bool) {}
    }
}

#[allow(unreachable_pub, reason = "in the library it is public")]
#[path = "../src/ffi/protocol.rs"]
mod protocol;

use atomic::{AtomicPtr, AtomicU32, Ordering};
use loom::sync::atomic::fence;
use protocol::{Binding, Share, acquire, inside};

/// Explores every interleaving with at most three preemptions: all known defects of such protocols need two.
fn explore(model: impl Fn() + Sync + Send + 'static) {
    explore_with(true, model);
}

fn explore_with(light_barrier_is_fence: bool, model: impl Fn() + Sync + Send + 'static) {
    atomic::LIGHT_BARRIER_IS_FENCE.set(light_barrier_is_fence);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// The host's half of the barrier.
fn barrier() -> bool {
    fence(Ordering::SeqCst);
    true
}

/// The share that one caller of a model has for itself.
fn owned() -> Share {
    // SAFETY: each model has one caller that uses it, and looks at the counters by `barrier`.
    unsafe { Share::owned(1) }
}

/// What the code behind a binding would be: mapped until the host has proved that nobody is inside.
struct Code {
    is_mapped: loom::sync::atomic::AtomicBool,
    /// Nothing; loom reports a change of it that is not ordered after each call.
    text: loom::cell::UnsafeCell<()>,
}

impl Code {
    fn run(&self) {
        assert!(self.is_mapped.load(Ordering::Relaxed), "code ran after it was closed");
        self.text.with(|_| ());
    }

    fn map(&self, whether: bool) {
        self.text.with_mut(|_| ());
        self.is_mapped.store(whether, Ordering::Relaxed);
    }
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
        let code = || Code {
            is_mapped: loom::sync::atomic::AtomicBool::new(true),
            text: loom::cell::UnsafeCell::new(()),
        };
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
        model.point_at(0);
        model
    }

    /// Release is all that the protocol asks of the store itself; between it and a look at the counters stands the barrier.
    fn point_at(&self, index: usize) {
        self.word.store(std::ptr::from_ref(&self.bindings[index]).cast_mut(), Ordering::Release);
    }

    /// Pins, runs the code, leaves.
    fn call(&self, share: Share) -> usize {
        // SAFETY: both bindings live as long as the model.
        let binding =
            unsafe { acquire(&self.word, share, |_| self.wake()) }.expect("the cell is never empty");
        self.run(binding);
        let went = binding.object().addr() - 1;
        if binding.leave(share) {
            self.wake();
        }
        went
    }

    fn run(&self, binding: &Binding) {
        self.codes[binding.object().addr() - 1].run();
    }

    fn wake(&self) {
        self.woken.fetch_add(1, Ordering::AcqRel);
    }

    /// Sends calls to the other binding, waits until the first is unused, and closes the code behind it.
    fn switch_and_close(&self) {
        self.point_at(1);
        while self.bindings[0].inside(barrier) != 0 {
            thread::yield_now();
        }
        self.codes[0].map(false);
    }

    fn assert_unused(&self) {
        assert_eq!(inside(|of| self.bindings.iter().for_each(of), barrier), 0);
    }
}

/// What one thread does in a model.
type Part = Box<dyn FnOnce(&Model)>;

/// Runs each part on a thread of its own until all are done. What the model's own thread does loom moves about less.
fn beside<const N: usize>(model: &Arc<Model>, parts: [Part; N]) {
    let parts = parts.map(|part| {
        let model = Arc::clone(model);
        thread::spawn(move || part(&model))
    });
    for part in parts {
        part.join().unwrap();
    }
}

fn a_call(share: Share) -> Part {
    Box::new(move |model| {
        model.call(share);
    })
}

/// Runs the model with a caller on a share of its own, and with one on a share of many.
fn explore_both(model: impl Fn(Share) + Sync + Send + Copy + 'static) {
    explore(move || model(owned()));
    explore(move || model(Share::COMMON));
}

#[test]
fn no_call_runs_code_that_was_closed() {
    explore(|| {
        let model = Model::new();
        beside(&model, [a_call(owned()), a_call(Share::COMMON), Box::new(Model::switch_and_close)]);
        model.assert_unused();
    });
}

#[test]
fn nor_does_one_of_several_on_the_same_share() {
    explore(|| {
        let model = Model::new();
        beside(&model, [a_call(Share::COMMON), a_call(Share::COMMON), Box::new(Model::switch_and_close)]);
        model.assert_unused();
    });
}

#[test]
fn nor_does_one_of_several_calls_in_turn() {
    explore_both(|share| {
        let model = Model::new();
        let calls = move |model: &Model| {
            let went = [model.call(share), model.call(share)];
            assert!(went[0] <= went[1], "never back to an older generation: {went:?}");
        };
        beside(&model, [Box::new(calls), Box::new(Model::switch_and_close)]);
        model.assert_unused();
    });
}

#[test]
fn a_late_entry_to_a_recycled_binding_is_taken_back() {
    explore_both(|share| {
        let model = Model::new();
        let host = |model: &Model| {
            model.switch_and_close();
            // The binding is given a new role and the cell is pointed at it: the address is the same as before.
            model.codes[0].map(true);
            model.bindings[0].assign(std::ptr::without_provenance_mut(1), std::ptr::null_mut(), 2, 0);
            model.point_at(0);
            while model.bindings[1].inside(barrier) != 0 {
                thread::yield_now();
            }
            model.codes[1].map(false);
        };
        beside(&model, [a_call(share), Box::new(host)]);
        model.assert_unused();
    });
}

#[test]
fn a_call_is_seen_inside_while_it_goes_from_one_share_to_another() {
    explore(|| {
        let model = Model::new();
        // As the host does for a caller whom it lets pass.
        model.bindings[0].enter(Share::COMMON);
        let caller = |model: &Model| {
            let binding = &model.bindings[0];
            let _ = binding.change_share(Share::COMMON, owned());
            model.run(binding);
            let _ = binding.leave(owned());
        };
        beside(&model, [Box::new(caller), Box::new(Model::switch_and_close)]);
        model.assert_unused();
    });
}

#[test]
fn whoever_waits_for_the_last_caller_is_woken_or_sees_it_gone() {
    explore_both(|share| {
        let model = Model::new();
        let host = |model: &Model| {
            model.point_at(1);
            model.bindings[0].announce_waiter();
            if model.bindings[0].inside(barrier) != 0 {
                // Nobody wakes it, and loom says so, if the caller that was seen inside leaves without a look.
                while model.woken.load(Ordering::Acquire) == 0 {
                    thread::yield_now();
                }
            }
        };
        beside(&model, [a_call(share), Box::new(host)]);
    });
}

#[test]
fn who_is_seen_leaving_was_seen_entering() {
    // What the counters of a share promise of each other by themselves: between them there is no barrier to rely on, and
    // here there is none at all.
    for retreats in [true, false] {
        explore_with(false, move || {
            let model = Model::new();
            let caller = move |model: &Model| {
                let binding = &model.bindings[0];
                binding.enter(owned());
                let _ = if retreats {
                    binding.change_share(owned(), Share::COMMON)
                } else {
                    binding.leave(owned())
                };
            };
            let host = |model: &Model| {
                let inside = model.bindings[0].inside(|| true);
                assert!(inside <= 2, "{inside}");
            };
            beside(&model, [Box::new(caller), Box::new(host)]);
        });
    }
}

#[test]
fn without_a_barrier_nobody_is_known_to_be_gone() {
    loom::model(|| {
        let model = Model::new();
        assert_eq!(model.bindings[0].inside(|| false), 1);
        model.bindings[0].enter(Share::COMMON);
        model.bindings[0].enter(owned());
        assert_eq!(model.bindings[0].inside(|| false), 2);
    });
}
