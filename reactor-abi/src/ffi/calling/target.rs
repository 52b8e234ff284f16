//! What a call goes to: whoever provides an interface now, or a callback.

use std::marker::PhantomData;
use std::sync::Arc;

use abi_stable::std_types::RSlice;

use super::super::binding::{BriefPin, CellRef, Pin};
use super::super::client::KeptClient;
use super::super::crossing::Trouble;
use super::super::interface::{self as raw, Callbacks, Slot, Table, TableHead};
use super::super::root::Status;
use super::super::sink::Sink;
use super::Interface;
use crate::error::Result;
use crate::interface::{CallError, Input, Provider, Want, crossing, put};

/// What a call can go to.
pub trait Target {
    /// See [`Entered`].
    type Entered<'a>: Entered
    where
        Self: 'a;

    /// See [`enter_briefly`](Self::enter_briefly).
    type Brief<'a>: Entered
    where
        Self: 'a;

    /// Holds whatever a call needs for its time.
    ///
    /// # Errors
    ///
    /// Why nobody can be called.
    fn enter(&self) -> Result<Self::Entered<'_>, CallError>;

    /// The same for the common case: what is held stays in registers, as long as nothing that may unwind is called while
    /// it is, and no function that is not inlined gets its address. `None`: the case is another, and
    /// [`enter`](Self::enter) is to be asked.
    fn enter_briefly(&self) -> Option<Self::Brief<'_>>;
}

/// A target that stays where it is for the time of one call.
pub trait Entered: Sized {
    /// What thunks take first.
    fn object(&self) -> *const ();
    /// Its methods.
    fn table(&self) -> *const TableHead;
    /// Counts the bytes of a call.
    fn count(&self, bytes_in: usize, bytes_out: usize);
    /// Makes the call itself; times it, if it is one of those that are.
    fn timed<T>(&self, call: impl FnOnce() -> T) -> T;
    /// Counts a panic.
    fn count_panic(&self);
    /// The services by which streams are read, if there are any.
    fn client(&self) -> Option<KeptClient>;
    /// Leaves, and has not called.
    fn retreat(self);

    /// The slot at `at`.
    ///
    /// # Safety
    ///
    /// The table has more slots than `at`.
    #[expect(clippy::inline_always, reason = "as `Target::enter_briefly`")]
    #[inline(always)]
    unsafe fn slot(&self, at: usize) -> Slot {
        // SAFETY: slots follow the head where `Table` has them; the caller promises that there are enough.
        unsafe { *self.table().byte_add(std::mem::offset_of!(Table<1>, slots)).cast::<Slot>().add(at) }
    }
}

/// What a handle of the interface `I` is made of: the cell that leads to whoever provides it, and what the cell needs to
/// stay. Of no other interface: its methods are called by their place.
pub struct Link<I: ?Sized> {
    cell: CellRef,
    about: Arc<About>,
    interface: PhantomData<fn() -> Box<I>>,
}

impl<I: ?Sized> Clone for Link<I> {
    fn clone(&self) -> Self {
        Self { cell: self.cell, about: Arc::clone(&self.about), interface: PhantomData }
    }
}

struct About {
    client: KeptClient,
    want: Want,
}

impl<I: ?Sized> Link<I> {
    /// # Safety
    ///
    /// The cell is the one that the client's host gave for this want, which has the descriptor of `I`, and lives as long
    /// as the client does.
    pub(super) unsafe fn new(cell: CellRef, client: KeptClient, want: Want) -> Self {
        Self { cell, about: Arc::new(About { client, want }), interface: PhantomData }
    }

    /// Whether somebody can be called now.
    ///
    /// # Errors
    ///
    /// Why nobody can.
    pub fn check(&self) -> Result<(), CallError> {
        self.enter().map(drop)
    }

    /// Who would be called now.
    ///
    /// # Errors
    ///
    /// Why nobody would.
    pub fn provider(&self) -> Result<Provider, CallError> {
        self.about.client.provider(&self.about.want).map_err(CallError::blocked)
    }
}

