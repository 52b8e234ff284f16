//! Memory for cells and bindings: type-stable, recycled, freed with the last thing that could look at it.
//!
//! A caller may hold a binding's address for an instant after the binding was given up, so the memory of a binding
//! stays a binding until the pool goes, and the pool stays until every host, handle, guard and retained generation
//! that holds it is gone.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

#[cfg(unix)]
use abi_stable::std_types::RSlice;
#[cfg(unix)]
use reactor_abi::ffi::interface::{MISSING, TableHead};
use reactor_abi::ffi::protocol::{ABSENT, Binding, FIRST_ADDRESS, PAUSED};
use reactor_abi::ffi::{Cell, CellRef, Share};
#[cfg(unix)]
use reactor_abi::ffi::{Sink, Status};

use super::frames::Frame;
use super::ops::PIN_OPS;
#[cfg(unix)]
use super::remote::{Lent, Outcome};
use super::shares;
use crate::interfaces::Wanted;
use crate::manifest::PluginId;
use crate::routes::Routes;

/// A host's cells and bindings.
pub(crate) struct Pool {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    bindings: Vec<*mut Binding>,
    free_bindings: Vec<*mut Binding>,
    cells: Vec<*mut Cell>,
    free_cells: Vec<*mut Cell>,
}

// SAFETY: the pointers are owned by the pool and reached under its mutex; what they point at is made of atomics.
unsafe impl Send for Inner {}

impl Default for Pool {
    fn default() -> Self {
        shares::prepare();
        Self { inner: Mutex::default() }
    }
}

impl Pool {
    /// Bytes held, for accounting.
    pub(crate) fn bytes(&self) -> usize {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.bindings.len() * size_of::<Binding>() + inner.cells.len() * size_of::<Cell>()
    }

    fn take_binding(&self) -> *mut Binding {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.free_bindings.pop().unwrap_or_else(|| {
            let binding = Box::into_raw(Box::new(Binding::vacant()));
            inner.bindings.push(binding);
            binding
        })
    }

    fn take_cell(&self) -> *mut Cell {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.free_cells.pop().unwrap_or_else(|| {
            let cell = Box::into_raw(Box::new(Cell::new(&PIN_OPS, std::ptr::null_mut())));
            inner.cells.push(cell);
            cell
        })
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        for binding in inner.bindings.drain(..) {
            // SAFETY: made by `Box::into_raw` above, listed once; nobody holds the pool any more.
            drop(unsafe { Box::from_raw(binding) });
        }
        for cell in inner.cells.drain(..) {
            // SAFETY: as above.
            drop(unsafe { Box::from_raw(cell) });
        }
    }
}

/// A binding in use. Given back on drop: by then no cell points at it and it is unused.
pub(crate) struct BindingLease {
    pool: Arc<Pool>,
    binding: *mut Binding,
}

// SAFETY: a binding is made of atomics; the lease only names it.
unsafe impl Send for BindingLease {}
// SAFETY: as above.
unsafe impl Sync for BindingLease {}

impl BindingLease {
    pub(crate) fn new(pool: &Arc<Pool>) -> Self {
        Self { pool: Arc::clone(pool), binding: pool.take_binding() }
    }

    pub(crate) fn get(&self) -> &Binding {
        // SAFETY: the pool keeps it while the lease holds the pool.
        unsafe { &*self.binding }
    }

    pub(crate) fn word(&self) -> Word {
        Word(self.binding)
    }
}

impl Drop for BindingLease {
    fn drop(&mut self) {
        let mut inner = self.pool.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.free_bindings.push(self.binding);
    }
}

/// What a cell holds: an address or a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Word(*mut Binding);

// SAFETY: an address that is only compared and stored here.
unsafe impl Send for Word {}
// SAFETY: as above.
unsafe impl Sync for Word {}

impl Word {
    pub(crate) const ABSENT: Self = Self(std::ptr::without_provenance_mut(ABSENT));
    pub(crate) const PAUSED: Self = Self(std::ptr::without_provenance_mut(PAUSED));

