//! Typed interfaces: one trait on both sides.

mod alike;
mod binding;
mod calling_back;
mod echoes;
mod evolution;
mod offering;
mod streaming;
mod swapping;

use reactor_abi::prelude::*;
use reactor_tests::puppet::Script;

/// What most tests here call: which build answers, and a little arithmetic.
#[interface(name = "tests.teller", version = "1.1.0")]
pub(crate) trait Teller {
    /// Who answers.
    fn name(&self) -> String;
    /// The sum.
    fn add(&self, one: u64, other: u64) -> u64;
    /// Panics.
    fn fall(&self);
}

/// Answers with this name.
pub(crate) struct Named(pub(crate) &'static str);

impl Teller for Named {
    fn name(&self) -> String {
        self.0.to_owned()
    }

    fn add(&self, one: u64, other: u64) -> u64 {
        one + other
    }

    fn fall(&self) {
        panic!("{} fell", self.0)
    }
}

/// A puppet that provides [`Teller`] under its mark.
pub(crate) fn teller(id: &str, mark: &'static str) -> Script {
    Script::new(id)
        .mark(mark)
        .provides("tests.teller", "1.1.0", move |cx| cx.provide::<dyn Teller>(Named(mark)))
}
