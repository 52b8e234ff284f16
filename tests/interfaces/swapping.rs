//! What a swap does to callers of an interface.
#![expect(clippy::items_after_statements, reason = "an interface of one test stands where the test needs it")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use reactor_abi::prelude::*;
use reactor_host::HostError;
use reactor_tests::puppet::{Script, started};
use reactor_tests::wait;

use super::{Teller, TellerHandle, teller};

/// Calls of two threads while `swap` goes on; how many were answered.
fn under_load(tell: &TellerHandle, swap: impl FnOnce()) -> u64 {
    let (done, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let tell = tell.clone();
            let (done, answered) = (&done, &answered);
            scope.spawn(move || {
                let mut at = 0;
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(tell.add(at, 1).expect("answered"), at + 1);
                    answered.fetch_add(1, Ordering::Relaxed);
                    at += 1;
                }
            });
        }
        wait::until("both call", || answered.load(Ordering::Relaxed) > 1_000);
        swap();
        done.store(true, Ordering::Relaxed);
    });
    answered.into_inner()
}

#[test]
fn no_call_fails_or_waits_while_a_provider_without_state_is_swapped() {
    let host = started([teller("acme.one", "0")]);
    let tell = host.interface::<dyn Teller>("^1").expect("a handle");
    under_load(&tell, || {
        for _ in 0..200 {
            assert!(teller("acme.one", "1").install(&host).is_ok());
        }
    });
    assert_eq!(tell.name().expect("answered"), "1");
    assert_eq!(host.waits(), 0);
}

/// Counts its calls in the state of its puppet's making.
#[interface(name = "tests.count", version = "1.0.0")]
pub(crate) trait Count {
    fn more(&self) -> u64;
}

struct Counter(Arc<AtomicU64>);

