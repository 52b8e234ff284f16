#![forbid(unsafe_code)]

use reactor_abi::ffi::client::Client;
use reactor_abi::prelude::*;

#[interface(name = "text.stats", version = "1.0.0")]
pub trait Stats {
    fn words(&self, text: &str) -> u64;
}

#[interface(name = "text.names", version = "1.0.0")]
pub trait Names {
    fn name(&self, at: u64) -> String;
}

fn changed(stats: StatsHandle) -> NamesHandle {
    NamesHandle { link: stats.link }
}

fn main() {}
