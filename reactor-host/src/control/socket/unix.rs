//! A Unix domain socket in the data folder.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use super::{Accepted, lock};
use crate::control::ControlError;
use crate::control::lines::Source;

/// The socket's name in the data folder.
const NAME: &str = "control.sock";

/// The longest path that every system's socket address holds (macOS: 104 bytes with the end).
const LONGEST: usize = 100;

/// How long a listener rests when the system refuses a client's descriptor, so as not to spin.
const REST: Duration = Duration::from_millis(100);

/// A path to the socket that fits into an address, and what keeps it good.
struct Address {
    path: PathBuf,
    _folder: Option<File>,
}

impl Address {
    /// Of the socket in `data`. A long path is gone around: by an open descriptor of the folder, or where the system has
    /// no names for those, by a folder of this user's beside the temporary files.
    fn of(data: &Path) -> io::Result<Self> {
        let path = data.join(NAME);
        if path.as_os_str().len() <= LONGEST {
            return Ok(Self { path, _folder: None });
        }
        if cfg!(target_os = "linux") {
            use std::os::fd::AsRawFd as _;
            let folder = File::open(data)?;
            let path = PathBuf::from(format!("/proc/self/fd/{}/{NAME}", folder.as_raw_fd()));
            return Ok(Self { path, _folder: Some(folder) });
        }
        Self::short(data)
    }

    /// A name for `data` in a folder with a short path, for this user alone.
    fn short(data: &Path) -> io::Result<Self> {
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::fs::DirBuilderExt as _;
        let folder = std::env::temp_dir().join(format!("reactor-{}", own_user()));
        match fs::DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        if let Some(why) = not_private(&folder)? {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("{}: {why}", folder.display()),
            ));
        }
        let mut name =
            crate::discover::ContentHash::of(data.canonicalize()?.as_os_str().as_bytes()).to_string();
        name.truncate(16);
        Ok(Self { path: folder.join(name + ".sock"), _folder: None })
    }
}

fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// What is wrong with a folder that only its user should be able to enter, and what to do.
fn not_private(folder: &Path) -> io::Result<Option<String>> {
    let metadata = fs::metadata(folder)?;
    let (user, mode) = (own_user(), metadata.mode() & 0o777);
    Ok(if metadata.uid() != user {
        Some(format!(
            "it belongs to user {}, and this is user {user}; name a folder of this user's",
            metadata.uid()
        ))
    } else if mode & 0o077 != 0 {
        Some(format!("its mode is {mode:o}, so others can enter it; `chmod 700` it, or name another folder"))
    } else {
        None
    })
}

/// The socket of a host.
pub(in crate::control) struct Listener {
    socket: UnixListener,
    address: Address,
    /// Written to by `wake`, waited for by `accept`.
    wake: (UnixStream, UnixStream),
    /// Held for as long as the socket is served.
    _lock: File,
}

impl Listener {
    /// Serves in `data`. `None`: somebody does already.
    pub(in crate::control) fn bind(data: &Path) -> Result<Option<Self>, ControlError> {
        let failed = |source| ControlError::Socket { data: data.to_owned(), source };
        if let Some(why) = not_private(data).map_err(failed)? {
            return Err(ControlError::NotPrivate { data: data.to_owned(), why });
        }
        let Some(lock) = lock(data).map_err(failed)? else { return Ok(None) };
        let address = Address::of(data).map_err(failed)?;
        // Nobody serves, so a socket that stands there was left by a host that was killed. What is no socket is not
        // ours to remove.
        if fs::symlink_metadata(&address.path).is_ok_and(|metadata| metadata.file_type().is_socket()) {
            fs::remove_file(&address.path).map_err(failed)?;
        }
        let listener = UnixListener::bind(&address.path).map_err(failed)?;
        let made = || {
            // The folder lets nobody else in meanwhile.
            fs::set_permissions(&address.path, fs::Permissions::from_mode(0o600))?;
            listener.set_nonblocking(true)?;
            UnixStream::pair()
        };
        match made() {
            Ok(wake) => Ok(Some(Self { socket: listener, address, wake, _lock: lock })),
            Err(error) => {
                let _ = fs::remove_file(&address.path);
                Err(failed(error))
            }
        }
    }

