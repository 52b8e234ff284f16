//! Offering an object under an interface, and asking for one.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use super::super::client::KeptClient;
use super::super::interface::{Offer, TableHead};
use super::target::Link;
use crate::error::Result;
use crate::interface::{Descriptor, Shape, Want};

/// What `#[interface]` makes of a trait; implemented for `dyn Trait`.
///
/// # Safety
///
/// The handle calls the methods of [`descriptor`](Self::descriptor) by their place there. Implemented by `#[interface]`
/// only.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no interface",
    label = "this is no interface",
    note = "write `#[interface(name = \"...\", version = \"1.0.0\")]` on the trait, and `dyn` before its name here"
)]
pub unsafe trait Interface: 'static {
    /// Its name.
    const NAME: &'static str;
    /// Its version.
    const VERSION: &'static str;
    /// What callers hold.
    type Handle: Clone + Debug + Send + Sync + 'static;

    /// All that both sides must agree on.
    fn descriptor() -> Descriptor;

    /// Adds name, major version and methods to a signature.
    #[doc(hidden)]
    fn write(shape: &mut Shape);

    #[doc(hidden)]
    fn handle(link: Link<Self>) -> Self::Handle;
}

/// The interfaces that `P` can be offered under: those whose trait it implements.
///
/// # Safety
///
/// The table is that of [`Interface::descriptor`], and its thunks take the address of a `P` first. Implemented by
/// `#[interface]` only.
pub unsafe trait Admits<P>: Interface {
    /// The thunks.
    #[doc(hidden)]
    fn table() -> *const TableHead;
}

/// What can be offered under the interface `I`: implemented by everything that implements the interface's trait and is
/// `Send + Sync + 'static`.
///
/// # Safety
///
/// The table is that of [`Admits`] for this very type: it is called through. Implemented for all that `I` admits, and not
/// for writing by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can not be provided as `{I}`",
    label = "this does not implement the interface's trait, or is not `Send + Sync + 'static`"
)]
pub unsafe trait ProvidedAs<I: ?Sized>: Send + Sync + Sized + 'static {
    /// The thunks.
    #[doc(hidden)]
    fn table() -> *const TableHead;
}

// SAFETY: what `I` admits, with its own table.
unsafe impl<I: Admits<P> + ?Sized, P: Send + Sync + 'static> ProvidedAs<I> for P {
    fn table() -> *const TableHead {
        <I as Admits<P>>::table()
    }
}

/// An object ready to be offered to a host.
pub struct Offered {
    /// What it is offered as.
    pub descriptor: Descriptor,
    /// Where it is; valid while `object` lives.
    pub offer: Offer,
    /// What keeps it.
    pub object: Box<dyn Any + Send + Sync>,
}

/// Makes an object ready to be offered.
pub fn offer<I: Interface + ?Sized>(provider: impl ProvidedAs<I>) -> Offered {
    fn boxed<I: ?Sized, P: ProvidedAs<I>>(provider: P) -> (Offer, Box<dyn Any + Send + Sync>) {
        // Shared, so that moving what keeps it makes no claim to be alone with it.
        let object = Arc::new(provider);
        (Offer::new(Arc::as_ptr(&object).cast(), P::table()), Box::new(object))
    }
    let (offer, object) = boxed::<I, _>(provider);
    Offered { descriptor: I::descriptor(), offer, object }
}

/// Asks for an interface: a handle to whoever provides it, whether or not somebody does yet. `keeper` is what keeps the
/// client's cells.
///
/// # Errors
///
/// `range` is no range of versions, or who provides the interface does not fit.
pub fn import<I: Interface + ?Sized>(
    client: KeptClient,
    range: &str,
    provider: Option<&str>,
) -> Result<I::Handle> {
    let want =
        Want { descriptor: I::descriptor(), range: range.to_owned(), provider: provider.map(str::to_owned) };
    let cell = client.import(&want)?;
    // SAFETY: the cell was given for this want, which is of `I`; who gives a keeper vouches that it keeps the cell too
    // (`KeptClient::new`), and without one the host keeps it until this library is closed.
    Ok(I::handle(unsafe { Link::new(cell, client, want) }))
}
