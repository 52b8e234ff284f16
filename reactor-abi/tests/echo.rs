//! Random values of nested types come back as they were sent, over the raw road and over the encoded one.
#![forbid(unsafe_code)]

use echo_api::{Echo, Echoes, comes_back, samples};
use proptest::prelude::*;
use reactor_abi::prelude::*;
use reactor_abi::testing::{Bench, Running};

#[derive(Default)]
struct Echoing;

impl Plugin for Echoing {
    fn init(_: &mut Init<'_>) -> Result<Self> {
        Ok(Self)
    }

    fn register(&self, cx: &mut Register<'_>) -> Result<()> {
        cx.provide::<dyn Echo>(Echoes)
    }
}

fn check(plugin: &Running<Echoing>) {
    let echo = plugin.interface::<dyn Echo>().expect("fits");
    proptest!(|(sample in samples())| { comes_back(&echo, &sample)? });
}

#[test]
fn everything_comes_back_over_the_raw_road() {
    check(&Bench::new().start().expect("starts"));
}

#[test]
fn everything_comes_back_over_the_encoded_road() {
    check(&Bench::new().encoded().start().expect("starts"));
}
