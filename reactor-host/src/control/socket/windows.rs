//! A named pipe whose name is made from the data folder's path.
//!
//! Its security descriptor lets in the system and the owner, and clients of other machines are refused by the crate. Named
//! pipes have no timeouts, so both directions look again every few milliseconds until their deadline.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use interprocess::local_socket::traits::{Listener as _, Stream as _};
use interprocess::local_socket::{
    self, GenericNamespaced, ListenerNonblockingMode, ListenerOptions, Name, ToNsName as _,
};
use interprocess::os::windows::local_socket::ListenerOptionsExt as _;
use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use widestring::U16CString;

use super::{Accepted, lock};
use crate::control::ControlError;
use crate::control::lines::Source;

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(5);

/// All rights for the system and for the owner, none for anybody else.
const RIGHTS: &str = "D:P(A;;GA;;;SY)(A;;GA;;;OW)";

fn name(data: &Path) -> io::Result<Name<'static>> {
    let path = data.canonicalize()?;
    let mut hash = crate::discover::ContentHash::of(path.to_string_lossy().as_bytes()).to_string();
    hash.truncate(32);
    format!("reactor-{hash}").to_ns_name::<GenericNamespaced>()
}

/// The pipe of a host.
pub(in crate::control) struct Listener {
    listener: local_socket::Listener,
    woken: AtomicBool,
    /// Held for as long as the pipe is served.
    _lock: File,
}

impl Listener {
    /// Serves for `data`. `None`: somebody does already.
    pub(in crate::control) fn bind(data: &Path) -> Result<Option<Self>, ControlError> {
        let failed = |source| ControlError::Socket { data: data.to_owned(), source };
        let Some(lock) = lock(data).map_err(failed)? else { return Ok(None) };
        let rights = U16CString::from_str_truncate(RIGHTS);
        let made = || {
            ListenerOptions::new()
                .name(name(data)?)
                .nonblocking(ListenerNonblockingMode::Both)
                .security_descriptor(SecurityDescriptor::deserialize(&rights)?)
                .create_sync()
        };
        let listener = made().map_err(failed)?;
        Ok(Some(Self { listener, woken: AtomicBool::new(false), _lock: lock }))
    }

    /// Waits for a client.
    pub(in crate::control) fn accept(&self) -> Accepted {
        loop {
            if self.woken.load(Ordering::Acquire) {
                return Accepted::Woken;
            }
            match self.listener.accept() {
                Ok(client) => return Accepted::Client(Stream::new(client)),
                Err(error) => {
                    std::thread::sleep(PAUSE);
                    if error.kind() != io::ErrorKind::WouldBlock {
                        return Accepted::Nobody;
                    }
                }
            }
        }
    }

    /// Has `accept` return, now and from here on.
    pub(in crate::control) fn wake(&self) {
        self.woken.store(true, Ordering::Release);
    }
}

/// One connection.
#[derive(Debug)]
pub(in crate::control) struct Stream {
    pipe: local_socket::Stream,
    ended: AtomicBool,
}

impl Stream {
    fn new(pipe: local_socket::Stream) -> Self {
        Self { pipe, ended: AtomicBool::new(false) }
    }

    /// Connects to the host that serves for `data`.
    pub(in crate::control) fn connect(data: &Path) -> io::Result<Self> {
        let pipe = local_socket::Stream::connect(name(data)?)?;
        pipe.set_nonblocking(true)?;
        Ok(Self::new(pipe))
    }

    /// Whether this error of `connect` says that nobody serves there.
    pub(in crate::control) fn says_nobody(error: &io::Error) -> bool {
        matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
    }

    /// The security descriptor has decided.
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "other systems ask the connection")]
    pub(in crate::control) fn check_peer(&self) -> Result<(), ControlError> {
        Ok(())
    }

    /// Writes all of `bytes`; the other side must take some every `patience`.
    pub(in crate::control) fn send(&self, mut bytes: &[u8], patience: Duration) -> io::Result<()> {
        let mut since = Instant::now();
        while !bytes.is_empty() {
            match (&self.pipe).write(bytes) {
                Ok(0) => {}
                Ok(written) => {
                    (bytes, since) = (&bytes[written..], Instant::now());
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if since.elapsed() >= patience {
                return Err(io::ErrorKind::TimedOut.into());
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Whether the other side has closed. Writing nothing asks the pipe without leaving anything in it.
    pub(in crate::control) fn is_gone(&self) -> bool {
        (&self.pipe).write(&[]).is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock)
    }

    /// Has whoever reads here find the end.
    pub(in crate::control) fn end_reading(&self) {
        self.ended.store(true, Ordering::Release);
    }
}

impl Source for std::sync::Arc<Stream> {
    fn read_some(&self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        loop {
            if self.ended.load(Ordering::Acquire) {
                return Ok(0);
            }
            match (&self.pipe).read(buffer) {
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(0),
                result => return result,
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            std::thread::sleep(PAUSE);
        }
    }
}
