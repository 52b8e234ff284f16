//! Guarantees: orders from inside a plugin, wherever they are given: refused by code, queued or carried out, and nobody
//! waits for himself.

mod dropping;
mod ordering;

use std::sync::{Arc, Mutex};

use reactor_host::Host;

/// Where a plugin that is linked in finds the application's host.
type Shelf = Arc<Mutex<Option<Arc<Host>>>>;

/// The host on a shelf, for a moment.
fn found(shelf: &Shelf) -> Option<Arc<Host>> {
    shelf.lock().expect("nobody panicked").clone()
}
