use std::sync::atomic::{AtomicU64, Ordering};

use reactor_abi::prelude::*;

#[derive(Default)]
struct Tally(AtomicU64);

impl Plugin for Tally {
    fn init(_: &mut Init<'_>) -> Result<Self> {
        Ok(Self::default())
    }

    /// `add`: adds one; `total`: how many were added; `which`: the build that answers.
    fn invoke(&self, action: &str, _: Value) -> Result<Value> {
        match action {
            "add" => Ok((self.0.fetch_add(1, Ordering::SeqCst) + 1).into()),
            "total" => Ok(self.0.load(Ordering::SeqCst).into()),
            "which" => Ok(BUILD.into()),
            _ => Err(Error::unknown_action(action)),
        }
    }

    fn save(&self) -> Result<State> {
        State::of(1, &self.0.load(Ordering::SeqCst))
    }

    fn restore(&mut self, old: State) -> Result<()> {
        self.0 = AtomicU64::new(old.read()?);
        Ok(())
    }
}

export_plugin!(Tally);
