//! Spawns a thread of its own and joins it.
#![forbid(unsafe_code)]
use reactor_abi::prelude::*;

#[derive(Default)]
struct Hazard;

impl Invoke for Hazard {
    fn invoke(&self, _: &str, value: Value) -> Result<Value> {
        let length = std::thread::spawn(move || value.to_string().len()).join();
        Ok(u64::try_from(length.map_err(|_| Error::msg("the thread panicked"))?)?.into())
    }
}

export_plugin!(Hazard);
