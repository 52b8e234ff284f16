//! What the expansions of `#[interface]` and `derive(Schema)` are written against. No part of the API: it changes with
//! the macros.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

pub use abi_stable::std_types::RSlice;

pub use super::{
    Admits, Answer, Argument, AsPlain, CallError, Callback, Descriptor, Encoded, Fallible, Interface, Link,
    Plain, Schema, Shape,
};
pub use crate::ffi::calling::{Entered, Lending, Proxied, Target, call_encoded, lent, serve, serve_encoded};
pub use crate::ffi::crossing::optional::{self, RawOption};
pub use crate::ffi::interface::{Callback as RawCallback, Callbacks, MISSING, Reply, Slot, Table, TableHead};
pub use crate::ffi::{Sink, Status};

use super::{Crossing, Method};
use crate::error::Error;
use crate::ffi::panics;

/// What could not be carried across, as the caller is told.
///
/// # Errors
///
/// As given.
pub fn carried<T>(result: Result<T, Error>) -> Result<T, CallError> {
    result.map_err(CallError::failed)
}

/// An argument by value, of what was taken.
pub fn own<T: Schema>(taken: <T as Argument>::Taken<'_>) -> T {
    T::Crosses::own(taken)
}

/// A method of an interface, for its descriptor.
pub struct MethodShape {
    /// Its name.
    pub name: &'static str,
    /// Since when.
    pub since: Option<&'static str>,
    /// Writes its signature.
    pub write: fn(&mut Shape),
}

/// The descriptor of an interface.
pub fn describe(name: &str, version: &str, methods: &[MethodShape]) -> Descriptor {
    let methods = methods.iter().map(|method| {
        let mut shape = Shape::new();
        (method.write)(&mut shape);
        Method {
            name: method.name.to_owned(),
            signature: shape.finish(),
            since: method.since.map(str::to_owned),
        }
    });
    Descriptor { name: name.to_owned(), version: version.to_owned(), methods: methods.collect() }
}

/// Writes an interface as a callback: both sides call it by position, so all of its methods are part of the signature.
pub fn write_callback<I: Interface + ?Sized>(shape: &mut Shape, methods: &[MethodShape]) {
    shape.text("dyn ");
    shape.within::<I>(|shape| {
        shape.text(I::NAME).text("@").text(compatible(I::VERSION)).text(" {");
        for (at, method) in methods.iter().enumerate() {
            shape.text(if at == 0 { " " } else { "; " });
            (method.write)(shape);
        }
        shape.text(" }");
    });
}

/// The part of a version that compatible ones share: `1` of `1.2.3`, `0.2` of `0.2.3`.
fn compatible(version: &str) -> &str {
    let parts = if version.starts_with("0.") { 2 } else { 1 };
    version.match_indices('.').nth(parts - 1).map_or(version, |(at, _)| &version[..at])
}

/// A `CallError` on its way through a trait's own body, which has no place for one.
struct Carried(CallError);

/// What the trait's method answers, or a way out of the trait's body: see [`stand_in`].
pub fn or_carry<O: Answer>(result: Result<O::Received, CallError>) -> O {
    match result {
        Ok(received) => O::pass_on(received),
        Err(error) => resume_unwind(Box::new(Carried(error))),
    }
}

/// Runs the trait's own body in place of a method that the provider has not. It is unwound through when a call that it
/// makes comes to nothing; where nothing can unwind it is not run.
///
/// # Errors
///
/// Those of the calls that it makes, and its panic; or `unsupported`.
#[cold]
pub fn stand_in<O: Answer>(
    unsupported: CallError,
    run: impl FnOnce() -> O,
) -> Result<O::Received, CallError> {
    if cfg!(panic = "abort") {
        return Err(unsupported);
    }
    let before = panics::so_far();
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(answer) => Ok(answer.keep()),
        Err(payload) => Err(match payload.downcast::<Carried>() {
            Ok(carried) => carried.0,
            Err(payload) => CallError::Panicked(panics::error(payload, before)),
        }),
    }
}
