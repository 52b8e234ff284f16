//! What is known of a panic that was caught at the boundary: its message, and where it began.
//!
//! Must never allocate or print while a panic is under way: the hook runs in whatever state the plugin is in.

use std::any::Any;
use std::cell::Cell;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;

/// How many panics the hook of this library has seen.
static SEEN: AtomicU64 = AtomicU64::new(0);

thread_local!(static PLACE: Cell<Option<Place>> = const { Cell::new(None) });

/// Where this thread last panicked, in fixed memory: a thread-local that owned some would need a destructor.
#[derive(Clone, Copy)]
struct Place {
    /// Its number among the panics that [`SEEN`] counts.
    number: u64,
    len: usize,
    text: [u8; 160],
}

impl Place {
    fn text(&self) -> &[u8] {
        &self.text[..self.len]
    }
}

impl std::io::Write for Place {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = bytes.len().min(self.text.len() - self.len);
        self.text[self.len..self.len + taken].copy_from_slice(&bytes[..taken]);
        self.len += taken;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The panic hook of a loaded plugin: remembers the place and prints nothing. std's own hook would print, and a
/// symbolised backtrace leaks a file mapping per library.
pub(super) fn note(panic: &std::panic::PanicHookInfo<'_>) {
    let number = SEEN.fetch_add(1, Ordering::Relaxed) + 1;
    let mut place = Place { number, len: 0, text: [0; 160] };
    if let Some(location) = panic.location() {
        let written = write!(place, "{}:{}:{}", location.file(), location.line(), location.column());
        if written.is_ok() {
            PLACE.with(|slot| slot.set(Some(place)));
        }
    }
}

/// To be asked before code is run that may panic: what [`error`] tells a place of this panic from an older one by. One
/// load of a static, since every typed call asks; forgetting the old place would reach for a thread-local.
#[inline]
pub(crate) fn so_far() -> u64 {
    SEEN.load(Ordering::Relaxed)
}

/// The error for a panic that was caught, with its place unless that was noted `before` (the plugin had caught that one
/// itself). The payload is the plugin's and is dropped here, where that may panic again.
#[cold]
pub(crate) fn error(payload: Box<dyn Any + Send>, before: u64) -> Error {
    // Before the payload is dropped, which may panic somewhere else.
    let place = PLACE.with(Cell::take).filter(|place| place.number > before);
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a payload that is no text".to_owned());
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // Dropping this one might go on for ever.
        std::mem::forget(second);
    }
    let text = place.map_or_else(
        || format!("panicked: {message}"),
        |place| format!("panicked at {}: {message}", String::from_utf8_lossy(place.text())),
    );
    Error::new("RE0603", text)
}
