use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::fixture::{Crates, library, plugins, reactor, state};
use crate::live::{Live, rows};

/// A `reactor run` of this folder, with both plugins loaded.
fn run(plugins: &Path) -> Live {
    let live = Live::start(|command| {
        command.arg("run").arg(plugins);
    });
    live.event("loaded", |event| event["plugin"] == "greeting");
    live.event("loaded", |event| event["plugin"] == "word-count");
    live
}

/// What a command prints as JSON, when it ends with this code.
#[track_caller]
fn ask(command: &str, plugins: &Path, arguments: &[&str], code: i32) -> (Vec<Value>, String) {
    let assert = reactor().args([command, "--plugins"]).arg(plugins).args(arguments).arg("--json").assert();
    let assert = assert.code(code);
    let output = assert.get_output();
    (rows(&output.stdout), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The total that `word-count` has counted.
#[track_caller]
fn count(plugins: &Path) -> Value {
    let (answer, stderr) = ask("call", plugins, &["word-count", "count", r#"{"text": "one two"}"#], 0);
    assert_eq!(stderr, "");
    answer[0]["total"].clone()
}

#[track_caller]
fn listed(plugins: &Path) -> Vec<Value> {
    rows(&reactor().args(["list", "--json"]).arg(plugins).assert().code(0).get_output().stdout)
}

#[test]
fn call_asks_the_host_that_runs_the_folder_and_else_one_of_its_own() {
    let plugins = plugins();
    assert_eq!((count(plugins.path()), count(plugins.path())), (json!(2), json!(2)), "each its own host");
    let live = run(plugins.path());
    assert_eq!((count(plugins.path()), count(plugins.path())), (json!(2), json!(4)), "one host counts");
    // The same folder by another path.
    assert_eq!(count(&plugins.path().join("greeting").join("..")), 6);
    let private =
        ask("call", plugins.path(), &["--private", "word-count", "count", r#"{"text": "one"}"#], 0).0;
    assert_eq!(private[0]["total"], 1, "it is asked for a host of its own");
    let (_, stderr) = ask("call", plugins.path(), &["greeting", "wave"], 1);
    assert!(stderr.contains("error[RE0602]") && stderr.contains("are called by applications"), "{stderr}");
    let (_, stderr) = ask("call", plugins.path(), &["no-such-plugin", "go"], 1);
    for part in ["error[RE0601]", "greeting, word-count", "dev.reactor.cli", &live.pid().to_string()] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    assert_eq!(live.interrupt().0.code(), Some(0));
    assert_eq!(count(plugins.path()), 2, "nobody runs it any more");
}

#[test]
fn list_says_what_the_running_host_says() {
    let plugins = plugins();
    assert_eq!(listed(plugins.path())[0]["status"], Value::Null, "nobody runs it");
    let live = run(plugins.path());
    let rows = listed(plugins.path());
    assert_eq!(
        (&rows[0]["plugin"], &rows[0]["status"], &rows[0]["generation"]),
        (&json!("greeting"), &json!("running"), &json!(1))
    );
    assert_eq!(rows[0]["hash"].as_str().map(str::len), Some(64));
    // A build that is refused: what runs goes on, and the list says so.
    let path = library(plugins.path(), "greeting");
    fs::write(&path, b"no library, whatever its name says\n".repeat(9)).expect("written");
    live.event("refused", |event| event["plugin"] == "greeting");
    let rows = listed(plugins.path());
    assert_eq!((&rows[0]["generation"], &rows[0]["refused_build"]["code"]), (&json!(1), &json!("RE0120")));
    let text = reactor().arg("list").arg(plugins.path()).assert().code(0);
    let text = String::from_utf8_lossy(&text.get_output().stdout).into_owned();
    for part in ["as dev.reactor.cli", "greeting 0.1.0  generation 1", "the newest build is refused [RE0120]"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn swap_swaps_in_the_running_host() {
    let plugins = plugins();
    let live = run(plugins.path());
    count(plugins.path());
    let (rows, _) = ask("swap", plugins.path(), &["word-count"], 0);
    assert_eq!((&rows[0]["outcome"], &rows[0]["from"]), (&json!("swapped"), &json!(2)));
    live.event("swapped", |event| event["plugin"] == "word-count");
    assert_eq!(count(plugins.path()), 4, "its state was handed over");
    let (rows, stderr) = ask("swap", plugins.path(), &["no-such-plugin"], 1);
    assert_eq!((&rows[0]["outcome"], &rows[0]["code"]), (&json!("failed"), &json!("RE0416")));
    assert!(stderr.contains("error[RE0416]") && stderr.contains("known: greeting, word-count"), "{stderr}");
    let text = reactor().args(["swap", "greeting", "--plugins"]).arg(plugins.path()).assert().code(0);
    let text = String::from_utf8_lossy(&text.get_output().stdout).into_owned();
    assert!(text.starts_with("~ greeting 0.1.0: generation "), "{text}");
}

/// Puts another build of `greeting` over the one that runs: the same code, another file.
fn rebuild(plugins: &Path) {
    let path = library(plugins, "greeting");
    let (aside, mut bytes) = (path.with_extension("tmp"), fs::read(&path).expect("just built"));
    bytes.push(0);
    fs::write(&aside, bytes).expect("written");
    fs::rename(&aside, &path).expect("renamed");
}

#[test]
fn rollback_and_quarantine_act_on_the_running_host_and_outlive_it() {
    let plugins = plugins();
    let live = run(plugins.path());
    assert!(ask("quarantine", plugins.path(), &[], 0).0.is_empty());
    let (_, stderr) = ask("rollback", plugins.path(), &["greeting"], 1);
    assert!(stderr.contains("error[RE0525]"), "nothing to go back to: {stderr}");
    let first = listed(plugins.path())[0]["hash"].clone();
    rebuild(plugins.path());
    let swapped = live.event("swapped", |event| event["plugin"] == "greeting");
    let second = listed(plugins.path())[0]["hash"].clone();
    assert_ne!(first, second);

    let (rows, stderr) = ask("rollback", plugins.path(), &["greeting"], 0);
    assert_eq!(stderr, "");
    assert_eq!((rows.len(), &rows[0]["outcome"]), (1, &json!("rolled_back")));
    assert_eq!(rows[0]["from"], swapped["generation"]);
    live.event("rolled_back", |event| {
        event["plugin"] == "greeting" && event["from"] == swapped["generation"]
    });
    let build = live.event("quarantined", |event| event["plugin"] == "greeting")["build"].clone();
    assert_eq!(listed(plugins.path())[0]["hash"], first);
    let held = ask("quarantine", plugins.path(), &[], 0).0;
    assert_eq!((&held[0]["plugin"], &held[0]["build"]), (&json!("greeting"), &build));
    live.kill();

    let live = Live::start(|command| {
        command.arg("run").arg(plugins.path());
    });
    live.event("loaded", |event| event["plugin"] == "greeting");
    live.event("loaded", |event| event["plugin"] == "word-count");
    assert_eq!(listed(plugins.path())[0]["hash"], first, "the build in the folder is quarantined still");
    assert_eq!(ask("quarantine", plugins.path(), &[], 0).0, held);
    ask("quarantine", plugins.path(), &["--lift", "greeting"], 0);
    assert_eq!(listed(plugins.path())[0]["hash"], second, "it takes over at once");
    assert!(ask("quarantine", plugins.path(), &[], 0).0.is_empty());
    let (_, stderr) = ask("quarantine", plugins.path(), &["--lift", "greeting"], 1);
    assert!(stderr.contains("error[RE0526]"), "{stderr}");
}

#[test]
fn events_are_told_from_the_start_and_followed_to_the_end_of_the_host() {
    let plugins = plugins();
    let live = run(plugins.path());
    let (kept, _) = ask("events", plugins.path(), &[], 0);
    let kinds: Vec<&str> = kept.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(kept[0]["seq"], 1);
    assert!(kinds.contains(&"discovered") && kinds.contains(&"loaded"), "{kinds:?}");
    let last = kept.last().expect("some")["seq"].as_u64().expect("a number");

    let follow = Live::start(|command| {
        command.args(["events", "-f", "--since", &last.to_string(), "--plugins"]).arg(plugins.path());
    });
    ask("swap", plugins.path(), &["greeting"], 0);
    let first = follow.event("swapped", |event| event["plugin"] == "greeting");
    assert!(first["seq"].as_u64() > Some(last), "{first}");
    assert_eq!(live.interrupt().0.code(), Some(0));
    let (status, rest) = follow.end();
    assert_eq!(status.code(), Some(0), "the host has ended, which is no error");
    assert!(
        rest.iter().any(|event| event["event"] == "stopped" && event["plugin"] == "word-count"),
        "{rest:#?}"
    );
}

#[test]
fn a_follower_ends_with_ctrl_c_and_when_nobody_reads_it_and_the_host_goes_on() {
    let plugins = plugins();
    let live = run(plugins.path());
    let follow = Live::start(|command| {
        command.args(["events", "-f", "--plugins"]).arg(plugins.path());
    });
    follow.event("loaded", |event| event["plugin"] == "greeting");
    assert_eq!(follow.interrupt().0.code(), Some(0));

    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("reactor"));
    child.args(["events", "-f", "--plugins"]).arg(plugins.path()).env("XDG_STATE_HOME", state());
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut first).expect("a line");
    // The reader has gone with its first line; the next event is written to nobody.
    ask("swap", plugins.path(), &["greeting"], 0);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    live.event("swapped", |event| event["plugin"] == "greeting");
    count(plugins.path());
}

#[test]
fn events_are_told_as_much_as_is_asked_for() {
    let plugins = plugins();
    let _live = run(plugins.path());
    let told = |flags: &[&str]| {
        let assert = reactor().args(["events", "--plugins"]).arg(plugins.path()).args(flags).assert().code(0);
        String::from_utf8_lossy(&assert.get_output().stdout).lines().count()
    };
    let (quiet, usual, verbose) = (told(&["-q"]), told(&[]), told(&["-v"]));
    assert_eq!(quiet, 0, "nothing went wrong");
    assert!(0 < usual && usual < verbose, "{usual} lines, and {verbose} with what was discovered");
    assert_eq!(told(&["-q", "--json"]), verbose, "for programs it is always whole");
}

#[test]
fn logs_of_a_plugin_that_is_not_there_say_so() {
    let plugins = plugins();
    let live = run(plugins.path());
    let (rows, stderr) = ask("logs", plugins.path(), &["nope"], 1);
    assert!(rows.is_empty());
    assert!(stderr.contains("error[RE0416]") && stderr.contains("`nope`"), "{stderr}");
    let (_, stderr) = ask("logs", plugins.path(), &["greeting"], 0);
    assert_eq!(stderr, "", "one that is there may have logged nothing");
    // It may come: who follows is told, and waits for it until the host ends.
    let mut follow = Command::new(assert_cmd::cargo::cargo_bin!("reactor"));
    follow.args(["logs", "-f", "nope", "--plugins"]).arg(plugins.path()).env("XDG_STATE_HOME", state());
    let mut follow = follow.stderr(Stdio::piped()).spawn().expect("it starts");
    let mut first = String::new();
    BufReader::new(follow.stderr.take().expect("piped")).read_line(&mut first).expect("a line");
    assert!(first.contains("warning[RE0416]"), "{first}");
    assert_eq!(live.interrupt().0.code(), Some(0));
    assert_eq!(follow.wait().expect("it ends").code(), Some(0));
}

const NOISY: &str = r#"
use reactor_abi::prelude::*;

struct Noisy(Services);

impl Plugin for Noisy {
    fn init(cx: &mut Init<'_>) -> Result<Self> {
        Ok(Self(cx.services()))
    }
    fn invoke(&self, action: &str, _: Value) -> Result<Value> {
        self.0.log(Level::Info, action).emit();
        Ok(Value::Null)
    }
}

export_plugin!(Noisy);
"#;

#[test]
fn logs_of_a_running_dev_are_told_by_plugin() {
    let manifest = |id: &str| format!("schema = 1\nid = \"{id}\"\nversion = \"1.0.0\"\napi = \"^1\"\n");
    let crates = Crates::new(&[
        ("noisy-one", &manifest("noisy-one"), NOISY),
        ("noisy-two", &manifest("noisy-two"), NOISY),
    ]);
    let live = Live::start(|command| {
        command.arg("dev").arg(crates.path());
    });
    live.event("following", |event| event["running"] == 2);
    for (plugin, action) in [("noisy-one", "a"), ("noisy-two", "b"), ("noisy-one", "c")] {
        assert_eq!(
            ask("call", crates.path(), &[plugin, action], 0).0,
            [Value::Null],
            "`dev` is found by its path"
        );
    }
    let said = |arguments: &[&str]| {
        let (rows, _) = ask("logs", crates.path(), arguments, 0);
        rows.iter().map(|row| row["message"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(said(&[]), ["a", "b", "c"]);
    assert_eq!(said(&["noisy-one"]), ["a", "c"]);
    let follow = Live::start(|command| {
        command.args(["logs", "-f", "noisy-two", "--plugins"]).arg(crates.path());
    });
    follow.event("log", |event| event["message"] == "b");
    ask("call", crates.path(), &["noisy-one", "not this"], 0);
    ask("call", crates.path(), &["noisy-two", "but this"], 0);
    let next = follow.event("log", |_| true);
    assert_eq!((&next["plugin"], &next["message"]), (&json!("noisy-two"), &json!("but this")));
}

#[test]
fn a_host_that_was_killed_is_no_host_and_the_next_one_is_found() {
    let plugins = plugins();
    run(plugins.path()).kill();
    assert_eq!(listed(plugins.path())[0]["status"], Value::Null);
    let (_, stderr) = ask("swap", plugins.path(), &["greeting"], 1);
    assert!(stderr.contains("error[RE0931]"), "{stderr}");
    let live = run(plugins.path());
    assert_eq!((count(plugins.path()), count(plugins.path())), (json!(2), json!(4)));
    assert_eq!(live.interrupt().0.code(), Some(0));
}

#[test]
fn two_folders_have_two_hosts_and_one_folder_has_one() {
    let (one, two) = (plugins(), plugins());
    let (first, _second) = (run(one.path()), run(two.path()));
    count(one.path());
    assert_eq!((count(one.path()), count(two.path())), (json!(4), json!(2)));
    let assert = reactor().arg("run").arg(one.path()).assert().code(1);
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    for part in ["dev.reactor.cli", &format!("process {}", first.pid())] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    assert_eq!(count(one.path()), 6, "the first one goes on");
    // Whether everything loads may be asked beside it.
    reactor().args(["run", "--once"]).arg(one.path()).assert().code(0);
}

#[test]
fn a_data_folder_that_is_named_is_where_the_host_is_found() {
    let plugins = plugins();
    let data = tempfile::tempdir().expect("a temporary folder");
    let data = data.path().join("data");
    let live = Live::start(|command| {
        command.arg("run").arg(plugins.path()).arg("--data").arg(&data);
    });
    live.event("loaded", |event| event["plugin"] == "word-count");
    assert_eq!(listed(plugins.path())[0]["status"], Value::Null, "not by the folder alone");
    for by in [&["list", "--json", "--data"][..], &["events", "--json", "--data"]] {
        let assert = reactor().args(by).arg(&data).assert().code(0);
        assert!(!rows(&assert.get_output().stdout).is_empty(), "{by:?}");
    }
    let mut call = reactor();
    call.args(["call", "greeting", "greet", r#"{"name": "Ada"}"#, "--json"]).env("REACTOR_DATA", &data);
    assert_eq!(rows(&call.assert().code(0).get_output().stdout)[0]["message"], "Hello Ada");
    assert_eq!(live.interrupt().0.code(), Some(0));
    let assert = reactor().args(["list", "--data"]).arg(&data).assert().code(1);
    assert!(String::from_utf8_lossy(&assert.get_output().stderr).contains("RE0931"));
}

#[test]
fn commands_for_a_running_host_say_how_to_start_one() {
    let plugins = plugins();
    for (command, arguments) in [
        ("swap", &["greeting"][..]),
        ("rollback", &["greeting"]),
        ("quarantine", &[]),
        ("events", &["-f"]),
        ("events", &[]),
        ("logs", &["-f"]),
    ] {
        let (rows, stderr) = ask(command, plugins.path(), arguments, 1);
        assert!(rows.is_empty());
        for part in
            ["error[RE0931]", "control socket in ", "reactor run", plugins.path().to_str().expect("text")]
        {
            assert!(stderr.contains(part), "{command} {part}: {stderr}");
        }
    }
}

#[cfg(unix)]
#[test]
fn the_folder_of_a_host_and_its_socket_are_this_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let plugins = plugins();
    let live = run(plugins.path());
    let of_ours = state().join("reactor").read_dir().expect("it is made").flatten().map(|entry| entry.path());
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let sockets: Vec<_> = of_ours.filter(|place| place.join("control.sock").exists()).collect();
    assert!(!sockets.is_empty());
    for place in sockets {
        assert_eq!(mode(&place), 0o700);
    }
    drop(live);
}

#[test]
fn without_a_place_for_its_data_a_host_runs_all_the_same() {
    let plugins = plugins();
    let live = Live::start(|command| {
        command.arg("run").arg(plugins.path()).env_remove("XDG_STATE_HOME").env_remove("HOME");
    });
    live.event("loaded", |event| event["plugin"] == "greeting");
    assert_eq!(live.interrupt().0.code(), Some(0));
    let mut swap = reactor();
    swap.args(["swap", "greeting", "--plugins"])
        .arg(plugins.path())
        .env_remove("XDG_STATE_HOME")
        .env_remove("HOME");
    let assert = swap.assert().code(1);
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(stderr.contains("error[RE0930]") && stderr.contains("--data"), "{stderr}");
}
