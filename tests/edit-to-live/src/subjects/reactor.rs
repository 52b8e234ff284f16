//! Reactor: `reactor dev` on a plugin that `reactor new` made.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use reactor_host::control::Client;
use reactor_host::value;
use serde_json::Value;

use super::{DEADLINE, Subject};
use crate::measure::Times;
use crate::shim;

/// The plugin's id, and the folder's name.
const ID: &str = "reactor-plugin";

/// How long to wait between two questions: cargo is at work meanwhile.
const PAUSE: Duration = Duration::from_millis(1);

pub(crate) struct Reactor {
    dev: Child,
    events: Receiver<Value>,
    host: Client,
    source: PathBuf,
    /// The source as the template has it.
    text: String,
    log: PathBuf,
    own: Vec<f64>,
}

impl Reactor {
    /// Makes the plugin, and has `command` run it. `home` is for what lasts, and for the log of the times of cargo.
    pub(crate) fn start((folder, target): (PathBuf, PathBuf), command: &Path, home: &Path) -> Self {
        let made = Command::new(command).arg("new").arg(&folder).stdout(Stdio::null()).status();
        assert!(made.expect("the command starts").success(), "no plugin was made");
        let (log, data) = (home.join("log"), home.join("data"));
        let mut dev = Command::new(command);
        dev.arg("dev").arg(&folder).arg("--data").arg(&data).arg("--json");
        dev.env("CARGO_TARGET_DIR", &target).stdout(Stdio::piped());
        shim::stand_in(&mut dev, &log);
        let mut dev = dev.spawn().expect("the command starts");
        let lines = BufReader::new(dev.stdout.take().expect("it is piped")).lines();
        let (sender, events) = channel();
        std::thread::spawn(move || {
            let lines = lines.map_while(Result::ok);
            let _ = lines
                .map(|line| serde_json::from_str(&line).expect("JSON"))
                .try_for_each(|event| sender.send(event));
        });
        until(&events, "following");
        let host = Client::connect(&data).expect("it serves its socket");
        let source = folder.join("src/lib.rs");
        let text = std::fs::read_to_string(&source).expect("it was made");
        Self { dev, events, host, source, text, log, own: Vec::new() }
    }

    fn message(&mut self) -> String {
        let answer = self.host.call(ID, "greet", &value!({ "name": "Ada" })).expect("it answers");
        answer.get("message").and_then(|message| message.as_str()).expect("a message").to_owned()
    }
}

impl Subject for Reactor {
    fn name(&self) -> &'static str {
        "reactor dev"
    }

    fn edit(&mut self, number: u64) -> Times {
        let ended = shim::count(&self.log);
        let text = self.text.replace("Hello", &format!("Hello{number}"));
        let began = Instant::now();
        std::fs::write(&self.source, text).expect("a file of ours");
        let (deadline, expected) = (began + DEADLINE, format!("Hello{number} Ada"));
        while self.message() != expected {
            assert!(Instant::now() < deadline, "the new code does not answer");
            std::thread::park_timeout(PAUSE);
        }
        let whole = began.elapsed();
        // What it did is told when it is written down.
        let swapped = until(&self.events, "swapped");
        self.own.push(swapped["reactor_micros"].as_f64().expect("a number") / 1e3);
        // It is known a moment after cargo has ended, which Reactor did not wait for.
        let cargo = loop {
            if let Some(cargo) = shim::nth(&self.log, ended + 1) {
                break cargo;
            }
            assert!(Instant::now() < deadline, "cargo does not end");
            std::thread::park_timeout(PAUSE);
        };
        Times { whole, cargo }
    }

    fn own_words(&self) -> Option<(&'static str, &[f64])> {
        Some(("reactor's own line: from the library to the swap, written down", &self.own))
    }
}

/// The next event of this kind; others are passed over.
fn until(events: &Receiver<Value>, kind: &str) -> Value {
    loop {
        let event = events.recv_timeout(DEADLINE).unwrap_or_else(|error| panic!("no `{kind}` came: {error}"));
        if event["event"] == kind {
            return event;
        }
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        // As Ctrl-C does, so that it tidies up. Where there is no such program, it is killed.
        let told = Command::new("kill").arg(self.dev.id().to_string()).status();
        if !told.is_ok_and(|status| status.success()) {
            let _ = self.dev.kill();
        }
        // An error says that it has ended already.
        let _ = self.dev.wait();
    }
}
