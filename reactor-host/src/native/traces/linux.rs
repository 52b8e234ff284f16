//! The host's answers to the planted libc definitions, on Linux with glibc.

use std::sync::Arc;

use reactor_abi::ffi::{LibcHooks, Mark, RawContext};

use super::exits::ThreadExits;
use super::{Counted, Traces};
use crate::native::context::Context;
use crate::native::life::Life;

/// The table for one library.
pub(in crate::native) fn hooks(context: RawContext) -> LibcHooks {
    LibcHooks {
        size: size_of::<LibcHooks>(),
        context,
        key_create,
        key_delete,
        set_specific,
        thread_atexit,
        thread_create,
        signal_action,
        signal,
        timer_create,
        mark,
    }
}

impl Traces {
    fn touch(&self, exits: &Arc<ThreadExits>) {
        let mut inner = self.lock();
        if inner.touched.len() == inner.touched.capacity() {
            inner.touched.retain(|_, exits| exits.strong_count() > 0);
        }
        inner.touched.insert(Arc::as_ptr(exits).addr(), Arc::downgrade(exits));
    }

    /// Notes what can not be taken back. `false`: the library is being closed, and must leave nothing behind any more.
    fn note(&self, life: &Life, note: impl FnOnce(&mut super::Inner)) -> bool {
        let Some(_inside) = life.enter() else { return false };
        note(&mut self.lock());
        true
    }

    /// Takes back all that can be: disarms destructors, deletes keys. The generation is shut and its library gone: what
    /// ran while it was closed may have used them to the last.
    pub(in crate::native) fn erase(&self, life: &Life) {
        let (touched, keys) = {
            let mut inner = self.lock();
            (std::mem::take(&mut inner.touched), std::mem::take(&mut inner.keys))
        };
        for exits in touched.into_values().filter_map(|exits| exits.upgrade()) {
            exits.forget(life);
        }
        for key in keys.into_keys() {
            // SAFETY: created for this library by `key_create`, and the library is gone.
            unsafe { libc::pthread_key_delete(key) };
        }
    }
}

/// Counts the current thread, one of the host's, as one that runs code of `life`; `ended` is called when the thread
/// has run its last destructor. `false`: the thread could not be counted.
pub(in crate::native) fn count_host_thread(
    life: &Arc<Life>,
    title: String,
    ended: impl FnOnce() + Send + 'static,
) -> bool {
    let Some(exits) = ThreadExits::current() else { return false };
    exits.count_out_at_exit(life, life.traces.count_in(Counted::Task(title)));
    exits.at_exit(ended);
    true
}

/// # Safety
///
/// `context` is one that the host gave to a library which is still open.
unsafe fn life<'a>(context: RawContext) -> &'a Arc<Life> {
    // SAFETY: the caller promises it.
    &unsafe { Context::of(context) }.life
}

unsafe extern "C-unwind" fn key_create(
    context: RawContext,
    key: *mut u32,
    destructor: Option<unsafe extern "C" fn(*mut u8)>,
) -> i32 {
    // SAFETY: the library passes its own context.
    let life = unsafe { life(context) };
    // SAFETY: `key` is the library's valid place. The destructor stays with the host: libc can not tell which
    // library a value belongs to.
    let status = unsafe { libc::pthread_key_create(key, None) };
    if status == 0 {
        // SAFETY: just written.
        life.traces.lock().keys.insert(unsafe { *key }, destructor);
    }
    status
}

unsafe extern "C-unwind" fn key_delete(context: RawContext, key: u32) -> i32 {
    // SAFETY: as in `key_create`.
    let life = unsafe { life(context) };
    let touched: Vec<_> = {
        let mut inner = life.traces.lock();
        inner.keys.remove(&key);
        inner.touched.values().filter_map(std::sync::Weak::upgrade).collect()
    };
    for exits in touched {
        exits.forget_key(key);
    }
    // SAFETY: as the library asked of libc.
    unsafe { libc::pthread_key_delete(key) }
}

unsafe extern "C-unwind" fn set_specific(context: RawContext, key: u32, value: *const u8) -> i32 {
    // SAFETY: as in `key_create`.
    let life = unsafe { life(context) };
    let destructor = life.traces.lock().keys.get(&key).copied().flatten();
    if let Some(destructor) = destructor {
        let Some(exits) = ThreadExits::current() else { return libc::ENOMEM };
        exits.key_value(life, key, destructor, value);
        life.traces.touch(&exits);
    }
    // SAFETY: as the library asked of libc.
    unsafe { libc::pthread_setspecific(key, value.cast()) }
}

unsafe extern "C-unwind" fn thread_atexit(
    context: RawContext,
    destructor: unsafe extern "C" fn(*mut u8),
    object: *mut u8,
) -> i32 {
    // SAFETY: as in `key_create`.
    let life = unsafe { life(context) };
    let Some(exits) = ThreadExits::current() else { return libc::ENOMEM };
    // The object's address goes through an integer, so that the duty can be sent to whoever disarms it.
    let _ = object.expose_provenance();
    exits.thread_local(life, destructor, object);
    life.traces.touch(&exits);
    0
}

/// A thread's body as libc declares it.
type Body = extern "C" fn(*mut libc::c_void) -> *mut libc::c_void;

