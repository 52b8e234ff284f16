//! Makes a timer that would call back into the library, and forgets it.
#![expect(unsafe_code, reason = "functions of libc's")]
use reactor_abi::prelude::*;

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    fn invoke(&self, _: &str, _: Value) -> Result<Value> {
        // SAFETY: all zeros are a valid event; it asks for a signal, and the timer is never set.
        let made = unsafe {
            let mut event: libc::sigevent = std::mem::zeroed();
            event.sigev_notify = libc::SIGEV_SIGNAL;
            event.sigev_signo = libc::SIGURG;
            let mut timer = std::mem::zeroed();
            libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer)
        };
        Ok(Value::from(i64::from(made)))
    }
}

export_plugin!(Hazard);
