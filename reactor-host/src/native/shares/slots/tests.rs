use std::cell::Cell;

use super::*;

fn slots<const N: usize>() -> Slots<N> {
    Slots::new([const { AtomicU64::new(0) }; N])
}

fn thread(process: i32, id: i32) -> Thread {
    Thread::new(process, id).expect("ids in bounds")
}

const NOBODY_IS_GONE: fn(Thread) -> bool = |_| false;

#[test]
fn a_thread_has_one_slot_however_often_it_asks() {
    let slots = slots::<3>();
    for _ in 0..3 {
        for id in 1..=3 {
            let slot = slots.claim(thread(9, id), NOBODY_IS_GONE);
            assert_eq!(slot, usize::try_from(id - 1).ok());
        }
        assert_eq!(slots.claim(thread(9, 4), NOBODY_IS_GONE), None);
    }
}

#[test]
fn a_slot_passes_on_when_its_thread_is_gone() {
    let slots = slots::<2>();
    let [first, second, third] = [1, 2, 3].map(|id| thread(9, id));
    assert_eq!(slots.claim(first, NOBODY_IS_GONE), Some(0));
    assert_eq!(slots.claim(second, NOBODY_IS_GONE), Some(1));
    assert_eq!(slots.claim(third, |thread| thread == second), Some(1));
    assert_eq!(slots.claim(second, |thread| thread == second), None, "all are taken by others");
    assert_eq!(slots.claim(third, NOBODY_IS_GONE), Some(1));
}

#[test]
fn a_slot_does_not_pass_on_when_a_thread_with_the_same_id_has_come() {
    let slots = slots::<1>();
    let (old, other) = (thread(9, 1), thread(9, 2));
    assert_eq!(slots.claim(old, NOBODY_IS_GONE), Some(0));
    // Between the kernel's word that the thread is gone and the taking of its slot another one gets its id, and asks.
    let new_has = Cell::new(None);
    let others = slots.claim(other, |thread| {
        new_has.set(slots.claim(thread, NOBODY_IS_GONE));
        true
    });
    assert_eq!((new_has.get(), others), (Some(0), None));
}

#[test]
fn what_another_process_took_stays_taken() {
    let slots = slots::<2>();
    assert_eq!(slots.claim(thread(8, 1), NOBODY_IS_GONE), Some(0));
    assert_eq!(slots.claim(thread(9, 1), |_| true), Some(1), "the same id is another thread");
    assert_eq!(slots.claim(thread(9, 2), |gone| gone.process() == 8), None);
}

#[test]
fn a_slot_can_be_taken_more_often_than_its_count_goes() {
    let slots = Slots::new([AtomicU64::new((u64::MAX - IDS) | 7)]);
    let me = thread(9, 1);
    assert_eq!(slots.claim(me, |_| true), None, "it is another process's");
    let slots = Slots::new([AtomicU64::new(!(Word::TAKEN - 1) | thread(9, 7).0)]);
    assert_eq!(slots.claim(me, |_| true), Some(0));
    assert_eq!(slots.claim(me, NOBODY_IS_GONE), Some(0));
}

#[test]
fn ids_that_do_not_fit_have_no_slot() {
    for (process, id) in [(0, 1), (1, 0), (-1, 1), (1, 1 << ID_BITS), (1 << ID_BITS, 1)] {
        assert_eq!(Thread::new(process, id), None);
    }
    let largest = thread((1 << ID_BITS) - 1, (1 << ID_BITS) - 1);
    assert_eq!((largest.process(), largest.id()), (IDS, IDS));
}
