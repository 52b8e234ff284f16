//! Registers functions for the ends of things: of the process, of its quick end, of a fork. And forks, and ends.
#![expect(unsafe_code, reason = "functions of libc's")]
use std::cell::RefCell;

use reactor_abi::prelude::*;

type Handler = extern "C" fn();

unsafe extern "C" {
    fn at_quick_exit(handler: Handler) -> i32;
    fn on_exit(handler: extern "C" fn(i32, *mut u8), argument: *mut u8) -> i32;
    fn __cxa_atexit(handler: extern "C" fn(*mut u8), argument: *mut u8, library: *mut u8) -> i32;
    fn __cxa_at_quick_exit(handler: extern "C" fn(*mut u8), library: *mut u8) -> i32;
    fn __register_atfork(prepare: Option<Handler>, parent: Option<Handler>, child: Option<Handler>, library: *mut u8)
    -> i32;
    fn __cxa_thread_atexit(handler: extern "C" fn(*mut u8), object: *mut u8, library: *mut u8) -> i32;
    fn quick_exit(status: i32) -> !;
}

thread_local!(static KEPT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) });

/// Past std, which may be gone in part by now.
fn tell(text: &str) {
    // SAFETY: readable bytes.
    unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
}

extern "C" fn told() {
    tell("called\n");
}

extern "C" fn told_with(_: *mut u8) {
    tell("called\n");
}

extern "C" fn told_with_status(_: i32, _: *mut u8) {
    tell("called\n");
}

extern "C" fn hang() {
    tell("hangs\n");
    loop {
        std::thread::park();
    }
}

/// Does while the library is being closed what leaves addresses behind.
extern "C" fn meddle() {
    KEPT.with_borrow_mut(|kept| kept.push(format!("{:?}", std::thread::current().id())));
    let thread = std::thread::Builder::new().spawn(|| tell("called\n"));
    // SAFETY: a handler that only writes.
    let handler = unsafe { libc::signal(libc::SIGUSR1, told_with_status as extern "C" fn(i32, *mut u8) as usize) };
    // SAFETY: as above.
    let exit = unsafe { __cxa_atexit(told_with, std::ptr::null_mut(), std::ptr::null_mut()) };
    if thread.is_err() && handler == libc::SIG_ERR && exit != 0 {
        tell("refused\n");
    }
}

/// Forks a child that ends at once, and answers how it ended.
fn fork() -> i32 {
    // SAFETY: the child does nothing but end.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::_exit(7);
        }
        let mut status = 0;
        libc::waitpid(child, &raw mut status, 0);
        libc::WEXITSTATUS(status)
    }
}

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    fn invoke(&self, action: &str, _: Value) -> Result<Value> {
        let null = std::ptr::null_mut();
        // SAFETY: functions of the right types.
        let status = unsafe {
            match action {
                "atexit" => libc::atexit(told),
                "at-quick-exit" => at_quick_exit(told),
                "fork-handlers" => libc::pthread_atfork(None, None, Some(told_at_fork)),
                "hang" => libc::atexit(hang),
                "meddle" => libc::atexit(meddle),
                "on-exit" => on_exit(told_with_status, null),
                // What a C++ compiler makes of a `thread_local` with a destructor.
                "thread-exit" => __cxa_thread_atexit(told_with, null, null),
                "process-exit" => __cxa_atexit(told_with, null, null),
                "process-quick-exit" => __cxa_at_quick_exit(told_with, null),
                "process-fork" => __register_atfork(None, None, None, null),
                "fork" => fork(),
                "quick-exit-now" => quick_exit(3),
                _ => return Err(Error::unknown_action(action)),
            }
        };
        Ok(Value::from(i64::from(status)))
    }
}

unsafe extern "C" fn told_at_fork() {
    told();
}

export_plugin!(Hazard);
