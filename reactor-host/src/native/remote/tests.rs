use reactor_abi::ffi::interface::{Slot, Table};

use super::*;

/// Answers with which object was called, and which method.
struct Tells(u32);

impl Road for Tells {
    fn call(&self, method: u32, _: &[u8], _: &Lent<'_>) -> Outcome {
        let bytes = [self.0.to_le_bytes(), method.to_le_bytes()].concat();
        Outcome { status: Status::Done, bytes }
    }
}

#[test]
fn what_is_borrowed_has_as_many_slots_as_any_interface_can_have_whatever_the_other_side_says() {
    let borrowed = Borrowed::new(2, |at| Box::new(Tells(at))).expect("a few");
    let callbacks = borrowed.lent().callbacks();
    for at in 0..2 {
        // SAFETY: `borrowed` lives.
        let Callback { object, table } = unsafe { callbacks.get(at) }.expect("there are two");
        for method in [0, 1, 1_023, MOST_CALLED_BACK - 1] {
            // As a proxy finds its methods: it does not look at the count.
            // SAFETY: the very thing under test.
            let slot = unsafe {
                *table
                    .byte_add(std::mem::offset_of!(Table<1>, slots))
                    .cast::<Slot>()
                    .add(usize::try_from(method).expect("short"))
            };
            assert!(slot.thunk.is_null() && slot.number == method);
            let mut answer = Vec::new();
            // SAFETY: they belong together, and live; the sink is used during the call.
            let status = unsafe {
                let (input, sink) = (RSlice::from_slice(&[]), Sink::of(&mut answer));
                ((*table).encoded)(object, slot.number, input, Callbacks::NONE, sink)
            };
            assert!(status == Status::Done && answer == [at.to_le_bytes(), method.to_le_bytes()].concat());
        }
    }
    assert!(Borrowed::new(MOST_LENT + 1, |at| Box::new(Tells(at))).is_none());
    assert!(Borrowed::new(u32::MAX, |at| Box::new(Tells(at))).is_none());
}
