//! Plugins in processes of their own: how one is started, spoken with, and ended. Safe code, for Unix.
//!
//! A plugin's process is an ordinary child of the host's. It inherits a socket and the streams for output, opens the
//! library by the same machinery as the host would, and serves one instance of it. `frame` is what goes over the
//! socket, `line` the conversation, `keeper` the process itself; `host` stands on the host's side of it and `child` on
//! the other. Must never know why a plugin runs, nor what becomes of one whose process has ended.

mod child;
mod crew;
mod frame;
mod greeting;
mod host;
mod keeper;
mod lending;
mod line;

pub(crate) use child::serve_if_asked;
pub(crate) use host::Process;

/// How long the process may take to say that it is there.
const GREETING: std::time::Duration = std::time::Duration::from_secs(10);

/// The host failed, or the child's own code did, while it served the other side.
fn failure_of_ours() -> reactor_abi::Error {
    crate::native::services::failed()
}
