//! What reports and lists say, in short.

use reactor_abi::{Error, Value};
use reactor_host::{Event, EventKind, Host, OutcomeStatus, PluginStatus, Report, Subscription};

use crate::wait;

/// A failed outcome: its code, its message, the generation that serves all the same.
///
/// # Panics
///
/// When `plugin` did not fail.
#[track_caller]
pub fn failure(report: &Report, plugin: &str) -> (String, String, Option<u64>) {
    let of_it =
        |outcome: &&reactor_host::Outcome| outcome.plugin.as_ref().is_some_and(|id| id.as_str() == plugin);
    match report.failures().find(of_it).map(|outcome| &outcome.status) {
        Some(OutcomeStatus::Failed { code, message, serving }) => (code.clone(), message.clone(), *serving),
        _ => panic!("{plugin} did not fail: {report:#?}"),
    }
}

/// Plugins that were stopped, in order.
pub fn stopped(report: &Report) -> Vec<String> {
    let stopped = report.outcomes.iter().filter(|outcome| outcome.status == OutcomeStatus::Stopped);
    stopped.filter_map(|outcome| Some(outcome.plugin.as_ref()?.to_string())).collect()
}

/// Plugins that were loaded, in order.
pub fn loaded(report: &Report) -> Vec<String> {
    let loaded = report.outcomes.iter().filter(|one| matches!(one.status, OutcomeStatus::Loaded { .. }));
    loaded.filter_map(|outcome| Some(outcome.plugin.as_ref()?.to_string())).collect()
}

/// Whether the report says that `plugin` was swapped.
pub fn swapped(report: &Report, plugin: &str) -> bool {
    report.outcomes.iter().any(|outcome| {
        matches!(outcome.status, OutcomeStatus::Swapped { .. })
            && outcome.plugin.as_ref().is_some_and(|id| id.as_str() == plugin)
    })
}

/// What a roll-back by hand went back to: the generation that serves, the one that served, the version.
///
/// # Panics
///
/// When `plugin` was not rolled back, or anything else is told of it.
#[track_caller]
pub fn rolled_back(report: &Report, plugin: &str) -> (u64, u64, String) {
    let mut of_it = report
        .outcomes
        .iter()
        .filter(|outcome| outcome.plugin.as_ref().is_some_and(|id| id.as_str() == plugin))
        .map(|outcome| &outcome.status);
    match (of_it.next(), of_it.next()) {
        (Some(OutcomeStatus::RolledBack { generation, from, to }), None) => {
            (*generation, *from, to.to_string())
        }
        _ => panic!("{plugin} was not rolled back, or more than that: {report:#?}"),
    }
}

/// What the list says that `plugin` does.
///
/// # Panics
///
/// When it is not in the list.
#[track_caller]
pub fn status(host: &Host, plugin: &str) -> PluginStatus {
    let list = host.list();
    let found = list.iter().find(|info| info.plugin.as_ref().is_some_and(|id| id.as_str() == plugin));
    found.unwrap_or_else(|| panic!("{plugin} is not listed: {list:#?}")).status.clone()
}

/// Which build of a puppet answers.
///
/// # Panics
///
/// When none does.
#[track_caller]
pub fn mark(host: &Host, plugin: &str) -> String {
    let answer = host.invoke(plugin, "mark", &Value::Null).expect("it serves");
    answer.as_str().expect("a text").to_owned()
}

/// The code and the message of an error.
///
/// # Panics
///
/// When there is none.
#[track_caller]
pub fn error<T: std::fmt::Debug>(answer: Result<T, Error>) -> (String, String) {
    let error = answer.expect_err("an error");
    (error.code().to_owned(), error.to_string())
}

/// The next event about a failed phase of `plugin`: phase, code, message.
///
/// # Panics
///
/// When none comes by the deadline.
#[track_caller]
pub fn failed_phase(events: &Subscription, plugin: &str) -> (String, String, String) {
    wait::event(events, |event| match &event.kind {
        EventKind::Failed { phase, code, message } if is_about(event, plugin) => {
            Some((phase.clone(), code.clone(), message.clone()))
        }
        _ => None,
    })
}

/// Whether an event is about `plugin`.
pub fn is_about(event: &Event, plugin: &str) -> bool {
    event.plugin.as_ref().is_some_and(|id| id.as_str() == plugin)
}
