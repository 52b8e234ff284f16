//! Calls of a typed interface, beside calls of the same functions by their addresses.
#![expect(unsafe_code, reason = "calls C functions of a library by their addresses")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use libloading::os::unix::Library;
use reactor_host::{Host, Value};
use reactor_tests::folder::Folder;
use reactor_tests::{corpus, host};
use typed_api::{Calls, CallsHandle, Relay};

use crate::by_hand::{self, Copies};
use crate::measure::{Batches, percentile};
use crate::table::{Row, Unit};

const SMALL: usize = 4 << 10;
const LARGE: usize = 1 << 20;
const BUDGET: f64 = 2.0;
/// What a call from one plugin to another may cost, in calls from the host.
const RELAY_BUDGET: f64 = 1.3;
const SWAP_EVERY: Duration = Duration::from_millis(1);

type Scalar = extern "C" fn(u64) -> u64;
type Bytes = unsafe extern "C" fn(*const u8, usize) -> u64;

/// The provider's functions, of a copy of its library that was opened by hand.
#[derive(Clone, Copy)]
struct Raw {
    scalar: Scalar,
    sum: Bytes,
    ends: Bytes,
}

impl Raw {
    fn of(library: &Library) -> Self {
        // SAFETY: the corpus crate `typed-calls` exports these names with these signatures.
        unsafe {
            Self {
                scalar: *library.get(b"scalar").expect("exported"),
                sum: *library.get(b"sum").expect("exported"),
                ends: *library.get(b"ends").expect("exported"),
            }
        }
    }
}

struct Bench {
    raw: Raw,
    host: Host,
    calls: CallsHandle,
    /// So large that it is alone on its pages: no other write is taken for one to it.
    buffer: Vec<u8>,
    _folder: Folder,
}

impl Bench {
    fn new() -> Self {
        let library = corpus::release_library("typed-calls");
        let mut copies = Copies::new();
        let copy = copies.fresh();
        std::fs::copy(&library, &copy).expect("there is room for a copy");
        let raw = Raw::of(Box::leak(Box::new(by_hand::open(&copy))));
        let folder = Folder::new();
        for name in ["typed-calls", "typed-relay", "scalar"] {
            let bytes = std::fs::read(corpus::release_library(name)).expect("it was just built");
            folder.put(&format!("lib{}.so", name.replace('-', "_")), &bytes);
        }
        let host = host(folder.path());
        let report = host.start().expect("the host starts");
        assert!(report.is_ok(), "{report:?}");
        let calls = host.interface::<dyn Calls>("^1").expect("a handle");
        let buffer = (0..LARGE).map(|at| at.to_le_bytes()[0]).collect();
        Self { raw, host, calls, buffer, _folder: folder }
    }

    fn compare(&self, threads: usize, what: What) -> (f64, f64) {
        let (raw, calls) = (self.raw, &self.calls);
        let batches = |calls| Batches { threads, rounds: 300, calls };
        let answered = "the provider answers";
        match what {
            What::Scalar => {
                batches(200_000).compare(|x| calls.scalar(x).expect(answered), |x| (raw.scalar)(x))
            }
            What::Sum => {
                let bytes = &self.buffer[..SMALL];
                batches(2_000).compare(
                    |_| calls.sum(bytes).expect(answered),
                    // SAFETY: `bytes` is borrowed for longer than any call lasts; so below.
                    |_| unsafe { (raw.sum)(bytes.as_ptr(), bytes.len()) },
                )
            }
            What::Ends(length) => {
                let bytes = &self.buffer[..length];
                batches(200_000).compare(
                    |_| calls.ends(bytes).expect(answered),
                    // SAFETY: as above.
                    |_| unsafe { (raw.ends)(bytes.as_ptr(), bytes.len()) },
                )
            }
        }
    }

