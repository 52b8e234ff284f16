use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::fixture::{plugins, reactor, root};
use crate::live::rows;

/// What the command prints, which is to end well.
#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let assert = reactor().args(arguments).assert().code(0);
    String::from_utf8(assert.get_output().stdout.clone()).expect("text")
}

/// The long flags that a text names.
fn flags(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '-';
    let words = text.split(|c: char| !is_part(c));
    words.filter(|word| word.len() > 3 && word.starts_with("--")).map(str::to_owned).collect()
}

/// Each subcommand with the flags that its help lists.
fn commands() -> BTreeMap<String, BTreeSet<String>> {
    let help = printed(&["--help"]);
    let list = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list");
    // What goes on in a further line stands below what it goes on from.
    let begins = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let names = list.lines().filter(begins).filter_map(|line| line.split_whitespace().next());
    let names = names.filter(|name| *name != "help");
    let commands: BTreeMap<_, _> = names
        .map(|name| {
            let help = printed(&[name, "--help"]);
            let options = help.split("Options:\n").nth(1).expect("every command has options");
            // Each stands at the beginning of a line; what a text mentions is another command's.
            let lines = options.lines().filter(|line| line.trim_start().starts_with('-'));
            (name.to_owned(), lines.flat_map(flags).collect())
        })
        .collect();
    assert!(commands.len() > 9, "{commands:?}");
    commands
}

#[test]
fn help_is_at_most_120_columns_wide() {
    for command in commands().keys() {
        let help = printed(&[command, "--help"]);
        let long = help.lines().find(|line| line.chars().count() > 120);
        assert_eq!(long, None, "{command}");
    }
}

/// Whether `program` is not installed, which is said: a test that needs it then passes.
pub(crate) fn missing(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
        return false;
    }
    let all = std::env::var_os("REACTOR_TEST_ALL").is_some_and(|value| value == "1");
    assert!(!all, "REACTOR_TEST_ALL=1 asks for every test, and {program} is missing: install it");
    println!("not run: {program} missing");
    true
}

/// What `program` prints when it is given `input`. It is to end well.
#[track_caller]
fn piped(program: &mut Command, input: &str) -> (String, String) {
    let piped = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("it starts");
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{program:?}: {stderr}");
    (stdout, stderr)
}

#[test]
fn every_command_and_flag_is_in_the_manual_and_the_completions() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("man1");
    reactor().args(["man", "--out"]).arg(&out).assert().code(0);
    let page = |name: &str| {
        let text =
            std::fs::read_to_string(out.join(format!("{name}.1"))).unwrap_or_else(|_| panic!("{name}"));
        text.replace("\\-", "-")
    };
    let (whole, commands) = (page("reactor"), commands());
    assert_eq!(whole, printed(&["man"]).replace("\\-", "-"), "alone it is the same page");
    let scripts = ["bash", "zsh", "fish", "powershell", "elvish"]
        .map(|shell| (shell, printed(&["completions", shell])));
    for (command, options) in &commands {
        assert!(whole.contains(&format!("reactor-{command}(1)")), "{command}");
        let text = page(&format!("reactor-{command}"));
        for flag in options {
            assert!(text.contains(flag.as_str()), "{flag} of {command} is not in its manual page");
        }
        for (shell, script) in &scripts {
            assert!(script.contains(command.as_str()), "{command} is not completed by {shell}");
            for flag in options {
                // Some shells get it without its dashes.
                assert!(script.contains(flag.trim_start_matches('-')), "{flag} of {command}: {shell}");
            }
        }
    }
    let pages = std::fs::read_dir(&out).expect("it was made").count();
    assert_eq!(pages, commands.len() + 1, "one for each, and one for all");
}

#[test]
fn every_command_and_flag_is_in_the_book() {
    let book = std::fs::read_to_string(root().join("book/src/command-line.md")).expect("a page of the book");
    for (command, options) in commands() {
        assert!(book.contains(&format!("`reactor {command}")), "{command}");
        for flag in options {
            assert!(book.contains(&flag), "{flag} of {command}");
        }
    }
}

#[test]
fn bash_takes_the_completions_and_completes_by_them() {
    if missing("bash") {
        return;
    }
    let script = printed(&["completions", "bash"]);
    let ask = "\ncomplete -p reactor >/dev/null\n\
               COMP_WORDS=(reactor expl); COMP_CWORD=1; _reactor reactor expl reactor; echo \"${COMPREPLY[@]}\"\n\
               COMP_WORDS=(reactor run --on); COMP_CWORD=2; _reactor reactor --on run; echo \"${COMPREPLY[@]}\"\n";
    let mut bash = Command::new("bash");
    let (stdout, stderr) = piped(bash.args(["--norc", "--noprofile", "-eu"]), &format!("{script}{ask}"));
    assert_eq!((stdout.as_str(), stderr.as_str()), ("explain\n--once\n", ""));
}

