//! Threads and their barriers, as Linux has them.

use rustix::io::Errno;
use rustix::process::getpid;
use rustix::thread::{MembarrierCommand, MembarrierQuery, gettid, membarrier, membarrier_query};

use super::slots::Thread;

/// Asks to be allowed [`barrier`]; `false` where the kernel has no such call, or a filter refuses it.
pub(super) fn register() -> bool {
    membarrier_query().contains(MembarrierQuery::PRIVATE_EXPEDITED)
        && membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
        && membarrier(MembarrierCommand::PrivateExpedited).is_ok()
}

/// Has each thread of the process that runs execute a full barrier; one that does not has executed one when it was
/// switched from. So has this thread, before and after. `false`: it was refused.
pub(super) fn barrier() -> bool {
    // It needs a little of the kernel's memory.
    const TRIES: usize = 100;
    for _ in 0..TRIES {
        match membarrier(MembarrierCommand::PrivateExpedited) {
            Ok(()) => return true,
            Err(Errno::NOMEM | Errno::INTR | Errno::AGAIN) => std::thread::yield_now(),
            Err(_) => return false,
        }
    }
    false
}

/// The thread that asks; `None` if the kernel counts further than a slot does.
pub(super) fn this_thread() -> Option<Thread> {
    Thread::new(getpid().as_raw_nonzero().get(), gettid().as_raw_nonzero().get())
}

/// Whether a thread of this process has ended, so that the kernel knows its id no more, or not as one of this process.
pub(super) fn is_gone(thread: Thread) -> bool {
    // SAFETY: signal 0 is none: the kernel only looks for the thread.
    let answer = unsafe { libc::syscall(libc::SYS_tgkill, thread.process(), thread.id(), 0) };
    answer == -1 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
}
