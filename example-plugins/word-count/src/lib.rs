//! State: counts that survive the swap to a new build.
//!
//! `[state]` in `plugin.toml` names the schema that this build writes and those that it reads. At a swap the host
//! calls `save` on the old generation and `restore` on the new one. The saved bytes do not describe themselves: when
//! the saved type changes, its number goes up and a migration leads from the type before.
//!
//! It provides the interface `editor.text-stats` of the crate `editor-api`, which an application calls as a trait. What the
//! interface is provided by and what is saved share the counts.
//!
//! Actions: `count` with `{"text": "one two"}` answers `{"words": 2, "total": 2}`; `total` answers
//! `{"total": 2, "calls": 1}`; `reset` begins again at zero and answers what `total` would have.

#![forbid(unsafe_code)]

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use editor_api::TextStats;
use reactor_abi::prelude::*;
use serde::{Deserialize, Serialize};

/// The schema of [`Counts`]; the manifest says the same.
const SCHEMA: u32 = 2;

/// What earlier builds saved: schema 1. It stays as it was for as long as the manifest reads 1.
#[derive(Serialize, Deserialize)]
struct CountsV1 {
    total: u64,
}

/// What this build keeps and saves: schema 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Counts {
    /// Words counted so far.
    total: u64,
    /// Texts that they came in. Schema 1 did not keep it, so it begins at zero there.
    calls: u64,
}

/// Calls come from any thread, so what changes stands behind a lock. Clones count together.
#[derive(Clone, Default)]
struct WordCount {
    counts: Arc<Mutex<Counts>>,
}

impl WordCount {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Nothing below can panic between two changes, so the numbers agree also after a panic.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, text: &str) -> Value {
        let words = self.words(text);
        value!({ "words": words, "total": (self.counts().total) })
    }
}

impl TextStats for WordCount {
    fn words(&self, text: &str) -> u64 {
        let words = u64::try_from(text.split_whitespace().count()).unwrap_or(u64::MAX);
        let mut counts = self.counts();
        counts.total = counts.total.saturating_add(words);
        counts.calls = counts.calls.saturating_add(1);
        words
    }
}

impl Plugin for WordCount {
    fn init(_: &mut Init<'_>) -> Result<Self> {
        Ok(Self::default())
    }

    fn register(&self, cx: &mut Register<'_>) -> Result<()> {
        cx.provide::<dyn TextStats>(self.clone())
    }

    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        match action {
            "count" => {
                let text = value.get("text").and_then(Value::as_str);
                Ok(self.count(text.context(r#"`count` needs a text: send {"text": "one two"}"#)?))
            }
            "total" => Ok(Value::of(&*self.counts())?),
            "reset" => Ok(Value::of(&mem::take(&mut *self.counts()))?),
            _ => Err(Error::unknown_action(action)),
        }
    }

    fn save(&self) -> Result<State> {
        State::of(SCHEMA, &*self.counts())
    }

    fn restore(&mut self, old: State) -> Result<()> {
        *self.counts() = old.read()?;
        Ok(())
    }

    fn migrations() -> Migrations {
        Migrations::to(SCHEMA).step(1, |CountsV1 { total }| Ok(Counts { total, calls: 0 }))
    }
}

export_plugin!(WordCount);

#[cfg(test)]
mod tests {
    use super::*;
    use reactor_abi::testing::{Bench, Running};

    /// The plugin, as a host would have it run.
    fn running() -> Running<WordCount> {
        Bench::new().id("word-count").state_schema(SCHEMA).start().expect("starts")
    }

    #[test]
    fn counts_and_begins_again() {
        let plugin = running();
        for (text, answer) in [
            ("one two", value!({ "words": 2, "total": 2 })),
            ("  three\n", value!({ "words": 1, "total": 3 })),
            ("", value!({ "words": 0, "total": 3 })),
        ] {
            assert_eq!(plugin.invoke("count", value!({ "text": text })).unwrap(), answer);
        }
        let total = value!({ "total": 3, "calls": 3 });
        assert_eq!(plugin.invoke("total", Value::Null).unwrap(), total);
        assert_eq!(plugin.invoke("reset", Value::Null).unwrap(), total);
        assert_eq!(plugin.invoke("total", Value::Null).unwrap(), value!({ "total": 0, "calls": 0 }));
    }

    #[test]
    fn counts_for_those_who_call_the_interface() {
        for bench in [Bench::<WordCount>::new(), Bench::new().encoded()] {
            let plugin = bench.state_schema(SCHEMA).start().expect("starts");
            let stats = plugin.interface::<dyn TextStats>().unwrap();
            assert_eq!(stats.words("one two").unwrap(), 2);
            assert_eq!(plugin.invoke("total", Value::Null).unwrap(), value!({ "total": 2, "calls": 1 }));
        }
    }

    #[test]
    fn says_what_to_send() {
        let error = running().invoke("count", value!({})).unwrap_err();
        assert!(error.message().contains("send {\"text\""), "{error}");
    }

    #[test]
    fn a_new_generation_has_the_counts_of_the_old() {
        let mut plugin = running();
        plugin.invoke("count", value!({ "text": "one two three" })).unwrap();
        let saved = plugin.save().unwrap();
        plugin.swap().unwrap();
        assert_eq!(plugin.invoke("total", Value::Null).unwrap(), value!({ "total": 3, "calls": 1 }));
        assert_eq!(plugin.save().unwrap(), saved);
    }

    #[test]
    fn reads_what_schema_1_saved() {
        let mut plugin = running();
        plugin.swap_from(&State::of(1, &CountsV1 { total: 41 }).unwrap()).unwrap();
        let answer = plugin.invoke("count", value!({ "text": "one" })).unwrap();
        assert_eq!(answer, value!({ "words": 1, "total": 42 }));
        assert_eq!(plugin.invoke("total", Value::Null).unwrap(), value!({ "total": 42, "calls": 1 }));
    }

    #[test]
    fn refuses_a_schema_from_the_future_and_goes_on() {
        let mut plugin = running();
        plugin.invoke("count", value!({ "text": "one" })).unwrap();
        let error = plugin.swap_from(&State::of(3, &"?").unwrap()).unwrap_err();
        assert!(error.message().contains("from schema 3 to 2"), "{error}");
        assert_eq!(plugin.invoke("total", Value::Null).unwrap(), value!({ "total": 1, "calls": 1 }));
    }

    #[test]
    fn the_manifest_says_the_same_as_the_migrations() {
        assert_eq!(WordCount::migrations().reads(), [1, SCHEMA]);
        assert!(MANIFEST.contains("schema = 2\nreads = [1, 2]"), "{MANIFEST}");
    }
}
