//! What a plugin's requests arrive with, and whom they are passed on to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use reactor_abi::Error;
use reactor_abi::ffi::interface::StreamStatus;
use reactor_abi::ffi::{RawContext, RequestKind, Time};
use reactor_abi::interface::{Provider, Want};
use reactor_abi::log::Level;

use super::life::{Life, Stage};
use super::pool::{Lease, Target};
use crate::interfaces::Wanted;
use crate::manifest::PluginId;

/// What the services ask of the host above. The boundary knows no more of it.
pub(crate) trait Desk: Send + Sync {
    /// A plugin logs.
    fn log(&self, life: &Life, level: Level, message: &str, fields: &[(String, reactor_abi::Value)]);
    /// Both clocks.
    fn time(&self) -> Time;
    /// Queue a request of a plugin's.
    fn request(&self, life: &Life, kind: RequestKind, target: PluginId) -> Result<(), Error>;
    /// What the plugin built last, encoded, as this generation is to see it.
    fn output(&self, life: &Life, plugin: &PluginId) -> Result<Vec<u8>, Error>;
    /// A cell for the calls of a generation to `target`.
    fn lease(&self, life: &Life, target: &Target) -> Arc<Lease>;
    /// A question for an interface, checked: the same object for the same question. Refused when somebody provides the
    /// interface and nobody in a way that fits.
    fn wanted(&self, life: &Life, want: Want) -> Result<Arc<Wanted>, Error>;
    /// Who a generation's calls of an interface go to.
    fn provider(&self, life: &Life, wanted: &Arc<Wanted>) -> Result<Provider, Error>;
    /// A generation has begun to offer this interface.
    fn offered(&self, life: &Life, interface: &str);
    /// Opens a stream that a generation adds to.
    fn stream_open(&self, life: &Life, capacity: u32) -> Result<u64, Error>;
    /// Adds an item; waits so long while the stream is full.
    fn stream_push(&self, life: &Life, stream: u64, item: &[u8], wait: Duration) -> StreamStatus;
    /// Ends a stream that the generation adds to. `error`: an encoded one, or nothing.
    fn stream_close(&self, life: &Life, stream: u64, error: &[u8]);
    /// Takes an item; waits so long while there is none. With `Closed`: an encoded error, or nothing.
    fn stream_next(&self, life: &Life, stream: u64, wait: Duration) -> (StreamStatus, Vec<u8>);
    /// Takes no more items.
    fn stream_cancel(&self, stream: u64);
    /// Something that somebody may wait for has changed.
    fn notify(&self);
    /// A task has panicked, and was counted.
    fn panicked(&self, life: &Life);
    /// The process of a generation has ended, for this reason, and nobody had asked it to.
    fn died(&self, life: &Life, reason: Error);
}

/// The most plugins and interfaces that one generation calls: each that it asks for costs the host a cell and a route, also
/// where nobody is.
pub(crate) const MOST_IMPORTS: usize = 4_096;

/// The address that a plugin's requests carry. Freed when its library is closed; never, when it is not.
pub(crate) struct Context {
    pub(crate) life: Arc<Life>,
    desk: Weak<dyn Desk>,
    imports: Mutex<HashMap<Target, Arc<Lease>>>,
}

impl Context {
    pub(super) fn new(life: Arc<Life>, desk: Weak<dyn Desk>) -> Self {
        Self { life, desk, imports: Mutex::default() }
    }

    pub(super) fn raw(&self) -> RawContext {
        RawContext(std::ptr::from_ref(self).cast())
    }

    /// # Safety
    ///
    /// `raw` is the address of a context that was not yet freed: its library is open.
    #[expect(clippy::cast_ptr_alignment, reason = "it is the address of a context")]
    pub(super) unsafe fn of<'a>(raw: RawContext) -> &'a Self {
        // SAFETY: the caller promises it.
        unsafe { &*raw.0.cast::<Self>() }
    }

    /// The host, if the generation may still ask for things.
    pub(crate) fn desk(&self) -> Result<Arc<dyn Desk>, Error> {
        if self.life.stage() == Stage::Ended {
            return Err(Error::new(
                "RE0606",
                format!(
                    "generation {} of {} has stopped: its services refuse",
                    self.life.number, self.life.plugin
                ),
            ));
        }
        self.desk.upgrade().ok_or_else(|| Error::new("RE0605", "the host has shut down"))
    }

    /// Has the handles that the plugin was given refuse from here on.
    pub(super) fn cut_imports(&self) {
        let imports = self.imports.lock().unwrap_or_else(PoisonError::into_inner);
        imports.values().for_each(|lease| lease.cut());
    }

    /// This generation's own cell for calls to `target`, made at first use.
    pub(crate) fn import(&self, target: &Target) -> Result<Arc<Lease>, Error> {
        let mut imports = self.imports.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock: who ends the generation sets its stage before it cuts what is in here.
        let desk = self.desk()?;
        if imports.len() >= MOST_IMPORTS && !imports.contains_key(target) {
            return Err(self.imports_too_much());
        }
        Ok(Arc::clone(imports.entry(target.clone()).or_insert_with(|| desk.lease(&self.life, target))))
    }

    /// Why the generation is given no more to call others by.
    pub(crate) fn imports_too_much(&self) -> Error {
        let Life { plugin, number, .. } = &*self.life;
        Error::new(
            "RE0645",
            format!(
                "generation {number} of {plugin} has asked for {MOST_IMPORTS} plugins and interfaces to call, which is the \
                 most: keep the handles, and ask only for what is there"
            ),
        )
    }
}
