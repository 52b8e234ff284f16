//! Typed interfaces: one trait, called across libraries and processes.
//!
//! The attribute [`macro@interface`] turns a trait into an interface; `derive(Schema)` lets a type of one's own be part of its
//! signatures. This module owns what both sides say to each other of an interface, and the traits that the attribute's
//! expansion is written against. Must never know how a host finds who provides one.

#[doc(hidden)]
pub mod __made;
mod codec;
mod descriptor;
mod error;
mod shape;
mod stream;

pub use crate::ffi::calling::{Admits, Callback, Interface, Link, Offered, ProvidedAs, import, offer};
pub use crate::ffi::crossing::{
    Answer, Argument, AsBytes, AsPlain, AsScalar, AsUnit, Crossing, Encoded, Fallible, Plain, Schema,
};
pub use codec::Input;
pub(crate) use codec::put;
pub use descriptor::{Descriptor, Method, Provider, Want};
pub(crate) use error::crossing;
pub use error::{CallError, PROCESS_GONE};
pub use reactor_abi_macros::{Schema, interface};
pub use shape::Shape;
pub use stream::{Next, SendError, Sender, Stream, Subscription, stream};
