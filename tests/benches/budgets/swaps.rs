//! From a complete file to an answer of its code, beside copying, opening and closing the same file by hand.

use std::path::PathBuf;

use reactor_host::{EventKind, Handle, Host, Subscription, Value, Verdict, Watch};
use reactor_tests::folder::Folder;
use reactor_tests::{corpus, host, wait};

use crate::by_hand::{self, Copies};
use crate::measure::{percentile, timed};
use crate::table::{Row, Unit};

const ROUNDS: usize = 1_000;
const WARM_UP: usize = 50;
const NAME: &str = "libanswer.so";
const MOST_SECONDS: f64 = 0.010;
const MOST_TIMES_BY_HAND: f64 = 5.0;

/// How the host hears of a new file.
#[derive(Clone, Copy)]
pub(crate) enum Hearing {
    /// It is told to look.
    Rescan,
    /// It follows the folder.
    Watch,
}

/// What the host knows of the bytes.
#[derive(Clone, Copy)]
enum Content {
    /// Two builds take turns: both were checked before.
    Known,
    /// No build comes twice: each is checked.
    New,
}

/// A host whose plugin is replaced again and again.
pub(crate) struct Bed {
    _watch: Option<Watch>,
    host: Host,
    hearing: Hearing,
    handle: Handle,
    events: Subscription,
    folder: Folder,
    /// Files are written here, and moved into the watched folder when they are whole.
    aside: Folder,
    builds: [Vec<u8>; 2],
    rounds: u64,
}

impl Bed {
    pub(crate) fn new(hearing: Hearing) -> Self {
        let folder = Folder::new();
        let bytes = |name| std::fs::read(corpus::release_library(name)).expect("it was just built");
        let builds = [bytes("answer-one"), bytes("answer-two")];
        folder.put(NAME, &builds[0]);
        let host = host(folder.path());
        let report = host.start().expect("the host starts");
        assert!(report.is_ok(), "{report:?}");
        let watch = match hearing {
            Hearing::Rescan => None,
            Hearing::Watch => Some(host.watch().expect("nobody watches yet")),
        };
        let (handle, events) = (host.plugin("answer").expect("an id"), host.events());
        Self { _watch: watch, host, hearing, handle, events, folder, aside: Folder::new(), builds, rounds: 0 }
    }

    /// Writes the next build beside the folder. Bytes after the last section make it one that was never seen.
    fn write_next(&mut self, content: Content) -> PathBuf {
        self.rounds += 1;
        let mut bytes = self.builds[usize::from(self.rounds % 2 == 1)].clone();
        if let Content::New = content {
            bytes.extend(self.rounds.to_le_bytes());
        }
        self.aside.put(NAME, &bytes)
    }

    /// Moves the file in, and makes the first call that its code answers. From the moment that the file is there, in
    /// seconds: to rename over a file makes some file systems (ext4) write the new one out first, which takes longer
    /// than all the rest, and is done to whoever replaces a file, with or without Reactor.
    fn swap(&self, file: &PathBuf) -> f64 {
        std::fs::rename(file, self.folder.path().join(NAME)).expect("one file system");
        let ((), took) = timed(|| {
            match self.hearing {
                Hearing::Rescan => {
                    let report = self.host.rescan().expect("the host runs");
                    assert!(report.is_ok(), "{report:?}");
                }
                Hearing::Watch => wait::event(&self.events, |event| {
                    matches!(event.kind, EventKind::Swapped { .. }).then_some(())
                }),
            }
            let answer = self.handle.invoke("which", &Value::Null).expect("no call fails");
            let (build, _): (u64, u64) = answer.read().expect("two numbers");
            assert_eq!(build, 1 + self.rounds % 2, "the new build answers");
        });
        took.as_secs_f64()
    }

    /// Waits until the generation before is closed, so that rounds do not overlap.
    fn settle(&self) {
        let (_, verdict, reasons) = wait::retired(&self.events);
        assert_eq!(verdict, Verdict::Unloaded, "{reasons:?}");
    }

    /// Swaps once, with builds that are known, and waits for the end of the old one.
    pub(crate) fn swap_and_settle(&mut self) {
        let file = self.write_next(Content::Known);
        self.swap(&file);
        self.settle();
    }
}

/// Swaps and by-hand rounds in turn: `(p50, p99)` of either, in seconds.
fn compare(hearing: Hearing, content: Content) -> [(f64, f64); 2] {
    let mut bed = Bed::new(hearing);
    let mut copies = Copies::new();
    let (mut swaps, mut by_hand) = (Vec::new(), Vec::new());
    for _ in 0..WARM_UP + ROUNDS {
        let file = bed.write_next(content);
        let copy = copies.fresh();
        let ((), took) = timed(|| by_hand::copy_open_close(&file, &copy));
        by_hand.push(took.as_secs_f64());
        std::fs::remove_file(&copy).expect("it was just made");
        swaps.push(bed.swap(&file));
        bed.settle();
    }
    [&mut swaps[WARM_UP..], &mut by_hand[WARM_UP..]]
        .map(|times| (percentile(times, 50), percentile(times, 99)))
}

/// The rows of this part.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, hearing, content) in [
        ("swap, rescan, content seen", Hearing::Rescan, Content::Known),
        ("swap, rescan, content new", Hearing::Rescan, Content::New),
        ("swap, watch, content seen", Hearing::Watch, Content::Known),
        ("swap, watch, content new", Hearing::Watch, Content::New),
    ] {
        let [(p50, p99), (hand50, hand99)] = compare(hearing, content);
        let median = Row::new(format!("{name}, p50"), Unit::Seconds, p50).beside(hand50);
        rows.push(median.at_most(MOST_SECONDS).at_most_times(MOST_TIMES_BY_HAND));
        rows.push(Row::new(format!("{name}, p99"), Unit::Seconds, p99).beside(hand99));
    }
    rows
}