impl<I: ?Sized> std::fmt::Debug for Link<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Want { descriptor, range, provider } = &self.about.want;
        f.debug_struct("Link")
            .field("interface", &descriptor.name)
            .field("range", range)
            .field("provider", provider)
            .finish_non_exhaustive()
    }
}

impl<I: ?Sized> Target for Link<I> {
    type Entered<'a>
        = LinkEntered<'a>
    where
        Self: 'a;
    type Brief<'a>
        = Brief<'a>
    where
        Self: 'a;

    fn enter(&self) -> Result<LinkEntered<'_>, CallError> {
        match self.cell.pin() {
            Ok(pin) => Ok(LinkEntered { pin, about: &self.about }),
            Err(error) => Err(CallError::blocked(error)),
        }
    }

    #[expect(clippy::inline_always, reason = "called, the pin would go through memory, twice")]
    #[inline(always)]
    fn enter_briefly(&self) -> Option<Brief<'_>> {
        self.cell.pin_briefly().map(|pin| Brief { pin, about: &self.about })
    }
}

/// A pinned provider.
pub struct LinkEntered<'a> {
    pin: Pin,
    about: &'a Arc<About>,
}

impl Entered for LinkEntered<'_> {
    #[inline]
    fn object(&self) -> *const () {
        self.pin.binding().object()
    }

    #[inline]
    fn table(&self) -> *const TableHead {
        self.pin.binding().table().cast_const().cast()
    }

    #[inline]
    fn count(&self, bytes_in: usize, bytes_out: usize) {
        self.pin.count(bytes_in, bytes_out);
    }

    #[inline]
    fn timed<T>(&self, call: impl FnOnce() -> T) -> T {
        self.pin.timed(call)
    }

    #[cold]
    fn count_panic(&self) {
        self.pin.count_panic();
    }

    fn client(&self) -> Option<KeptClient> {
        Some(self.about.client.clone())
    }

    fn retreat(self) {}
}

/// A provider that is pinned for one call.
pub struct Brief<'a> {
    pin: BriefPin<'a>,
    about: &'a Arc<About>,
}

#[expect(clippy::inline_always, reason = "as `Target::enter_briefly`")]
impl Entered for Brief<'_> {
    #[inline(always)]
    fn object(&self) -> *const () {
        self.pin.binding().object()
    }

    #[inline(always)]
    fn table(&self) -> *const TableHead {
        self.pin.binding().table().cast_const().cast()
    }

    #[inline(always)]
    fn count(&self, bytes_in: usize, bytes_out: usize) {
        self.pin.count(bytes_in, bytes_out);
    }

    #[inline(always)]
    fn timed<T>(&self, call: impl FnOnce() -> T) -> T {
        self.pin.timed(call)
    }

    #[inline(always)]
    fn count_panic(&self) {
        self.pin.count_panic();
    }

    fn client(&self) -> Option<KeptClient> {
        Some(self.about.client.clone())
    }

    #[inline(always)]
    fn retreat(self) {
        self.pin.retreat();
    }
}

/// An interface whose objects can be lent for the time of a call, as a `&dyn` argument of another interface's method.
///
/// # Safety
///
/// What `lend` and `callback` make leads to the object while it is borrowed; implemented by `#[interface]` only.
pub unsafe trait Callback: Interface {
    /// The trait's objects.
    type Object<'a>: ?Sized + 'a;
    /// What the caller puts around an object.
    type Lent<'a>: 'a;
    /// What the called sees in its place.
    type Proxy<'a>: 'a;

