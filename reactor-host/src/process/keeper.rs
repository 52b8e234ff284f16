//! A child process from its start to its end: one thread starts it and waits for it, so that its end is noticed as such,
//! and never guessed from what the socket says.
//!
//! That thread must be the one that starts it: on Linux a child asks to be killed when *the thread* that made it ends.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// See the module.
#[derive(Default)]
pub(super) struct Keeper {
    state: Mutex<State>,
    over: Condvar,
}

#[derive(Default)]
struct State {
    /// While its number is its own: not yet waited for.
    pid: Option<Pid>,
    /// Why it was killed from here.
    killed: Option<String>,
    /// How it ended, in words.
    end: Option<String>,
}

impl Keeper {
    /// Starts the process, which must get a process group of its own; once. `over` is called once it has ended, with how, on the thread that waited for it.
    pub(super) fn start(
        self: &Arc<Self>,
        mut command: Command,
        name: String,
        over: impl FnOnce(&str) + Send + 'static,
    ) -> std::io::Result<()> {
        let (started, answer) = std::sync::mpsc::sync_channel(1);
        let this = Arc::clone(self);
        std::thread::Builder::new().name(name).spawn(move || {
            let child = match command.spawn() {
                Ok(child) => child,
                Err(error) => return drop(started.send(Err(error))),
            };
            // The ends that the child was given are the child's alone from here on.
            drop(command);
            this.lock().pid = Some(Pid::from_child(&child));
            drop(started.send(Ok(())));
            let end = this.wait_for(child);
            over(&end);
        })?;
        let lost = |_| std::io::Error::other("the thread that was to start it is gone");
        answer.recv().map_err(lost)?
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for(&self, mut child: Child) -> String {
        let pid = Pid::from_child(&child);
        // Looked at first and taken away under the lock: until then nobody else can have its number, so nobody else is
        // killed in its place.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(pid), options).is_err_and(|error| error == rustix::io::Errno::INTR) {}
        let mut state = self.lock();
        // What it started itself goes with it, as far as it has stayed in its group: the number is still its own.
        let _ = kill_process_group(pid, Signal::KILL);
        state.pid = None;
        let end = match (child.wait(), &state.killed) {
            (_, Some(why)) => format!("it was killed: {why}"),
            (Ok(status), None) => describe(status),
            (Err(error), None) => format!("it has ended, and how is not known: {error}"),
        };
        state.end = Some(end.clone());
        drop(state);
        self.over.notify_all();
        end
    }

    /// Kills it, for this reason; `None`: it counts as ended by itself, however it ends.
    pub(super) fn kill(&self, why: Option<&str>) {
        let mut state = self.lock();
        let Some(pid) = state.pid else { return };
        if state.killed.is_none() {
            state.killed = why.map(str::to_owned);
        }
        // It may have ended a moment ago, which is just as well.
        let _ = kill_process_group(pid, Signal::KILL);
    }

    /// Waits until it has ended, at most for `limit`.
    pub(super) fn wait(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        while state.end.is_none() {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { return false };
            state = self.over.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// How it ended, if it has.
    pub(super) fn end(&self) -> Option<String> {
        self.lock().end.clone()
    }
}

/// How a process ended, in words.
fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended by itself with exit code {code}"),
        (_, Some(signal)) => {
            let name = name(signal).map(|name| format!(" ({name})")).unwrap_or_default();
            format!("it was ended by signal {signal}{name}")
        }
        _ => format!("it ended with {status}"),
    }
}

fn name(signal: i32) -> Option<&'static str> {
    let names = [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::ALARM, "SIGALRM"),
        (Signal::TERM, "SIGTERM"),
        (Signal::XCPU, "SIGXCPU"),
        (Signal::SYS, "SIGSYS"),
    ];
    names.iter().find(|(known, _)| known.as_raw() == signal).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::sync::mpsc;

    use super::*;

    fn ended(script: &str, act: impl FnOnce(&Keeper)) -> String {
        let mut command = Command::new("sh");
        command.args(["-c", script]).process_group(0);
        let (told, end) = mpsc::channel();
        let over = move |how: &str| told.send(how.to_owned()).expect("the test listens");
        let keeper = Arc::new(Keeper::default());
        keeper.start(command, "test".to_owned(), over).expect("a shell");
        act(&keeper);
        let told = end.recv_timeout(Duration::from_mins(1)).expect("it ends");
        assert_eq!(keeper.end().as_ref(), Some(&told));
        assert!(keeper.wait(Duration::ZERO));
        told
    }

    #[test]
    fn the_end_of_a_process_is_told_in_words() {
        assert_eq!(ended("exit 3", |_| ()), "it ended by itself with exit code 3");
        assert_eq!(ended("kill -SEGV $$", |_| ()), "it was ended by signal 11 (SIGSEGV)");
        assert_eq!(ended("exec sleep 1000", |keeper| keeper.kill(Some("it hung"))), "it was killed: it hung");
        let told = ended("exec sleep 1000", |keeper| keeper.kill(None));
        assert_eq!(told, "it was ended by signal 9 (SIGKILL)");
    }

    #[test]
    fn what_a_process_started_goes_with_it() {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let mut command = Command::new("sh");
        // It ends at once, and what it started would hold the pipe for as long as it lives.
        command.args(["-c", "sleep 1000 & exit 0"]).process_group(0).stdout(writer);
        let keeper = Arc::new(Keeper::default());
        keeper.start(command, "test".to_owned(), |_| ()).expect("a shell");
        let mut said = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut said).expect("the pipe ends");
        assert!(said.is_empty());
    }

    #[test]
    fn what_can_not_be_started_is_an_error() {
        let keeper = Arc::new(Keeper::default());
        let started = keeper.start(Command::new("/no/such/program"), "test".to_owned(), |_| ());
        assert!(started.is_err());
    }
}
