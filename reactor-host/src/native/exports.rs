//! What a generation offers under its interfaces, and a binding for each shape in which it is called.
//!
//! A caller finds the methods in the order in which it knows them, and a provider has them in an order of its own, maybe
//! some more or (when it is older) some fewer. So there is a table in host memory for each such order, with a binding of
//! its own. Must never know where calls go: who is bound to what is asked for by the routes.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use abi_stable::std_types::RSlice;
use reactor_abi::ffi::Sink;
use reactor_abi::ffi::interface::{EncodedFn, Offer, Slot, Table, TableHead};
use reactor_abi::ffi::protocol::Binding;
use reactor_abi::interface::Descriptor;
use semver::Version;

use super::pool::{BindingLease, Pool, Word};
use super::remote::{Lent, Outcome};
use crate::interfaces::{Misfit, OfferError, Offered, Wanted};

/// An object under one interface.
pub(crate) struct Export {
    pub(crate) offered: Offered,
    head: TableHead,
    slots: Vec<Slot>,
    object: *const (),
    /// What keeps the object, where the host does.
    _keep: Option<Box<dyn Any + Send + Sync>>,
}

// SAFETY: the object is called from any thread (`Admits` asks for `Send + Sync`), and only through the table.
unsafe impl Send for Export {}
// SAFETY: as above.
unsafe impl Sync for Export {}

/// The beginning of a table or one of its slots: both take two words.
#[repr(C)]
union Block {
    head: TableHead,
    slot: Slot,
}

/// A table whose methods are all called by the encoded road.
pub(super) struct FarTable(Box<[Block]>);

// SAFETY: the address of a function that may be called from any thread, and numbers.
unsafe impl Send for FarTable {}
// SAFETY: as above.
unsafe impl Sync for FarTable {}

impl FarTable {
    pub(super) fn new(encoded: EncodedFn, count: u32) -> Self {
        let head = Block { head: TableHead { encoded, count } };
        let slots = (0..count).map(|number| Block { slot: Slot { thunk: std::ptr::null(), number } });
        Self(std::iter::once(head).chain(slots).collect())
    }

    /// Its address, for as long as it lives.
    pub(super) fn as_ptr(&self) -> *const TableHead {
        self.0.as_ptr().cast()
    }
}

// A table is a head and slots without a gap, in blocks of one size.
const _: () = assert!(
    size_of::<Block>() == size_of::<Slot>()
        && size_of::<Block>() == size_of::<TableHead>()
        && std::mem::offset_of!(Table<1>, slots) == size_of::<Block>()
        && size_of::<Table<3>>() == 4 * size_of::<Block>()
);

/// An export in one caller's order of methods.
struct Facet {
    interface: usize,
    places: Vec<Option<u32>>,
    binding: BindingLease,
    /// The binding's table. A boxed slice: its address stays.
    _table: Box<[Block]>,
}

// SAFETY: addresses of functions that may be called from any thread.
unsafe impl Send for Facet {}

