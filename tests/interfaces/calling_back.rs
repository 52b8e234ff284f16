//! Objects that a caller lends for the time of a call.

use std::cell::RefCell;

use reactor_abi::prelude::*;
use reactor_tests::puppet::{Script, started};

#[interface(name = "tests.progress", version = "1.0.0")]
pub(crate) trait Progress {
    fn done(&self, of: &str, parts: u64) -> Result<bool, Error>;
}

#[interface(name = "tests.works", version = "1.0.0")]
pub(crate) trait Works {
    fn work(&self, parts: u64, progress: &dyn Progress) -> Result<u64, Error>;
}

struct Worker;

impl Works for Worker {
    fn work(&self, parts: u64, progress: &dyn Progress) -> Result<u64, Error> {
        for part in 1..=parts {
            if !progress.done("work", part)? {
                return Ok(part);
            }
        }
        Ok(parts)
    }
}

/// Neither `Send` nor `Sync`: it is called on the thread that lends it.
struct Seen<'a>(&'a RefCell<Vec<String>>, u64);

impl Progress for Seen<'_> {
    fn done(&self, of: &str, parts: u64) -> Result<bool, Error> {
        self.0.borrow_mut().push(format!("{of} {parts}"));
        assert!(parts < 100, "too far");
        Ok(parts < self.1)
    }
}

fn worker() -> Script {
    Script::new("acme.works").provides("tests.works", "1.0.0", |cx| cx.provide::<dyn Works>(Worker))
}

#[test]
fn the_called_calls_back_on_the_callers_thread_while_the_call_lasts() {
    let host = started([worker()]);
    let works = host.interface::<dyn Works>("^1").expect("a handle");
    let seen = RefCell::default();
    assert_eq!(works.work(5, &Seen(&seen, 3)).expect("answered").expect("worked"), 3);
    assert_eq!(seen.into_inner(), ["work 1", "work 2", "work 3"]);
}

#[test]
fn a_panic_in_a_callback_is_the_error_of_the_called_and_goes_no_further() {
    let host = started([worker()]);
    let works = host.interface::<dyn Works>("^1").expect("a handle");
    let seen = RefCell::default();
    let error = works.work(200, &Seen(&seen, 1_000)).expect("answered").expect_err("the callback panics");
    assert_eq!(error.code(), "RE0603");
    assert!(error.to_string().contains("too far"), "{error}");
    assert_eq!(seen.into_inner().len(), 100);
}

#[test]
fn a_provider_passes_on_what_it_was_lent() {
    #[interface(name = "tests.passes", version = "1.0.0")]
    pub(crate) trait Passes {
        fn pass(&self, parts: u64, progress: &dyn Progress) -> Result<u64, Error>;
    }
    struct Passer(Services);
    impl Passes for Passer {
        fn pass(&self, parts: u64, progress: &dyn Progress) -> Result<u64, Error> {
            let works = self.0.interface::<dyn Works>("^1").expect("a handle");
            works.work(parts, progress)?
        }
    }
    let passes = Script::new("acme.passes")
        .provides("tests.passes", "1.0.0", |cx| cx.provide::<dyn Passes>(Passer(cx.services())));
    let host = started([worker(), passes]);
    let passes = host.interface::<dyn Passes>("^1").expect("a handle");
    let seen = RefCell::default();
    assert_eq!(passes.pass(9, &Seen(&seen, 4)).expect("answered").expect("worked"), 4);
    assert_eq!(seen.into_inner().len(), 4);
}