    /// Runs `work` while the provider is swapped every millisecond, as far as a swap takes no longer.
    fn while_swapping<T>(&self, work: impl FnOnce() -> T) -> (T, u64) {
        let swaps = AtomicU64::new(0);
        let (stop, stopped) = mpsc::channel::<()>();
        let answer = std::thread::scope(|scope| {
            scope.spawn(|| {
                let stopped = stopped;
                while stopped.recv_timeout(SWAP_EVERY) == Err(RecvTimeoutError::Timeout) {
                    let report = self.host.swap("typed-calls").expect("the host runs");
                    assert!(report.is_ok(), "{report:?}");
                    swaps.fetch_add(1, Ordering::Relaxed);
                }
            });
            let answer = work();
            drop(stop);
            answer
        });
        (answer, swaps.into_inner())
    }

    /// One plugin's calls of another, beside the host's calls of the same.
    fn relay(&self) -> (f64, f64) {
        const CALLS: u32 = 200_000;
        let relay = self.host.interface::<dyn Relay>("^1").expect("a handle");
        let host = |calls: u32| {
            let begun = std::time::Instant::now();
            for x in 0..u64::from(calls) {
                std::hint::black_box(self.calls.scalar(std::hint::black_box(x)).expect("it answers"));
            }
            begun.elapsed().as_secs_f64()
        };
        let plugin =
            |calls: u32| Duration::from_nanos(relay.scalars(calls).expect("it answers")).as_secs_f64();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..304 {
            // Who goes first takes turns.
            let (one, other) = if round % 2 == 0 {
                let one = plugin(CALLS);
                (one, host(CALLS))
            } else {
                let other = host(CALLS);
                (plugin(CALLS), other)
            };
            // The first ones fill caches.
            if round >= 4 {
                ours.push(one / f64::from(CALLS));
                theirs.push(other / f64::from(CALLS));
            }
        }
        (percentile(&mut ours, 50), percentile(&mut theirs, 50))
    }
}

#[derive(Clone, Copy)]
enum What {
    Scalar,
    Sum,
    Ends(usize),
}

/// The rows of this part.
pub(crate) fn rows() -> Vec<Row> {
    let bench = Bench::new();
    let mut rows = Vec::new();
    for (name, what) in [
        ("call, scalar", What::Scalar),
        ("call, 4 KiB in and summed", What::Sum),
        ("call, 4 KiB in and ends read", What::Ends(SMALL)),
        ("call, 1 MiB in and ends read", What::Ends(LARGE)),
    ] {
        let mut add = |circumstances: &str, (reactor, raw): (f64, f64)| {
            let row = Row::new(format!("{name}, {circumstances}"), Unit::Seconds, reactor);
            rows.push(row.beside(raw).at_most_times(BUDGET));
        };
        add("1 thread", bench.compare(1, what));
        add("2 threads", bench.compare(2, what));
        let (times, swaps) = bench.while_swapping(|| bench.compare(2, what));
        add("2 threads, swapped every ms", times);
        eprintln!("  {name}: {swaps} swaps under two callers");
    }
    let (plugin, host) = bench.relay();
    rows.push(
        Row::new("call, scalar, plugin to plugin (raw: host to plugin)", Unit::Seconds, plugin)
            .beside(host)
            .at_most_times(RELAY_BUDGET),
    );
    rows.push(invoke(&bench));
    rows
}

/// The call that everything can make: action and `Value` encoded, decoded, caught, answered into a sink.
fn invoke(bench: &Bench) -> Row {
    let handle = bench.host.plugin("scalar").expect("an id");
    let echo = |x: u64| {
        let answer = handle.invoke("echo", &Value::from(x)).expect("it echoes");
        answer.as_u64().expect("a number comes back")
    };
    let (reactor, raw) =
        Batches { threads: 1, rounds: 100, calls: 5_000 }.compare(echo, |x| (bench.raw.scalar)(x));
    Row::new("invoke(\"echo\", u64), 1 thread", Unit::Seconds, reactor).beside(raw)
}
