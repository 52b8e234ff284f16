//! The bodies of the libc definitions that `export_plugin!` plants in a cdylib.
//!
//! A library that asks libc itself for a thread key, a thread-exit destructor, a thread or a signal handler leaves
//! its own addresses behind in libc; after `dlclose` they dangle, and `thread::current()` alone leaves one. So the
//! macro defines those entry points inside the library, hidden: the linker binds the library's own std to them, and
//! they ask the host. libc is then given only functions of the host, which is never unloaded.
//!
//! Until [`connect`] the real function is used (constructors run before there is a host to ask) and the library is
//! marked as one that can not be closed. Linux with glibc only.
//!
//! What libc takes back by itself when a library is closed is none of the host's business: handlers for exit,
//! `quick_exit` and `fork` that were registered under the library's own `__dso_handle`. See [`marks`].

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use super::services::LibcHooks;

pub mod marks;

/// The host's side, once connected. One per library: this crate is linked into each plugin anew.
static HOOKS: AtomicPtr<LibcHooks> = AtomicPtr::new(std::ptr::null_mut());
/// A constructor asked libc itself for something that outlives the library.
static EARLY: AtomicBool = AtomicBool::new(false);

/// Connects this library's planted definitions. `false`: something was asked of libc itself before.
///
/// # Safety
///
/// `hooks` stays valid until the library is closed.
pub unsafe fn connect(hooks: *const LibcHooks) -> bool {
    HOOKS.store(hooks.cast_mut(), Ordering::Release);
    !EARLY.load(Ordering::Relaxed)
}

fn hooks() -> Option<&'static LibcHooks> {
    let hooks = HOOKS.load(Ordering::Acquire);
    // SAFETY: `connect` was promised a table that outlives this library's code.
    unsafe { hooks.as_ref() }
}

/// libc's own definition, asked for by a library that has no host to ask yet.
fn real(name: &CStr) -> *mut libc::c_void {
    EARLY.store(true, Ordering::Relaxed);
    libc_symbol(name)
}

/// libc's own definition. A hidden symbol is never found by `dlsym`, hence this can not find the planted one.
fn libc_symbol(name: &CStr) -> *mut libc::c_void {
    // SAFETY: a NUL-terminated name and the default scope.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}

macro_rules! plant {
    ($(#[$doc:meta])* $name:ident / $symbol:literal / $field:ident ($($arg:ident: $ty:ty),*) -> $ret:ty, |$hooks:ident| $body:expr) => {
        $(#[$doc])*
        ///
        /// # Safety
        ///
        /// As the C function of this name.
        pub unsafe extern "C-unwind" fn $name($($arg: $ty),*) -> $ret {
            if let Some($hooks) = hooks()
                && std::mem::offset_of!(LibcHooks, $field) < $hooks.size
            {
                // SAFETY: the host's function of the same contract, with the context it gave.
                return unsafe { $body };
            }
            // SAFETY: libc exports this symbol with this signature; it is there, since std needs it too.
            let function = unsafe {
                std::mem::transmute::<*mut libc::c_void, unsafe extern "C-unwind" fn($($ty),*) -> $ret>(real($symbol))
            };
            // SAFETY: the caller upholds the C contract.
            unsafe { function($($arg),*) }
        }
    };
}

plant! {
    /// Planted as `pthread_key_create`.
    pthread_key_create / c"pthread_key_create" / key_create
    (key: *mut u32, destructor: Option<unsafe extern "C" fn(*mut u8)>) -> i32,
    |hooks| (hooks.key_create)(hooks.context, key, destructor)
}
plant! {
    /// Planted as `pthread_key_delete`.
    pthread_key_delete / c"pthread_key_delete" / key_delete (key: u32) -> i32,
    |hooks| (hooks.key_delete)(hooks.context, key)
}
plant! {
    /// Planted as `pthread_setspecific`.
    pthread_setspecific / c"pthread_setspecific" / set_specific (key: u32, value: *const u8) -> i32,
    |hooks| (hooks.set_specific)(hooks.context, key, value)
}
plant! {
    /// Planted as `__cxa_thread_atexit_impl`.
    cxa_thread_atexit_impl / c"__cxa_thread_atexit_impl" / thread_atexit
    (destructor: unsafe extern "C" fn(*mut u8), object: *mut u8, library: *mut u8) -> i32,
    |hooks| { let _ = library; (hooks.thread_atexit)(hooks.context, destructor, object) }
}
plant! {
    /// Planted as `pthread_create`.
    pthread_create / c"pthread_create" / thread_create
    (thread: *mut usize, attributes: *const u8, body: unsafe extern "C-unwind" fn(*mut u8) -> *mut u8, argument: *mut u8)
    -> i32,
    |hooks| (hooks.thread_create)(hooks.context, thread, attributes, body, argument)
}
plant! {
    /// Planted as `sigaction`.
    sigaction / c"sigaction" / signal_action (signal: i32, new: *const u8, old: *mut u8) -> i32,
    |hooks| (hooks.signal_action)(hooks.context, signal, new, old)
}
plant! {
    /// Planted as `signal`.
    signal / c"signal" / signal (number: i32, handler: usize) -> usize,
    |hooks| (hooks.signal)(hooks.context, number, handler)
}
plant! {
    /// Planted as `timer_create`.
    timer_create / c"timer_create" / timer_create (clock: i32, event: *mut u8, timer: *mut u8) -> i32,
    |hooks| (hooks.timer_create)(hooks.context, clock, event, timer)
}
