//! Who serves: one thread that takes clients in, and one for each of them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::connection::{self, PATIENCE};
use super::message::{Hello, Reply};
use super::socket::{Accepted, Listener, Stream};
use super::{Client, ControlError};
use crate::host::{Host, HostError};

/// What clients may take of a host.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// How many may be connected.
    pub(super) clients: usize,
    /// The most bytes of a request.
    pub(super) request: usize,
    /// How long one may take for a request, and for taking some of an answer.
    pub(super) patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { clients: 64, request: 8 << 20, patience: PATIENCE }
    }
}

/// How long an ending host waits for its clients to take what it still had to say.
const FAREWELL: Duration = Duration::from_secs(1);

/// How many events the host keeps for clients that come later.
const KEPT: usize = 4096;

/// See the module.
pub(super) struct Server {
    /// Gone when the serving has ended: a call that a client has left inside must not keep what lasts of the host, such as
    /// its data folder, from who comes next.
    host: Mutex<Option<Arc<Host>>>,
    pub(super) hello: Hello,
    pub(super) limits: Limits,
    ended: AtomicBool,
    clients: Mutex<Clients>,
    /// Rung when a client has left.
    left: Condvar,
    /// The listener, and the thread that waits at it; gone when the serving has ended.
    door: Mutex<Option<(Arc<Listener>, JoinHandle<()>)>>,
}

#[derive(Default)]
struct Clients {
    next: u64,
    streams: HashMap<u64, Arc<Stream>>,
}

impl Server {
    /// Begins to serve `host` in `data`.
    pub(super) fn start(
        host: Host,
        hello: Hello,
        data: &Path,
        limits: Limits,
    ) -> Result<Arc<Self>, ControlError> {
        let Some(listener) = Listener::bind(data)? else {
            let by = Client::connect(data).map(|client| client.hello().name());
            let by = by.unwrap_or_else(|_| "a host that does not answer".to_owned());
            return Err(ControlError::Held { data: data.to_owned(), by });
        };
        host.keep_events(KEPT);
        let server = Arc::new(Self {
            host: Mutex::new(Some(Arc::new(host))),
            hello,
            limits,
            ended: AtomicBool::new(false),
            clients: Mutex::default(),
            left: Condvar::new(),
            door: Mutex::default(),
        });
        let listener = Arc::new(listener);
        let (ours, waits) = (Arc::clone(&server), Arc::clone(&listener));
        let thread = Builder::new().name("reactor-control".to_owned()).spawn(move || ours.take_in(&waits));
        let thread = thread.map_err(|source| ControlError::Socket { data: data.to_owned(), source })?;
        *server.door.lock().unwrap_or_else(PoisonError::into_inner) = Some((listener, thread));
        Ok(server)
    }

    /// The host, for as long as it is needed for an answer. To be let go before a plugin is called.
    pub(super) fn host(&self) -> Result<Arc<Host>, ControlError> {
        let host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
        host.clone().ok_or_else(|| ControlError::from(HostError::ShutDown))
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(super) fn connections(&self) -> usize {
        self.lock().streams.len()
    }

    fn lock(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the serving: the socket is removed, who waits finds the end, and who follows gets what there still was. A call
    /// that a client made goes on to its end; nobody waits for it.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        let door = self.door.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((listener, thread)) = door {
            listener.wake();
            // A panic of its own has been printed by it.
            let _ = thread.join();
        }
        drop(self.host.lock().unwrap_or_else(PoisonError::into_inner).take());
        let deadline = Instant::now() + FAREWELL;
        let mut clients = self.lock();
        clients.streams.values().for_each(|stream| stream.end_reading());
        while !clients.streams.is_empty() {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { return };
            clients = self.left.wait_timeout(clients, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes clients in until it is woken.
    fn take_in(self: &Arc<Self>, listener: &Listener) {
        while !self.has_ended() {
            match listener.accept() {
                Accepted::Woken => return,
                Accepted::Nobody => {}
                Accepted::Client(stream) => self.welcome(stream),
            }
        }
    }

    fn welcome(self: &Arc<Self>, stream: Stream) {
        let stream = Arc::new(stream);
        let place = {
            let mut clients = self.lock();
            if clients.streams.len() >= self.limits.clients {
                None
            } else {
                clients.next += 1;
                let number = clients.next;
                clients.streams.insert(number, Arc::clone(&stream));
                Some(Place { server: Arc::clone(self), number })
            }
        };
        let Some(place) = place else {
            // A line fits into the empty buffer of a new connection: nobody waits here.
            return connection::say(
                &stream,
                &Reply::refuse(&ControlError::Full { most: self.limits.clients }),
                Duration::ZERO,
            );
        };
        let serve = move || connection::serve(&place.server, &stream);
        // Without a thread the client finds a closed connection, and may try again.
        let _ = Builder::new().name("reactor-client".to_owned()).spawn(serve);
    }
}

/// A client's place, free again when this is dropped.
struct Place {
    server: Arc<Server>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.lock().streams.remove(&self.number);
        self.server.left.notify_all();
    }
}
