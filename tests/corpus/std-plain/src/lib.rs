//! Does what leaves nothing behind: locks, maps, output, a caught panic, a constant thread-local.
#![forbid(unsafe_code)]
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Mutex;

use reactor_abi::prelude::*;

thread_local!(static CALLS: Cell<u64> = const { Cell::new(0) });
static SEEN: Mutex<Option<HashMap<String, u64>>> = Mutex::new(None);

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    fn invoke(&self, _: &str, value: Value) -> Result<Value> {
        CALLS.set(CALLS.get() + 1);
        let mut seen = SEEN.lock().unwrap();
        let count = seen.get_or_insert_default().entry(value.to_string()).or_default();
        *count += 1;
        println!("call {count}");
        let caught = std::panic::catch_unwind(|| panic!("told to"));
        Ok(Value::from(caught.is_err() && CALLS.get() > 0))
    }
}

export_plugin!(Hazard);
