//! Items that come one after the other, for as long as both sides wish.

use reactor_abi::interface::{Stream, Subscription};
use reactor_abi::prelude::*;
use reactor_tests::puppet::{Script, started};
use reactor_tests::wait;

#[interface(name = "tests.ticks", version = "1.0.0")]
pub(crate) trait Ticks {
    /// The numbers from one on; how many wait at most.
    fn ticks(&self, upto: u64, room: u32) -> Result<Stream<u64>, Error>;
}

struct Ticker(Services);

impl Ticks for Ticker {
    fn ticks(&self, upto: u64, room: u32) -> Result<Stream<u64>, Error> {
        let (sender, stream) = self.0.stream::<u64>(room as usize)?;
        self.0.spawn("ticks", move |task| {
            for tick in 1..=upto {
                if task.is_cancelled() || sender.send(&tick).is_err() {
                    return Ok(());
                }
            }
            Ok(())
        })?;
        Ok(stream)
    }
}

fn ticker() -> Script {
    Script::new("acme.ticks")
        .provides("tests.ticks", "1.0.0", |cx| cx.provide::<dyn Ticks>(Ticker(cx.services())))
}

fn subscribe(ticks: &TicksHandle, upto: u64, room: u32) -> Subscription<u64> {
    ticks.ticks(upto, room).expect("answered").expect("a stream")
}

#[test]
fn items_come_in_order_however_small_the_room_and_then_the_end() {
    let host = started([ticker()]);
    let ticks = host.interface::<dyn Ticks>("^1").expect("a handle");
    let items: Result<Vec<u64>, _> = subscribe(&ticks, 1_000, 2).collect();
    assert_eq!(items.expect("it ended well"), (1..=1_000).collect::<Vec<_>>());
}

#[test]
fn who_takes_no_more_ends_the_task_that_sends() {
    let host = started([ticker()]);
    let ticks = host.interface::<dyn Ticks>("^1").expect("a handle");
    let mut some = subscribe(&ticks, u64::MAX, 2);
    assert_eq!(some.next().expect("one").expect("a tick"), 1);
    let tasks = || host.accounts().iter().map(|account| account.tasks).sum::<usize>();
    assert_eq!(tasks(), 1);
    drop(some);
    wait::until("the task has ended", || tasks() == 0);
}

#[test]
fn a_swap_ends_the_streams_of_the_old_generation_with_the_reason_and_new_ones_begin() {
    let host = started([ticker()]);
    let ticks = host.interface::<dyn Ticks>("^1").expect("a handle");
    let mut some = subscribe(&ticks, u64::MAX, 2);
    assert_eq!(some.next().expect("one").expect("a tick"), 1);
    assert!(ticker().install(&host).is_ok());
    let end = some.find_map(Result::err).expect("it ends with a reason");
    assert_eq!(end.code(), "RE0751", "{end}");
    assert!(some.next().is_none(), "told once");
    assert_eq!(subscribe(&ticks, 3, 1).map(Result::unwrap).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_stream_that_a_swap_ends_never_looks_as_if_it_had_ended_well() {
    /// Sends nothing, and drops its end as soon as its task is told to end.
    struct Idle(Services);
    impl Ticks for Idle {
        fn ticks(&self, _: u64, room: u32) -> Result<Stream<u64>, Error> {
            let (sender, stream) = self.0.stream::<u64>(room as usize)?;
            self.0.spawn("idle", move |task| {
                while task.sleep(wait::DEADLINE) {}
                drop(sender);
                Ok(())
            })?;
            Ok(stream)
        }
    }
    let idle = || {
        Script::new("acme.ticks")
            .provides("tests.ticks", "1.0.0", |cx| cx.provide::<dyn Ticks>(Idle(cx.services())))
    };
    let host = started([idle()]);
    let ticks = host.interface::<dyn Ticks>("^1").expect("a handle");
    for _ in 0..20 {
        let streams: Vec<_> = (0..16).map(|_| subscribe(&ticks, 1, 1)).collect();
        assert!(idle().install(&host).is_ok());
        for mut stream in streams {
            let end = stream.next().expect("it is told").expect_err("why it ended");
            assert_eq!(end.code(), "RE0751", "{end}");
        }
    }
}

#[test]
fn a_stream_holds_no_generation() {
    let host = started([ticker()]);
    let events = host.events();
    let ticks = host.interface::<dyn Ticks>("^1").expect("a handle");
    let some = subscribe(&ticks, u64::MAX, 2);
    host.disable("acme.ticks").expect("disabled");
    let (_, verdict, reasons) = wait::retired(&events);
    assert_eq!(verdict, reactor_host::Verdict::Linked, "{reasons:?}");
    drop(some);
}
