//! Guarantees: the generation before is kept ready for a while; a build that fails in that time is taken back by itself
//! and not tried again; a person can do the same later.

mod by_hand;
mod ending;
mod failing;
mod lasting;
mod thousand;

use std::time::Duration;

use reactor_host::{Event, EventKind, Subscription};
use reactor_tests::puppet::Script;
use reactor_tests::{tell, wait};

const MINUTE: Duration = Duration::from_mins(1);

/// A build with a trial of a minute.
fn build(mark: &str) -> Script {
    Script::new("one").mark(mark).health("trial = \"1min\"")
}

/// Waits for the roll-back of `plugin`: from which generation, the code, the message.
#[track_caller]
fn rolled_back(events: &Subscription, plugin: &str) -> (u64, String, String) {
    wait::event(events, |event| match &event.kind {
        EventKind::RolledBack { from, code, message, .. } if tell::is_about(event, plugin) => {
            Some((*from, code.clone(), message.clone()))
        }
        _ => None,
    })
}

/// Waits for the quarantine of a build of `plugin`: its code.
#[track_caller]
fn quarantined(events: &Subscription, plugin: &str) -> String {
    wait::event(events, |event| match &event.kind {
        EventKind::Quarantined { code, .. } if tell::is_about(event, plugin) => Some(code.clone()),
        _ => None,
    })
}

/// Waits until the trial of `plugin` has passed.
#[track_caller]
fn passed(events: &Subscription, plugin: &str) {
    wait::event(events, |event: &Event| {
        (matches!(event.kind, EventKind::TrialPassed { .. }) && tell::is_about(event, plugin)).then_some(())
    });
}
