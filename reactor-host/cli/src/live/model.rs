//! What the live view shows. It knows neither the terminal nor how anything is drawn.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Instant;

use reactor_host::{Account, Event, EventKind, Host, PluginInfo, PluginStatus, Verdict};

use crate::output::{handover, micros, plain, spaced};

/// How many lines are kept, to be shown and to be left behind in the terminal.
const LINES: usize = 1000;
/// How much of a line is kept. A plugin may log megabytes.
const LINE_BYTES: usize = 4096;
/// How many lines of what was printed are kept apart.
const PRINTED: usize = 200;

/// What a plugin does, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// A phase of it failed.
    Failed,
    /// It can not run as things are.
    Refused,
    /// It serves, and is not trusted yet.
    Trial,
    /// It serves.
    Running,
    /// It was stopped.
    Stopped,
    /// It was switched off.
    Off,
}

impl State {
    pub(crate) const ALL: [Self; 6] =
        [Self::Failed, Self::Refused, Self::Trial, Self::Running, Self::Stopped, Self::Off];

    /// As it is shown.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Trial => "trial",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Off => "off",
        }
    }

    /// Whether somebody has to do something.
    pub(crate) fn is_trouble(self) -> bool {
        matches!(self, Self::Failed | Self::Refused | Self::Trial)
    }
}

/// A line of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// The plugin's id, or the file.
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) generation: Option<u64>,
    pub(crate) state: State,
    /// Absent where calls are not counted.
    pub(crate) calls_per_second: Option<f64>,
    /// Of the generation that serves; absent before the first call.
    pub(crate) p99_ns: Option<u64>,
    pub(crate) last: Last,
}

/// What happened last to a plugin.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Last {
    pub(crate) text: String,
    pub(crate) is_bad: bool,
}

/// How much a plugin was called.
#[derive(Clone, Debug)]
pub(crate) struct Count {
    pub(crate) plugin: String,
    pub(crate) calls: u64,
    pub(crate) p99_ns: Option<u64>,
}

/// Everything that is shown.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// What the command does: `reactor run plugins`.
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
    /// The newest last; our own colours, and no other control characters.
    pub(crate) lines: VecDeque<String>,
    last: HashMap<String, Last>,
    /// What keeps the newest build of a plugin from running, by plugin, before the host ever sees it.
    marks: BTreeMap<String, String>,
    /// What was printed since the last build began.
    printed: Vec<String>,
    /// Calls so far, by plugin, and when they were counted.
    counted: Option<(Instant, HashMap<String, u64>)>,
    rates: HashMap<String, f64>,
    p99s: HashMap<String, u64>,
}

impl Model {
    pub(crate) fn new(title: String) -> Self {
        Self { title, ..Self::default() }
    }

    /// Adds lines to the end. `text` has been through [`plain`] where it is not ours.
    pub(crate) fn say(&mut self, text: &str) {
        for line in text.split('\n') {
            let mut end = line.len().min(LINE_BYTES);
            while !line.is_char_boundary(end) {
                end -= 1;
            }
            let cut = if end < line.len() { "…\x1b[0m" } else { "" };
            if self.lines.len() == LINES {
                self.lines.pop_front();
            }
            self.lines.push_back(format!("{}{cut}", &line[..end]));
        }
    }

    /// Adds a line that somebody in this process, or a child of it, printed.
    pub(crate) fn print(&mut self, line: &str) {
        let line = plain(line);
        if self.printed.len() < PRINTED {
            self.printed.push(line.clone());
        }
        self.say(&line);
    }

    /// A build begins: what was printed before does not belong to it.
    pub(crate) fn build(&mut self) {
        self.printed.clear();
    }

    /// Says what keeps a plugin's newest build from running, or that nothing does.
    pub(crate) fn mark(&mut self, plugin: &str, why: Option<&str>) {
        match why {
            Some(why) => drop(self.marks.insert(plain(plugin), why.to_owned())),
            None => drop(self.marks.remove(plugin)),
        }
    }

    /// The compiler's errors, while there is a plugin that they keep from running: what the plugins log must not push
    /// them off the screen.
    pub(crate) fn errors(&self) -> &[String] {
        let first = self.printed.iter().position(|line| line.starts_with("error"));
        first.filter(|_| !self.marks.is_empty()).map_or(&[], |first| &self.printed[first..])
    }

    /// Takes over what the host lists now.
    pub(crate) fn list(&mut self, listed: &[PluginInfo]) {
        self.rows = listed.iter().map(|info| self.row(info)).collect();
        self.rows.sort_by(|a, b| (&a.name, a.state).cmp(&(&b.name, b.state)));
        let rows = &self.rows;
        // Plugins come and go under names without end.
        self.last.retain(|name, _| rows.iter().any(|row| row.name == *name));
    }

