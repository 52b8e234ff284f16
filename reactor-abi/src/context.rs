//! What the phases are given: who the plugin is, its configuration, and the services of the host.

use std::any::Any;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::ffi::RequestKind;
use crate::ffi::client::{Client, KeptClient};
use crate::interface::{self, Interface, ProvidedAs, Schema, Sender, Stream};
use crate::log::{Level, Record};
use crate::peer::Peer;
use crate::task::{Task, TaskHandle};
use crate::value::Value;

/// What a generation is told at birth: crosses encoded, so fields are appended only.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Birth {
    /// The plugin's id.
    pub id: String,
    /// Its version, as the manifest has it.
    pub version: String,
    /// The generation's number, unique within its host.
    pub generation: u64,
    /// The user's folder of this plugin, where its assets are; the library itself runs from a private copy.
    pub plugin_dir: PathBuf,
    /// The effective configuration: a map.
    pub config: Value,
    /// The schema that the manifest's `[state]` table names.
    pub state_schema: Option<u32>,
}

/// The services of the host: cheap to clone, usable from any thread.
///
/// A copy that is kept after the plugin has stopped can do nothing: each request is refused.
#[derive(Clone)]
pub struct Services {
    client: Client,
    birth: Arc<Birth>,
}

impl Services {
    pub(crate) fn new(client: Client, birth: Birth) -> Self {
        Self { client, birth: Arc::new(birth) }
    }

    pub(crate) fn birth(&self) -> &Birth {
        &self.birth
    }

    /// The plugin's id.
    pub fn id(&self) -> &str {
        &self.birth.id
    }

    /// The plugin's version, as its manifest has it.
    pub fn version(&self) -> &str {
        &self.birth.version
    }

    /// The number of this generation: it grows with each build that is loaded.
    pub fn generation(&self) -> u64 {
        self.birth.generation
    }

    /// The user's folder of this plugin: read assets from here. The library itself runs from a private copy.
    pub fn plugin_dir(&self) -> &Path {
        &self.birth.plugin_dir
    }

    /// The effective configuration, a map.
    pub fn config(&self) -> &Value {
        &self.birth.config
    }

    /// Begins a log record; it is written by [`Record::emit`]. The host adds plugin and generation.
    pub fn log(&self, level: Level, message: impl Into<String>) -> Record<'_> {
        Record::new(&self.client, level, message.into())
    }

    /// Logs `message` at [`Level::Debug`].
    pub fn debug(&self, message: impl Into<String>) {
        self.log(Level::Debug, message).emit();
    }

    /// Logs `message` at [`Level::Info`].
    pub fn info(&self, message: impl Into<String>) {
        self.log(Level::Info, message).emit();
    }

    /// Logs `message` at [`Level::Warn`].
    pub fn warn(&self, message: impl Into<String>) {
        self.log(Level::Warn, message).emit();
    }

    /// Logs `message` at [`Level::Error`].
    pub fn error(&self, message: impl Into<String>) {
        self.log(Level::Error, message).emit();
    }

    /// Time since the host was built; never goes back.
    pub fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.client.time().monotonic_ns)
    }

    /// Time since 1970-01-01 00:00 UTC; may jump.
    pub fn unix_time(&self) -> Duration {
        Duration::from_nanos(self.client.time().unix_ns)
    }

    /// Runs `body` on a thread of the host's, from `start` on. The host cancels it at suspend and stop, and joins it
    /// under the manifest's `stop-deadline`: look at [`Task::is_cancelled`] or wait with [`Task::sleep`]. An error
    /// or a panic of the body is logged.
    ///
    /// # Errors
    ///
    /// The plugin has not reached `start` or has stopped, or the system gives no thread.
    pub fn spawn(
        &self,
        name: &str,
        body: impl FnOnce(&Task) -> Result<()> + Send + 'static,
    ) -> Result<TaskHandle> {
        let client = self.client;
        let number = client.spawn(name, move |number| body(&Task::new(client, number)))?;
        Ok(TaskHandle::new(client, number))
    }

    /// A handle to another plugin's actions. It survives that plugin's swaps, and may be taken before the plugin is
    /// there: a call says then that it is not. Calls go straight to the other library, not through the host.
    ///
    /// # Errors
    ///
    /// `id` is no plugin id, or this plugin has stopped.
    pub fn peer(&self, id: &str) -> Result<Peer> {
        Ok(Peer::new(self.client.peer(id)?))
    }

    /// What the plugin `id` made in its `build`, as of now.
    ///
    /// # Errors
    ///
    /// There is no such plugin, it has not run `build`, or this plugin has stopped.
    pub fn output(&self, id: &str) -> Result<Value> {
        self.client.output(id)
    }

    /// A handle to whoever provides the interface `I` in a version of `range`, whether or not somebody does yet: a call
    /// says then that nobody does. It survives swaps, and goes to whichever provider comes first of those that fit.
    ///
    /// ```no_run
    /// # use reactor_abi::prelude::*;
    /// # #[interface(name = "text.stats", version = "1.0.0")]
    /// # pub trait TextStats { fn words(&self, text: &str) -> u64; }
    /// # fn run(services: &Services) -> Result<()> {
    /// let stats = services.interface::<dyn TextStats>("^1")?;
    /// assert_eq!(stats.words("one two")?, 2);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// `range` is no range of versions, who provides the interface does not fit, or this plugin has stopped.
    pub fn interface<I: Interface + ?Sized>(&self, range: &str) -> Result<I::Handle> {
        interface::import::<I>(KeptClient::of_library(self.client), range, None)
    }

    /// As [`interface`](Self::interface), of the plugin `provider` and no other.
    ///
    /// # Errors
    ///
    /// As [`interface`](Self::interface); and `provider` is no plugin id.
    pub fn interface_of<I: Interface + ?Sized>(&self, provider: &str, range: &str) -> Result<I::Handle> {
        interface::import::<I>(KeptClient::of_library(self.client), range, Some(provider))
    }

    /// Opens a stream of at most `capacity` items that nobody has taken yet: the end that sends, and the one that a method
    /// of an interface returns. The host ends it when this generation is suspended or ends.
    ///
    /// # Errors
    ///
    /// This plugin has stopped, or has too many streams open.
    pub fn stream<T: Schema>(&self, capacity: usize) -> Result<(Sender<T>, Stream<T>)> {
        interface::stream(KeptClient::of_library(self.client), capacity)
    }

    /// Asks for the plugin `id` to be read and swapped again. Queued: it is carried out after this call.
    ///
    /// # Errors
    ///
    /// This plugin has stopped, or the host is shutting down.
    pub fn request_swap(&self, id: &str) -> Result<()> {
        self.client.request(RequestKind::Swap, id)
    }

    /// Asks for the plugin `id` to be switched off. Queued, as [`request_swap`](Self::request_swap).
    ///
    /// # Errors
    ///
    /// As [`request_swap`](Self::request_swap).
    pub fn request_disable(&self, id: &str) -> Result<()> {
        self.client.request(RequestKind::Disable, id)
    }

    /// Asks for the plugin `id` to be stopped. Queued, as [`request_swap`](Self::request_swap).
    ///
    /// # Errors
    ///
    /// As [`request_swap`](Self::request_swap).
    pub fn request_stop(&self, id: &str) -> Result<()> {
        self.client.request(RequestKind::Stop, id)
    }
}

