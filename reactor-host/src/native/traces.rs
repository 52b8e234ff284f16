//! What a library leaves in libc, kept where the host can take it back.
//!
//! A library asks the host instead of libc (see `reactor_abi::ffi::plants`). libc holds only the host's functions;
//! they enter a generation before they run its code, and skip what belongs to one that is gone. So a thread may
//! outlive a library that it used: its destructors for that library's thread-locals are run if the library is still
//! there when the thread ends, and forgotten (with what they would have freed) if it is not.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod exits;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) mod linux;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod signals;

/// What one generation has asked for.
#[derive(Default)]
pub(crate) struct Traces {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Thread keys and their destructors.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    keys: std::collections::HashMap<u32, Option<unsafe extern "C" fn(*mut u8)>>,
    /// Threads that hold something of this generation's, by address.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    touched: std::collections::HashMap<usize, std::sync::Weak<exits::ThreadExits>>,
    threads: BTreeMap<u64, Counted>,
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    next_thread: u64,
    signals: BTreeSet<i32>,
    timers: u32,
    /// Numbers of `reactor_abi::ffi::Mark`, but those of signals.
    marks: BTreeSet<u32>,
}

/// A thread that runs, or may yet run, code of a generation.
#[cfg_attr(
    not(all(target_os = "linux", target_env = "gnu")),
    expect(dead_code, reason = "without planted definitions no thread is counted")
)]
enum Counted {
    /// The library has asked for it.
    Starting,
    /// It was made by the library; its number in the system.
    Own(i32),
    /// The same, but its end will not be seen.
    Unfollowed(i32),
    /// A thread of the host's, for a task of this name.
    Task(String),
}

impl Counted {
    /// What is said of it as long as it runs. It is named as the system knows it at this moment: threads name
    /// themselves after they have begun.
    fn reason(&self) -> String {
        match self {
            Self::Starting => "a thread of its own is starting".to_owned(),
            Self::Own(id) => format!("thread {} of its own still runs", name(*id)),
            Self::Unfollowed(id) => format!(
                "thread {} of its own can not be followed to its end, since the process has no thread key left",
                name(*id)
            ),
            Self::Task(title) => format!("the thread of task `{title}` has not ended"),
        }
    }
}

/// A thread as people find it: in `top`, in a debugger, under `/proc`.
fn name(id: i32) -> String {
    let comm = std::fs::read_to_string(format!("/proc/self/task/{id}/comm")).unwrap_or_default();
    match comm.trim_end() {
        "" => id.to_string(),
        comm => format!("`{comm}` ({id})"),
    }
}

impl Traces {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no thread runs or may yet run this generation's code.
    pub(crate) fn is_threadless(&self) -> bool {
        self.lock().threads.is_empty()
    }

    /// The threads that run or may yet run this generation's code, each in a sentence.
    pub(crate) fn threads(&self) -> Vec<String> {
        self.lock().threads.values().map(Counted::reason).collect()
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn count_in(&self, thread: Counted) -> u64 {
        let mut inner = self.lock();
        inner.next_thread += 1;
        let number = inner.next_thread;
        inner.threads.insert(number, thread);
        number
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn now_is(&self, number: u64, thread: Counted) {
        if let Some(slot) = self.lock().threads.get_mut(&number) {
            *slot = thread;
        }
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn count_out(&self, number: u64) {
        self.lock().threads.remove(&number);
    }

    /// What can not be taken back, in words; empty when all can. `mapped`: where the library stands in memory.
    pub(crate) fn indelible(&self, mapped: &[Range<usize>]) -> Vec<String> {
        let inner = self.lock();
        let mut reasons = signal_reasons(&inner.signals, mapped);
        if inner.timers > 0 {
            reasons.push(format!("it created {} timer(s), which may notify it at any time", inner.timers));
        }
        reasons.extend(inner.marks.iter().map(|mark| mark_reason(*mark)));
        reasons
    }
}

/// What was installed, compared with what is in place now: a handler may also have come past the planted definitions.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn signal_reasons(installed: &BTreeSet<i32>, mapped: &[Range<usize>]) -> Vec<String> {
    let in_place = signals::handled_in(mapped);
    let all: BTreeSet<i32> = installed.union(&in_place).copied().collect();
    let reason = |signal: i32| {
        let name = signals::name(signal);
        if in_place.contains(&signal) {
            format!("its handler for {name} is in place")
        } else {
            format!("it installed a handler for {name}, and who replaced it may put it back")
        }
    };
    all.into_iter().map(reason).collect()
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn signal_reasons(_: &BTreeSet<i32>, _: &[Range<usize>]) -> Vec<String> {
    Vec::new()
}

fn mark_reason(mark: u32) -> String {
    use reactor_abi::ffi::Mark;
    let known = [
        (
            Mark::ExitHandler,
            "it registered a function for the process's end that closing it does not take back",
        ),
        (
            Mark::QuickExitHandler,
            "it registered a function for `quick_exit` that closing it does not take back",
        ),
        (Mark::ForkHandler, "it registered a function for `fork` that closing it does not take back"),
        (Mark::QueueNotice, "it has a message queue call a function of its own"),
        (Mark::Environment, "it put a text of its own into the environment, by `putenv`"),
        (Mark::LogName, "it logs to the system under a text of its own, by `openlog`"),
    ];
    let words = known.iter().find(|(known, _)| *known as u32 == mark).map(|(_, words)| (*words).to_owned());
    words.unwrap_or_else(|| format!("it left something with libc that this host does not know (mark {mark})"))
}
