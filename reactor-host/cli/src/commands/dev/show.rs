//! The host's events, with what cargo did before them.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reactor_host::{Event, EventKind, StateOutcome, Verdict};
use serde::Serialize;

use crate::output::{CHANGED, Output, Subject, describe, handover, micros, spaced};

/// When the build that is being loaded came from cargo.
#[derive(Debug, Default)]
pub(super) struct Timing(Mutex<Option<(Duration, Instant)>>);

impl Timing {
    /// Cargo is done just now, and took so long.
    pub(super) fn built(&self, cargo: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((cargo, Instant::now()));
    }

    /// How long cargo took, and how long ago it was done.
    fn read(&self) -> Option<Times> {
        let built = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        built.map(|(cargo, ready)| Times {
            cargo_micros: whole(cargo),
            reactor_micros: whole(ready.elapsed()),
        })
    }
}

/// From the edit to new code that serves.
#[derive(Clone, Copy, Debug, Serialize)]
struct Times {
    cargo_micros: u64,
    reactor_micros: u64,
}

#[derive(Serialize)]
struct Timed<'a> {
    #[serde(flatten)]
    event: &'a Event,
    #[serde(flatten)]
    times: Option<Times>,
}

/// Prints `event`. People are spared what only confirms that all is well.
pub(super) fn show(output: &Output, timing: &Timing, event: &Event) -> io::Result<()> {
    let times = if matches!(event.kind, EventKind::Swapped { .. }) { timing.read() } else { None };
    if !output.is_json() && is_routine(&event.kind) {
        return Ok(());
    }
    output.put(&Timed { event, times }, |_| match (&event.kind, times) {
        (EventKind::Swapped { state, paused_micros, .. }, Some(times)) => {
            swapped(&Subject::of(event), times, *state, *paused_micros)
        }
        (kind, _) => describe(&Subject::of(event), kind),
    })
}

fn is_routine(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Discovered { .. }
            | EventKind::Retired { verdict: Verdict::Unloaded | Verdict::Linked, .. }
    )
}

fn swapped(subject: &Subject<'_>, times: Times, state: StateOutcome, paused_micros: u64) -> String {
    let generation = subject.generation.unwrap_or_default();
    format!(
        "{CHANGED}swapped{CHANGED:#} {} → generation {generation}   cargo {}, reactor {}{}",
        subject.name(),
        micros(times.cargo_micros),
        micros(times.reactor_micros),
        spaced("   ", &handover(state, paused_micros)),
    )
}

/// Whole microseconds.
pub(super) fn whole(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use expect_test::expect;
    use reactor_host::PluginId;
    use semver::Version;

    use super::*;

    #[test]
    fn a_swap_tells_where_the_time_went() {
        let (plugin, version) = (PluginId::new("word-count").expect("an id"), Version::new(1, 4, 2));
        let subject = Subject { plugin: Some(&plugin), version: Some(&version), generation: Some(7) };
        let times = Times { cargo_micros: 312_000, reactor_micros: 9_100 };
        let line = |state, paused| strip_str(&swapped(&subject, times, state, paused)).to_string();
        expect!["swapped word-count 1.4.2 → generation 7   cargo 312 ms, reactor 9.1 ms   state handed over"]
            .assert_eq(&line(StateOutcome::HandedOver, 0));
        expect!["swapped word-count 1.4.2 → generation 7   cargo 312 ms, reactor 9.1 ms"]
            .assert_eq(&line(StateOutcome::None, 0));
    }
}
