//! Calls another plugin's `bench.calls`, and tells how long that takes.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::time::Instant;

use reactor_abi::prelude::*;
use typed_api::{Calls, CallsHandle, Relay};

struct Caller;

impl Plugin for Caller {
    fn init(_: &mut Init<'_>) -> Result<Self> {
        Ok(Self)
    }

    fn register(&self, cx: &mut Register<'_>) -> Result<()> {
        let calls = cx.interface::<dyn Calls>("^1")?;
        cx.provide::<dyn Relay>(Relays(calls))
    }
}

export_plugin!(Caller);

struct Relays(CallsHandle);

impl Relay for Relays {
    fn scalars(&self, calls: u32) -> u64 {
        let begun = Instant::now();
        for x in 0..u64::from(calls) {
            black_box(self.0.scalar(black_box(x)).expect("the other plugin answers"));
        }
        u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
