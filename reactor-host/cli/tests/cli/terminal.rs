use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::termios::{Action, tcflow};

use crate::fixture::{library, plugins, reactor, state};
use crate::live::rows;
use crate::pty::{Pty, at_a_terminal, interrupt};

fn run(plugins: &Path) -> Command {
    let mut command = at_a_terminal(assert_cmd::cargo::cargo_bin!("reactor"));
    command.arg("run").arg(plugins).env("XDG_STATE_HOME", state()).env_remove("REACTOR_DATA");
    command
}

/// Replaces a library by one that does the same.
fn rebuild(plugins: &Path, plugin: &str) {
    let path = library(plugins, plugin);
    let (aside, mut bytes) = (path.with_extension("tmp"), fs::read(&path).expect("just built"));
    bytes.push(0);
    fs::write(&aside, bytes).expect("written");
    fs::rename(&aside, &path).expect("renamed");
}

#[test]
fn a_terminal_shows_a_table_that_is_kept_up_to_date() {
    let plugins = plugins();
    let pty = Pty::new(100, 24);
    let child = pty.start(run(plugins.path()));
    let mut screen = pty.watch(child);
    let text = screen.until(|text| text.contains("2 plugins: 2 running") && text.contains("following"));
    let line = |text: &str, start: &str| {
        text.lines().find(|line| line.starts_with(start)).map(str::to_owned).unwrap_or_default()
    };
    assert!(line(&text, "reactor run").ends_with("Ctrl-C ends"), "{text}");
    let row = line(&text, "word-count");
    assert!(row.contains(" running ") && row.contains("loaded, "), "{text}");

    rebuild(plugins.path(), "greeting");
    screen.until(|text| line(text, "greeting").contains("swapped from 1"));
    fs::write(plugins.path().join("libgarbage.so"), b"no library, whatever its name says\n".repeat(9))
        .expect("written");
    let text = screen.until(|text| text.contains("3 plugins: 1 refused"));
    assert!(text.contains("refused [RE0120]"), "{text}");

    screen.resize(48, 12);
    let text = screen.until(|text| text.contains("PLUGIN") && !text.contains("VERSION"));
    assert!(text.lines().all(|line| line.chars().count() <= 48), "{text}");

    screen.interrupt();
    assert_eq!(screen.end().code(), Some(0));
    assert!(screen.is_given_back());
    let text = screen.text();
    assert!(
        text.contains("- greeting") && !text.contains("PLUGIN"),
        "the last lines are left behind: {text}"
    );
}

#[test]
fn a_terminal_that_takes_nothing_does_not_hold_up_the_host() {
    let plugins = plugins();
    let temporary = tempfile::tempdir().expect("a temporary folder");
    // Made by the command, for this user alone: only there does it serve.
    let data = temporary.path().join("data");
    let pty = Pty::new(100, 24);
    // Ctrl-S.
    tcflow(&pty.theirs, Action::OOff).expect("it is a terminal");
    let mut command = run(plugins.path());
    command.env("REACTOR_DATA", &data);
    let mut child = pty.start(command);
    until("both are loaded", &mut child, || copies(&data) == 2);
    rebuild(plugins.path(), "greeting");
    // The terminal tells nothing, so the host is asked.
    until("one is swapped", &mut child, || {
        let mut list = reactor();
        let output = list.args(["list", "--json"]).arg(plugins.path()).env("REACTOR_DATA", &data).output();
        let rows = rows(&output.expect("it ends").stdout);
        rows.iter().any(|row| row["plugin"] == "greeting" && row["generation"] == 3)
    });
    interrupt(&child);
    until("the host ends", &mut child, || copies(&data) == 0);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn lines_are_printed_where_they_are_asked_for() {
    let plugins = plugins();
    for configure in [
        (|command: &mut Command| {
            command.arg("--plain");
        }) as fn(&mut Command),
        |command| {
            command.arg("-q");
        },
        |command| {
            command.env("TERM", "dumb");
        },
        |command| {
            command.env("CI", "true");
        },
    ] {
        let pty = Pty::new(100, 24);
        let mut command = run(plugins.path());
        configure(&mut command);
        fs::write(plugins.path().join("libgarbage.so"), b"no library\n".repeat(99)).expect("written");
        let how = format!("{command:?}");
        let child = pty.start(command);
        let mut screen = pty.watch(child);
        screen.until(|text| text.contains("refused [RE012"));
        assert!(screen.is_given_back(), "{how}");
        screen.interrupt();
        assert_eq!(screen.end().code(), Some(0));
    }
}

fn stands_in(folder: &Path) -> Vec<String> {
    let folders = folder.read_dir().into_iter().flatten().flatten();
    let files = folders.flat_map(|folder| folder.path().read_dir().into_iter().flatten().flatten());
    files.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
}

fn copies(folder: &Path) -> usize {
    stands_in(folder).iter().filter(|name| name.contains("-lib")).count()
}

/// Looks again and again until `done`: nothing on a terminal that takes nothing tells.
#[track_caller]
fn until(what: &str, child: &mut Child, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !done() {
        if Instant::now() > deadline {
            // An error says that it has ended.
            let _ = child.kill();
            panic!("{what}: not by the deadline");
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
