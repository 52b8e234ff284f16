#![forbid(unsafe_code)]

use reactor_abi::interface::ProvidedAs;
use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.0.0")]
pub trait Stats {
    fn words(&self, text: &str) -> u64;
}

struct Other;

impl ProvidedAs<dyn Stats> for Other {}

fn register(cx: &mut Register<'_>) -> Result<()> {
    cx.provide::<dyn Stats>(Other)
}

fn main() {}
