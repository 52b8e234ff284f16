//! The socket itself, one small file for each kind of system. Each has the same few things:
//!
//! - `Listener`: `bind` in a data folder, `accept`, `wake` from another thread; removed when dropped;
//! - `Stream`: `connect` to a data folder; reading and writing with deadlines, by `&self`; `is_gone`, `end`.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use self::unix::{Listener, Stream};
#[cfg(windows)]
pub(super) use self::windows::{Listener, Stream};

/// What a listener was woken by.
pub(super) enum Accepted {
    /// A client.
    Client(Stream),
    /// Nobody after all: the client has gone again, or the system has no descriptor to spare just now.
    Nobody,
    /// [`Listener::wake`].
    Woken,
}

/// The file that the one who serves holds locked, in the data folder: what else stands there was left by a host that
/// was killed.
const LOCK: &str = "control.lock";

/// Takes the lock of a data folder. `None`: somebody else has it.
fn lock(data: &std::path::Path) -> std::io::Result<Option<std::fs::File>> {
    let lock = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(data.join(LOCK))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}
