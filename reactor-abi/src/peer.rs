//! Calling another plugin.

use crate::error::Result;
use crate::ffi::CellRef;
use crate::ffi::client;
use crate::value::Value;

/// A handle to another plugin's actions. It names the plugin and owns nothing of it: whichever generation serves when
/// a call is made is pinned for that call.
#[derive(Clone, Copy)]
pub struct Peer {
    cell: CellRef,
}

impl Peer {
    pub(crate) fn new(cell: CellRef) -> Self {
        Self { cell }
    }

    /// Runs an action of the other plugin, on this thread.
    ///
    /// # Errors
    ///
    /// The plugin's own error; that it panicked (`RE0603`); that it is not there (`RE0601`); or that its state is
    /// being handed over and took too long (`RE0604`).
    pub fn invoke(&self, action: &str, value: &Value) -> Result<Value> {
        client::invoke(self.cell, action, value)
    }
}
