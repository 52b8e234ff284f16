//! The process's table of signal handlers.

use std::collections::BTreeSet;
use std::ops::Range;

/// The signals whose handler, as of now, stands in one of these ranges of addresses.
pub(super) fn handled_in(mapped: &[Range<usize>]) -> BTreeSet<i32> {
    let handled = |signal: &i32| {
        handler(*signal).is_some_and(|handler| mapped.iter().any(|range| range.contains(&handler)))
    };
    (1..=libc::SIGRTMAX()).filter(handled).collect()
}

/// The address that the system calls for a signal. `None`: it tells of none, as for those that libc keeps to itself.
fn handler(signal: i32) -> Option<usize> {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: nothing is changed, and there is room for the answer.
    let status = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: filled when the call succeeded.
    (status == 0).then(|| unsafe { action.assume_init() }.sa_sigaction)
}

/// A signal as people call it, and its number.
pub(super) fn name(signal: i32) -> String {
    const NAMES: [(i32, &str); 31] = [
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGQUIT, "SIGQUIT"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGTRAP, "SIGTRAP"),
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGUSR1, "SIGUSR1"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGUSR2, "SIGUSR2"),
        (libc::SIGPIPE, "SIGPIPE"),
        (libc::SIGALRM, "SIGALRM"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGSTKFLT, "SIGSTKFLT"),
        (libc::SIGCHLD, "SIGCHLD"),
        (libc::SIGCONT, "SIGCONT"),
        (libc::SIGSTOP, "SIGSTOP"),
        (libc::SIGTSTP, "SIGTSTP"),
        (libc::SIGTTIN, "SIGTTIN"),
        (libc::SIGTTOU, "SIGTTOU"),
        (libc::SIGURG, "SIGURG"),
        (libc::SIGXCPU, "SIGXCPU"),
        (libc::SIGXFSZ, "SIGXFSZ"),
        (libc::SIGVTALRM, "SIGVTALRM"),
        (libc::SIGPROF, "SIGPROF"),
        (libc::SIGWINCH, "SIGWINCH"),
        (libc::SIGIO, "SIGIO"),
        (libc::SIGPWR, "SIGPWR"),
        (libc::SIGSYS, "SIGSYS"),
    ];
    let known = NAMES.iter().find(|(number, _)| *number == signal).map(|(_, name)| *name);
    match known {
        Some(name) => format!("{name} ({signal})"),
        None if signal >= libc::SIGRTMIN() => format!("SIGRTMIN+{} ({signal})", signal - libc::SIGRTMIN()),
        None => format!("signal {signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_their_names() {
        assert_eq!(name(10), "SIGUSR1 (10)");
        assert_eq!(name(libc::SIGRTMIN() + 3), format!("SIGRTMIN+3 ({})", libc::SIGRTMIN() + 3));
        assert_eq!(name(32), "signal 32", "libc keeps it to itself");
    }
}
