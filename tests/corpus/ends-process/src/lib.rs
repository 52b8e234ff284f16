//! Ends the process it runs in, by the action that it is asked for.
use reactor_abi::prelude::*;

#[derive(Default)]
struct Hazard;

/// A panic while another one unwinds.
struct Second;

impl Drop for Second {
    fn drop(&mut self) {
        panic!("while the first one unwinds");
    }
}

/// Left behind in a thread-local.
struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        panic!("when its thread ends");
    }
}

thread_local!(static LATE: std::cell::Cell<Option<Late>> = const { std::cell::Cell::new(None) });

fn endless(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 64]);
    if std::hint::black_box(room[0]) == u64::MAX { 0 } else { 1 + endless(depth + 1) + room[63] }
}

impl Invoke for Hazard {
    fn invoke(&self, action: &str, _: Value) -> Result<Value> {
        match action {
            "echo" => {}
            "exit" => std::process::exit(7),
            "abort" => std::process::abort(),
            "overflow" => drop(std::hint::black_box(endless(0))),
            "null" => {
                let nowhere = std::hint::black_box(std::ptr::null::<u64>());
                // SAFETY: none; that is the point.
                std::hint::black_box(unsafe { nowhere.read_volatile() });
            }
            "double-panic" => {
                let _second = Second;
                panic!("the first one");
            }
            "thread-local" => LATE.set(Some(Late)),
            "thread-payload" => {
                let thread = std::thread::spawn(|| std::panic::panic_any(Second));
                while !thread.is_finished() {
                    std::thread::yield_now();
                }
                // Nobody takes the payload, so std drops it, and does not survive its panic.
                drop(thread);
            }
            "exhaust" => {
                let layout = std::alloc::Layout::array::<u8>(1 << 20)?;
                std::alloc::handle_alloc_error(layout);
            }
            _ => return Err(Error::unknown_action(action)),
        }
        Ok(Value::Null)
    }
}

export_plugin!(Hazard);