macro_rules! contexts {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        ///
        /// It is also the [`Services`], by dereference; [`services`](Self::services) gives a copy to keep.
        pub struct $name<'a> {
            services: &'a Services,
        }

        impl<'a> $name<'a> {
            pub(crate) fn new(services: &'a Services) -> Self {
                Self { services }
            }

            /// A copy of the services, to keep.
            pub fn services(&self) -> Services {
                self.services.clone()
            }
        }

        impl Deref for $name<'_> {
            type Target = Services;

            fn deref(&self) -> &Services {
                self.services
            }
        }
    )*};
}

contexts! {
    /// The context of [`Plugin::init`](crate::Plugin::init).
    Init
    /// The context of [`Plugin::build`](crate::Plugin::build).
    Build
    /// The context of [`Plugin::after_registration`](crate::Plugin::after_registration).
    Registered
    /// The context of [`Plugin::start`](crate::Plugin::start) and of [`Plugin::resume`](crate::Plugin::resume).
    Start
}

/// The objects that an instance has offered: kept for as long as it is there.
pub(crate) type Offers = Mutex<Vec<Box<dyn Any + Send + Sync>>>;

/// The context of [`Plugin::register`](crate::Plugin::register).
///
/// It is also the [`Services`], by dereference; [`services`](Self::services) gives a copy to keep.
pub struct Register<'a> {
    services: &'a Services,
    offers: &'a Offers,
}

impl<'a> Register<'a> {
    pub(crate) fn new(services: &'a Services, offers: &'a Offers) -> Self {
        Self { services, offers }
    }

    /// A copy of the services, to keep.
    pub fn services(&self) -> Services {
        self.services.clone()
    }

    /// Provides the interface `I`, which the manifest lists. Callers reach `provider` from any thread, also several at
    /// once; it is dropped before the plugin itself is.
    ///
    /// ```
    /// # use reactor_abi::prelude::*;
    /// # #[interface(name = "text.stats", version = "1.0.0")]
    /// # pub trait TextStats { fn words(&self, text: &str) -> u64; }
    /// struct Stats;
    ///
    /// impl TextStats for Stats {
    ///     fn words(&self, text: &str) -> u64 {
    ///         text.split_whitespace().map(|_| 1).sum()
    ///     }
    /// }
    ///
    /// # struct Counting;
    /// # impl Plugin for Counting {
    /// # fn init(_: &mut Init<'_>) -> Result<Self> { Ok(Self) }
    /// fn register(&self, cx: &mut Register<'_>) -> Result<()> {
    ///     cx.provide::<dyn TextStats>(Stats)
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The manifest does not list the interface, or lists another version; or this plugin provides it already.
    pub fn provide<I: Interface + ?Sized>(&mut self, provider: impl ProvidedAs<I>) -> Result<()> {
        let offered = interface::offer::<I>(provider);
        self.services.client.provide(&offered)?;
        self.offers.lock().unwrap_or_else(PoisonError::into_inner).push(offered.object);
        Ok(())
    }
}

impl Deref for Register<'_> {
    type Target = Services;

    fn deref(&self) -> &Services {
        self.services
    }
}