impl Count for Counter {
    fn more(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

struct Counting {
    total: Arc<AtomicU64>,
}

impl Plugin for Counting {
    fn init(_: &mut Init<'_>) -> Result<Self> {
        Ok(Self { total: Arc::default() })
    }
    fn register(&self, cx: &mut Register<'_>) -> Result<()> {
        cx.provide::<dyn Count>(Counter(Arc::clone(&self.total)))
    }
    fn save(&self) -> Result<State> {
        State::of(1, &self.total.load(Ordering::SeqCst))
    }
    fn restore(&mut self, old: State) -> Result<()> {
        self.total.store(old.read()?, Ordering::SeqCst);
        Ok(())
    }
}

const COUNTING: &str = "schema = 1\nid = \"acme.count\"\nversion = \"1.0.0\"\napi = \"^1\"\n[provides]\n\
                        \"tests.count\" = \"1.0.0\"\n[state]\nschema = 1\npause-deadline = \"5s\"\n[health]\ntrial = \"0s\"\n";

#[test]
fn no_update_is_lost_while_a_provider_with_state_is_swapped() {
    let entry = reactor_host::Entry::of::<Counting>();
    let host = reactor_host::Host::builder("dev.reactor.tests", "1.0.0").plugin(COUNTING, entry);
    let host = host.build().expect("a host");
    assert!(host.start().expect("started").is_ok());
    let count = host.interface::<dyn Count>("^1").expect("a handle");
    let (done, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let count = count.clone();
            let (done, calls) = (&done, &calls);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    count.more().expect("answered");
                    calls.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for _ in 0..50 {
            assert!(host.install(COUNTING, entry).expect("taken").is_ok());
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(count.more().expect("answered"), calls.into_inner() + 1);
}

#[test]
fn a_call_stays_in_the_generation_that_it_began_in_and_holds_it() {
    #[interface(name = "tests.gate", version = "1.0.0")]
    pub(crate) trait Gate {
        fn pass(&self) -> u64;
    }
    struct Shut(u64, std::sync::Mutex<mpsc::Receiver<()>>, mpsc::Sender<()>);
    impl Gate for Shut {
        fn pass(&self) -> u64 {
            self.2.send(()).expect("the test listens");
            self.1.lock().expect("no panic").recv_timeout(wait::DEADLINE).expect("it opens");
            self.0
        }
    }
    let (open, opened) = mpsc::channel();
    let (inside, entered) = mpsc::channel();
    let parts = std::sync::Mutex::new(Some((opened, inside)));
    let first = Script::new("acme.gate").provides("tests.gate", "1.0.0", move |cx| {
        let (opened, inside) = parts.lock().expect("no panic").take().expect("once");
        cx.provide::<dyn Gate>(Shut(1, std::sync::Mutex::new(opened), inside))
    });
    let host = started([first]);
    let events = host.events();
    let gate = host.interface::<dyn Gate>("^1").expect("a handle");
    std::thread::scope(|scope| {
        let call = scope.spawn(|| gate.pass());
        entered.recv_timeout(wait::DEADLINE).expect("it is inside");
        struct Open;
        impl Gate for Open {
            fn pass(&self) -> u64 {
                2
            }
        }
        let second =
            Script::new("acme.gate").provides("tests.gate", "1.0.0", |cx| cx.provide::<dyn Gate>(Open));
        assert!(second.install(&host).is_ok());
        assert_eq!(gate.pass().expect("answered"), 2);
        open.send(()).expect("it waits");
        assert_eq!(call.join().expect("no panic").expect("answered"), 1);
    });
    let (plugin, verdict, reasons) = wait::retired(&events);
    assert_eq!((plugin.as_str(), verdict), ("acme.gate", reactor_host::Verdict::Linked), "{reasons:?}");
}

#[test]
fn a_call_may_ask_for_the_swap_of_its_own_callee_and_must_not_wait_for_it() {
    #[interface(name = "tests.self", version = "1.0.0")]
    pub(crate) trait SwapSelf {
        fn ask(&self) -> Result<(), Error>;
    }
    struct Asks(Services);
    impl SwapSelf for Asks {
        fn ask(&self) -> Result<(), Error> {
            self.0.request_disable("acme.asks")
        }
    }
    let script = Script::new("acme.asks")
        .provides("tests.self", "1.0.0", |cx| cx.provide::<dyn SwapSelf>(Asks(cx.services())));
    let host = started([script]);
    let ask = host.interface::<dyn SwapSelf>("^1").expect("a handle");
    ask.ask().expect("it is there").expect("queued");
    wait::until("it is switched off", || ask.check().is_err());

    struct Waits(Arc<std::sync::OnceLock<Arc<reactor_host::Host>>>);
    impl SwapSelf for Waits {
        fn ask(&self) -> Result<(), Error> {
            match self.0.get().expect("set").disable("acme.asks") {
                Err(HostError::InsidePlugin) => Ok(()),
                other => Err(Error::msg(format!("{other:?}"))),
            }
        }
    }
    let known = Arc::new(std::sync::OnceLock::new());
    let given = Arc::clone(&known);
    let script = Script::new("acme.asks")
        .provides("tests.self", "1.0.0", move |cx| cx.provide::<dyn SwapSelf>(Waits(Arc::clone(&given))));
    let host = Arc::new(started([script]));
    known.set(Arc::clone(&host)).ok().expect("once");
    let ask = host.interface::<dyn SwapSelf>("^1").expect("a handle");
    ask.ask().expect("it is there").expect("refused, since it would wait for itself");
}

#[test]
fn builds_that_are_swapped_together_call_each_others_interfaces_before_anybody_else_does() {
    #[interface(name = "tests.numbered", version = "1.0.0")]
    pub(crate) trait Numbered {
        fn number(&self) -> u64;
    }
    struct Number(u64);
    impl Numbered for Number {
        fn number(&self) -> u64 {
            self.0
        }
    }
    let made = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&made);
    let told = Script::new("acme.told").provides("tests.numbered", "1.0.0", move |cx| {
        cx.provide::<dyn Numbered>(Number(counted.fetch_add(1, Ordering::SeqCst) + 1))
    });
    let met = Arc::new(std::sync::Mutex::new(Vec::new()));
    let outside: Arc<std::sync::OnceLock<NumberedHandle>> = Arc::default();
    let (note, look) = (Arc::clone(&met), Arc::clone(&outside));
    let calls = Script::new("acme.calls").needs(&["acme.told"]).on("after_registration", move |cue| {
        let inside = cue.services.interface::<dyn Numbered>("^1")?.number().ok();
        let outside = look.get().and_then(|handle| handle.number().ok());
        note.lock().expect("no panic").push((inside, outside));
        Ok(())
    });
    let host = started([told, calls]);
    let handle = host.interface::<dyn Numbered>("^1").expect("a handle");
    outside.set(handle.clone()).expect("once");
    let report = host.swap_together(&["acme.told", "acme.calls"]).expect("taken");
    assert!(report.is_ok(), "{report:?}");
    assert_eq!(handle.number().expect("answered"), 2);
    assert_eq!(met.lock().expect("no panic").last(), Some(&(Some(2), Some(1))));
}

#[test]
fn a_panic_is_the_callers_error_and_takes_a_swap_back_when_there_are_too_many() {
    let host = started([teller("acme.one", "old")]);
    let tell = host.interface::<dyn Teller>("^1").expect("a handle");
    let error = tell.fall().expect_err("it panics");
    assert_eq!(error.code(), "RE0603");
    assert!(error.to_string().contains("old fell"), "{error}");
    assert_eq!(tell.name().expect("it goes on"), "old");

    let events = host.events();
    let new = teller("acme.one", "new").health("trial = \"60s\"\nmax-panics = 1");
    assert!(new.install(&host).is_ok());
    for _ in 0..2 {
        tell.fall().expect_err("it panics");
    }
    wait::event(&events, |event| {
        matches!(event.kind, reactor_host::EventKind::RolledBack { .. }).then_some(())
    });
    assert_eq!(tell.name().expect("answered"), "old");
}

#[test]
fn calls_from_inside_a_plugin_go_on_while_it_waits_for_nobody_else() {
    // A calls B, which calls A back, which calls B: three deep, two plugins, one thread.
    #[interface(name = "tests.ping", version = "1.0.0")]
    pub(crate) trait Ping {
        fn ping(&self, left: u32) -> Result<u32, Error>;
    }
    #[interface(name = "tests.pong", version = "1.0.0")]
    pub(crate) trait Pong {
        fn pong(&self, left: u32) -> Result<u32, Error>;
    }
    struct Pings(Services);
    impl Ping for Pings {
        fn ping(&self, left: u32) -> Result<u32, Error> {
            if left == 0 {
                return Ok(0);
            }
            let answer = self.0.interface::<dyn Pong>("^1")?.pong(left - 1)?;
            Ok(answer? + 1)
        }
    }
    struct Pongs(Services);
    impl Pong for Pongs {
        fn pong(&self, left: u32) -> Result<u32, Error> {
            if left == 0 {
                return Ok(0);
            }
            let answer = self.0.interface::<dyn Ping>("^1")?.ping(left - 1)?;
            Ok(answer? + 1)
        }
    }
    let state = "pause-deadline = \"1s\"";
    let ping = Script::new("acme.ping")
        .state(1, state)
        .provides("tests.ping", "1.0.0", |cx| cx.provide::<dyn Ping>(Pings(cx.services())));
    let pong = Script::new("acme.pong")
        .state(1, state)
        .provides("tests.pong", "1.0.0", |cx| cx.provide::<dyn Pong>(Pongs(cx.services())));
    let host = started([ping, pong]);
    let ping = host.interface::<dyn Ping>("^1").expect("a handle");
    assert_eq!(ping.ping(64).expect("answered").expect("answered"), 64);

    // The same while both are being swapped all the time.
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| {
            let mut calls = 0;
            while !done.load(Ordering::Relaxed) {
                let answer = ping.ping(8).expect("answered");
                // What calls back while its callee hands over may be refused, and nothing else may happen.
                assert!(answer.as_ref().is_ok_and(|depth| *depth == 8) || answer.is_err(), "{answer:?}");
                calls += 1;
            }
            calls
        });
        for _ in 0..20 {
            let ping = Script::new("acme.ping")
                .state(1, state)
                .provides("tests.ping", "1.0.0", |cx| cx.provide::<dyn Ping>(Pings(cx.services())));
            assert!(ping.install(&host).is_ok());
        }
        done.store(true, Ordering::Relaxed);
        assert!(caller.join().expect("no panic") > 0);
    });
}
