//! What a call through a handle promises, over the raw road and over the encoded one, with nothing but this crate.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[path = "interfaces/text.rs"]
mod text;

use reactor_abi::interface::{Interface, Next};
use reactor_abi::prelude::*;
use reactor_abi::testing::{Bench, Running};
use std::sync::Mutex;
use text::{Change, Point, Progress, StatsError, Summary, TextStats};

/// Provides everything.
struct Stats(Services);

impl TextStats for Stats {
    fn words(&self, text: &str) -> u64 {
        text.split_whitespace().map(|_| 1).sum()
    }

    fn flip(&self, flag: bool, sign: char, small: i8, real: f64) -> f64 {
        if flag && sign == 'ß' { -real * f64::from(small) } else { 0.0 }
    }

    fn checksum(&self, bytes: &[u8]) -> u32 {
        bytes.iter().map(|byte| u32::from(*byte)).sum()
    }

    fn upper(&self, text: String) -> String {
        text.to_uppercase()
    }

    fn reversed(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.reverse();
        bytes
    }

    fn summary(&self, text: &str) -> Result<Summary, StatsError> {
        let longest = text.split_whitespace().max_by_key(|word| word.len()).ok_or(StatsError::Empty)?;
        Ok(Summary { words: self.words(text), longest: longest.to_owned() })
    }

    fn total(&self, all: &[Summary], extra: Option<&Summary>, suffix: Option<&str>) -> Option<Summary> {
        let words = all.iter().chain(extra).map(|one| one.words).sum();
        suffix.map(|suffix| Summary { words, longest: suffix.to_owned() })
    }

    fn middle(&self, points: &[Point], by: Point, first: &Point) -> Point {
        let count = points.len().to_string().parse::<f64>().unwrap_or(1.0);
        let sum = points.iter().fold((first.x, first.y), |sum, point| (sum.0 + point.x, sum.1 + point.y));
        Point { x: sum.0 / count + by.x, y: sum.1 / count + by.y }
    }

    fn nothing(&self) {}

    fn scan(&self, text: &str, progress: &dyn Progress) -> Result<u64, StatsError> {
        let mut words = 0;
        for (at, word) in text.split_whitespace().enumerate() {
            words += 1;
            progress.step(at, word)?;
        }
        Ok(words)
    }

    fn watch(&self, text: &str) -> Stream<Change> {
        let (sender, stream) = self.0.stream(16).expect("opened");
        for word in text.split_whitespace() {
            sender.try_send(&Change { word: word.to_owned() }).expect("room");
        }
        stream
    }

    fn fallible(&self, fine: bool) -> Result<Stream<Change>, StatsError> {
        if !fine {
            return Err(StatsError::Empty);
        }
        let (sender, stream) = self.0.stream(1).expect("opened");
        sender.fail(Error::new("stats.broken", "the wire broke"));
        Ok(stream)
    }

    fn fails(&self, how: u8) -> u8 {
        match how {
            0 => panic!("as told"),
            1 => std::panic::resume_unwind(Box::new("without a hook")),
            other => other,
        }
    }
}

struct Provider(Services);

impl Plugin for Provider {
    fn init(cx: &mut Init<'_>) -> Result<Self> {
        Ok(Self(cx.services()))
    }

    fn register(&self, cx: &mut Register<'_>) -> Result<()> {
        cx.provide::<dyn TextStats>(Stats(self.0.clone()))
    }
}

/// On both roads.
fn each_road(test: impl Fn(&Running<Provider>, <dyn TextStats as Interface>::Handle)) {
    for bench in [Bench::new(), Bench::new().encoded()] {
        let plugin = bench.start().expect("starts");
        let stats = plugin.interface::<dyn TextStats>().expect("fits");
        test(&plugin, stats);
    }
}

#[test]
fn scalars_text_and_bytes_come_as_they_were_given() {
    each_road(|_, stats| {
        assert_eq!(stats.words("one two  three").unwrap(), 3);
        assert_eq!(stats.flip(true, 'ß', -3, 1.5).unwrap().to_bits(), 4.5_f64.to_bits());
        assert_eq!(stats.checksum(&[1, 2, 253]).unwrap(), 256);
        assert_eq!(stats.checksum(&[]).unwrap(), 0);
        assert_eq!(stats.upper("schön".to_owned()).unwrap(), "SCHÖN");
        assert_eq!(stats.reversed(vec![1, 2, 3]).unwrap(), [3, 2, 1]);
        stats.nothing().unwrap();
        stats.check().unwrap();
        assert_eq!(stats.provider().unwrap().plugin, "plugin");
    });
}

#[test]
fn types_of_the_interface_and_its_errors_come_as_they_were_given() {
    each_road(|_, stats| {
        let summary = Summary { words: 2, longest: "three".to_owned() };
        assert_eq!(stats.summary("two three").unwrap(), Ok(summary.clone()));
        assert_eq!(stats.summary(" ").unwrap(), Err(StatsError::Empty));
        let all = [summary.clone(), summary.clone()];
        let total = stats.total(&all, Some(&summary), Some("x")).unwrap();
        assert_eq!(total, Some(Summary { words: 6, longest: "x".to_owned() }));
        assert_eq!(stats.total(&[], None, None).unwrap(), None);
        let point = |x, y| Point { x, y };
        let middle = stats.middle(&[point(1.0, 2.0), point(3.0, 4.0)], point(0.5, 0.25), &point(2.0, 0.0));
        assert_eq!(middle.unwrap(), point(3.5, 3.25));
    });
}