    /// Counts a caller in on the common share of the binding that this is the address of; nothing for a state. Whoever asks holds
    /// the generation, and keeps others from retiring it meanwhile.
    pub(crate) fn enter(self) {
        if self.0.addr() >= FIRST_ADDRESS {
            // SAFETY: the address of a binding of a pool that somebody holds, and bindings are type-stable.
            unsafe { &*self.0 }.enter(Share::COMMON);
        }
    }

    /// The binding that this is the address of.
    pub(super) fn binding(self) -> *const Binding {
        self.0
    }

    pub(super) fn is(self, binding: *const Binding) -> bool {
        std::ptr::eq(self.0, binding)
    }
}

/// What calls through a cell are for.
#[derive(Clone)]
pub(crate) enum Target {
    /// The generation itself: its own cell, by which the host enters.
    Own,
    /// The actions of a plugin, whichever generation serves.
    Plugin(PluginId),
    /// An interface, whoever provides it.
    Interface(Arc<Wanted>),
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Own, Self::Own) => true,
            (Self::Plugin(one), Self::Plugin(other)) => one == other,
            // One question is one object: the routes see to it.
            (Self::Interface(one), Self::Interface(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Target {}

impl Hash for Target {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Own => {}
            Self::Plugin(id) => id.hash(state),
            Self::Interface(wanted) => Arc::as_ptr(wanted).hash(state),
        }
    }
}

/// Whom a cell belongs to: read when a caller finds a state in it.
pub(super) struct Owner {
    pub(super) routes: Weak<Routes>,
    pub(super) target: Target,
    /// The generation that calls through the cell; `None`, the application or the host itself.
    pub(super) importer: Option<u64>,
    /// The importer has ended: whatever the routes say, this cell leads nowhere.
    pub(super) cut: AtomicBool,
}

/// A cell in use. On drop it is emptied and given back.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    cell: *mut Cell,
    owner: *mut Owner,
}

// SAFETY: a cell is made of atomics, and `Owner` is immutable and `Sync`.
unsafe impl Send for Lease {}
// SAFETY: as above.
unsafe impl Sync for Lease {}

impl Lease {
    /// A cell for calls to `target`.
    pub(crate) fn new(pool: &Arc<Pool>, routes: Weak<Routes>, target: Target, importer: Option<u64>) -> Self {
        let cell = pool.take_cell();
        let owner = Box::into_raw(Box::new(Owner { routes, target, importer, cut: AtomicBool::new(false) }));
        // SAFETY: taken from the pool, which this lease keeps.
        unsafe { &*cell }.owner().store(owner.cast(), Ordering::Release);
        Self { pool: Arc::clone(pool), cell, owner }
    }

    fn cell(&self) -> &Cell {
        // SAFETY: the pool keeps it while the lease holds the pool.
        unsafe { &*self.cell }
    }

    /// Points the cell somewhere else. Who then asks who is [inside](reactor_abi::ffi::protocol::inside) misses nobody.
    pub(crate) fn set(&self, word: Word) {
        self.cell().word().store(word.0, Ordering::SeqCst);
        // Whichever comes later, this store or `cut`, leaves the cell empty.
        if self.is_cut() {
            self.cell().word().store(Word::ABSENT.0, Ordering::SeqCst);
        }
    }

    /// Empties the cell for good: its importer has ended.
    pub(super) fn cut(&self) {
        self.owner().cut.store(true, Ordering::SeqCst);
        self.cell().word().store(Word::ABSENT.0, Ordering::SeqCst);
    }

    /// Whether nobody will be let through any more.
    pub(crate) fn is_cut(&self) -> bool {
        self.owner().cut.load(Ordering::SeqCst)
    }

    /// What calls through it are for.
    pub(crate) fn target(&self) -> &Target {
        &self.owner().target
    }

    /// The number of the generation that calls through it, if one does.
    pub(crate) fn importer(&self) -> Option<u64> {
        self.owner().importer
    }

    fn owner(&self) -> &Owner {
        // SAFETY: made in `new`, freed in `drop`.
        unsafe { &*self.owner }
    }

    /// The address, as a plugin is given it.
    pub(super) fn as_ptr(&self) -> *const Cell {
        self.cell
    }