    /// Makes an object ready to be lent.
    fn lend<'a>(object: &'a Self::Object<'a>) -> Self::Lent<'a>;
    /// What crosses.
    fn callback(lent: &Self::Lent<'_>) -> raw::Callback;
    /// What the called gets.
    ///
    /// # Errors
    ///
    /// It has fewer methods than the interface.
    ///
    /// # Safety
    ///
    /// As [`Proxied::new`].
    unsafe fn proxy<'a>(callback: raw::Callback) -> Result<Self::Proxy<'a>>;
    /// As the trait.
    fn object<'a>(proxy: &'a Self::Proxy<'a>) -> &'a Self::Object<'a>;
}

/// An object of the interface `I` that the caller lends: neither kept beyond the call nor given to another thread. Its
/// table has a slot for each method.
pub struct Proxied<'a, I: ?Sized> {
    callback: raw::Callback,
    /// Not given to another thread.
    lent: PhantomData<(&'a (), *const ())>,
    interface: PhantomData<fn() -> Box<I>>,
}

impl<I: ?Sized> Proxied<'_, I> {
    /// The object, for the interface `I`, which has this name and so many methods.
    ///
    /// # Errors
    ///
    /// Its table has fewer slots: tables of callbacks from another process are made by what that process says.
    ///
    /// # Safety
    ///
    /// The callback lives for the lifetime of the result, and as many slots as its table has are those of `I`.
    pub unsafe fn new(callback: raw::Callback, name: &str, methods: u32) -> Result<Self> {
        // SAFETY: the callback lives, and so does its table.
        let count = unsafe { (*callback.table).count };
        if count < methods {
            let few = format_args!("it has {count} of the {methods} methods of {name}");
            return Err(crossing("a callback", &few));
        }
        Ok(Self { callback, lent: PhantomData, interface: PhantomData })
    }
}

/// The callback that an encoded call numbers.
///
/// # Errors
///
/// There is none of that number.
///
/// # Safety
///
/// Those that the input was given live.
pub unsafe fn lent(input: &mut Input<'_>) -> Result<raw::Callback> {
    let at = input.take::<u32>()?;
    // SAFETY: as the caller promises.
    let callback = unsafe { input.callbacks().get(at) };
    callback.ok_or_else(|| crossing("a callback", &format_args!("there is none of the number {at}")))
}

impl<I: ?Sized> Target for Proxied<'_, I> {
    type Entered<'b>
        = raw::Callback
    where
        Self: 'b;

    type Brief<'b>
        = raw::Callback
    where
        Self: 'b;

    #[inline]
    fn enter(&self) -> Result<raw::Callback, CallError> {
        Ok(self.callback)
    }

    #[inline]
    fn enter_briefly(&self) -> Option<raw::Callback> {
        Some(self.callback)
    }
}

impl Entered for raw::Callback {
    #[inline]
    fn object(&self) -> *const () {
        self.object
    }

    #[inline]
    fn table(&self) -> *const TableHead {
        self.table
    }

    #[inline]
    fn count(&self, _: usize, _: usize) {}

    #[inline]
    fn timed<T>(&self, call: impl FnOnce() -> T) -> T {
        call()
    }

    fn count_panic(&self) {}

    fn client(&self) -> Option<KeptClient> {
        None
    }

    fn retreat(self) {}
}

/// Encoded arguments, while they are put together.
#[derive(Default)]
pub struct Lending {
    /// The arguments so far.
    pub input: Vec<u8>,
    callbacks: Vec<raw::Callback>,
}

impl Lending {
    /// Adds a callback.
    ///
    /// # Errors
    ///
    /// None that can come.
    pub fn lend(&mut self, callback: raw::Callback) -> Result<()> {
        put(&self.callbacks.len(), &mut self.input)?;
        self.callbacks.push(callback);
        Ok(())
    }
}

/// Calls by the encoded road. `None`: the provider has no such method.
///
/// # Errors
///
/// As any call.
///
/// # Safety
///
/// The table and the object belong together, and the callbacks are those of the method's arguments, still lent.
pub unsafe fn call_encoded<E: Entered>(
    entered: &E,
    number: u32,
    lending: &Lending,
) -> Result<Option<Vec<u8>>, CallError> {
    let mut answer = Vec::new();
    // SAFETY: the table's own function with its own object; the sink is used during this call only.
    let status = entered.timed(|| unsafe {
        let encoded = (*entered.table()).encoded;
        let input = RSlice::from_slice(&lending.input);
        encoded(entered.object(), number, input, Callbacks::of(&lending.callbacks), Sink::of(&mut answer))
    });
    match status {
        Status::Done => {
            entered.count(lending.input.len(), answer.len());
            Ok(Some(answer))
        }
        Status::Missing => Ok(None),
        status => {
            if status == Status::Panicked {
                entered.count_panic();
            }
            Err(*Trouble::answered(status, &answer).told())
        }
    }
}
