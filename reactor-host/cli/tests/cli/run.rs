use std::fs;

use crate::fixture::{library, plugins, reactor};
use crate::live::{Live, events, rows};

#[test]
fn call_prints_the_answer() {
    let plugins = plugins();
    let call = |arguments: &[&str], input: &'static str| {
        let mut command = reactor();
        command.arg("call").arg("--plugins").arg(plugins.path()).args(arguments).write_stdin(input);
        command
    };
    for (arguments, input, answer) in [
        (&["greeting", "greet", r#"{"name": "Ada"}"#][..], "", r#"{"message":"Hello Ada"}"#),
        (&["word-count", "count", "-"], r#"{"text": "one two three"}"#, r#"{"words":3,"total":3}"#),
    ] {
        let assert = call(arguments, input).arg("--json").assert().code(0);
        let expected: serde_json::Value = serde_json::from_str(answer).expect("JSON");
        assert_eq!(rows(&assert.get_output().stdout), [expected], "{arguments:?}");
    }
    for (arguments, code) in [(["greeting", "wave"], "RE0602"), (["no-such-plugin", "go"], "RE0601")] {
        let assert = call(&arguments, "").assert().code(1);
        let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(stderr.contains(code) && assert.get_output().stdout.is_empty(), "{stderr}");
    }
    fs::write(plugins.path().join("libgarbage.so"), b"no library, whatever its name says\n".repeat(9))
        .expect("written");
    let assert = call(&["no-such-plugin", "go"], "").assert().code(1);
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    for part in ["plugins here: greeting, word-count", "warning[RE0120]"] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
}

/// Refused with `RE0320` if the command could not be started again.
#[cfg(unix)]
#[test]
fn a_plugin_in_a_process_of_its_own_is_served_by_the_command_itself() {
    let plugins = plugins();
    let manifest = library(plugins.path(), "greeting").with_file_name("plugin.toml");
    let text = fs::read_to_string(&manifest).expect("it is there");
    fs::write(&manifest, text + "\n[run]\nisolation = \"subprocess\"\n").expect("written");
    let mut command = reactor();
    command
        .args(["call", "--json", "greeting", "greet", r#"{"name": "Ada"}"#])
        .arg("--plugins")
        .arg(plugins.path());
    let assert = command.assert().code(0);
    assert_eq!(rows(&assert.get_output().stdout), [serde_json::json!({"message": "Hello Ada"})]);
}

#[test]
fn run_once_says_whether_everything_runs() {
    let plugins = plugins();
    let run = || {
        let mut command = reactor();
        command.args(["run", "--once", "--json"]).arg(plugins.path());
        command
    };
    let all_well = events(&run().assert().code(0).get_output().stdout);
    for kind in ["discovered", "loaded", "stopped", "retired"] {
        for plugin in ["greeting", "word-count"] {
            let told = all_well.iter().any(|event| event["event"] == kind && event["plugin"] == plugin);
            assert!(told, "{kind} {plugin}: {all_well:#?}");
        }
    }
    assert!(
        all_well.iter().all(|event| event["event"] != "retired" || event["verdict"] == "unloaded"),
        "{all_well:#?}"
    );

    fs::write(plugins.path().join("libgarbage.so"), b"no library, whatever its name says\n".repeat(9))
        .expect("written");
    let not_all = events(&run().assert().code(1).get_output().stdout);
    let refused = not_all.iter().find(|event| event["event"] == "refused").expect("it is said");
    assert_eq!(refused["code"], "RE0120");
    assert!(
        not_all.iter().any(|event| event["event"] == "loaded" && event["plugin"] == "greeting"),
        "{not_all:#?}"
    );
}

#[test]
fn run_once_says_that_a_folder_is_empty() {
    let empty = tempfile::tempdir().expect("a temporary folder");
    let assert = reactor().args(["run", "--once"]).arg(empty.path()).assert().code(0);
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    assert!(text.starts_with("no plugins in "), "{text}");
}

#[test]
fn run_follows_the_folder_until_it_is_interrupted() {
    let plugins = plugins();
    let live = Live::start(|command| {
        command.arg("run").arg(plugins.path());
    });
    live.event("loaded", |event| event["plugin"] == "greeting");
    live.event("loaded", |event| event["plugin"] == "word-count");
    // Gone, and after its grace stopped. Before that the command must have begun to follow, which it says by a swap.
    let path = library(plugins.path(), "greeting");
    let (aside, mut bytes) = (path.with_extension("tmp"), fs::read(&path).expect("just built"));
    bytes.push(0);
    fs::write(&aside, bytes).expect("written");
    fs::rename(&aside, &path).expect("renamed");
    live.event("swapped", |event| event["plugin"] == "greeting" && event["from"] == 1);
    live.event("retired", |event| event["plugin"] == "greeting" && event["verdict"] == "unloaded");
    fs::remove_dir_all(plugins.path().join("greeting")).expect("removed");
    live.event("stopped", |event| event["plugin"] == "greeting");
    let (status, rest) = live.interrupt();
    assert_eq!(status.code(), Some(0));
    assert!(
        rest.iter().any(|event| event["event"] == "stopped" && event["plugin"] == "word-count"),
        "{rest:#?}"
    );
}