    fn row(&self, info: &PluginInfo) -> Row {
        let path = || info.path.as_ref().map_or_else(|| "?".to_owned(), |path| path.display().to_string());
        let name = plain(&info.plugin.as_ref().map_or_else(path, ToString::to_string));
        let (state, generation) = match &info.status {
            PluginStatus::Running { generation } if info.kept_ready.is_some() => {
                (State::Trial, Some(*generation))
            }
            PluginStatus::Running { generation } => (State::Running, Some(*generation)),
            PluginStatus::Failed(_) => (State::Failed, None),
            PluginStatus::Refused(_) => (State::Refused, None),
            PluginStatus::Disabled => (State::Off, None),
            _ => (State::Stopped, None),
        };
        let reason = match &info.status {
            PluginStatus::Failed(reason) | PluginStatus::Refused(reason) => Some(reason),
            _ => None,
        };
        // A file that offers no plugin has no event of its own name.
        let last = reason.map(|reason| bad(format!("{} [{}]", state.word(), plain(&reason.code))));
        let mark = self.marks.get(&name).map(|why| bad(why.clone()));
        let last = mark.or_else(|| self.last.get(&name).cloned()).or(last).unwrap_or_default();
        let calls_per_second = generation.and_then(|_| self.rates.get(&name).copied());
        let p99_ns = generation.and_then(|_| self.p99s.get(&name).copied());
        let version = info.version.as_ref().map(ToString::to_string).unwrap_or_default();
        Row { name, version, generation, state, calls_per_second, p99_ns, last }
    }

    /// Remembers what happened to a plugin.
    pub(crate) fn happened(&mut self, event: &Event) {
        if let (Some(plugin), Some(last)) = (&event.plugin, last(&event.kind)) {
            self.last.insert(plain(plugin.as_str()), last);
        }
    }

    /// Takes over how much was called up to `now`.
    pub(crate) fn count(&mut self, now: Instant, counts: Vec<Count>) {
        let before = self.counted.take();
        self.rates.clear();
        if let Some((then, before)) = before {
            let seconds = now.saturating_duration_since(then).as_secs_f64();
            for count in counts.iter().filter(|_| seconds > 0.0) {
                // One that is new began at zero.
                let more = count.calls.saturating_sub(before.get(&count.plugin).copied().unwrap_or(0));
                #[expect(clippy::cast_precision_loss, reason = "three digits of it are shown")]
                self.rates.insert(count.plugin.clone(), more as f64 / seconds);
            }
        }
        let p99s = counts.iter().filter_map(|count| Some((count.plugin.clone(), count.p99_ns?)));
        self.p99s = p99s.collect();
        let calls = counts.into_iter().map(|count| (count.plugin, count.calls));
        self.counted = Some((now, calls.collect()));
    }
}

/// What the host has counted.
pub(crate) fn counts(host: &Host) -> Vec<Count> {
    let count = |account: Account| Count {
        plugin: plain(account.plugin.as_str()),
        calls: account.calls,
        p99_ns: (account.latency.samples > 0).then_some(account.latency.p99_ns),
    };
    host.accounts().into_iter().map(count).collect()
}

fn good(text: String) -> Last {
    Last { text, is_bad: false }
}

fn bad(text: String) -> Last {
    Last { text, is_bad: true }
}

/// An event in a few words; `None`: it says nothing of how the plugin is.
fn last(kind: &EventKind) -> Option<Last> {
    Some(match kind {
        EventKind::Refused { code, .. } => bad(format!("refused [{}]", plain(code))),
        EventKind::Failed { phase, code, .. } => bad(format!("failed in {} [{}]", plain(phase), plain(code))),
        EventKind::Warned { code, .. } => bad(format!("warning [{}]", plain(code))),
        EventKind::RolledBack { from, code, .. } => bad(format!("rolled back from {from} [{}]", plain(code))),
        EventKind::TrialPassed { .. } => good("passed its trial".to_owned()),
        EventKind::Quarantined { code, .. } => bad(format!("quarantined [{}]", plain(code))),
        EventKind::Released { .. } => good("out of quarantine".to_owned()),
        EventKind::Loaded { micros: time, state } => {
            let state = spaced(", ", &handover(*state, 0));
            good(format!("loaded, {}{state}", micros(*time)))
        }
        EventKind::Swapped { from, micros: time, .. } => {
            good(format!("swapped from {from}, {}", micros(*time)))
        }
        EventKind::Stopped { reason, .. } => good(format!("stopped: {}", plain(reason))),
        EventKind::Retired { verdict: Verdict::Retained, reasons, .. } => {
            bad(format!("retained: {}", plain(&reasons.join("; "))))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
