//! The terminal while the live view has it: an alternate screen, so that the one before comes back.
//!
//! Standard output, and standard error if it goes to a terminal too, are put aside meanwhile: what cargo and plugins
//! print becomes lines of the view. A pipe that is always read takes them, so that nobody who prints waits for the
//! terminal.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, PipeReader, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, Once, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::{dup2_stderr, dup2_stdout};
use rustix::termios::tcgetwinsize;

use super::frame::Size;
use crate::error::CliError;

/// Alternate screen, no cursor, lines that do not wrap.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?7l";
/// All of it undone.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
/// How long giving the terminal back waits for one that takes nothing.
const PATIENCE: Duration = Duration::from_millis(500);
/// The most of a line that is read before it counts as one.
const LINE_BYTES: u64 = 4096;

/// See the module.
pub(super) struct Terminal {
    inner: std::sync::Arc<Inner>,
    colours: bool,
    /// Ends when nobody prints any more.
    chatter: Mutex<Option<Receiver<()>>>,
}

struct Inner {
    /// The terminal, for whoever draws.
    tty: Mutex<File>,
    /// The same, to be put back as standard output.
    stdout: OwnedFd,
    /// What standard error was, where it was put aside.
    stderr: Option<OwnedFd>,
    entered: AtomicBool,
}

/// The terminal that is to be given back however this process ends.
static ENTERED: Mutex<Weak<Inner>> = Mutex::new(Weak::new());

/// Gives the terminal back, if the live view has it: before a panic is told, and before the process ends at once.
pub(crate) fn restore() {
    // Somebody who panics while it is locked must not wait for itself.
    let Ok(entered) = ENTERED.try_lock() else { return };
    let inner = entered.upgrade();
    drop(entered);
    if let Some(inner) = inner {
        inner.leave();
    }
}

impl Terminal {
    /// The terminal that standard output goes to.
    pub(super) fn open() -> Result<Option<Self>, CliError> {
        let stdout = io::stdout();
        let colours = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
        let copy = || stdout.as_fd().try_clone_to_owned();
        let stderr = io::stderr();
        let stderr = stderr.is_terminal().then(|| stderr.as_fd().try_clone_to_owned()).transpose()?;
        let tty = Mutex::new(File::from(copy()?));
        let inner = Inner { tty, stdout: copy()?, stderr, entered: AtomicBool::new(false) };
        Ok(Some(Self { inner: inner.into(), colours, chatter: Mutex::default() }))
    }

    /// Takes it over, without waiting for it. What is printed from now on by whomever is handed to `line`.
    pub(super) fn enter(&self, line: impl FnMut(&str) + Send + 'static) -> Result<(), CliError> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let tell = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                restore();
                tell(info);
            }));
        });
        let (reader, writer) = io::pipe()?;
        let (ended, chatter) = channel();
        let thread = std::thread::Builder::new().name("reactor-chatter".to_owned());
        let work = move || {
            listen(reader, line);
            // Nobody waits for it if the end came first.
            let _ = ended.send(());
        };
        thread.spawn(work).map_err(|source| CliError::Thread { source })?;
        *self.chatter.lock().unwrap_or_else(PoisonError::into_inner) = Some(chatter);
        *ENTERED.lock().unwrap_or_else(PoisonError::into_inner) = std::sync::Arc::downgrade(&self.inner);
        self.inner.entered.store(true, Ordering::SeqCst);
        dup2_stdout(&writer).map_err(io::Error::from)?;
        if self.inner.stderr.is_some() {
            dup2_stderr(&writer).map_err(io::Error::from)?;
        }
        Ok(())
    }

    /// Makes room for drawing, at first and after somebody else wrote to it. However long that takes.
    pub(super) fn clear(&self) -> io::Result<()> {
        self.write(ENTER)
    }

    pub(super) fn is_entered(&self) -> bool {
        self.inner.entered.load(Ordering::SeqCst)
    }

    pub(super) fn has_colours(&self) -> bool {
        self.colours
    }

    /// The size of it now; a usual one where it does not say.
    pub(super) fn size(&self) -> Size {
        let known = tcgetwinsize(&self.inner.stdout).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
        known.map_or(Size { columns: 80, rows: 24 }, |size| Size {
            columns: size.ws_col.into(),
            rows: size.ws_row.into(),
        })
    }

    /// Writes to it, however long that takes.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut tty = self.inner.tty.lock().unwrap_or_else(PoisonError::into_inner);
        // After it was given back there is nothing to draw on.
        if self.is_entered() { tty.write_all(bytes) } else { Ok(()) }
    }

    /// Gives it back. Says whether it takes more.
    pub(super) fn leave(&self) -> bool {
        let well = self.inner.leave();
        let chatter = self.chatter.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(chatter) = chatter {
            // What was printed last is among the lines that are left behind; a child may hold the pipe for longer.
            let _ = chatter.recv_timeout(PATIENCE);
        }
        well
    }
}

impl Inner {
    fn leave(&self) -> bool {
        if !self.entered.swap(false, Ordering::SeqCst) {
            return true;
        }
        let well = self.write_last(LEAVE);
        // There is nothing to be done about either, and nowhere to tell of it.
        let _ = dup2_stdout(&self.stdout);
        if let Some(stderr) = &self.stderr {
            let _ = dup2_stderr(stderr);
        }
        well
    }

    /// Writes what comes after all else, unless the terminal takes nothing. Says whether it did.
    fn write_last(&self, bytes: &[u8]) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut tty = loop {
            match self.tty.try_lock() {
                Ok(tty) => break tty,
                Err(TryLockError::Poisoned(poisoned)) => break poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return false,
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(PATIENCE.subsec_nanos()) };
        let takes = poll(&mut [PollFd::new(&*tty, PollFlags::OUT)], Some(&wait)).is_ok_and(|ready| ready > 0);
        takes && tty.write_all(bytes).is_ok()
    }
}

/// Hands each line that comes to `line`, until nobody can write any more.
fn listen(reader: PipeReader, mut line: impl FnMut(&str)) {
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&bytes);
                // Progress that is written over itself: what was written last counts.
                let text = text.trim_end_matches(['\n', '\r']);
                line(text.rsplit('\r').next().unwrap_or(text));
            }
        }
    }
}
