//! Slots as they change hands, and the protocol on real threads: those that own a share beside those that do not.

use std::collections::HashSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::{Duration, Instant};

use reactor_abi::ffi::{Binding, Cell, CellRef, PinOps};

use super::*;
use crate::native::ops::PIN_OPS;

/// Shares that no other test has a part in.
fn shares() -> &'static Shares {
    Box::leak(Box::new(Shares::new()))
}

/// What `many` threads get that are there at the same time.
fn claimed_beside_each_other(shares: &'static Shares, many: usize) -> Vec<Share> {
    let all_have_one = Barrier::new(many);
    std::thread::scope(|scope| {
        let claim = || {
            let share = shares.claim();
            assert_eq!(shares.claim() == share, share.is_owned(), "a thread has one share of its own");
            all_have_one.wait();
            share
        };
        let threads: Vec<_> = (0..many).map(|_| scope.spawn(claim)).collect();
        threads.into_iter().map(|thread| thread.join().expect("it claims")).collect()
    })
}

#[cfg(target_os = "linux")]
#[test]
fn threads_have_shares_of_their_own_and_when_they_are_gone_others_have_them() {
    let shares = shares();
    for _ in 0..3 {
        // A thread that was joined may be known to the kernel for a moment yet.
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let claimed = claimed_beside_each_other(shares, OWNED + 8);
            let own: Vec<_> = claimed.iter().filter(|share| share.is_owned()).collect();
            let numbers: HashSet<_> = own.iter().map(|share| format!("{share:?}")).collect();
            assert_eq!(numbers.len(), own.len(), "no two threads own the same share");
            if own.len() == OWNED {
                break;
            }
            assert!(Instant::now() < deadline, "{} of {OWNED} shares come free again", own.len());
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_child_of_a_fork_leaves_alone_the_share_with_which_its_thread_goes_on() {
    let shares = shares();
    let before = shares.claim();
    assert!(before.is_owned());
    // SAFETY: the child does nothing but system calls and atomics before it ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let again = (0..2 * OWNED).any(|_| shares.claim() == before);
        // SAFETY: it ends the child, and nothing of the parent.
        unsafe { libc::_exit(i32::from(again)) };
    }
    let mut status = -1;
    // SAFETY: waits for the child just made.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the child's thread was given the share that it may have in its thread-local");
}

#[test]
fn where_nobody_can_own_a_share_all_are_used_by_many() {
    let shares = Shares::new();
    let numbers: HashSet<_> = (0..2 * SHARDS)
        .map(|_| {
            let share = shares.share(SHARDS);
            assert!(!share.is_owned());
            format!("{share:?}")
        })
        .collect();
    assert_eq!(numbers.len(), SHARDS);
}

/// Alone on its cache lines.
#[repr(align(128))]
#[derive(Default)]
struct Line(AtomicU64);

#[test]
fn a_caller_without_a_barrier_of_its_own_is_seen_or_sees() {
    // The protocol's pattern, laid bare: a plain store and then a load on one side, a store, the barrier and a load on the
    // other. Without the barrier both loads miss the stores within a few rounds, where two processors are free.
    const ROUNDS: usize = 20_000;
    if !can_own() {
        // Callers have barriers of their own here.
        return;
    }
    let lines = || (0..ROUNDS).map(|_| Line::default()).collect::<Vec<_>>();
    let (entries, words, seen, turn) = (lines(), lines(), lines(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                // Near at hand, so that the load is done before the store is.
                words[round].0.load(Ordering::Relaxed);
                while turn.load(Ordering::Acquire) <= round {
                    std::hint::spin_loop();
                }
                entries[round].0.store(1, Ordering::Relaxed);
                std::sync::atomic::compiler_fence(Ordering::SeqCst);
                seen[round].0.store(1 + words[round].0.load(Ordering::Relaxed), Ordering::Release);
            }
        });
        for round in 0..ROUNDS {
            entries[round].0.load(Ordering::Relaxed);
            turn.store(round + 1, Ordering::Release);
            (0..round % 64).for_each(|_| std::hint::spin_loop());
            words[round].0.store(1, Ordering::Relaxed);
            assert!(barrier(), "the system grants what it granted at first");
            let host_sees = entries[round].0.load(Ordering::Relaxed) == 1;
            let caller_sees = loop {
                match seen[round].0.load(Ordering::Acquire) {
                    0 => std::thread::yield_now(),
                    answer => break answer == 2,
                }
            };
            if !(host_sees || caller_sees) {
                // The other thread has to come to its end.
                turn.store(ROUNDS, Ordering::Release);
                panic!("round {round}: neither saw the other");
            }
        }
    });
}

/// A cell that is switched between two bindings, and what stands for the code behind each.
struct Scene {
    cell: Cell,
    bindings: [Binding; 2],
    is_mapped: [AtomicBool; 2],
    is_over: AtomicBool,
}

