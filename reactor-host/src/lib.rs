//! What an application links to discover, check, load, watch, swap and close native plugins.
//!
//! [`Host`] is the whole of it for most: build one, [`start`](Host::start) it, keep a [`Handle`] to each plugin that
//! is called, and drop it. It is synchronous, and two hosts in one program know nothing of each other; what plugins print to, log through and are
//! watched by is the application's to choose.
//!
//! A plugin's journey, and the modules that stand for its steps:
//!
//! - [`discover`], [`watch`]: files in folders, complete ones only; [`manifest`], [`object_file`]: what they say,
//!   before any of their code runs; [`resolve`]: which of them can run together.
//! - [`stage`], [`load`]: a private copy, opened and checked. The boundary itself is `native`, with the `unsafe` of
//!   this crate.
//! - [`store`]: what lasts.
//! - [`event`], [`report`]: what became of them; [`codes`]: what an error's code means.
//! - [`control`]: how a person's command asks a running host.

pub mod account;
mod backend;
pub mod clock;
pub mod codes;
mod conductor;
pub mod control;
pub mod discover;
pub mod event;
mod generation;
mod host;
mod interfaces;
pub mod load;
pub mod manifest;
mod native;
pub mod object_file;
mod order;
mod phases;
#[doc(hidden)]
pub mod pins;
#[cfg(unix)]
mod process;
pub mod report;
pub mod resolve;
mod retained;
mod retire;
mod routes;
mod shared;
mod signal;
pub mod stage;
mod stagehand;
pub mod store;
mod streams;
mod swap;
mod tasks;
pub mod watch;

/// Call this at the top of `main`, before anything else, in a program that runs plugins in processes of their own.
///
/// A host starts its own program once more for each such plugin, with a marked argument and a socket as its input. In a
/// process that was started so this call closes what was inherited, serves the plugin and never returns, or ends with exit
/// code 2 if there are other threads already; in any other it returns at once, and hosts
/// of this process know from then on that the program can be started so. A program that does not make the call needs
/// `reactor-runner` beside it, or named by [`HostBuilder::runner`].
///
/// ```no_run
/// // The first line of `main`.
/// reactor_host::serve_if_runner();
/// ```
pub fn serve_if_runner() {
    backend::serve_if_runner();
}

pub use account::{Account, Latency};
pub use event::{Event, EventKind, StateOutcome, Subscription, Verdict};
pub use host::{Handle, Host, HostBuilder, HostError, PinSet, Watch};
pub use manifest::{Manifest, PluginId};
pub use reactor_abi::{Entry, Error, Value, value};
pub use report::{Outcome, OutcomeStatus, PluginInfo, PluginStatus, Reason, Report};
pub use retained::{Retained, RetainedList};
pub use store::Quarantined;