#[test]
fn manual_pages_are_shown_by_man() {
    if missing("man") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    reactor().args(["man", "--out"]).arg(folder.path()).assert().code(0);
    for page in folder.path().read_dir().expect("it was made") {
        let page = page.expect("an entry").path();
        let mut man = Command::new("man");
        man.args(["--warnings", "-E", "UTF-8", "-l"])
            .arg(&page)
            .env("MANPAGER", "cat")
            .env("MANWIDTH", "100");
        let (text, warnings) = piped(&mut man, "");
        assert!(warnings.is_empty(), "{}: {warnings}", page.display());
        for heading in ["NAME", "SYNOPSIS", "OPTIONS"] {
            assert!(text.contains(heading), "{}: {text}", page.display());
        }
    }
}

#[test]
fn a_code_is_explained_and_all_are_listed() {
    let text = printed(&["explain", "re0121"]);
    for part in ["RE0121  the file is incomplete", "What to do: wait for the build", "Object files."] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(printed(&["explain", "0121"]), text);
    let row = &rows(printed(&["explain", "RE0121", "--json"]).as_bytes())[0];
    for field in ["code", "title", "remedy", "detail", "seam", "about"] {
        assert!(row[field].is_string(), "{field}: {row}");
    }
    let all = rows(printed(&["explain", "--json"]).as_bytes());
    assert!(all.len() > 100 && all.contains(row), "{}", all.len());
    let listed = printed(&["explain"]);
    for row in &all {
        let code = row["code"].as_str().expect("text");
        assert!(listed.contains(code), "{code}");
    }
}

#[test]
fn a_code_that_there_is_not_is_told_with_those_that_may_be_meant() {
    for (code, says) in [
        ("RE0112x", "lists all"),
        ("RE0130", "did you mean RE0103"),
        ("RE9999", "lists all"),
        ("disk.full", "ask its author"),
    ] {
        let assert = reactor().args(["explain", code]).assert().code(2);
        let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(stderr.contains("error[RE0920]") && stderr.contains(says), "{code}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn the_doctor_tells_of_system_and_folders_and_fails_when_something_does() {
    let plugins = plugins();
    let look = |dir: &std::path::Path, code| {
        let assert = reactor().args(["doctor", "--json"]).arg(dir).assert().code(code);
        rows(&assert.get_output().stdout)
    };
    let lines = look(plugins.path(), 0);
    let of = |lines: &[Value], check: &str| {
        lines.iter().filter(|line| line["check"] == check).cloned().collect::<Vec<_>>()
    };
    for check in
        ["system", "loader", "temporary", "data", "plugins", "host", "limits", "rustc", "cargo", "linker"]
    {
        assert!(!of(&lines, check).is_empty(), "{check}: {lines:#?}");
    }
    for line in &lines {
        assert!(["ok", "warn"].iter().any(|verdict| line["verdict"] == *verdict), "{line}");
        assert_eq!(line["verdict"] == "ok", line["remedy"].is_null(), "{line}");
    }
    assert!(of(&lines, "plugins")[0]["found"].as_str().expect("text").starts_with("2 usable, 0 refused"));
    if cfg!(all(target_os = "linux", target_env = "gnu")) {
        let loader = &of(&lines, "loader")[0]["found"];
        assert!(loader.as_str().expect("text").starts_with("opens a private copy"), "{loader}");
    }
    let lines = look(&plugins.path().join("not-there"), 1);
    assert_eq!(of(&lines, "plugins")[0]["verdict"], "fail", "{lines:#?}");
}

#[test]
fn less_is_told_when_less_is_asked_for_and_errors_always() {
    let plugins = plugins();
    let run = |arguments: &[&str], code| {
        let assert =
            reactor().args(["run", "--once"]).args(arguments).arg(plugins.path()).assert().code(code);
        String::from_utf8(assert.get_output().stdout.clone()).expect("text")
    };
    assert_eq!(run(&["-q"], 0), "");
    let usual = run(&[], 0);
    assert!(usual.contains("+ greeting") && !usual.contains("found"), "{usual}");
    let more = run(&["-v"], 0);
    assert!(more.contains("· greeting 0.1.0  found ") && more.contains("  unloaded  "), "{more}");
    let most = run(&["-vv"], 0);
    assert!(most.contains(" #1 "), "numbers and times: {most}");
    std::fs::write(plugins.path().join("libgarbage.so"), b"no library\n".repeat(99)).expect("written");
    let quiet = run(&["-qq"], 1);
    assert!(quiet.starts_with("! ") && quiet.contains("[RE012") && quiet.lines().count() == 1, "{quiet}");
    assert!(rows(run(&["-qq", "--json"], 1).as_bytes()).len() > 4, "programs are told all");
}
