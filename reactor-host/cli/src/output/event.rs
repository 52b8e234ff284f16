//! Events as lines for people.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::time::Duration;

use reactor_host::manifest::PluginId;
use reactor_host::{Event, EventKind, StateOutcome, Verdict};
use semver::Version;

use super::{BAD, CHANGED, FAINT, GOOD, Weight, hint, micros, plain};

/// What an event is about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Subject<'a> {
    /// The plugin, where it is known.
    pub(crate) plugin: Option<&'a PluginId>,
    /// Its version.
    pub(crate) version: Option<&'a Version>,
    /// The generation.
    pub(crate) generation: Option<u64>,
}

impl<'a> Subject<'a> {
    /// That of `event`.
    pub(crate) fn of(event: &'a Event) -> Self {
        Self { plugin: event.plugin.as_ref(), version: event.version.as_ref(), generation: event.generation }
    }

    /// `word-count 1.4.2`, as far as it is known.
    pub(crate) fn name(&self) -> String {
        let plugin = self.plugin.map_or("?", PluginId::as_str);
        self.version.map_or_else(|| plugin.to_owned(), |version| format!("{plugin} {version}"))
    }

    fn generation(&self) -> String {
        self.generation.map(|generation| format!("  generation {generation}")).unwrap_or_default()
    }
}

/// One event as text. The first character tells what kind it is: `+` runs, `~` swapped, `-` stopped, `!` went wrong,
/// `·` for the record; a line that a plugin logged begins with the plugin's id.
pub(crate) fn describe(subject: &Subject<'_>, kind: &EventKind) -> String {
    let (name, generation) = (subject.name(), subject.generation());
    match kind {
        EventKind::Discovered { path } => {
            format!("{FAINT}· {name}  found {}{FAINT:#}", plain(&path.display().to_string()))
        }
        EventKind::Refused { code, message, path } => {
            let place = path.as_ref().filter(|_| subject.plugin.is_none());
            let name = place.map_or(name, |path| plain(&path.display().to_string()));
            format!("{BAD}!{BAD:#} {name}  refused [{code}]: {}", plain(message))
        }
        EventKind::InterfaceProvided { interface, version } => {
            format!("{FAINT}· {name}{generation}  provides {}{FAINT:#}", api(interface, version))
        }
        EventKind::InterfaceChanged { interface, before, version } if before == version => {
            format!("{FAINT}· {name}{generation}  still provides {}{FAINT:#}", api(interface, version))
        }
        EventKind::InterfaceChanged { interface, before, version } => {
            let (now, before) = (api(interface, version), plain(before));
            format!("{CHANGED}~{CHANGED:#} {name}{generation}  provides {now}, until now {before}")
        }
        EventKind::InterfaceWithdrawn { interface, version } => {
            format!("{FAINT}· {name}{generation}  no longer provides {}{FAINT:#}", api(interface, version))
        }
        EventKind::RolledBack { from, state, code, message } => {
            let state =
                if *state == StateOutcome::AtSwitch { ", with its state as of the switch" } else { "" };
            format!(
                "{CHANGED}~{CHANGED:#} {name}{generation}  serves again instead of generation {from}{state} \
                 [{}]: {}",
                plain(code),
                plain(message)
            )
        }
        EventKind::TrialPassed { from } => {
            format!("{FAINT}· {name}{generation}  passed its trial; generation {from} ends{FAINT:#}")
        }
        // What it did was told before.
        EventKind::Quarantined { build, code, .. } => {
            let (build, code) = (short(build), plain(code));
            format!(
                "{BAD}!{BAD:#} {name}  build {build} is quarantined [{code}]: not tried again until its bytes change \
                 or somebody lifts it"
            )
        }
        EventKind::Released { build } => {
            format!("{GOOD}·{GOOD:#} {name}  build {} may be tried again", short(build))
        }
        EventKind::Warned { code, message } => {
            format!("{BAD}!{BAD:#} {name}  [{code}]: {}", plain(message))
        }
        EventKind::Loaded { micros: time, state } => {
            format!(
                "{GOOD}+{GOOD:#} {name}{generation}  {}{}",
                micros(*time),
                spaced("  ", &handover(*state, 0))
            )
        }
        EventKind::Swapped { micros: time, paused_micros, state, .. } => {
            let (time, after) = (micros(*time), handover(*state, *paused_micros));
            format!("{CHANGED}~{CHANGED:#} {name}{generation}  {time}{}", spaced("  ", &after))
        }
        EventKind::Retired { verdict, reasons, micros: time, .. } => {
            let verdict = match verdict {
                Verdict::Unloaded => "unloaded".to_owned(),
                Verdict::Linked => "ended".to_owned(),
                _ => format!("retained: {}", plain(&reasons.join("; "))),
            };
            format!("{FAINT}· {name}{generation}  {verdict}  {}{FAINT:#}", micros(*time))
        }
        EventKind::Stopped { reason, micros: time } => {
            format!("{FAINT}-{FAINT:#} {name}{generation}  {}  {}", plain(reason), micros(*time))
        }
        EventKind::Failed { phase, code, message } => {
            format!("{BAD}!{BAD:#} {name}{generation}  failed in {phase} [{code}]: {}", plain(message))
        }
        EventKind::Log { level, message, fields } => {
            let plugin = subject.plugin.map_or("?", PluginId::as_str);
            let mut line = format!("{plugin} {FAINT}│{FAINT:#} {} {}", coloured(level), plain(message));
            for (name, value) in fields {
                // Writing to a string cannot fail.
                let _ = write!(line, " {FAINT}{}={FAINT:#}{}", plain(name), plain(&value.to_string()));
            }
            line
        }
        // A kind that is younger than this command: its own words are better than none.
        other => {
            let words = serde_json::to_string(other).unwrap_or_default();
            format!("{FAINT}·{FAINT:#} {name}{generation}  {words}")
        }
    }
}