/// What a new thread of a library's begins with.
struct Begin {
    life: Arc<Life>,
    number: u64,
    body: unsafe extern "C-unwind" fn(*mut u8) -> *mut u8,
    argument: *mut u8,
}

unsafe extern "C-unwind" fn thread_create(
    context: RawContext,
    thread: *mut usize,
    attributes: *const u8,
    body: unsafe extern "C-unwind" fn(*mut u8) -> *mut u8,
    argument: *mut u8,
) -> i32 {
    // SAFETY: as in `key_create`.
    let life = unsafe { life(context) };
    // Code that runs while the library is being closed (its own exit handlers) can not leave a thread behind.
    let Some(_inside) = life.enter() else { return libc::EAGAIN };
    // Counted before it exists: there must be no moment at which it runs uncounted.
    let number = life.traces.count_in(Counted::Starting);
    let begin = Box::into_raw(Box::new(Begin { life: Arc::clone(life), number, body, argument }));
    // SAFETY: the two function types differ in that ours may unwind, which is how glibc ends a thread that calls
    // `pthread_exit`; libc's declaration has no way to say so.
    let trampoline = unsafe {
        std::mem::transmute::<unsafe extern "C-unwind" fn(*mut libc::c_void) -> *mut libc::c_void, Body>(
            begin_thread,
        )
    };
    // SAFETY: the library's valid places; `begin` is handed over.
    let status = unsafe { libc::pthread_create(thread.cast(), attributes.cast(), trampoline, begin.cast()) };
    if status != 0 {
        // SAFETY: the thread does not exist, so the box is still ours.
        drop(unsafe { Box::from_raw(begin) });
        life.traces.count_out(number);
    }
    status
}

unsafe extern "C-unwind" fn begin_thread(begin: *mut libc::c_void) -> *mut libc::c_void {
    // SAFETY: `thread_create` handed it over.
    let Begin { life, number, body, argument } = *unsafe { Box::from_raw(begin.cast::<Begin>()) };
    // SAFETY: takes no argument and can not fail.
    let id = unsafe { libc::gettid() };
    match ThreadExits::current() {
        Some(exits) => {
            life.traces.now_is(number, Counted::Own(id));
            exits.count_out_at_exit(&life, number);
        }
        // No key left in the process: the thread is never counted out and the library is retained.
        None => life.traces.now_is(number, Counted::Unfollowed(id)),
    }
    drop(life);
    // SAFETY: as the library asked of libc. Its code stays mapped, for the thread is counted.
    unsafe { body(argument) }.cast()
}

#[expect(clippy::cast_ptr_alignment, reason = "it is the library's own `struct sigaction`")]
unsafe extern "C-unwind" fn signal_action(
    context: RawContext,
    signal: i32,
    new: *const u8,
    old: *mut u8,
) -> i32 {
    // SAFETY: as in `key_create`.
    let life = unsafe { life(context) };
    let new = new.cast::<libc::sigaction>();
    // SAFETY: null or the library's valid action.
    if let Some(action) = unsafe { new.as_ref() }
        && action.sa_sigaction != libc::SIG_DFL
        && action.sa_sigaction != libc::SIG_IGN
        && !life.traces.note(life, |traces| traces.signals.extend([signal]))
    {
        set_errno(libc::EINVAL);
        return -1;
    }
    // SAFETY: as the library asked of libc.
    unsafe { libc::sigaction(signal, new, old.cast()) }
}

unsafe extern "C-unwind" fn signal(context: RawContext, signal: i32, handler: usize) -> usize {
    // SAFETY: as in `key_create`.
    let life = unsafe { life(context) };
    if handler != libc::SIG_DFL
        && handler != libc::SIG_IGN
        && !life.traces.note(life, |traces| traces.signals.extend([signal]))
    {
        set_errno(libc::EINVAL);
        return libc::SIG_ERR;
    }
    // SAFETY: as the library asked of libc.
    unsafe { libc::signal(signal, handler) }
}

unsafe extern "C-unwind" fn timer_create(
    context: RawContext,
    clock: i32,
    event: *mut u8,
    timer: *mut u8,
) -> i32 {
    // SAFETY: as in `key_create`.
    let life = unsafe { life(context) };
    // Whatever the timer does when it fires, it may do it after the library is gone.
    if !life.traces.note(life, |traces| traces.timers += 1) {
        set_errno(libc::EAGAIN);
        return -1;
    }
    // SAFETY: as the library asked of libc.
    unsafe { libc::timer_create(clock, event.cast(), timer.cast()) }
}

unsafe extern "C-unwind" fn mark(context: RawContext, mark: u32, detail: i64) -> i32 {
    // SAFETY: as in `key_create`.
    let life = unsafe { life(context) };
    let noted = life.traces.note(life, |traces| {
        if mark == Mark::Signal as u32 {
            traces.signals.insert(i32::try_from(detail).unwrap_or_default());
        } else {
            traces.marks.insert(mark);
        }
    });
    if noted { 0 } else { libc::EINVAL }
}

fn set_errno(error: i32) {
    // SAFETY: the calling thread's own number.
    unsafe { *libc::__errno_location() = error };
}
