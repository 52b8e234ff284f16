//! A pinned call through a cell, beside a call of the same function by its address.
#![expect(unsafe_code, reason = "calls C functions of a library by their addresses")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use libloading::os::unix::Library;
use reactor_abi::ffi::{Binding, Cell, CellRef};
use reactor_host::{Value, pins};
use reactor_tests::folder::Folder;
use reactor_tests::{corpus, host};

use crate::by_hand::{self, Copies};
use crate::measure::Batches;
use crate::table::{Row, Unit};

const BUFFER: usize = 4096;
const BUDGET: f64 = 2.0;
const SWAP_EVERY: Duration = Duration::from_millis(1);

type Scalar = extern "C" fn(u64) -> u64;
type Bytes = unsafe extern "C" fn(*const u8, usize) -> u64;

/// What a binding's table is here.
#[derive(Clone, Copy)]
struct Functions {
    scalar: Scalar,
    sum: Bytes,
    ends: Bytes,
}

impl Functions {
    fn of(library: &Library) -> Self {
        // SAFETY: the corpus crate `scalar` exports these names with these signatures.
        unsafe {
            Self {
                scalar: *library.get(b"scalar").expect("exported"),
                sum: *library.get(b"sum").expect("exported"),
                ends: *library.get(b"ends").expect("exported"),
            }
        }
    }
}

/// Alone on its page, so that no write to a stack is taken for one to it.
#[repr(align(4096))]
struct Buffer([u8; BUFFER]);

/// A cell and what it can point at: one library opened twice. Kept for as long as the program runs.
struct Bench {
    raw: Functions,
    cell: &'static Cell,
    bindings: [&'static Binding; 2],
    buffer: Buffer,
}

impl Bench {
    fn new() -> Self {
        let mut copies = Copies::new();
        let mut open = || {
            let copy = copies.fresh();
            std::fs::copy(corpus::release_library("scalar"), &copy).expect("there is room for a copy");
            let library: &'static Library = Box::leak(Box::new(by_hand::open(&copy)));
            Functions::of(library)
        };
        let functions = [open(), open()];
        let bindings = functions.map(|functions| {
            let binding: &'static Binding = Box::leak(Box::new(Binding::vacant()));
            let table: *mut Functions = Box::leak(Box::new(functions));
            binding.assign(std::ptr::null_mut(), table.cast(), 1, 0);
            binding
        });
        let cell: &'static Cell = Box::leak(Box::new(Cell::new(pins::ops(), std::ptr::null_mut())));
        // What the host does when it is built, so that no call meets it.
        assert_eq!(pins::inside(bindings[0]), 0);
        let bench = Self {
            raw: functions[0],
            cell,
            bindings,
            buffer: Buffer(std::array::from_fn(|at| at.to_le_bytes()[0])),
        };
        bench.point_at(0);
        bench
    }

    fn point_at(&self, which: usize) {
        self.cell.word().store(std::ptr::from_ref(self.bindings[which]).cast_mut(), Ordering::SeqCst);
    }

    /// Pins, and calls what `of` picks from the table that was pinned.
    #[inline]
    fn through_cell<T>(cell: CellRef, with: impl FnOnce(&Functions) -> T) -> T {
        let pin = cell.pin().expect("the cell always holds an address");
        // SAFETY: the table of each binding here is a leaked `Functions`.
        with(unsafe { &*pin.binding().table().cast::<Functions>() })
    }

    fn compare(&self, threads: usize, what: What) -> (f64, f64) {
        // SAFETY: cell and bindings were leaked.
        let cell = unsafe { CellRef::new(self.cell) };
        let (raw, buffer) = (self.raw, &self.buffer.0);
        let calls = |calls| Batches { threads, rounds: 300, calls };
        match what {
            What::Scalar => calls(200_000)
                .compare(|x| Self::through_cell(cell, |table| (table.scalar)(x)), |x| (raw.scalar)(x)),
            What::Sum => calls(2_000).compare(
                // SAFETY: `buffer` is borrowed for longer than any call lasts; so below.
                |_| Self::through_cell(cell, |table| unsafe { (table.sum)(buffer.as_ptr(), BUFFER) }),
                // SAFETY: as above.
                |_| unsafe { (raw.sum)(buffer.as_ptr(), BUFFER) },
            ),
            What::Ends => calls(200_000).compare(
                // SAFETY: as above.
                |_| Self::through_cell(cell, |table| unsafe { (table.ends)(buffer.as_ptr(), BUFFER) }),
                // SAFETY: as above.
                |_| unsafe { (raw.ends)(buffer.as_ptr(), BUFFER) },
            ),
        }
    }

    /// Runs `work` while the cell changes from one binding to the other every millisecond, and nobody is inside the
    /// former any more.
    fn while_swapping<T>(&self, work: impl FnOnce() -> T) -> T {
        let swapped = AtomicBool::new(false);
        let (stop, stopped) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let stopped = stopped;
                let mut which = 0;
                while stopped.recv_timeout(SWAP_EVERY) == Err(RecvTimeoutError::Timeout) {
                    which = 1 - which;
                    self.point_at(which);
                    while pins::inside(self.bindings[1 - which]) != 0 {
                        std::thread::yield_now();
                    }
                    swapped.store(true, Ordering::Relaxed);
                }
            });
            let answer = work();
            drop(stop);
            assert!(swapped.load(Ordering::Relaxed), "the cell changed while calls were made");
            answer
        })
    }
}

#[derive(Clone, Copy)]
enum What {
    Scalar,
    Sum,
    Ends,
}

/// The rows of this part.
pub(crate) fn rows() -> Vec<Row> {
    let bench = Bench::new();
    let mut rows = Vec::new();
    for (name, what) in [
        ("call, scalar", What::Scalar),
        ("call, 4 KiB in and summed", What::Sum),
        ("call, 4 KiB in and ends read", What::Ends),
    ] {
        let mut add = |circumstances: &str, (reactor, raw): (f64, f64)| {
            let row = Row::new(format!("{name}, {circumstances}"), Unit::Seconds, reactor);
            rows.push(row.beside(raw).at_most_times(BUDGET));
        };
        add("1 thread", bench.compare(1, what));
        add("2 threads", bench.compare(2, what));
        add("2 threads, swapped every ms", bench.while_swapping(|| bench.compare(2, what)));
    }
    rows.push(invoke(&bench));
    rows
}

/// The call that everything can make: action and `Value` encoded, decoded, caught, answered into a sink.
fn invoke(bench: &Bench) -> Row {
    let folder = Folder::new();
    let library = corpus::release_library("scalar");
    folder.put("libscalar.so", &std::fs::read(library).expect("it was just built"));
    let host = host(folder.path());
    let report = host.start().expect("the host starts");
    assert!(report.is_ok(), "{report:?}");
    let handle = host.plugin("scalar").expect("an id");
    let echo = |x: u64| {
        let answer = handle.invoke("echo", &Value::from(x)).expect("it echoes");
        answer.as_u64().expect("a number comes back")
    };
    let (reactor, raw) =
        Batches { threads: 1, rounds: 100, calls: 5_000 }.compare(echo, |x| (bench.raw.scalar)(x));
    Row::new("invoke(\"echo\", u64), 1 thread", Unit::Seconds, reactor).beside(raw)
}
