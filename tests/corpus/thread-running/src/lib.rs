//! Leaves a thread running, which it ends only when told.
#![forbid(unsafe_code)]
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use reactor_abi::prelude::*;

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    /// Starts a thread that ends when the file named by `value` is there.
    fn invoke(&self, _: &str, value: Value) -> Result<Value> {
        let path: String = value.read()?;
        let started = Arc::new((Mutex::new(false), Condvar::new()));
        let told = Arc::clone(&started);
        static RUNNING: AtomicBool = AtomicBool::new(false);
        let thread = std::thread::Builder::new().name("worker".to_owned());
        thread.spawn(move || {
            *told.0.lock().unwrap() = true;
            told.1.notify_all();
            RUNNING.store(true, Ordering::SeqCst);
            while !std::path::Path::new(&path).exists() {
                std::thread::yield_now();
            }
        })?;
        let mut running = started.0.lock().unwrap();
        while !*running {
            running = started.1.wait(running).unwrap();
        }
        Ok(Value::Null)
    }
}

export_plugin!(Hazard);