struct Steps(Mutex<Vec<String>>, usize);

impl Progress for Steps {
    fn step(&self, at: usize, word: &str) -> Result<(), StatsError> {
        if at == self.1 {
            return Err(StatsError::Stopped { at });
        }
        assert_ne!(word, "panic", "as told");
        self.0.lock().unwrap().push(word.to_owned());
        Ok(())
    }
}

#[test]
fn a_callback_is_called_while_the_call_lasts() {
    each_road(|_, stats| {
        let steps = Steps(Mutex::default(), 2);
        assert_eq!(stats.scan("one two", &steps).unwrap(), Ok(2));
        assert_eq!(*steps.0.lock().unwrap(), ["one", "two"]);
        assert_eq!(stats.scan("one two three", &steps).unwrap(), Err(StatsError::Stopped { at: 2 }));
        let Ok(Err(StatsError::Call(error))) = stats.scan("panic", &steps) else { panic!("told of it") };
        assert!(error.contains("as told"), "{error}");
    });
}

#[test]
fn a_stream_gives_its_items_and_then_its_end() {
    each_road(|_, stats| {
        let words: Vec<String> = stats.watch("one two").unwrap().map(|change| change.unwrap().word).collect();
        assert_eq!(words, ["one", "two"]);
        assert!(matches!(stats.fallible(false).unwrap(), Err(StatsError::Empty)));
        let mut broken = stats.fallible(true).unwrap().expect("a stream");
        let error = broken.next().expect("an error").unwrap_err();
        assert!(matches!(error, CallError::Ended(_)), "{error:?}");
        assert_eq!(error.code(), "stats.broken");
        assert!(broken.next().is_none());
        assert_eq!(broken.next_timeout(std::time::Duration::ZERO), Ok(Next::End));
    });
}

#[test]
fn a_panic_comes_back_with_its_message_and_the_provider_goes_on() {
    each_road(|_, stats| {
        for (how, message) in [(0, "as told"), (1, "without a hook")] {
            let error = stats.fails(how).unwrap_err();
            assert!(matches!(error, CallError::Panicked(_)), "{error:?}");
            assert_eq!(error.code(), "RE0603");
            assert!(error.to_string().contains(message), "{error}");
        }
        assert_eq!(stats.fails(7).unwrap(), 7);
    });
}

#[test]
fn a_handle_outlives_its_provider_and_finds_the_next() {
    let mut plugin = Bench::<Provider>::new().start().unwrap();
    let stats = plugin.interface::<dyn TextStats>().unwrap();
    let first = stats.provider().unwrap().generation;
    plugin.swap().unwrap();
    assert_eq!(stats.words("a b").unwrap(), 2);
    assert_ne!(stats.provider().unwrap().generation, first);
    plugin.stop().unwrap();
    let error = stats.words("a b").unwrap_err();
    assert!(matches!(error, CallError::Unavailable(_)), "{error:?}");
    drop(plugin);
    assert!(stats.clone().check().is_err());
}

/// What becomes of what a provider was given.
#[interface(name = "test.fuses", version = "1.0.0")]
trait Fuses {
    /// Takes one, and answers.
    fn take(&self, fuse: &Fuse, small: u8) -> Point;
    /// Answers with one.
    fn give(&self) -> Fuse;
    /// And with several.
    fn all(&self) -> Vec<Fuse>;
}

thread_local!(static LIT: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });

/// Panics when it is dropped, once.
#[derive(serde::Serialize, serde::Deserialize, reactor_abi::interface::Schema)]
struct Fuse(u8);

impl Drop for Fuse {
    fn drop(&mut self) {
        assert!(!LIT.take(), "burnt down");
    }
}

struct Lights;

impl Fuses for Lights {
    fn take(&self, _: &Fuse, small: u8) -> Point {
        LIT.set(true);
        Point { x: f64::from(small), y: 0.0 }
    }

    fn give(&self) -> Fuse {
        LIT.set(true);
        Fuse(1)
    }

    fn all(&self) -> Vec<Fuse> {
        LIT.set(true);
        vec![Fuse(1), Fuse(2)]
    }
}

#[test]
fn a_panic_while_what_crossed_is_dropped_comes_back_as_itself() {
    let fuse = Fuse(0);
    for bench in [Bench::<Provider>::new(), Bench::new().encoded()] {
        let plugin = bench.provide::<dyn Fuses>(Lights).start().expect("starts");
        let fuses = plugin.interface::<dyn Fuses>().expect("fits");
        let answers = [fuses.take(&fuse, 1).err(), fuses.give().err(), fuses.all().err()];
        for error in answers {
            let error = error.expect("it panicked");
            assert!(matches!(error, CallError::Panicked(_)), "{error:?}");
            assert!(error.to_string().contains("burnt down"), "{error}");
        }
    }
}
