use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::fixture::{root, state, target};

/// How long a step may take: the first one builds everything.
const DEADLINE: Duration = Duration::from_mins(5);

/// How long an answer is waited for before the question is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// A step of a page, as a comment before a block names it: `<!-- hour: STEP -->`.
#[derive(Debug)]
enum Step {
    /// Commands that end.
    Run(String),
    /// A command that is left running.
    Keep(String),
    /// What the last command printed.
    Printed(String),
    /// Text in a file that becomes another.
    Replace { old: String, new: String, file: String },
    /// A file.
    Write { file: String, text: String },
    /// A line for the program that was left running, and what it answers sooner or later.
    Type { line: String, answer: String },
    /// A file that appears.
    Wait(String),
    /// Ctrl-C for all that was left running.
    End,
}

/// The steps of a page. A block of commands that no comment is before is one that the test would miss.
fn steps(page: &str) -> Vec<Step> {
    let text = fs::read_to_string(root().join("book/src").join(page)).expect("a page of the book");
    let mut lines = text.lines();
    let mut steps = Vec::new();
    while let Some(line) = lines.next() {
        assert!(!line.starts_with("```console"), "{page}: commands that are not run");
        let Some(step) = line.strip_prefix("<!-- hour: ").and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        let mut block = || {
            let fence = lines.next().unwrap_or_default();
            assert!(fence.starts_with("```"), "{page}: no block after `{step}`: {fence}");
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            text.join("\n") + "\n"
        };
        let words: Vec<&str> = step.split(' ').collect();
        steps.push(match words.as_slice() {
            ["run"] => Step::Run(block()),
            ["keep"] => Step::Keep(block()),
            ["printed"] => Step::Printed(block()),
            ["write", file] => Step::Write { file: (*file).to_owned(), text: block() },
            ["type", line] => Step::Type { line: (*line).to_owned(), answer: block() },
            ["wait", "for", file] => Step::Wait((*file).to_owned()),
            ["replace", ..] => {
                let (what, file) = step["replace ".len()..].rsplit_once(" in ").expect("a file");
                let (old, new) = what.split_once(" => ").expect("another text");
                Step::Replace { old: old.to_owned(), new: new.to_owned(), file: file.to_owned() }
            }
            ["end"] => Step::End,
            _ => panic!("{page}: no step: {step}"),
        });
    }
    assert!(steps.len() > 5, "{page}: {steps:?}");
    steps
}

/// A command that was left running, and the lines that it prints.
struct Kept {
    child: Child,
    lines: Receiver<String>,
}

/// Somebody at work in a folder that was empty.
struct Hour {
    folder: PathBuf,
    kept: Vec<Kept>,
    printed: String,
}

impl Hour {
    /// A command line in a shell, as a person gives it.
    fn shell(&self, line: &str) -> Command {
        let command = Path::new(assert_cmd::cargo::cargo_bin!("reactor"));
        let beside = command.parent().expect("a folder").to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(beside).chain(std::env::split_paths(&path));
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("exec {line}")).current_dir(&self.folder);
        shell.env("PATH", std::env::join_paths(path).expect("no path has a colon"));
        shell.env("CARGO_TARGET_DIR", target()).env("CARGO_NET_OFFLINE", "true");
        shell.env("XDG_STATE_HOME", state()).env_remove("REACTOR_DATA");
        shell
    }

    fn run(&mut self, commands: &str) {
        for line in commands.lines() {
            if let Some(folder) = line.strip_prefix("cd ") {
                self.folder.push(folder);
                // The versions that this repository was built with, so that nothing has to be fetched.
                fs::copy(root().join("Cargo.lock"), self.folder.join("Cargo.lock")).expect("the lock file");
                continue;
            }
            let output = self.shell(line).stdin(Stdio::null()).output().expect("a shell");
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            self.printed = text(&output.stdout);
            assert!(output.status.success(), "{line}: {}{}", self.printed, text(&output.stderr));
        }
    }

    fn keep(&mut self, commands: &str) {
        let line = commands.trim_end();
        // What `dev` has to say is easier to wait for as it tells it to programs.
        let json = if line.starts_with("reactor dev") { " --json" } else { "" };
        let mut command = self.shell(&format!("{line}{json}"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let kept = Kept { child, lines };
        if json.is_empty() {
            // It is up when it says something.
            kept.lines.recv_timeout(DEADLINE).expect("its first line");
        } else {
            kept.until("following");
        }
        self.kept.push(kept);
    }

    fn replace(&self, old: &str, new: &str, file: &str) {
        let path = self.folder.join(file);
        let text = fs::read_to_string(&path).expect("a file of the template");
        assert!(text.contains(old), "{file} has no `{old}`");
        fs::write(path, text.replace(old, new)).expect("a file of ours");
        if let [.., dev] = self.kept.as_slice() {
            dev.until_one_of(&["swapped", "placed"]);
        }
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.folder.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder of ours");
        fs::write(path, text).expect("a file of ours");
    }

    /// Types `line` until the answer is this one, whatever the number in it: it counts how often it was asked.
    fn type_line(&mut self, line: &str, answer: &str) {
        let deadline = Instant::now() + DEADLINE;
        let without_number = |line: &str| line.rsplit_once(" (").map_or(line, |(text, _)| text).to_owned();
        let wanted = without_number(answer.trim_end());
        let kept = self.kept.first_mut().expect("a program that reads");
        let mut seen = Vec::new();
        while Instant::now() < deadline {
            let input = kept.child.stdin.as_mut().expect("it is piped");
            writeln!(input, "{line}").expect("it reads");
            match kept.lines.recv_timeout(PAUSE) {
                Ok(line) if without_number(&line) == wanted => return,
                Ok(line) => seen.push(line),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        panic!("it never answered `{wanted}`, but {seen:?}");
    }

    fn wait(&self, file: &str) {
        let path = self.folder.join(file);
        let [.., dev] = self.kept.as_slice() else { panic!("nothing runs that would make {file}") };
        while !path.exists() {
            dev.until_one_of(&["placed"]);
        }
    }

    fn end(&mut self) {
        for mut kept in self.kept.drain(..) {
            let pid = i32::try_from(kept.child.id()).ok().and_then(rustix::process::Pid::from_raw);
            let pid = pid.expect("the number of a process");
            rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it is still there");
            kept.child.wait().expect("it ends");
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Run(commands) => self.run(commands),
            Step::Keep(command) => self.keep(command),
            Step::Printed(text) => assert_eq!(&self.printed, text),
            Step::Replace { old, new, file } => self.replace(old, new, file),
            Step::Write { file, text } => self.write(file, text),
            Step::Type { line, answer } => self.type_line(line, answer),
            Step::Wait(file) => self.wait(file),
            Step::End => self.end(),
        }
    }
}

impl Kept {
    #[track_caller]
    fn until(&self, event: &str) {
        self.until_one_of(&[event]);
    }

    /// Passes over what it prints until one of these events.
    #[track_caller]
    fn until_one_of(&self, events: &[&str]) {
        let deadline = Instant::now() + DEADLINE;
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if events.iter().any(|event| line.contains(&format!("\"event\":\"{event}\""))) {
                return;
            }
            seen.push(line);
        }
        panic!("none of {events:?} came; these did: {seen:#?}");
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Errors say that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Does what the pages say, to the letter, where nothing is but Rust and the command.
#[test]
fn the_first_hour_goes_as_the_book_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for page in ["first-plugin.md", "first-application.md"] {
        let mut hour = Hour { folder: folder.path().to_owned(), kept: Vec::new(), printed: String::new() };
        for step in steps(page) {
            hour.take(&step);
        }
    }
}