/// An interface with its version, as a plugin names them.
fn api(interface: &str, version: &str) -> String {
    format!("{} {}", plain(interface), plain(version))
}

/// As much of a build's hash as people need to tell it from others.
fn short(build: &str) -> String {
    plain(build).chars().take(12).collect()
}

/// A line of an event as it is told: with its time where traces are, and below the first thing that went wrong how to
/// learn more.
pub(crate) fn line_of(event: &Event, text: &str) -> String {
    let mut line = String::new();
    if Weight::Trace.is_told() {
        let time = Duration::from_micros(event.at_us).as_secs_f64();
        let _ = write!(line, "{FAINT}{time:9.4} #{:<4}{FAINT:#} ", event.seq);
    }
    line.push_str(text);
    if let EventKind::Refused { code, .. }
    | EventKind::Failed { code, .. }
    | EventKind::RolledBack { code, .. } = &event.kind
        && std::io::stdout().is_terminal()
        && let Some(hint) = hint(code)
    {
        let _ = write!(line, "\n{FAINT}{hint}{FAINT:#}");
    }
    line
}

/// What a start or a swap did beside putting new code in place; empty where there is nothing to tell.
pub(crate) fn handover(state: StateOutcome, paused_micros: u64) -> String {
    let state = match state {
        StateOutcome::HandedOver => Some("state handed over".to_owned()),
        StateOutcome::Restored => Some("saved state restored".to_owned()),
        _ => None,
    };
    let paused = (paused_micros > 0).then(|| format!("calls waited {}", micros(paused_micros)));
    state.into_iter().chain(paused).collect::<Vec<_>>().join(", ")
}

/// `text` after `gap`, or nothing.
pub(crate) fn spaced(gap: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{gap}{text}") }
}

fn coloured(level: &str) -> String {
    let style = match level {
        "error" => BAD,
        "warn" => anstyle::AnsiColor::Yellow.on_default(),
        "info" => GOOD,
        _ => FAINT,
    };
    format!("{style}{level:5}{style:#}")
}
