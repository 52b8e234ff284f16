//! Gives libc texts of its own to keep: libc keeps the address, not a copy.
#![expect(unsafe_code, reason = "functions of libc's")]
use reactor_abi::prelude::*;

static VARIABLE: &[u8] = b"REACTOR_TESTS=kept\0";

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    fn invoke(&self, action: &str, _: Value) -> Result<Value> {
        // SAFETY: texts that end with a NUL, and an event that is all zeros but for how it tells.
        unsafe {
            match action {
                "putenv" => {
                    libc::putenv(VARIABLE.as_ptr().cast_mut().cast());
                }
                "openlog" => libc::openlog(c"reactor-tests".as_ptr(), 0, libc::LOG_USER),
                "mq-notify" => {
                    let mut event: libc::sigevent = std::mem::zeroed();
                    event.sigev_notify = libc::SIGEV_THREAD;
                    mq_notify(-1, &raw const event);
                }
                _ => return Err(Error::unknown_action(action)),
            }
        }
        Ok(Value::Null)
    }
}

unsafe extern "C" {
    fn mq_notify(queue: i32, event: *const libc::sigevent) -> i32;
}

export_plugin!(Hazard);
