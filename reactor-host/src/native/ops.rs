//! What callers ask of the host when a cell does not let them in, and what they tell it when they leave.

use reactor_abi::Error;
use reactor_abi::ffi::protocol::{Binding, PAUSED};
use reactor_abi::ffi::{Blocked, BlockedKind, Cell, PinOps, Sink};

use super::frames;
use super::life::Life;
use super::pool::Owner;
use super::shares::claim;
use crate::routes::Passage;

/// The table behind every cell of this program.
pub(crate) static PIN_OPS: PinOps = PinOps { claim, blocked, disturbed, entered, left, panicked };

/// # Safety
///
/// The cell is one of this program's, in use.
unsafe fn owner<'a>(cell: *const Cell) -> Option<&'a Owner> {
    // SAFETY: the caller promises a live cell.
    let owner = unsafe { &*cell }.owner().load(std::sync::atomic::Ordering::Acquire);
    // SAFETY: a cell in use has its owner until the lease is dropped.
    unsafe { owner.cast::<Owner>().as_ref() }
}

unsafe extern "C" fn blocked(cell: *const Cell, word: usize, reason: Sink) -> Blocked {
    // SAFETY: whoever pins holds the cell in use.
    let owner = unsafe { owner(cell) };
    let ended = owner.is_some_and(|owner| owner.cut.load(std::sync::atomic::Ordering::SeqCst));
    if ended {
        reason.write(&importer_ended().encode());
        return Blocked { kind: BlockedKind::Refused, binding: std::ptr::null() };
    }
    let passage = owner.and_then(|owner| Some((owner, owner.routes.upgrade()?))).map_or_else(
        || Passage::Refused(Error::new("RE0605", "the host has shut down")),
        |(owner, routes)| {
            let inside = |life: &Life| frames::contain(|binding| life.owns(binding));
            routes.passage(&owner.target, owner.importer, word == PAUSED, inside)
        },
    );
    match passage {
        Passage::Open => Blocked { kind: BlockedKind::Retry, binding: std::ptr::null() },
        Passage::Inside(word) => Blocked { kind: BlockedKind::Enter, binding: word.binding() },
        Passage::Refused(error) => {
            reason.write(&error.encode());
            Blocked { kind: BlockedKind::Refused, binding: std::ptr::null() }
        }
    }
}

fn importer_ended() -> Error {
    Error::new("RE0606", "this generation has stopped: its handles to other plugins refuse")
}

unsafe extern "C" fn disturbed(cell: *const Cell, _: *const Binding) {
    // SAFETY: whoever leaves a pin still holds the cell in use.
    if let Some(routes) = unsafe { owner(cell) }.and_then(|owner| owner.routes.upgrade()) {
        routes.signal().notify();
    }
}

unsafe extern "C" fn entered(binding: *const Binding) {
    frames::push(binding);
}

unsafe extern "C" fn left(binding: *const Binding) {
    frames::pop(binding);
}

unsafe extern "C" fn panicked(cell: *const Cell, binding: *const Binding) {
    // SAFETY: whoever holds a pin holds the cell in use.
    if let Some(routes) = unsafe { owner(cell) }.and_then(|owner| owner.routes.upgrade()) {
        routes.panicked(|life| life.owns(binding));
    }
}
