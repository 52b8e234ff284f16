//! Where the host calls the application: its clock and its subscriber; and where the application reads the host.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reactor_host::clock::Clock;
use reactor_host::{EventKind, Host, Value};
use reactor_tests::puppet::{Script, started};
use reactor_tests::{tell, wait};

/// A clock that panics as long as it is told to.
struct Faulty(Arc<AtomicBool>);

impl Clock for Faulty {
    fn monotonic(&self) -> Duration {
        assert!(!self.0.load(Ordering::Relaxed), "the clock is broken");
        Duration::from_secs(7)
    }

    fn unix(&self) -> Duration {
        self.monotonic()
    }
}

#[test]
fn a_clock_of_the_applications_that_panics_reads_as_zero_and_harms_nobody() {
    let broken = Arc::new(AtomicBool::new(true));
    let (manifest, entry) = Script::new("one")
        .answer(|cue| match cue.action {
            "time" => Ok(cue.services.monotonic().as_secs().into()),
            _ => Ok(Value::Null),
        })
        .build();
    let builder = Host::builder("dev.reactor.tests", "1.0.0").plugin(manifest, entry);
    let host = builder.clock(Arc::new(Faulty(Arc::clone(&broken)))).build().expect("a host");
    assert!(host.start().expect("the host starts").is_ok());
    let time = || host.invoke("one", "time", &Value::Null).expect("it serves").as_u64();
    assert_eq!(time(), Some(0));
    broken.store(false, Ordering::Relaxed);
    assert_eq!(time(), Some(7), "and is read again when it is well");
    assert!(tell::swapped(&host.swap("one").expect("the host runs"), "one"));
}

/// A subscriber that panics at every event, and counts them.
struct Panics(Arc<AtomicU64>);

impl tracing::Subscriber for Panics {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        panic!("the subscriber is broken");
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn a_subscriber_of_the_applications_that_panics_costs_its_own_lines_only() {
    let host = started([Script::new("one").answer(|cue| {
        if cue.action == "log" {
            cue.services.error("hear me");
            return Ok("logged".into());
        }
        Ok(Value::Null)
    })]);
    let (events, heard) = (host.events(), Arc::new(AtomicU64::new(0)));
    tracing::subscriber::with_default(Panics(Arc::clone(&heard)), || {
        for _ in 0..3 {
            let answer = host.invoke("one", "log", &Value::Null).expect("the call goes on");
            assert_eq!(answer, Value::from("logged"));
        }
    });
    assert_eq!(heard.load(Ordering::Relaxed), 3, "it was asked");
    for _ in 0..3 {
        wait::event(&events, |event| match &event.kind {
            EventKind::Log { message, .. } => (message == "hear me").then_some(()),
            _ => None,
        });
    }
}

#[test]
fn a_reader_of_events_that_panics_ends_its_own_subscription_only() {
    let host = started([Script::new("one")]);
    let others = host.events();
    for _ in 0..10 {
        let broken = host.events();
        let reader = std::thread::spawn(move || -> () {
            let event = { broken }.next();
            panic!("the reader is broken: {event:?}");
        });
        assert!(tell::swapped(&host.swap("one").expect("the host runs"), "one"));
        assert!(reader.join().is_err());
        wait::event(&others, |event| matches!(event.kind, EventKind::Swapped { .. }).then_some(()));
    }
}
