use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fixture::{reactor, target};
use crate::live::{Live, rows};
use crate::new::{cargo, folder, made};

/// How long anything may take before a test gives up: a build on a busy machine is among it.
const DEADLINE: Duration = Duration::from_mins(5);

/// The application of the template, running. Killed when dropped.
struct Application {
    child: Child,
    /// What it says on standard error.
    complaints: Receiver<String>,
}

impl Application {
    /// Starts the one that was built of `folder`, and waits for its first answer.
    fn start(folder: &Path, name: &str) -> Self {
        let mut command = Command::new(target().join("debug").join(name));
        command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut first = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut first).expect("its first line");
        assert!(first.starts_with("Good day, world"), "{first}");
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let (sender, complaints) = channel();
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, complaints }
    }

    /// Passes over what it complains of until a line has all of `parts`.
    #[track_caller]
    fn complains(&self, parts: &[&str]) {
        let deadline = Instant::now() + DEADLINE;
        let mut seen = Vec::new();
        while let Ok(line) = self.complaints.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            if parts.iter().all(|part| line.contains(part)) {
                return;
            }
            seen.push(line);
        }
        panic!("no line has {parts:?}: {seen:#?}");
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        // Errors say that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
fn replace(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).expect("a file of the template");
    assert!(text.contains(old), "{} has no `{old}`", file.display());
    fs::write(file, text.replace(old, new)).expect("a file of ours");
}

/// A new version of the interface, as the generated README has it, and then another home for the plugin.
#[test]
fn a_new_application_tells_what_it_refuses_and_takes_each_edit_that_is_whole() {
    let folder = folder();
    let app = made(folder.path(), "fresh-live", "app");
    let build = || reactor().current_dir(&app).args(["build", ".", "--out", "installed"]).assert().code(0);
    let manifest = app.join("plugins/polite/plugin.toml");
    build();
    cargo(&app, &["build", "--offline"]);
    let application = Application::start(&app, "fresh-live");
    let events = Live::start(|command| {
        command.current_dir(&app).args(["events", "-f", "--data", "data"]);
    });

    let version = |number| format!("version = \"{number}\"");
    replace(&app.join("interface/src/lib.rs"), &version("1.0.0"), &version("1.1.0"));
    build();
    application.complains(&["fresh-live-polite", "refused", "RE0742"]);

    replace(&manifest, "greeter\" = \"1.0.0\"", "greeter\" = \"1.1.0\"");
    build();
    let newer = |event: &Value| event["before"] == "1.0.0" && event["version"] == "1.1.0";
    let before = events.event("interface_changed", newer)["generation"].as_u64();

    // Nothing but the manifest changes.
    let text = fs::read_to_string(&manifest).expect("a file of the template");
    fs::write(&manifest, text + "\n[run]\nisolation = \"subprocess\"\n").expect("a file of ours");
    build();
    let swapped = events.event("swapped", |event| event["generation"].as_u64() > before);
    assert_eq!(swapped["state"], "handed_over");
    let listed = reactor().current_dir(&app).args(["list", "--data", "data", "--json"]).assert().code(0);
    let listed = rows(&listed.get_output().stdout);
    assert_eq!(listed[0]["generation"], swapped["generation"], "{listed:?}");
    #[cfg(target_os = "linux")]
    assert!(has_a_process(application.child.id(), "fresh-live-polite"), "it runs in a process of its own");
}

/// Whether a process of this plugin is below the process `parent`.
#[cfg(target_os = "linux")]
fn has_a_process(parent: u32, plugin: &str) -> bool {
    let children = fs::read_dir(format!("/proc/{parent}/task")).expect("its threads").flatten();
    let children = children.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    children
        .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|child| fs::read_to_string(format!("/proc/{child}/cmdline")).ok())
        .any(|line| line.starts_with("reactor-runner") && line.split('\0').any(|word| word == plugin))
}
