use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fixture::{state, target};

/// How long anything may take before a test gives up: a build on a busy machine is among it.
const DEADLINE: Duration = Duration::from_mins(5);

/// A `reactor … --json` that runs until it is told to end. Killed when dropped.
pub(crate) struct Live {
    child: Child,
    lines: Receiver<Value>,
}

impl Live {
    /// Starts the command; `--json` is added.
    pub(crate) fn start(configure: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("reactor"));
        command.env("CARGO_TARGET_DIR", target()).env("XDG_STATE_HOME", state()).env_remove("REACTOR_DATA");
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        configure(&mut command);
        let mut child = command.arg("--json").spawn().expect("the command starts");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let value: Value =
                    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                check(&value);
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// The next event of this kind for which `wanted` holds; others are passed over.
    #[track_caller]
    pub(crate) fn event(&self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + DEADLINE;
        let mut seen = Vec::new();
        while let Ok(event) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if event["event"] == kind && wanted(&event) {
                return event;
            }
            seen.push(event);
        }
        panic!("no `{kind}` came; these did: {seen:#?}")
    }

    /// Ends it as nothing can resist. It cleans nothing up.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it is still there");
        self.child.wait().expect("it has ended");
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it ends by itself. What it still prints is checked and returned.
    #[track_caller]
    pub(crate) fn end(mut self) -> (ExitStatus, Vec<Value>) {
        self.rest()
    }

    /// Ctrl-C, and how the command ended. What it still prints is checked and returned.
    #[track_caller]
    pub(crate) fn interrupt(mut self) -> (ExitStatus, Vec<Value>) {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.expect("the number of a process");
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it is still there");
        self.rest()
    }

    #[track_caller]
    fn rest(&mut self) -> (ExitStatus, Vec<Value>) {
        let deadline = Instant::now() + DEADLINE;
        let mut rest = Vec::new();
        while let Ok(event) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            rest.push(event);
        }
        assert!(Instant::now() < deadline, "it did not end; it said {rest:#?}");
        (self.child.wait().expect("it has ended"), rest)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // Errors say that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What every event promises to a program that reads it.
#[track_caller]
pub(crate) fn check(event: &Value) {
    let kind = event["event"].as_str().unwrap_or_else(|| panic!("no kind: {event}"));
    // What `dev` says of cargo is no event of the host's.
    let of_dev = [
        "looking",
        "building",
        "built",
        "rebuilding",
        "not_read",
        "not_compiled",
        "held",
        "placed",
        "not_placed",
        "goes_on",
        "missed",
        "following",
    ];
    if of_dev.contains(&kind) {
        return;
    }
    for field in ["seq", "at_us", "plugin", "version", "generation"] {
        assert!(event.get(field).is_some(), "no `{field}`: {event}");
    }
    assert!(event["seq"].is_u64() && event["at_us"].is_u64(), "{event}");
    let text = |field: &str| event[field].as_str().is_some_and(|text| !text.is_empty());
    match kind {
        "refused" | "failed" | "warned" => assert!(text("code") && text("message"), "{event}"),
        "retired" => {
            assert!(
                ["unloaded", "retained", "linked"].iter().any(|verdict| event["verdict"] == *verdict),
                "{event}"
            );
            assert!(event["reasons"].is_array(), "{event}");
        }
        "loaded" => assert!(
            event["generation"].is_u64() && text("state") && text("plugin") && text("version"),
            "{event}"
        ),
        "swapped" => {
            assert!(event["from"].is_u64() && event["paused_micros"].is_u64() && text("state"), "{event}");
        }
        "trial_passed" => assert!(event["from"].is_u64(), "{event}"),
        "quarantined" => assert!(text("build") && text("code") && text("message"), "{event}"),
        "released" => assert!(text("build"), "{event}"),
        "rolled_back" => assert!(event["from"].is_u64() && text("state"), "{event}"),
        "log" => assert!(text("level") && text("message") && event["fields"].is_object(), "{event}"),
        "discovered" => assert!(text("path"), "{event}"),
        "stopped" => assert!(text("reason"), "{event}"),
        "interface_provided" | "interface_withdrawn" => {
            assert!(text("interface") && text("version"), "{event}");
        }
        "interface_changed" => {
            assert!(text("interface") && text("before") && text("version"), "{event}");
        }
        other => panic!("an event that this test does not know: `{other}`"),
    }
}

/// The lines of a command that has ended, parsed and [`check`]ed.
#[track_caller]
pub(crate) fn events(stdout: &[u8]) -> Vec<Value> {
    let lines = rows(stdout);
    lines.iter().for_each(check);
    lines
}

/// One JSON object a line.
#[track_caller]
pub(crate) fn rows(stdout: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stdout).expect("text");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}
