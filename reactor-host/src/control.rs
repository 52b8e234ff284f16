//! The control socket: how a person's command finds a running host by its data folder, and acts on it.
//!
//! Owns the socket in the data folder, who may connect, and the words that are spoken over it. It must never decide
//! anything about a plugin: each request comes to one method of [`Host`], and the host never waits for a client.
//!
//! # The protocol, version 1
//!
//! `<data>/control.sock` is a socket of the local machine; on Windows it is a named pipe whose name is made from the
//! folder's path. Both sides send JSON, one object a line. The host begins with a [`Hello`]; it tells who answers. The
//! client then sends a [`Request`], and waits for its answer before it sends the next one:
//!
//! ```text
//! < {"reactor":"control","protocol":1,"host":"dev.example.editor","version":"1.6.0","api":"1.0.0","pid":4711}
//! > {"do":"call","plugin":"greeting","action":"greet","value":{"name":"Ada"}}
//! < {"ok":{"message":"Hello Ada"}}
//! > {"do":"call","plugin":"greeting","action":"wave"}
//! < {"error":{"code":"RE0602","message":"greeting has no action `wave`"}}
//! > {"do":"events","follow":true}
//! < {"event":{"seq":1,"at_us":812,"plugin":"greeting","event":"loaded", …}}
//! < {"lost":12}
//! < {"ok":{"end":"host"}}
//! ```
//!
//! Every error has the code that it has everywhere. An answer that takes long delays the connection that asked, and no
//! other one.
//!
//! # Who may connect
//!
//! The folder must be one that only its user can enter, the socket has mode 0600, and on Linux each side asks the system
//! who the other one is: the same user, or root. Whoever may connect may call plugins and swap them, but not name code
//! to be run: that is what the plugin folders are for.
//!
//! # What clients can not do to a host
//!
//! At most 64 are connected; one more is told so and sent away. A request has at most 8 MiB and must be complete ten
//! seconds after the answer before it. A client that takes nothing for ten seconds is cut off; until then, events that it
//! does not read are dropped and counted.

mod client;
mod connection;
mod error;
mod feed;
mod lines;
mod message;
mod server;
mod socket;
#[cfg(all(test, unix))]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

pub use self::client::{Client, Feed, News};
pub use self::error::ControlError;
pub use self::message::{End, Hello, QuarantinedBuild, Request};
use self::server::{Limits, Server};
use crate::host::Host;

/// The version of what is spoken. One that differs is refused by the client.
pub const PROTOCOL: u32 = 1;

/// Serves the control socket of a host; dropping it ends that, and changes nothing that runs.
#[must_use = "the control socket is served until this is dropped"]
pub struct Control {
    server: Arc<Server>,
}

impl Control {
    /// How many clients are connected.
    pub fn connections(&self) -> usize {
        self.server.connections()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.server.end();
    }
}

/// What a host knows of its control socket. Dropped with the host, which ends the serving.
pub(crate) struct Seat {
    hello: Hello,
    data: Option<PathBuf>,
    server: Mutex<Weak<Server>>,
}

impl Seat {
    /// For a host of this name, with this data folder if it has one.
    pub(crate) fn new(host: &str, version: &str, data: Option<PathBuf>) -> Self {
        Self { hello: Hello::of(host, version), data, server: Mutex::default() }
    }

    /// Where a client's view of the host has it: nothing is served from there.
    pub(crate) fn elsewhere() -> Self {
        Self::new("", "", None)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let server = self.server.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = server.upgrade() {
            server.end();
        }
    }
}

impl Host {
    /// Lets commands of this user reach the host: serves a control socket in the data folder until the guard, or the
    /// host, is dropped. What is said there is in [`control`](crate::control).
    ///
    /// The data folder must have been named by [`data_dir`](crate::HostBuilder::data_dir), and be one that only its user
    /// can enter. From here on the host also keeps its last events, for clients that come later.
    ///
    /// # Errors
    ///
    /// No data folder, or one that others can enter; a socket that can not be made; another host that serves there.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let builder = reactor_host::Host::builder("dev.example.editor", "1.6.0").data_dir("/home/ada/.editor/plugins");
    /// let host = builder.build()?;
    /// let _control = host.serve_control()?; // `reactor list --data /home/ada/.editor/plugins` is answered from here on
    /// # Ok(())
    /// # }
    /// ```
    pub fn serve_control(&self) -> Result<Control, ControlError> {
        let data = self.seat.data.as_deref().ok_or(ControlError::NoDataFolder)?;
        let mut seat = self.seat.server.lock().unwrap_or_else(PoisonError::into_inner);
        if seat.upgrade().is_some_and(|server| !server.has_ended()) {
            return Err(ControlError::Served { data: data.to_owned() });
        }
        let server = Server::start(self.view(), self.seat.hello.clone(), data, Limits::default())?;
        *seat = Arc::downgrade(&server);
        Ok(Control { server })
    }
}