impl Scene {
    fn new(ops: &'static PinOps) -> Self {
        let scene = Self {
            cell: Cell::new(ops, std::ptr::null_mut()),
            bindings: [Binding::vacant(), Binding::vacant()],
            is_mapped: [AtomicBool::new(true), AtomicBool::new(true)],
            is_over: AtomicBool::new(false),
        };
        for which in 0..2 {
            scene.assign(which);
        }
        scene
    }

    fn assign(&self, which: usize) {
        self.bindings[which].assign(std::ptr::without_provenance_mut(which), std::ptr::null_mut(), 1, 0);
    }

    fn point_at(&self, which: usize) {
        self.cell.word().store(std::ptr::from_ref(&self.bindings[which]).cast_mut(), Ordering::SeqCst);
    }

    fn call(&self) {
        // SAFETY: the scene outlives the pin, and the cell holds an address from before the first call on.
        let pin = unsafe { CellRef::new(&raw const self.cell) }.pin().expect("the cell holds an address");
        let which = pin.binding().object().addr();
        for _ in 0..2 {
            assert!(self.is_mapped[which].load(Ordering::Relaxed), "code ran after it was closed");
            std::hint::spin_loop();
        }
        pin.timed(|| ());
        pin.count(1, 2);
    }

    /// What was counted of both bindings in their present roles.
    fn counted(&self) -> Counted {
        self.bindings.iter().fold(Counted::default(), Counted::and)
    }

    /// Switches, closes and loads again until it is over; answers what was counted of the roles that ended.
    fn switch(&self) -> Counted {
        let (mut counted, mut which) = (Counted::default(), 0);
        while !self.is_over.load(Ordering::Relaxed) {
            self.point_at(1 - which);
            while self.bindings[which].inside(barrier) != 0 {
                std::thread::yield_now();
            }
            self.is_mapped[which].store(false, Ordering::Relaxed);
            counted = counted.and(&self.bindings[which]);
            self.assign(which);
            self.is_mapped[which].store(true, Ordering::Relaxed);
            which = 1 - which;
        }
        counted
    }

    /// Runs `callers` while the cell is switched without a pause, and looks whether what they called was counted.
    fn stress(&self, callers: impl FnOnce(&(dyn Fn(u64) + Sync))) {
        self.point_at(0);
        let made = AtomicU64::new(0);
        let some = |calls| {
            (0..calls).for_each(|_| self.call());
            made.fetch_add(calls, Ordering::Relaxed);
        };
        let counted = std::thread::scope(|scope| {
            let host = scope.spawn(|| self.switch());
            let stays = scope.spawn(|| {
                while !self.is_over.load(Ordering::Relaxed) {
                    some(100);
                }
            });
            callers(&some);
            self.is_over.store(true, Ordering::Relaxed);
            stays.join().expect("no call ran closed code");
            host.join().expect("it switches")
        });
        assert_eq!(reactor_abi::ffi::protocol::inside(|of| self.bindings.iter().for_each(of), barrier), 0);
        let (made, rest) = (made.into_inner(), self.counted());
        let calls = counted.calls + rest.calls;
        assert_eq!((calls, counted.bytes_in + rest.bytes_in), (made, made));
        assert_eq!(counted.bytes_out + rest.bytes_out, 2 * made);
    }
}

#[derive(Clone, Copy, Default)]
struct Counted {
    calls: u64,
    bytes_in: u64,
    bytes_out: u64,
}

impl Counted {
    fn and(self, binding: &Binding) -> Self {
        let (bytes_in, bytes_out) = binding.bytes();
        Self {
            calls: self.calls + binding.calls(),
            bytes_in: self.bytes_in + bytes_in,
            bytes_out: self.bytes_out + bytes_out,
        }
    }
}

/// More threads at once than can own a share, in several waves.
fn waves(some: &(dyn Fn(u64) + Sync)) {
    const WAVES: usize = 20;
    const AT_ONCE: usize = OWNED + 12;
    for _ in 0..WAVES {
        let all_have_a_share = Barrier::new(AT_ONCE);
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    some(50);
                    all_have_a_share.wait();
                    some(50);
                });
            }
        });
    }
}

#[test]
fn no_call_of_threads_that_come_and_go_runs_closed_code_or_is_lost() {
    Scene::new(&PIN_OPS).stress(waves);
}

#[test]
fn nor_when_the_ids_of_threads_come_again() {
    // More threads than Linux has ids, unless it was told to have more: then at least shares are handed on so often.
    const THREADS: usize = 34_000;
    Scene::new(&PIN_OPS).stress(|some| {
        for _ in 0..THREADS / 4 {
            std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(|| some(2)))));
        }
    });
}

#[test]
fn nor_where_nobody_can_own_a_share() {
    unsafe extern "C" fn shared() -> Share {
        SHARES.share(SHARED)
    }
    static OPS: PinOps = PinOps { claim: shared, ..PIN_OPS };
    Scene::new(&OPS).stress(waves);
}
