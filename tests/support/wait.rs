//! Waiting for events, with a deadline and never by sleeping.

use std::time::{Duration, Instant};

use reactor_host::{Event, EventKind, Subscription, Verdict};

/// How long anything may take before a test gives up. Generous: it is no measurement.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// The first event that `wanted` picks something from.
///
/// # Panics
///
/// When none comes by the deadline; the message lists those that did.
#[track_caller]
pub fn event<T>(events: &Subscription, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    let mut seen = Vec::new();
    while let Some(left) = deadline.checked_duration_since(Instant::now()) {
        let Some(event) = events.next_timeout(left) else { break };
        if let Some(found) = wanted(&event) {
            return found;
        }
        seen.push(event);
    }
    panic!("the event did not come; these did: {seen:#?}")
}

/// The next verdict about a generation: the plugin's id, the verdict, the reasons.
///
/// # Panics
///
/// As [`event`].
#[track_caller]
pub fn retired(events: &Subscription) -> (String, Verdict, Vec<String>) {
    event(events, |event| match &event.kind {
        EventKind::Retired { verdict, reasons, .. } => {
            Some((event.plugin.as_ref()?.to_string(), *verdict, reasons.clone()))
        }
        _ => None,
    })
}

/// Looks again and again until `done`, giving way between looks: for states that send no event.
///
/// # Panics
///
/// When it is not so by the deadline.
#[track_caller]
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !done() {
        assert!(Instant::now() < deadline, "{what}: not by the deadline");
        std::thread::yield_now();
    }
}
