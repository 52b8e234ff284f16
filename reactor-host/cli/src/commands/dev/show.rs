//! The host's events, with what cargo did before them.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reactor_host::{Event, EventKind, PluginId, StateOutcome};
use serde::Serialize;

use crate::output::{
    BAD, CHANGED, Output, Subject, Weight, describe, handover, line_of, micros, plain, spaced,
};

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

/// What people have been told, so that one failure is one line.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The generation that serves of each plugin, and whether its state is that of the switch.
    serving: HashMap<PluginId, (u64, bool)>,
    /// The failure that was told last, which the host repeats as the reason of its refusal.
    failure: Option<(PluginId, String)>,
}

impl Told {
    /// What to print of an event that people see; `None`: it is told by another line.
    fn line(&mut self, subject: &Subject<'_>, kind: &EventKind) -> Option<String> {
        let Some(plugin) = subject.plugin else { return Some(describe(subject, kind)) };
        match kind {
            EventKind::Loaded { .. } | EventKind::Swapped { .. } => self.serves(subject, false),
            // An edit ends quarantine here; that it was one is told when it is made.
            EventKind::Released { .. } => return None,
            EventKind::Stopped { .. } => drop(self.serving.remove(plugin)),
            // It says why, and which generation goes on: the failure and the refusal that follow add nothing.
            EventKind::RolledBack { state, code, .. } => {
                self.serves(subject, *state == StateOutcome::AtSwitch);
                self.failure = Some((plugin.clone(), code.clone()));
            }
            EventKind::Failed { code, .. } if self.has_told(plugin, code) => return None,
            EventKind::Failed { phase, code, message } => {
                let serving = self.serving.get(plugin);
                if serving.is_some_and(|(serving, _)| subject.generation.is_some_and(|it| it > *serving)) {
                    self.failure = Some((plugin.clone(), code.clone()));
                    let (name, goes_on) = (subject.name(), self.goes_on(plugin));
                    let message = plain(message);
                    return Some(format!(
                        "{BAD}!{BAD:#} {name} failed in {phase} [{code}]{goes_on}: {message}"
                    ));
                }
            }
            EventKind::Refused { code, message, .. } => {
                let told = self.has_told(plugin, code);
                self.failure = None;
                return (!told).then(|| {
                    let (name, goes_on) = (subject.name(), self.goes_on(plugin));
                    format!("{BAD}!{BAD:#} {name}  refused [{code}]{goes_on}: {}", plain(message))
                });
            }
            _ => {}
        }
        Some(describe(subject, kind))
    }

    fn serves(&mut self, subject: &Subject<'_>, at_switch: bool) {
        if let (Some(plugin), Some(generation)) = (subject.plugin, subject.generation) {
            self.serving.insert(plugin.clone(), (generation, at_switch));
        }
    }

    fn has_told(&self, plugin: &PluginId, code: &str) -> bool {
        self.failure.as_ref().is_some_and(|(whose, why)| whose == plugin && why == code)
    }

    fn goes_on(&self, plugin: &PluginId) -> String {
        let state = |at_switch: bool| if at_switch { " with its state as of the switch" } else { "" };
        let serving = self.serving.get(plugin);
        serving.map_or_else(String::new, |(generation, at_switch)| {
            format!(", generation {generation} goes on{}", state(*at_switch))
        })
    }
}

/// Prints `event`. People are spared what only confirms that all is well, and what `told` holds already.
pub(super) fn show(output: &Output, timing: &Timing, told: &mut Told, event: &Event) -> io::Result<()> {
    let times = if matches!(event.kind, EventKind::Swapped { .. }) { timing.read() } else { None };
    let subject = Subject::of(event);
    let Some(line) = told.line(&subject, &event.kind).or_else(|| output.is_json().then(String::new)) else {
        return Ok(());
    };
    let line = match (&event.kind, times) {
        (EventKind::Swapped { state, paused_micros, .. }, Some(times)) => {
            swapped(&subject, times, *state, *paused_micros)
        }
        _ => line,
    };
    output.tell(Weight::of(&event.kind), &Timed { event, times }, |_| line_of(event, &line))
}

fn swapped(subject: &Subject<'_>, times: Times, state: StateOutcome, paused_micros: u64) -> String {
    let generation = subject.generation.unwrap_or_default();
    let after = match state {
        // Why, or else it looks as if something had been lost.
        StateOutcome::None => "began anew: no [state] in plugin.toml".to_owned(),
        _ => handover(state, paused_micros),
    };
    format!(
        "{CHANGED}~{CHANGED:#} {} → generation {generation}   cargo {}, reactor {}{}",
        subject.name(),
        micros(times.cargo_micros),
        micros(times.reactor_micros),
        spaced("   ", &after),
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
    use semver::Version;

    use super::*;

    #[test]
    fn a_swap_tells_where_the_time_went() {
        let (plugin, version) = (PluginId::new("word-count").expect("an id"), Version::new(1, 4, 2));
        let subject = Subject { plugin: Some(&plugin), version: Some(&version), generation: Some(7) };
        let times = Times { cargo_micros: 312_000, reactor_micros: 9_100 };
        let line = |state, paused| strip_str(&swapped(&subject, times, state, paused)).to_string();
        expect!["~ word-count 1.4.2 → generation 7   cargo 312 ms, reactor 9.1 ms   state handed over"]
            .assert_eq(&line(StateOutcome::HandedOver, 0));
        expect!["~ word-count 1.4.2 → generation 7   cargo 312 ms, reactor 9.1 ms   began anew: no [state] in plugin.toml"]
            .assert_eq(&line(StateOutcome::None, 0));
    }

    #[test]
    fn a_start_that_failed_is_one_line_that_says_what_goes_on() {
        let (plugin, version) = (PluginId::new("clock").expect("an id"), Version::new(0, 1, 0));
        let at = |generation| Subject { plugin: Some(&plugin), version: Some(&version), generation };
        let (code, message) = ("RE0603".to_owned(), "it panicked".to_owned());
        let mut told = Told::default();
        told.line(&at(Some(13)), &EventKind::Loaded { micros: 1, state: StateOutcome::None })
            .expect("a line");
        let back = EventKind::RolledBack {
            from: 14,
            state: StateOutcome::TakenBack,
            code: code.clone(),
            message: message.clone(),
        };
        let line = told.line(&at(Some(13)), &back).expect("a line");
        expect!["~ clock 0.1.0  generation 13  serves again instead of generation 14 [RE0603]: it panicked"]
            .assert_eq(&strip_str(&line).to_string());
        let failed =
            EventKind::Failed { phase: "start".to_owned(), code: code.clone(), message: message.clone() };
        assert_eq!(told.line(&at(Some(14)), &failed), None);
        let refused = EventKind::Refused { code, message, path: None };
        assert_eq!(told.line(&at(None), &refused), None);
        let line = told.line(&at(None), &refused).expect("another one is no repetition");
        expect!["! clock 0.1.0  refused [RE0603], generation 13 goes on: it panicked"]
            .assert_eq(&strip_str(&line).to_string());
    }
}
