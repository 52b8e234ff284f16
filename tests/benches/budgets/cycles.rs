//! What many swaps leave behind, and what loading and closing take.

use reactor_host::Verdict;
use reactor_tests::folder::Folder;
use reactor_tests::memory::private_bytes;
use reactor_tests::{corpus, host, wait};

use crate::by_hand::{self, Copies};
use crate::measure::{percentile, timed};
use crate::swaps::{Bed, Hearing};
use crate::table::{Row, Unit};

const SWAPS: u32 = 1_000;
const WARM_UP: u32 = 200;
const MOST_BYTES: f64 = 1024.0;
const CYCLES: usize = 500;

/// Private memory per swap, in bytes: what it is after a warm-up and after many swaps more.
fn growth_of(mut swap: impl FnMut()) -> f64 {
    (0..WARM_UP).for_each(|_| swap());
    let before = private_bytes();
    (0..SWAPS).for_each(|_| swap());
    let grown = private_bytes().saturating_sub(before);
    f64::from(u32::try_from(grown).unwrap_or(u32::MAX)) / f64::from(SWAPS)
}

/// The row about memory.
pub(crate) fn growth() -> Vec<Row> {
    let mut bed = Bed::new(Hearing::Rescan);
    let reactor = growth_of(|| bed.swap_and_settle());
    let (library, mut copies) = (corpus::release_library("answer-one"), Copies::new());
    let by_hand = growth_of(|| {
        let copy = copies.fresh();
        by_hand::copy_open_close(&library, &copy);
        std::fs::remove_file(&copy).expect("it was just made");
    });
    let row = Row::new("private memory per swap", Unit::Bytes, reactor);
    vec![row.beside(by_hand).at_most(MOST_BYTES)]
}

/// The rows about one plugin switched on and off, to the proof that its library is closed.
pub(crate) fn load_and_close() -> Vec<Row> {
    let folder = Folder::new();
    let library = corpus::release_library("answer-one");
    folder.put("libanswer.so", &std::fs::read(&library).expect("it was just built"));
    let host = host(folder.path());
    assert!(host.start().expect("the host starts").is_ok());
    let events = host.events();
    let close = || {
        assert!(host.disable("answer").expect("the host runs").is_ok());
        let (_, verdict, reasons) = wait::retired(&events);
        assert_eq!(verdict, Verdict::Unloaded, "{reasons:?}");
    };
    close();
    let (mut cycles, mut by_hand) = (Vec::new(), Vec::new());
    for _ in 0..CYCLES {
        let ((), took) = timed(|| {
            assert!(host.enable("answer").expect("the host runs").is_ok());
            close();
        });
        cycles.push(took.as_secs_f64());
        by_hand.push(timed(|| by_hand::open_close(&library)).1.as_secs_f64());
    }
    [50, 99]
        .into_iter()
        .map(|percent| {
            let (reactor, raw) = (percentile(&mut cycles, percent), percentile(&mut by_hand, percent));
            Row::new(format!("load and close, p{percent}"), Unit::Seconds, reactor).beside(raw)
        })
        .collect()
}
