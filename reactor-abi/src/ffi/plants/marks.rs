//! Planted definitions that are only noted: libc is asked as ever, and the host is told before.
//!
//! For what libc keeps an address of and never gives back. The host can do no more about it than to keep the library
//! open. Nothing here decides that; it tells which way was taken.

use std::ffi::CStr;

use super::super::services::{LibcHooks, Mark};
use super::{hooks, libc_symbol, real};

unsafe extern "C" {
    /// What tells this library from others towards libc: its address is handed to the functions that register
    /// handlers, and `dlclose` takes back what was registered under it. Each library has its own, from the compiler's
    /// start-up files.
    #[link_name = "__dso_handle"]
    static DSO_HANDLE: u8;
}

/// Whether libc takes back what is registered under `handle` when this very library is closed.
fn is_own(handle: *const u8) -> bool {
    std::ptr::eq(handle, &raw const DSO_HANDLE)
}

/// Tells the host. `Err`: the library is being closed, and libc must not be asked.
fn note(mark: Mark, detail: i64) -> Result<(), i32> {
    let Some(hooks) = hooks().filter(|hooks| std::mem::offset_of!(LibcHooks, mark) < hooks.size) else {
        return Ok(());
    };
    // SAFETY: the host's function, with the context it gave.
    match unsafe { (hooks.mark)(hooks.context, mark as u32, detail) } {
        0 => Ok(()),
        error => Err(error),
    }
}

fn set_errno(error: i32) {
    // SAFETY: the calling thread's own number.
    unsafe { *libc::__errno_location() = error };
}

/// libc's function of a name. Asked for something harmful by a constructor, it marks the library as one that stays.
fn find(name: &CStr, harmless: bool) -> *mut libc::c_void {
    if harmless || hooks().is_some() { libc_symbol(name) } else { real(name) }
}

macro_rules! noted {
    (
        $(#[$doc:meta])*
        $name:ident / $symbol:literal ($($arg:ident: $ty:ty),*) -> $ret:ty,
        $mark:expr, $detail:expr, unless $harmless:expr, refused |$error:ident| $refused:expr
    ) => {
        $(#[$doc])*
        ///
        /// # Safety
        ///
        /// As the C function of this name.
        pub unsafe extern "C-unwind" fn $name($($arg: $ty),*) -> $ret {
            let harmless: bool = $harmless;
            if !harmless && let Err($error) = note($mark, $detail) {
                return $refused;
            }
            let function = find($symbol, harmless);
            if function.is_null() {
                let $error = libc::ENOSYS;
                return $refused;
            }
            // SAFETY: libc's symbol of this name has this signature.
            let function = unsafe {
                std::mem::transmute::<*mut libc::c_void, unsafe extern "C-unwind" fn($($ty),*) -> $ret>(function)
            };
            // SAFETY: the caller upholds the C contract.
            unsafe { function($($arg),*) }
        }
    };
}

/// What `signal` and its kin answer when they refuse.
fn signal_error(error: i32) -> usize {
    set_errno(error);
    libc::SIG_ERR
}

/// Handlers that are no function of the library's: the default, none, and `sigset`'s "hold".
fn is_no_handler(handler: usize) -> bool {
    const SIG_HOLD: usize = 2;
    [libc::SIG_DFL, libc::SIG_IGN, SIG_HOLD, libc::SIG_ERR].contains(&handler)
}

noted! {
    /// Planted as `bsd_signal`.
    bsd_signal / c"bsd_signal" (number: i32, handler: usize) -> usize,
    Mark::Signal, number.into(), unless is_no_handler(handler), refused |error| signal_error(error)
}
noted! {
    /// Planted as `ssignal`.
    ssignal / c"ssignal" (number: i32, handler: usize) -> usize,
    Mark::Signal, number.into(), unless is_no_handler(handler), refused |error| signal_error(error)
}
noted! {
    /// Planted as `sysv_signal` and `__sysv_signal`.
    sysv_signal / c"__sysv_signal" (number: i32, handler: usize) -> usize,
    Mark::Signal, number.into(), unless is_no_handler(handler), refused |error| signal_error(error)
}
noted! {
    /// Planted as `sigset`.
    sigset / c"sigset" (number: i32, handler: usize) -> usize,
    Mark::Signal, number.into(), unless is_no_handler(handler), refused |error| signal_error(error)
}
noted! {
    /// Planted as `__cxa_atexit`, which `atexit` and C++ statics come to.
    cxa_atexit / c"__cxa_atexit" (function: *const u8, argument: *mut u8, library: *mut u8) -> i32,
    Mark::ExitHandler, 0, unless is_own(library), refused |_error| -1
}
noted! {
    /// Planted as `on_exit`.
    on_exit / c"on_exit" (function: *const u8, argument: *mut u8) -> i32,
    Mark::ExitHandler, 0, unless false, refused |_error| -1
}
noted! {
    /// Planted as `__cxa_at_quick_exit`, which `at_quick_exit` comes to.
    cxa_at_quick_exit / c"__cxa_at_quick_exit" (function: *const u8, library: *mut u8) -> i32,
    Mark::QuickExitHandler, 0, unless is_own(library), refused |_error| -1
}
noted! {
    /// Planted as `__register_atfork`, which `pthread_atfork` comes to.
    register_atfork / c"__register_atfork"
    (prepare: *const u8, parent: *const u8, child: *const u8, library: *mut u8) -> i32,
    Mark::ForkHandler, 0, unless is_own(library), refused |error| error
}
noted! {
    /// Planted as `mq_notify`.
    mq_notify / c"mq_notify" (queue: i32, event: *const libc::sigevent) -> i32,
    // SAFETY: null or the library's valid event.
    Mark::QueueNotice, 0, unless unsafe { event.as_ref() }.is_none_or(|event| event.sigev_notify != libc::SIGEV_THREAD),
    refused |error| { set_errno(error); -1 }
}
noted! {
    /// Planted as `putenv`.
    putenv / c"putenv" (text: *mut u8) -> i32,
    Mark::Environment, 0, unless false, refused |error| { set_errno(error); -1 }
}
noted! {
    /// Planted as `openlog`.
    openlog / c"openlog" (name: *const u8, options: i32, facility: i32) -> (),
    Mark::LogName, 0, unless name.is_null(), refused |error| set_errno(error)
}
