//! The thread that writes, for as long as somebody holds the store.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::disk::Disk;
use super::error::StoreError;
use super::queue::Core;

/// Ends the writer when it is dropped, after it has written what there is.
#[derive(Debug)]
pub(super) struct Writer {
    core: Arc<Core>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(core: Arc<Core>, disk: Disk) -> Result<Self, StoreError> {
        let thread = std::thread::Builder::new().name("reactor-store".to_owned()).spawn({
            let core = Arc::clone(&core);
            move || work(&core, disk)
        });
        let thread = thread.map_err(|error| StoreError::Thread { message: error.to_string() })?;
        Ok(Self { core, thread: Mutex::new(Some(thread)) })
    }

    /// Writes what there is and lets the disk go. Once; later calls do nothing.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        if thread.thread().id() == std::thread::current().id() {
            // The last clone went with the listener: the thread ends when it comes back from there.
            self.core.close();
            return Ok(());
        }
        let written = self.core.flush();
        self.core.close();
        // It does not panic; if it does, its thread has printed why, and the folder is free all the same.
        let _ = thread.join();
        written
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // What could not be written was told when it was tried.
        let _ = self.close();
    }
}

/// Says that nobody writes any more, also should the thread panic: who waits for a ticket must not wait for ever.
struct Gone<'a>(&'a Core);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.closed();
    }
}

fn work(core: &Core, mut disk: Disk) {
    let _gone = Gone(core);
    while let Some(batch) = core.take() {
        let (keys, upto) = (batch.keys(), batch.upto());
        let outcome = disk.write(batch);
        core.ended(keys, upto, outcome);
    }
    // Before anybody hears that it is closed.
    drop(disk);
}
