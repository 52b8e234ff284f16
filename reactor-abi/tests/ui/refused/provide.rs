use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.0.0")]
pub trait Stats {
    fn words(&self, text: &str) -> u64;
}

struct Other;

struct NotSync(std::cell::Cell<u64>);

impl Stats for NotSync {
    fn words(&self, _: &str) -> u64 {
        self.0.get()
    }
}

fn register(cx: &mut Register<'_>) -> Result<()> {
    cx.provide::<dyn Stats>(Other)?;
    cx.provide::<dyn Stats>(NotSync(std::cell::Cell::new(0)))
}

fn main() {}
