//! Loads what may be poison, in a process that may die of it: `tests/hostile/poison.rs` tells it which files, one path a
//! line, and reads what became of each, one word a line. A death answers by itself.

use std::io::{self, BufRead as _, Write as _};
use std::path::Path;

use reactor_host::{Host, OutcomeStatus, Value, Verdict, value};
use reactor_tests::wait;

fn main() -> io::Result<()> {
    // A refusal is a word on standard output; what panics print is nobody's concern.
    std::panic::set_hook(Box::new(|_| {}));
    for path in io::stdin().lock().lines() {
        let word = taste(Path::new(&path?));
        let mut out = io::stdout().lock();
        writeln!(out, "{word}")?;
        out.flush()?;
    }
    Ok(())
}

/// Loads the library from its folder, calls it, closes it.
fn taste(folder: &Path) -> String {
    let host = reactor_tests::host(folder);
    let Ok(report) = host.start() else { return "wrong: the host does not start".to_owned() };
    match report.get("answer").or(report.outcomes.first()).map(|outcome| &outcome.status) {
        Some(OutcomeStatus::Failed { code, .. }) => return format!("refused {code}"),
        Some(OutcomeStatus::Loaded { .. }) => {}
        other => return format!("wrong: {other:?}"),
    }
    if let Err(what) = serves(&host) {
        return format!("wrong: {what}");
    }
    let events = host.events();
    if host.disable("answer").is_err() {
        return "wrong: it can not be switched off".to_owned();
    }
    match wait::retired(&events).1 {
        Verdict::Unloaded => "serves".to_owned(),
        // An answer as good: the loader was told to keep it.
        other => format!("serves {other:?}"),
    }
}

fn serves(host: &Host) -> Result<(), String> {
    let ask = |action: &str, value: &Value| host.invoke("answer", action, value).map_err(|e| e.to_string());
    let which: (u64, u64) = ask("which", &Value::Null)?.read().map_err(|error| error.to_string())?;
    let value = value!({ "a": [1, null, "x"] });
    let echo = ask("echo", &value)?;
    if which.0 != 1 || echo != value { Err(format!("{which:?} {echo}")) } else { Ok(()) }
}
