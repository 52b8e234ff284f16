use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::about::missing;
use crate::fixture::{reactor, root, state, target};

/// How long anything may take before a test gives up.
const DEADLINE: Duration = Duration::from_mins(3);

/// A debugger with `reactor dev` in it. Killed when dropped, and the command with it.
struct Debugger {
    process: Child,
    lines: Receiver<String>,
}

impl Debugger {
    /// The next line that holds `wanted`.
    #[track_caller]
    fn line(&self, wanted: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if line.contains(wanted) {
                return line;
            }
            seen.push(line);
        }
        panic!("no `{wanted}` came; this did: {seen:#?}")
    }
}

impl Drop for Debugger {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A plugin with a line that each call passes.
struct Debugged {
    folder: TempDir,
    text: String,
    /// The line's number, from 1.
    line: usize,
}

impl Debugged {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        reactor().arg("new").arg(folder.path().join("debugged")).assert().code(0);
        let plugin = folder.path().join("debugged");
        fs::copy(root().join("Cargo.lock"), plugin.join("Cargo.lock")).expect("the lock file");
        let text = fs::read_to_string(plugin.join("src/lib.rs")).expect("it was made");
        let line = text.lines().position(|line| line.contains("fetch_add")).expect("the template counts") + 1;
        Self { folder, text, line }
    }

    fn plugin(&self) -> PathBuf {
        self.folder.path().join("debugged")
    }

    /// Runs `reactor dev` in a debugger, which is given `script` by `arguments`, before what it is to run.
    fn run(&self, program: &str, script: &str, arguments: &[&str], separator: &str) -> Debugger {
        let file = self.folder.path().join("script");
        fs::write(&file, script).expect("written");
        let mut command = Command::new(program);
        command.args(arguments).arg(&file).arg(separator);
        command.arg(assert_cmd::cargo::cargo_bin!("reactor")).arg("dev").arg(self.plugin()).arg("--json");
        command.env("CARGO_TARGET_DIR", target()).env("XDG_STATE_HOME", state()).env_remove("REACTOR_DATA");
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Debugger { process, lines }
    }

    /// Calls the plugin, swaps it, and calls it again. `stopped` looks at what the debugger says when it has stopped in a
    /// generation.
    #[track_caller]
    fn walk(&self, debugger: &Debugger, stopped: impl Fn(&str)) {
        debugger.line("\"event\":\"following\"");
        for generation in ["1", "2"] {
            if generation == "2" {
                let text = self.text.replace("Hello", "Good day");
                fs::write(self.plugin().join("src/lib.rs"), text).expect("a file of ours");
                debugger.line("\"event\":\"swapped\"");
            }
            let mut call = reactor();
            call.args(["call", "debugged", "greet", "--plugins"]).arg(self.plugin()).assert().code(0);
            stopped(generation);
        }
    }
}

#[test]
fn a_breakpoint_that_was_set_once_is_hit_in_every_generation() {
    if missing("gdb") {
        return;
    }
    let plugin = Debugged::new();
    let line = plugin.line;
    let script = format!(
        "set pagination off\nset confirm off\nset breakpoint pending on\n\
         break debugged/src/lib.rs:{line}\n\
         commands\nsilent\ninfo symbol $pc\nbacktrace 1\ncontinue\nend\nrun\n"
    );
    let gdb = plugin.run("gdb", &script, &["-nx", "-q", "-batch", "-x"], "--args");
    plugin.walk(&gdb, |generation| {
        let stopped = gdb.line("in section .text of ");
        assert!(stopped.ends_with(&format!("/{generation}-libdebugged.so")), "{stopped}");
        let frame = gdb.line("#0 ");
        assert!(frame.contains("invoke") && frame.ends_with(&format!("src/lib.rs:{line}")), "{frame}");
    });
}

#[test]
fn lldb_finds_every_generation_too() {
    if missing("lldb") {
        return;
    }
    let plugin = Debugged::new();
    let line = plugin.line;
    let script = format!(
        "breakpoint set --file debugged/src/lib.rs --line {line}\n\
         breakpoint modify --auto-continue true 1\n\
         breakpoint command add 1 --one-liner \"thread backtrace --count 1\"\n\
         process launch\n"
    );
    let lldb = plugin.run("lldb", &script, &["--no-lldbinit", "--batch", "--source"], "--");
    plugin.walk(&lldb, |generation| {
        let frame = lldb.line("frame #0: ");
        let found = format!("{generation}-libdebugged.so`invoke at lib.rs:{line}");
        assert!(frame.contains(&found), "{frame}");
    });
}
