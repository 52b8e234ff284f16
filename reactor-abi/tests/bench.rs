//! What the bench for plugins promises to their tests.
#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reactor_abi::ffi::RequestKind;
use reactor_abi::interface::{Next, SendError};
use reactor_abi::log::Level;
use reactor_abi::prelude::*;
use reactor_abi::testing::Bench;

/// Gives numbers, as fast as they are taken.
#[interface(name = "test.numbers", version = "1.0.0")]
trait Numbers {
    /// Those below.
    fn below(&self, end: u32) -> Stream<u32>;
    /// What became of the last item that could not be sent.
    fn last(&self) -> Option<String>;
}

type Order = Arc<Mutex<Vec<&'static str>>>;

/// Says when it is dropped.
struct Told(Order, &'static str);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(self.1);
    }
}

struct Provider {
    services: Services,
    last: Arc<Mutex<Option<String>>>,
    _told: Option<Told>,
}

impl Numbers for Provider {
    fn below(&self, end: u32) -> Stream<u32> {
        let (sender, stream) = self.services.stream(2).expect("open");
        let last = Arc::clone(&self.last);
        self.services
            .spawn("numbers", move |_| {
                for number in 0..end {
                    if let Err(error) = sender.send(&number) {
                        *last.lock().unwrap() = Some(format!("{number}: {}", error.code()));
                        return Ok(());
                    }
                }
                Ok(())
            })
            .expect("spawned");
        stream
    }

    fn last(&self) -> Option<String> {
        self.last.lock().unwrap().clone()
    }
}

/// Uses every service.
struct Busy {
    services: Services,
    order: Option<Order>,
    _told: Option<Told>,
}

thread_local!(static ORDER: std::cell::RefCell<Option<Order>> = const { std::cell::RefCell::new(None) });

impl Plugin for Busy {
    fn init(cx: &mut Init<'_>) -> Result<Self> {
        let order = ORDER.with(|order| order.borrow().clone());
        let told = order.clone().map(|order| Told(order, "plugin"));
        Ok(Self { services: cx.services(), order, _told: told })
    }

    fn build(&self, _: &mut Build<'_>) -> Result<Value> {
        Ok(self.services.id().into())
    }

    fn register(&self, cx: &mut Register<'_>) -> Result<()> {
        let told = self.order.clone().map(|order| Told(order, "provider"));
        cx.provide::<dyn Numbers>(Provider { services: cx.services(), last: Arc::default(), _told: told })?;
        match cx.config().get("twice") {
            Some(_) => cx.provide::<dyn Numbers>(Provider {
                services: cx.services(),
                last: Arc::default(),
                _told: None,
            }),
            None => Ok(()),
        }
    }

    fn start(&self, cx: &mut Start<'_>) -> Result<()> {
        let services = cx.services();
        cx.spawn("ticks", move |task| {
            while task.sleep(Duration::from_secs(10)) {
                services.log(Level::Info, "tick").with("at", services.monotonic().as_secs()).emit();
            }
            services.info("cancelled");
            Ok(())
        })?;
        Ok(())
    }

    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        match action {
            "ask" => self.services.peer("other")?.invoke("double", &value),
            "read" => self.services.output("other"),
            "request" => self.services.request_swap("other").map(|()| Value::Null),
            "panic" => panic!("as told"),
            _ => Err(Error::unknown_action(action)),
        }
    }
}

#[test]
fn a_plugin_finds_its_services_as_the_test_set_them() {
    let plugin = Bench::<Busy>::new()
        .id("acme.busy")
        .peer("other", |action, value| {
            assert_eq!(action, "double");
            Ok((value.read::<u64>()? * 2).into())
        })
        .output("other", "built")
        .start()
        .unwrap();
    assert_eq!(plugin.output().unwrap(), Value::from("acme.busy"));
    assert_eq!(plugin.invoke("ask", 21_u64).unwrap(), Value::from(42_u64));
    assert_eq!(plugin.invoke("read", Value::Null).unwrap(), Value::from("built"));
    plugin.invoke("request", Value::Null).unwrap();
    assert_eq!(plugin.requests(), [(RequestKind::Swap, "other".to_owned())]);
    assert_eq!(plugin.invoke("panic", Value::Null).unwrap_err().code(), "RE0603");
    let alone = Bench::<Busy>::new().start().unwrap();
    assert_eq!(alone.invoke("ask", 21_u64).unwrap_err().code(), "RE0601");
    assert_eq!(alone.invoke("read", Value::Null).unwrap_err().code(), "RE0601");
}

#[test]
fn the_clock_moves_when_the_test_says_so_and_tasks_are_joined() {
    let mut plugin = Bench::<Busy>::new().start().unwrap();
    plugin.advance(Duration::from_secs(10));
    let tick = plugin.wait_for_log(|line| line.message == "tick");
    assert_eq!(tick.fields, [("at".to_owned(), Value::from(10_u64))]);
    plugin.stop().unwrap();
    assert_eq!(plugin.logs().last().map(|line| line.message.as_str()), Some("cancelled"));
    assert_eq!(plugin.invoke("ask", 1_u64).unwrap_err().code(), "RE0606");
}

#[test]
fn a_phase_that_fails_takes_back_what_was_registered() {
    let error = Bench::<Busy>::new().config(value!({ "twice": true })).start().err().expect("refused");
    assert_eq!(error.code(), "RE0743");
}

#[test]
fn what_provides_is_dropped_before_the_plugin() {
    let order = Order::default();
    ORDER.with(|slot| *slot.borrow_mut() = Some(Arc::clone(&order)));
    drop(Bench::<Busy>::new().start().unwrap());
    ORDER.with(|slot| *slot.borrow_mut() = None);
    assert_eq!(*order.lock().unwrap(), ["provider", "plugin"]);
}

#[test]
fn a_sender_waits_while_the_stream_is_full_and_is_told_when_nobody_reads() {
    for bench in [Bench::<Busy>::new(), Bench::new().encoded()] {
        let mut plugin = bench.start().unwrap();
        let numbers = plugin.interface::<dyn Numbers>().unwrap();
        let all: Vec<u32> = numbers.below(100).unwrap().map(Result::unwrap).collect();
        assert_eq!(all, (0..100).collect::<Vec<_>>());

        let mut some = numbers.below(100).unwrap();
        assert_eq!(some.next().unwrap().unwrap(), 0);
        drop(some);
        // The task has ended when the plugin has stopped, so what it said is there.
        plugin.suspend().unwrap();
        let last = numbers.last().unwrap().expect("told");
        assert!(last.ends_with(": RE0723"), "{last}");
        plugin.stop().unwrap();
    }
}

#[test]
fn a_stream_outlives_its_generation_until_it_is_read() {
    let mut plugin = Bench::<Busy>::new().start().unwrap();
    let (sender, stream) = plugin.stream::<u32>(2).unwrap();
    sender.try_send(&1).unwrap();
    sender.try_send(&2).unwrap();
    assert_eq!(sender.try_send(&3), Err(SendError::Full));
    assert_eq!(sender.send_timeout(&3, Duration::from_millis(1)), Err(SendError::Full));
    drop(stream);
    assert_eq!(sender.try_send(&3), Err(SendError::Closed));

    let numbers = plugin.interface::<dyn Numbers>().unwrap();
    let mut subscription = numbers.below(2).unwrap();
    assert_eq!(subscription.next_timeout(Duration::MAX), Ok(Next::Item(0)));
    plugin.swap().unwrap();
    // The task may have sent the second one before it was ended; after that comes an end, well or not.
    let rest: Vec<_> = subscription.collect();
    assert!(rest.len() <= 2, "{rest:?}");
}
