//! A command on a terminal, and what a person sees there.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// How long anything may take before a test gives up.
const DEADLINE: Duration = Duration::from_mins(2);

/// `program` for somebody at a terminal.
pub(crate) fn at_a_terminal(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env("TERM", "xterm-256color").env_remove("CI").env_remove("NO_COLOR");
    command
}

/// A terminal that nobody looks at yet.
pub(crate) struct Pty {
    /// What the person has.
    ours: OwnedFd,
    /// What the command has.
    pub(crate) theirs: File,
    size: (u16, u16),
}

impl Pty {
    /// One of so many columns and rows.
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("the system has terminals");
        grantpt(&ours).expect("it is ours");
        unlockpt(&ours).expect("it is ours");
        let name = ptsname(&ours, Vec::new()).expect("it has a name");
        let path = std::ffi::OsStr::from_bytes(name.as_bytes());
        let no_tty = rustix::fs::OFlags::NOCTTY.bits().cast_signed();
        let theirs = OpenOptions::new().read(true).write(true).custom_flags(no_tty).open(path);
        let pty = Self { ours, theirs: theirs.expect("the other end"), size: (columns, rows) };
        resize(&pty.ours, columns, rows);
        pty
    }

    /// Starts `command` there, as on a person's terminal. It is taken, since it keeps the terminal open.
    pub(crate) fn start(&self, mut command: Command) -> Child {
        let end = || self.theirs.try_clone().expect("a descriptor");
        command.stdin(end()).stdout(end()).stderr(end());
        command.spawn().expect("the command starts")
    }

    /// Looks at it while `child` runs there.
    pub(crate) fn watch(self, child: Child) -> Screen {
        let Self { ours, theirs, size } = self;
        // The child has its own; when it ends, so does the terminal.
        drop(theirs);
        let mut reader = File::from(ours.try_clone().expect("a descriptor"));
        let (sender, bytes) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 8192];
            // An error says that the other end is closed.
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        let parser = vt100::Parser::new(size.1, size.0, 500);
        Screen { child, ours, bytes, parser }
    }
}

fn resize(terminal: &OwnedFd, columns: u16, rows: u16) {
    let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).expect("it is a terminal");
}

/// Asks a child for an orderly end, as Ctrl-C does.
pub(crate) fn interrupt(child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("the number of a process");
    kill_process(pid, Signal::INT).expect("it is still there");
}

/// A terminal that somebody looks at. The command is killed when it is dropped.
pub(crate) struct Screen {
    child: Child,
    ours: OwnedFd,
    bytes: Receiver<Vec<u8>>,
    parser: vt100::Parser,
}

impl Screen {
    /// The text on the screen.
    pub(crate) fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// Whether the screen is as a shell leaves it.
    pub(crate) fn is_given_back(&self) -> bool {
        !self.parser.screen().alternate_screen() && !self.parser.screen().hide_cursor()
    }

    /// Waits until it looks as `wanted`.
    #[track_caller]
    pub(crate) fn until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let text = self.text();
            if wanted(&text) {
                return text;
            }
            match self.bytes.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(RecvTimeoutError::Timeout) => panic!("not by the deadline; there stands\n{text}"),
                Err(RecvTimeoutError::Disconnected) => panic!("it has ended; there stands\n{text}"),
            }
        }
    }

    /// Makes the terminal larger or smaller, and clears it, as many do.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        resize(&self.ours, columns, rows);
        self.parser.screen_mut().set_size(rows, columns);
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        interrupt(&self.child);
    }

    /// Waits for the end, and looks at what is left.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.bytes.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it did not end; there stands\n{}", self.text()),
            }
        }
        self.child.wait().expect("it has ended")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Errors say that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
