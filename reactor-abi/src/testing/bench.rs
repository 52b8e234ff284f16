//! What a test says before the plugin starts.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::running::Running;
use super::world::World;
use crate::error::Result;
use crate::ffi::stand_in::{self, Wire};
use crate::interface::{self, Interface, ProvidedAs};
use crate::plugin::Plugin;
use crate::value::Value;

/// A plugin that is about to be tried: who it is, and what it finds. See the [module](super).
pub struct Bench<P> {
    pub(super) about: About,
    pub(super) world: Arc<World>,
    plugin: PhantomData<fn() -> P>,
}

/// What every generation on the bench is told at birth.
#[derive(Clone)]
pub(super) struct About {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) config: Value,
    pub(super) plugin_dir: PathBuf,
    pub(super) state_schema: Option<u32>,
}

impl<P: Plugin> Default for Bench<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Plugin> Bench<P> {
    /// The plugin `plugin` in version 0.0.0 with an empty configuration, alone.
    pub fn new() -> Self {
        let about = About {
            id: "plugin".to_owned(),
            version: "0.0.0".to_owned(),
            config: Value::Map(std::collections::BTreeMap::new()),
            plugin_dir: PathBuf::new(),
            state_schema: None,
        };
        Self { about, world: Arc::default(), plugin: PhantomData }
    }

    /// Its id.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.about.id);
        self
    }

    /// Its version.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.about.version);
        self
    }

    /// Its configuration: a map.
    #[must_use]
    pub fn config(mut self, config: Value) -> Self {
        self.about.config = config;
        self
    }

    /// The folder that it finds its assets in.
    #[must_use]
    pub fn plugin_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.about.plugin_dir = folder.into();
        self
    }

    /// The schema that its manifest's `[state]` table names.
    #[must_use]
    pub fn state_schema(mut self, schema: u32) -> Self {
        self.about.state_schema = Some(schema);
        self
    }

    /// The time since 1970 at which the clock stands; it moves by [`Running::advance`] only.
    #[must_use]
    pub fn unix_time(self, time: Duration) -> Self {
        self.world.change(|inner| inner.unix = time);
        self
    }

    /// Another plugin's actions.
    #[must_use]
    pub fn peer(
        self,
        id: &str,
        actions: impl Fn(&str, Value) -> Result<Value> + Send + Sync + 'static,
    ) -> Self {
        self.world.change(|inner| inner.peers.insert(id.to_owned(), Wire::to_actions(Box::new(actions))));
        self
    }

    /// What another plugin's `build` made.
    #[must_use]
    pub fn output(self, id: &str, output: impl Into<Value>) -> Self {
        self.world.change(|inner| inner.outputs.insert(id.to_owned(), output.into()));
        self
    }

    /// Provides an interface, in the name of the application.
    ///
    /// # Panics
    ///
    /// It is provided twice.
    #[must_use]
    pub fn provide<I: Interface + ?Sized>(self, provider: impl ProvidedAs<I>) -> Self {
        let offered = interface::offer::<I>(provider);
        if let Err(error) = stand_in::offered(&self.world, "application", offered) {
            panic!("{error}");
        }
        self
    }

    /// Carries calls of interfaces as they are carried between processes: encoded.
    #[must_use]
    pub fn encoded(self) -> Self {
        self.world.change(|inner| inner.interfaces.encoded = true);
        self
    }

    /// Runs the phases from `init` to `start`.
    ///
    /// # Errors
    ///
    /// Of the phase that failed; what it had registered is taken back.
    pub fn start(self) -> Result<Running<P>> {
        Running::start(self)
    }
}
