//! Cells that lead to what a world provides, and a table for each order of methods in which it is called.

use std::sync::atomic::{Ordering, fence};
use std::sync::{Mutex, PoisonError};

use abi_stable::std_types::{RSlice, RStr};

use super::super::binding::{Blocked, BlockedKind, Cell, PinOps};
use super::super::interface::{Offer, Slot, Table, TableHead};
use super::super::protocol::{ABSENT, Binding, Share};
use super::super::root::{CallFn, Status};
use super::super::sink::Sink;
use crate::error::{Error, Result};
use crate::value::Value;

/// An object with its table: what a cell can lead to.
#[derive(Clone, Copy)]
pub(crate) struct Bound {
    object: *const (),
    table: *const TableHead,
}

// SAFETY: providers are `Send + Sync`, and their tables static.
unsafe impl Send for Bound {}

impl Bound {
    pub(crate) fn of_offer(offer: Offer) -> Self {
        Self { object: offer.object(), table: offer.table() }
    }

    /// A binding to it for a caller whose methods are at `places` of the provider's. Never freed.
    pub(crate) fn bind(self, places: &[Option<u32>], encoded: bool) -> &'static Binding {
        let slots: Vec<Slot> = places
            .iter()
            .map(|place| match place {
                // SAFETY: an offer's table, read within its bounds.
                Some(at) => unsafe { TableHead::slot(self.table, *at) },
                None => Slot::MISSING,
            })
            .map(|slot| if encoded { Slot { thunk: std::ptr::null(), ..slot } } else { slot })
            .collect();
        // SAFETY: an offer's table.
        let head = unsafe { *self.table };
        binding(self.object, table(head, &slots).cast())
    }
}

/// A table in memory that is never freed.
fn table(head: TableHead, slots: &[Slot]) -> *const TableHead {
    // A `Table<1>` is a head and one slot: aligned for both.
    let blocks = slots.len().max(1);
    let memory: &'static mut [std::mem::MaybeUninit<Table<1>>] = Box::leak(Box::new_uninit_slice(blocks));
    let first: *mut TableHead = memory.as_mut_ptr().cast();
    let count = u32::try_from(slots.len()).unwrap_or(u32::MAX);
    // SAFETY: `blocks` times head and slot is room for one head and so many slots.
    unsafe {
        first.write(TableHead { encoded: head.encoded, count });
        let into: *mut Slot = first.byte_add(std::mem::offset_of!(Table<1>, slots)).cast();
        into.copy_from_nonoverlapping(slots.as_ptr(), slots.len());
    }
    first
}

fn binding(object: *const (), table: *const ()) -> &'static Binding {
    let binding: &'static Binding = Box::leak(Box::new(Binding::vacant()));
    binding.assign(object.cast_mut(), table.cast_mut(), 0, 0);
    binding
}

/// A cell, and why it leads nowhere while it does. Never freed.
pub(crate) struct Wire {
    cell: Cell,
    state: Mutex<WireState>,
}

/// Where a wire leads.
pub(crate) enum WireState {
    /// Nowhere, for this reason.
    Cut(Error),
    /// To this.
    Bound(&'static Binding),
}

impl Wire {
    pub(crate) fn new(state: WireState) -> &'static Self {
        let wire: &'static Self = Box::leak(Box::new(Self {
            cell: Cell::new(&OPS, std::ptr::null_mut()),
            state: Mutex::new(state),
        }));
        wire.cell.owner().store(std::ptr::from_ref(wire).cast_mut().cast(), Ordering::Release);
        wire.store();
        wire
    }

    pub(crate) fn cell(&self) -> *const Cell {
        &raw const self.cell
    }

    /// Leads somewhere else from now on; then waits for those inside the former provider to leave.
    pub(crate) fn set(&self, state: WireState) {
        let before =
            std::mem::replace(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner), state);
        self.store();
        if let WireState::Bound(binding) = before {
            // All shares are common ones, so a fence of this thread's own is barrier enough.
            let barrier = || {
                fence(Ordering::SeqCst);
                true
            };
            while binding.inside(barrier) != 0 {
                std::thread::yield_now();
            }
        }
    }

    fn store(&self) {
        let word = match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            WireState::Cut(_) => std::ptr::without_provenance_mut(ABSENT),
            WireState::Bound(binding) => std::ptr::from_ref::<Binding>(binding).cast_mut(),
        };
        self.cell.word().store(word, Ordering::SeqCst);
    }

    /// To an action of a test's own.
    pub(crate) fn to_actions(actions: Actions) -> &'static Self {
        let object: &'static Actions = Box::leak(Box::new(actions));
        let table: CallFn = run_action;
        let bound = binding(std::ptr::from_ref(object).cast(), table as *const ());
        Self::new(WireState::Bound(bound))
    }
}

/// What stands for another plugin's `invoke`.
pub(crate) type Actions = Box<dyn Fn(&str, Value) -> Result<Value> + Send + Sync>;

unsafe extern "C" fn run_action(
    instance: *mut u8,
    _: u8,
    name: RStr<'_>,
    input: RSlice<'_, u8>,
    answer: Sink,
) -> Status {
    #[expect(clippy::cast_ptr_alignment, reason = "it was made of such an address")]
    // SAFETY: `to_actions` made the binding that this is the table of.
    let actions = unsafe { &*instance.cast::<Actions>() };
    super::adapter::guarded(
        answer,
        || Ok(actions(name.as_str(), Value::decode(input.as_slice())?)?.encode()?),
    )
}

static OPS: PinOps =
    PinOps { claim, blocked, disturbed, entered: ignored, left: ignored, panicked: disturbed };

unsafe extern "C" fn claim() -> Share {
    Share::COMMON
}

unsafe extern "C" fn blocked(cell: *const Cell, _: usize, reason: Sink) -> Blocked {
    // SAFETY: only cells of wires have these operations, and wires are never freed.
    let wire = unsafe { &*(*cell).owner().load(Ordering::Acquire).cast_const().cast::<Wire>() };
    let kind = match &*wire.state.lock().unwrap_or_else(PoisonError::into_inner) {
        WireState::Bound(_) => BlockedKind::Retry,
        WireState::Cut(error) => {
            reason.write(&error.encode());
            BlockedKind::Refused
        }
    };
    Blocked { kind, binding: std::ptr::null() }
}

unsafe extern "C" fn disturbed(_: *const Cell, _: *const Binding) {}

unsafe extern "C" fn ignored(_: *const Binding) {}