/// What the binding of each facet says beside object and table.
#[derive(Clone, Copy, Default)]
pub(super) struct Role {
    pub(super) generation: u64,
    pub(super) flags: u32,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Exports {
    declared: BTreeMap<String, Version>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    exports: Vec<Export>,
    facets: Vec<Facet>,
    /// What callers got, each with what it asked for, as long as somebody asks that.
    known: Vec<(Weak<Wanted>, Result<Word, Misfit>)>,
    role: Role,
    /// How many wait for all bindings to be unused.
    waiters: u32,
}

impl Exports {
    /// `declared`: what the manifest says is provided.
    pub(super) fn new(declared: BTreeMap<String, Version>) -> Self {
        Self { declared, inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn assume(&self, role: Role) {
        self.lock().role = role;
    }

    /// Takes an offer in.
    ///
    /// # Errors
    ///
    /// The manifest does not say so, or the interface is provided already.
    ///
    /// # Safety
    ///
    /// The offer's table has the descriptor's methods in their order, and its functions may be called with its object
    /// from any thread for as long as a binding of this generation is pinned.
    pub(super) unsafe fn add(
        &self,
        plugin: &str,
        offered: Offered,
        offer: Offer,
        keep: Option<Box<dyn Any + Send + Sync>>,
    ) -> Result<(), OfferError> {
        let (interface, version) = (offered.name.clone(), offered.version.clone());
        let plugin = plugin.to_owned();
        match self.declared.get(&interface) {
            None => return Err(OfferError::Undeclared { plugin, interface, version }),
            Some(declared) if *declared != version => {
                let versions = Box::new((version, declared.clone()));
                return Err(OfferError::Disagrees { plugin, interface, versions });
            }
            Some(_) => {}
        }
        // SAFETY: the caller promises a table.
        let head = unsafe { *offer.table() };
        if head.count as usize != offered.methods() {
            let reason = format!("{} methods, and a table of {}", offered.methods(), head.count);
            return Err(OfferError::Descriptor { interface, reason });
        }
        // SAFETY: as above, and within its count.
        let slots = (0..head.count).map(|at| unsafe { TableHead::slot(offer.table(), at) }).collect();
        let mut inner = self.lock();
        if inner.exports.iter().any(|export| export.offered.name == interface) {
            return Err(OfferError::Twice { plugin, interface });
        }
        inner.exports.push(Export { offered, head, slots, object: offer.object(), _keep: keep });
        // What did not fit before is asked again.
        inner.known.retain(|(_, known)| known.is_ok());
        Ok(())
    }

    /// What the manifest says is provided.
    pub(crate) fn declared(&self) -> impl Iterator<Item = (&String, &Version)> {
        self.declared.iter()
    }

    /// An offer's place among them all, and what was said of it.
    pub(crate) fn described(&self, interface: &str) -> Option<(u32, Descriptor)> {
        let inner = self.lock();
        let at = inner.exports.iter().position(|export| export.offered.name == interface)?;
        Some((u32::try_from(at).ok()?, inner.exports[at].offered.descriptor()))
    }

    /// Calls a method of the offer at that place, by the encoded road.
    ///
    /// # Safety
    ///
    /// The objects that are offered live for the time of the call.
    pub(super) unsafe fn call(&self, export: u32, method: u32, input: &[u8], lent: &Lent<'_>) -> Outcome {
        let found = {
            let inner = self.lock();
            inner.exports.get(export as usize).map(|export| (export.head.encoded, export.object))
        };
        let Some((encoded, object)) = found else { return Outcome::missing() };
        let mut bytes = Vec::new();
        // SAFETY: the function takes this object, which the caller keeps; what is lent lives for the time of the call.
        let status = unsafe {
            encoded(object, method, RSlice::from_slice(input), lent.callbacks(), Sink::of(&mut bytes))
        };
        Outcome { status, bytes }
    }

    /// Lets go of all objects. For exports that nothing leads to and nobody is inside of.
    pub(super) fn clear(&self) {
        let gone = std::mem::take(&mut self.lock().exports);
        // An object may ask for things while it is dropped: not under the lock.
        drop(gone);
    }

    /// The interfaces that are offered, with their versions.
    pub(crate) fn list(&self) -> Vec<(String, Version)> {
        let inner = self.lock();
        inner
            .exports
            .iter()
            .map(|export| (export.offered.name.clone(), export.offered.version.clone()))
            .collect()
    }

    /// The version in which it is offered.
    pub(crate) fn version(&self, interface: &str) -> Option<Version> {
        let inner = self.lock();
        let export = inner.exports.iter().find(|export| export.offered.name == interface)?;
        Some(export.offered.version.clone())
    }

    /// What the manifest says is provided and is not.
    pub(crate) fn owed(&self) -> Vec<(String, Version)> {
        let inner = self.lock();
        let is_there = |name: &str| inner.exports.iter().any(|export| export.offered.name == name);
        let owed = self.declared.iter().filter(|(name, _)| !is_there(name));
        owed.map(|(name, version)| (name.clone(), version.clone())).collect()
    }

    /// The binding through which `wanted` is called; `None`: nothing of that name is offered.
    pub(super) fn facet(&self, pool: &Arc<Pool>, wanted: &Arc<Wanted>) -> Option<Result<Word, Misfit>> {
        let mut inner = self.lock();
        if let Some((_, known)) = inner.known.iter().find(|(asked, _)| asked.as_ptr() == Arc::as_ptr(wanted))
        {
            return Some(known.clone());
        }
        let interface = inner.exports.iter().position(|export| export.offered.name == wanted.name)?;
        let found =
            wanted.fit(&inner.exports[interface].offered).map(|places| inner.bind(pool, interface, places));
        if inner.known.len() == inner.known.capacity() {
            inner.known.retain(|(asked, _)| asked.strong_count() > 0);
        }
        inner.known.push((Arc::downgrade(wanted), found.clone()));
        Some(found)
    }

    /// Runs `of` on the binding of each facet.
    pub(super) fn each(&self, mut of: impl FnMut(&Binding)) {
        self.lock().facets.iter().for_each(|facet| of(facet.binding.get()));
    }

    /// Whether the binding is one of these.
    pub(super) fn own(&self, binding: *const Binding) -> bool {
        self.lock().facets.iter().any(|facet| facet.binding.word().is(binding))
    }

    /// Announces that somebody waits, on these bindings and all that come.
    pub(super) fn announce_waiter(&self) {
        let mut inner = self.lock();
        inner.waiters += 1;
        inner.facets.iter().for_each(|facet| facet.binding.get().announce_waiter());
    }

    /// Takes [`announce_waiter`](Self::announce_waiter) back.
    pub(super) fn retract_waiter(&self) {
        let mut inner = self.lock();
        inner.waiters -= 1;
        inner.facets.iter().for_each(|facet| facet.binding.get().retract_waiter());
    }
}

impl Inner {
    fn bind(&mut self, pool: &Arc<Pool>, interface: usize, places: Vec<Option<u32>>) -> Word {
        let same = |facet: &&Facet| facet.interface == interface && facet.places == places;
        if let Some(facet) = self.facets.iter().find(same) {
            return facet.binding.word();
        }
        let export = &self.exports[interface];
        let slot = |place: &Option<u32>| {
            place.and_then(|at| export.slots.get(at as usize).copied()).unwrap_or(Slot::MISSING)
        };
        let count = u32::try_from(places.len()).unwrap_or(u32::MAX);
        let head = Block { head: TableHead { encoded: export.head.encoded, count } };
        let slots = places.iter().map(|place| Block { slot: slot(place) });
        let table: Box<[Block]> = std::iter::once(head).chain(slots).collect();
        let binding = BindingLease::new(pool);
        let Role { generation, flags } = self.role;
        binding.get().assign(export.object.cast_mut(), table.as_ptr().cast_mut().cast(), generation, flags);
        for _ in 0..self.waiters {
            binding.get().announce_waiter();
        }
        let word = binding.word();
        self.facets.push(Facet { interface, places, binding, _table: table });
        word
    }
}