    /// Waits for a client.
    pub(in crate::control) fn accept(&self) -> Accepted {
        let mut wait = [PollFd::new(&self.socket, PollFlags::IN), PollFd::new(&self.wake.1, PollFlags::IN)];
        let polled = poll(&mut wait, None);
        if !wait[1].revents().is_empty() {
            return Accepted::Woken;
        }
        let client = polled.map_err(io::Error::from).and_then(|_| self.socket.accept());
        match client.and_then(|(client, _)| client.set_nonblocking(false).map(|()| client)) {
            Ok(client) => Accepted::Client(Stream(client)),
            Err(error) => {
                let passing =
                    [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted, io::ErrorKind::ConnectionAborted];
                if !passing.contains(&error.kind()) {
                    self.rest();
                }
                Accepted::Nobody
            }
        }
    }

    /// Lets time pass, unless it is woken.
    fn rest(&self) {
        let rest = rustix::time::Timespec::try_from(REST).ok();
        // Woken or not, `accept` looks again.
        let _ = poll(&mut [PollFd::new(&self.wake.1, PollFlags::IN)], rest.as_ref());
    }

    /// Has `accept` return, now and from here on.
    pub(in crate::control) fn wake(&self) {
        // It fails when nobody has read the last one, which is as good.
        let _ = self.wake.0.set_nonblocking(true);
        let _ = (&self.wake.0).write(&[0]);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The lock is still held: it is this one's. What can not be removed is taken for a killed host's.
        let _ = fs::remove_file(&self.address.path);
    }
}

/// One connection.
#[derive(Debug)]
pub(in crate::control) struct Stream(UnixStream);

impl Stream {
    /// Connects to the host that serves in `data`.
    pub(in crate::control) fn connect(data: &Path) -> io::Result<Self> {
        let address = Address::of(data)?;
        UnixStream::connect(&address.path).map(Self)
    }

    /// Whether this error of `connect` says that nobody serves there.
    pub(in crate::control) fn says_nobody(error: &io::Error) -> bool {
        matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::ConnectionRefused
        )
    }

    /// Asks the system who the other side is. Where it does not say, the folder's mode and the socket's must do.
    pub(in crate::control) fn check_peer(&self) -> Result<(), ControlError> {
        #[cfg(target_os = "linux")]
        {
            let peer = rustix::net::sockopt::socket_peercred(&self.0).map_err(|_| ControlError::Gone)?;
            let (found, own) = (peer.uid.as_raw(), own_user());
            if found != own && found != 0 && own != 0 {
                return Err(ControlError::OtherUser { found, own });
            }
        }
        Ok(())
    }

    /// Writes all of `bytes`; the other side must take some every `patience`.
    pub(in crate::control) fn send(&self, bytes: &[u8], patience: Duration) -> io::Result<()> {
        self.0.set_write_timeout(Some(patience))?;
        (&self.0).write_all(bytes)
    }

    /// Whether the other side has closed, as far as can be told without waiting.
    pub(in crate::control) fn is_gone(&self) -> bool {
        use rustix::net::{RecvFlags, recv};
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        match recv(&self.0, &mut [0_u8; 1][..], flags) {
            Ok((read, _)) => read == 0,
            Err(error) => error != rustix::io::Errno::AGAIN && error != rustix::io::Errno::INTR,
        }
    }

    /// Has whoever reads here find the end.
    pub(in crate::control) fn end_reading(&self) {
        // It has been closed already if it fails.
        let _ = self.0.shutdown(Shutdown::Read);
    }
}

impl Source for std::sync::Arc<Stream> {
    fn read_some(&self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        loop {
            let left = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(left) if left.is_zero() => return Err(io::ErrorKind::TimedOut.into()),
                left => left,
            };
            self.0.set_read_timeout(left)?;
            match (&self.0).read(buffer) {
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(0),
                result => return result,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn private() -> tempfile::TempDir {
        tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().expect("a folder")
    }

    #[test]
    fn a_long_path_has_a_short_name_on_every_system() {
        let data = private();
        let (one, again) =
            (Address::short(data.path()).expect("a name"), Address::short(data.path()).expect("a name"));
        assert_eq!(one.path, again.path, "both sides find it");
        let other = Address::short(private().path()).expect("a name");
        assert_ne!(one.path, other.path);
        let folder = one.path.parent().expect("in a folder");
        assert_eq!(not_private(folder).expect("it is there"), None);
        assert!(one.path.as_os_str().len() < LONGEST || std::env::temp_dir().as_os_str().len() > 60);
    }

    #[test]
    fn what_is_no_socket_is_not_removed() {
        let data = private();
        fs::write(data.path().join(NAME), "mine").expect("written");
        let error = Listener::bind(data.path()).err().expect("it is in the way");
        assert_eq!(error.code(), "RE1003");
        assert_eq!(fs::read_to_string(data.path().join(NAME)).expect("it is there"), "mine");
    }
}
