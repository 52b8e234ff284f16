//! Typed interfaces: one trait, called across libraries and processes.
//!
//! An interface is a trait in a crate of its own, which the application publishes and which depends on this one only:
//!
//! ```
//! use reactor_abi::prelude::*;
//!
//! #[interface(name = "text.stats", version = "1.0.0")]
//! pub trait TextStats {
//!     /// Counts words.
//!     fn words(&self, text: &str) -> u64;
//! }
//! ```
//!
//! A plugin provides it:
//!
//! ```
//! # mod api {
//! #     use reactor_abi::prelude::*;
//! #     #[interface(name = "text.stats", version = "1.0.0")]
//! #     pub trait TextStats { fn words(&self, text: &str) -> u64; }
//! # }
//! # use api::TextStats;
//! # use reactor_abi::prelude::*;
//! # struct WordCount;
//! struct Stats;
//! impl TextStats for Stats {
//!     fn words(&self, text: &str) -> u64 { text.split_whitespace().map(|_| 1).sum() }
//! }
//! impl Plugin for WordCount {
//!     fn init(_: &mut Init<'_>) -> Result<Self> { Ok(Self) }
//!     fn register(&self, cx: &mut Register<'_>) -> Result<()> {
//!         cx.provide::<dyn TextStats>(Stats)
//!     }
//! }
//! # use reactor_abi::testing::Bench;
//! # let plugin = Bench::<WordCount>::new().start()?;
//! # assert_eq!(plugin.interface::<dyn TextStats>()?.words("one two")?, 2);
//! # Ok::<(), Error>(())
//! ```
//!
//! Another plugin calls it, through a handle that survives whatever becomes of the provider:
//!
//! ```
//! # mod api {
//! #     use reactor_abi::prelude::*;
//! #     #[interface(name = "text.stats", version = "1.0.0")]
//! #     pub trait TextStats { fn words(&self, text: &str) -> u64; }
//! # }
//! # use api::{TextStats, TextStatsHandle};
//! # use reactor_abi::prelude::*;
//! struct Reader { stats: TextStatsHandle }
//! impl Plugin for Reader {
//!     fn init(cx: &mut Init<'_>) -> Result<Self> {
//!         Ok(Self { stats: cx.interface::<dyn TextStats>("^1")? })
//!     }
//!     fn invoke(&self, _: &str, text: Value) -> Result<Value> {
//!         Ok(self.stats.words(&text.read::<String>()?)?.into())
//!     }
//! }
//! # use reactor_abi::testing::Bench;
//! # struct Fake;
//! # impl TextStats for Fake { fn words(&self, _: &str) -> u64 { 7 } }
//! # let plugin = Bench::<Reader>::new().provide::<dyn TextStats>(Fake).start()?;
//! # assert_eq!(plugin.invoke("", "one two")?, Value::from(7_u64));
//! # Ok::<(), Error>(())
//! ```
//!
//! What an interface may have, how each type crosses and what a new version may change is told by the attribute,
//! [`macro@interface`]; types of one's own derive [`Schema`].
//!
//! This module owns what both sides say to each other of an interface. Must never know how a host finds who provides one.

#[doc(hidden)]
pub mod __made;
#[doc(hidden)]
pub mod agreement;
mod codec;
mod decode;
mod descriptor;
mod error;
mod shape;
mod stream;

#[doc(hidden)]
pub use crate::ffi::calling::{Admits, Callback, Link, Offered, import, offer};
pub use crate::ffi::calling::{Interface, ProvidedAs};
pub use crate::ffi::crossing::{Answer, Argument, Schema};
#[doc(hidden)]
pub use crate::ffi::crossing::{AsBytes, AsPlain, AsScalar, AsUnit, Crossing, Encoded, Fallible, Plain};
pub use codec::Input;
pub(crate) use codec::put;
pub use descriptor::{Descriptor, Method, Provider, Want};
#[doc(hidden)]
pub use error::STREAM_CUT;
pub(crate) use error::crossing;
pub use error::{CallError, PROCESS_GONE};
/// Makes a trait an interface: other plugins and the application call whoever provides it, in one process at the price of
/// a call through a pointer, between processes encoded.
///
/// Beside the trait, which stays as it is written, it makes the handle `<Trait>Handle` that callers hold. Each of its
/// methods answers `Result<…, CallError>` around what the trait's method returns.
///
/// ```
/// use reactor_abi::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Schema)] pub struct Summary { words: u64, longest: String }
/// # #[derive(Serialize, Deserialize, Schema)] pub enum StatsError { Empty, Call(String) }
/// # impl From<CallError> for StatsError { fn from(error: CallError) -> Self { Self::Call(error.to_string()) } }
/// # #[interface(name = "text.progress", version = "1.0.0")]
/// # pub trait Progress { fn step(&self, word: u64) -> Result<(), StatsError>; }
///
/// #[interface(name = "text.stats", version = "1.2.0")]
/// pub trait TextStats {
///     /// Scalars, text and bytes cross as they are.
///     fn words(&self, text: &str) -> u64;
///     /// Types that derive `Schema`, and errors of the interface's own.
///     fn summary(&self, text: &str) -> Result<Summary, StatsError>;
///     /// A callback, valid for the time of the call.
///     fn scan(&self, text: &str, progress: &dyn Progress) -> Result<u64, StatsError>;
///     /// Items that come one after the other.
///     fn watch(&self, path: &str) -> Stream<Summary>;
///     /// Came later: the body answers for providers that are older.
///     #[since("1.1")]
///     fn lines(&self, text: &str) -> u64 {
///         1 + self.words(text)
///     }
/// }
/// ```
///
/// `name` is dot-separated kebab-case, as manifests have it under `[provides]`; `version` is `SemVer`. Binding compares
/// names, versions and the signature of each method, so neither side ever takes one thing for another.
///
/// # What a method may have
///
/// - `&self`, and arguments by value or behind a `&`: scalars, `str`, slices, `String`, `Vec`, `Option`, `Result`, tuples,
///   maps, [`Value`](crate::Value), and types that derive [`Schema`]; `Option<&T>`; `&dyn Other`, where `Other` is an
///   interface whose methods return `Result<_, E>` with `E: From<CallError>`.
/// - An answer of such types, which owns its data; [`Stream<T>`](Stream), or `Result<Stream<T>, E>`.
/// - A body: providers may leave the method out.
/// - `#[since("1.1")]`, if it came in a later minor version. Its body, if it has one, answers for older providers, on the
///   caller's side and over the methods that the provider has; without one the handle answers
///   [`CallError::Unsupported`]. When a call that the body makes comes to nothing, the body is unwound through, as by a
///   panic that prints nothing, and the handle answers why: it is to leave nothing half done behind. A caller that is
///   built with `panic = "abort"` can not unwind, and so does not run such a body: there the handle answers
///   [`CallError::Unsupported`] too.
///
/// Everything else is refused when it is compiled, with what to write instead.
pub use reactor_abi_macros::interface;

/// Derives [`trait@Schema`]. Of serde's attributes `rename`, `rename_all`, `rename_all_fields` and `skip` (of fields) are
/// understood; those that say what the encoding can not carry are refused.
pub use reactor_abi_macros::Schema;
pub use shape::Shape;
#[doc(hidden)]
pub use stream::stream;
pub use stream::{Next, Received, SendError, Sender, Stream, Subscription};