    /// A reference to pin through. Only to be used while the lease lives.
    pub(super) fn cell_ref(&self) -> CellRef {
        // SAFETY: the callers in this module use it under `&self`; see `pin` and `call`.
        unsafe { CellRef::new(self.cell) }
    }

    /// Pins what the cell points at.
    pub(crate) fn pin(&self) -> Result<Guard<'_>, reactor_abi::Error> {
        Ok(Guard { pin: self.cell_ref().pin()?.set_apart(), lease: std::marker::PhantomData })
    }

    /// Calls the method at that place of the caller's table, by the encoded road. Only for a cell that leads to objects
    /// under interfaces.
    #[cfg(unix)]
    pub(crate) fn call_method(&self, method: u32, input: &[u8], lent: &Lent<'_>) -> Outcome {
        let pin = match self.cell_ref().pin() {
            Ok(pin) => pin,
            Err(error) => return Outcome { status: Status::Blocked, bytes: error.encode() },
        };
        let binding = pin.binding();
        let table: *const TableHead = binding.table().cast_const().cast();
        // SAFETY: behind such a cell stand an object and a table in this caller's order, which the pin keeps.
        let slot = unsafe { TableHead::slot(table, method) };
        if slot.number == MISSING {
            return Outcome::missing();
        }
        let mut bytes = Vec::new();
        // SAFETY: as above; what is lent lives for the time of the call, and the sink is used during it.
        let status = pin.timed(|| unsafe {
            let input = RSlice::from_slice(input);
            ((*table).encoded)(binding.object(), slot.number, input, lent.callbacks(), Sink::of(&mut bytes))
        });
        pin.count(input.len(), bytes.len());
        if status == Status::Panicked {
            pin.count_panic();
        }
        Outcome { status, bytes }
    }

    /// Runs one operation through the cell. Only for a cell that leads to instances.
    pub(crate) fn call(
        &self,
        op: reactor_abi::ffi::Op,
        name: &str,
        input: &[u8],
    ) -> reactor_abi::Result<Vec<u8>> {
        reactor_abi::ffi::client::call(self.cell_ref(), op, name, input)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.set(Word::ABSENT);
        self.cell().owner().store(std::ptr::null_mut(), Ordering::Release);
        // SAFETY: made by `Box::into_raw` in `new`; nobody uses the cell beyond the lease.
        drop(unsafe { Box::from_raw(self.owner) });
        self.pool.inner.lock().unwrap_or_else(PoisonError::into_inner).free_cells.push(self.cell);
    }
}

/// A pin that does not outlive the lease it was taken through.
pub(crate) struct Guard<'a> {
    pin: reactor_abi::ffi::Pin,
    lease: std::marker::PhantomData<&'a Lease>,
}

impl Guard<'_> {
    /// Which generation is pinned.
    pub(crate) fn generation(&self) -> u64 {
        self.pin.binding().generation()
    }
}

/// A pin that keeps its lease. Not sendable, as every pin.
pub(crate) struct Pinned {
    /// Calls on this thread pass where others wait: it holds what they wait for.
    _frame: Frame,
    // Dropped before the lease: it looks at the cell.
    pin: reactor_abi::ffi::Pin,
    lease: Arc<Lease>,
}

impl Pinned {
    pub(crate) fn new(lease: &Arc<Lease>) -> reactor_abi::Result<Self> {
        let pin = lease.cell_ref().pin()?.set_apart();
        Ok(Self { _frame: Frame::new(pin.binding()), pin, lease: Arc::clone(lease) })
    }

    /// Whom it pins.
    pub(crate) fn target(&self) -> &Target {
        self.lease.target()
    }

    /// Which generation is pinned.
    pub(crate) fn generation(&self) -> u64 {
        self.pin.binding().generation()
    }

    /// Runs one operation in the generation that is pinned. Only for a lease that leads to instances.
    pub(crate) fn call(
        &self,
        op: reactor_abi::ffi::Op,
        name: &str,
        input: &[u8],
    ) -> reactor_abi::Result<Vec<u8>> {
        reactor_abi::ffi::client::call_pinned(&self.pin, op, name, input)
    }
}
