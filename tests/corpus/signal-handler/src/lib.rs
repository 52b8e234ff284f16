//! Handles a signal, in the way that its action names.
#![expect(unsafe_code, reason = "functions of libc's")]
use std::sync::atomic::{AtomicI64, Ordering};

use reactor_abi::prelude::*;

unsafe extern "C" {
    fn sigset(signal: i32, handler: usize) -> usize;
}

static HANDLED: AtomicI64 = AtomicI64::new(0);

extern "C" fn handle(_: i32) {
    HANDLED.fetch_add(1, Ordering::SeqCst);
}

fn action() -> libc::sigaction {
    // SAFETY: all zeros are a valid action.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handle as extern "C" fn(i32) as usize;
    action
}

/// As the system has it, not libc.
#[repr(C)]
struct SystemAction {
    handler: usize,
    flags: u64,
    restorer: usize,
    mask: u64,
}

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    fn invoke(&self, name: &str, _: Value) -> Result<Value> {
        let handler = handle as extern "C" fn(i32) as usize;
        // SAFETY: valid actions, and a handler that only counts.
        unsafe {
            match name {
                "sigaction" => {
                    libc::sigaction(libc::SIGUSR1, &action(), std::ptr::null_mut());
                },
                "signal" => {
                    libc::signal(libc::SIGUSR2, handler);
                },
                "sigset" => {
                    sigset(libc::SIGUSR1, handler);
                },
                "restored" => {
                    let mut old = std::mem::zeroed();
                    libc::sigaction(libc::SIGUSR1, &action(), &raw mut old);
                    libc::sigaction(libc::SIGUSR1, &old, std::ptr::null_mut());
                }
                // Past everything that could be planted. It is never sent, so nothing needs to return from it.
                "system-call" => {
                    let action = SystemAction { handler, flags: 0, restorer: 0, mask: 0 };
                    libc::syscall(libc::SYS_rt_sigaction, libc::SIGURG, &raw const action, 0_usize, 8_usize);
                }
                // Asking is no installing.
                "asked" => {
                    let mut old = std::mem::zeroed();
                    libc::sigaction(libc::SIGUSR1, std::ptr::null(), &raw mut old);
                    libc::signal(libc::SIGUSR2, libc::SIG_DFL);
                }
                _ => return Err(Error::unknown_action(name)),
            }
        }
        Ok(Value::from(HANDLED.load(Ordering::SeqCst)))
    }
}

export_plugin!(Hazard);
