//! What a caller gets of a provider that was compiled with another version of the interface, on both roads.
#![forbid(unsafe_code)]

use reactor_abi::prelude::*;
use reactor_abi::testing::{Bench, Running};

/// As it was first published.
mod first {
    use reactor_abi::prelude::*;

    #[interface(name = "text.stats", version = "1.0.0")]
    pub(crate) trait TextStats {
        /// Counts words.
        fn words(&self, text: &str) -> u64;
    }
}

/// With methods that came later, in whatever order.
mod later {
    use reactor_abi::prelude::*;

    #[interface(name = "text.stats", version = "1.2.0")]
    pub(crate) trait TextStats {
        /// Counts words in a file.
        ///
        /// # Errors
        ///
        /// There is no such file.
        #[since("1.2")]
        fn file(&self, path: String, sum: &[u8]) -> Result<u64>;

        /// Counts words on lines.
        #[since("1.1")]
        fn words_and_lines(&self, text: &str) -> u64 {
            self.words(text) + self.lines(text)
        }

        /// Counts words.
        fn words(&self, text: &str) -> u64;

        /// Counts lines.
        #[since("1.1")]
        fn lines(&self, text: &str) -> u64 {
            if self.words(text) == 0 { panic!("no words") } else { text.lines().map(|_| 1).sum() }
        }

        /// In between.
        #[since("1.2")]
        fn shout(&self, text: String) -> String {
            let words = self.words(&text);
            format!("{}{}", text.to_uppercase(), "!".repeat(usize::try_from(words).unwrap_or(0)))
        }
    }
}

/// With `words` as it must not be changed.
mod changed {
    use reactor_abi::prelude::*;

    #[interface(name = "text.stats", version = "1.3.0")]
    pub(crate) trait TextStats {
        /// Counts words.
        fn words(&self, text: &str, locale: &str) -> u64;
    }
}

struct Old;

impl first::TextStats for Old {
    fn words(&self, text: &str) -> u64 {
        assert_ne!(text, "panic");
        text.split_whitespace().map(|_| 1).sum()
    }
}

struct New;

impl later::TextStats for New {
    fn file(&self, path: String, sum: &[u8]) -> Result<u64> {
        if path.is_empty() {
            Err(Error::new("stats.path", "no path"))
        } else {
            Ok(sum.iter().map(|_| 1).sum())
        }
    }

    fn words(&self, text: &str) -> u64 {
        text.split_whitespace().map(|_| 1).sum()
    }

    fn lines(&self, _: &str) -> u64 {
        100
    }
}

/// Does nothing but be there.
#[derive(Default)]
struct Idle;

impl Invoke for Idle {
    fn invoke(&self, action: &str, _: Value) -> Result<Value> {
        Err(Error::unknown_action(action))
    }
}

fn each_road(test: impl Fn(&Running<Idle>)) {
    for bench in [Bench::<Idle>::new(), Bench::<Idle>::new().encoded()] {
        test(&bench.start().expect("starts"));
    }
}

#[test]
fn methods_that_came_later_are_answered_by_the_trait_itself() {
    each_road(|bench| {
        bench.provide::<dyn first::TextStats>(Old).unwrap();
        let stats = bench.interface::<dyn later::TextStats>().unwrap();
        assert_eq!(stats.words("one two").unwrap(), 2);
        assert_eq!(stats.lines("one\ntwo").unwrap(), 2);
        assert_eq!(stats.words_and_lines("one\ntwo three").unwrap(), 5);
        assert_eq!(stats.shout("so be it".to_owned()).unwrap(), "SO BE IT!!!");
    });
}

#[test]
fn what_goes_wrong_inside_the_traits_answer_is_the_handles_error() {
    each_road(|bench| {
        bench.provide::<dyn first::TextStats>(Old).unwrap();
        let stats = bench.interface::<dyn later::TextStats>().unwrap();
        // The provider's panic, two bodies further down.
        let error = stats.words_and_lines("panic").unwrap_err();
        assert!(
            matches!(&error, CallError::Panicked(error) if error.message().contains("left != right")),
            "{error:?}"
        );
        // The body's own.
        let error = stats.lines("").unwrap_err();
        assert!(
            matches!(&error, CallError::Panicked(error) if error.message().contains("no words")),
            "{error:?}"
        );
    });
}

#[test]
fn a_method_without_an_answer_for_older_providers_says_since_when_it_is_there() {
    each_road(|bench| {
        bench.provide::<dyn first::TextStats>(Old).unwrap();
        let stats = bench.interface::<dyn later::TextStats>().unwrap();
        let error = stats.file(String::new(), &[]).unwrap_err();
        let CallError::Unsupported { interface: "text.stats", method: "file", since: "1.2" } = error else {
            panic!("{error:?}")
        };
        assert_eq!(error.code(), "RE0721");
    });
}

#[test]
fn a_provider_that_has_the_method_is_asked() {
    each_road(|bench| {
        bench.provide::<dyn later::TextStats>(New).unwrap();
        let stats = bench.interface::<dyn later::TextStats>().unwrap();
        assert_eq!(stats.lines("one").unwrap(), 100);
        assert_eq!(stats.words_and_lines("one").unwrap(), 101);
        assert_eq!(stats.file("/a".to_owned(), &[7, 8]).unwrap(), Ok(2));
        assert_eq!(stats.file(String::new(), &[]).unwrap().unwrap_err().code(), "stats.path");
        let first = bench.interface::<dyn first::TextStats>().unwrap();
        assert_eq!(first.words("one two").unwrap(), 2);
    });
}

#[test]
fn a_changed_signature_is_found_out_before_any_call() {
    each_road(|bench| {
        bench.provide::<dyn changed::TextStats>(Changed).unwrap();
        let error = bench.interface::<dyn first::TextStats>().expect_err("does not fit");
        for part in [
            "text.stats",
            "1.3.0",
            "1.0.0",
            "fn words(&self, &str, &str) -> u64",
            "fn words(&self, &str) -> u64",
        ] {
            assert!(error.message().contains(part), "{part} is missing: {error}");
        }
    });
}

struct Changed;

impl changed::TextStats for Changed {
    fn words(&self, _: &str, _: &str) -> u64 {
        0
    }
}
