use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::fixture::{reactor, root, target};
use crate::live::rows;

/// A folder in which nothing of this repository is further up.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Makes `name` in `folder`, without a terminal and with nothing to read.
#[track_caller]
pub(crate) fn made(folder: &Path, name: &str, template: &str) -> PathBuf {
    let mut command = reactor();
    command.current_dir(folder).args(["new", name, "--template", template]).write_stdin("").assert().code(0);
    let made = folder.join(name);
    // The versions that this repository was built with, so that nothing has to be fetched.
    fs::copy(root().join("Cargo.lock"), made.join("Cargo.lock")).expect("the lock file");
    made
}

/// Runs cargo in `folder`, which is to go well, and answers what it and the tests printed.
#[track_caller]
pub(crate) fn cargo(folder: &Path, arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(folder).args(arguments).env("CARGO_TARGET_DIR", target());
    let output = command.output().expect("cargo starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{arguments:?}: {}\n{}", text(&output.stdout), text(&output.stderr));
    // `warning: `NAME` (lib) generated 1 warning`: what is depended on by path may have its own.
    let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
    let warnings = text(&output.stderr);
    assert!(!warnings.contains(&format!("warning: `{name}")), "{warnings}");
    text(&output.stdout)
}

/// What is made of a template compiles without a warning, is formatted, and passes tests of its own.
#[track_caller]
fn check(name: &str, template: &str, tests: usize) {
    let folder = folder();
    let made = made(folder.path(), name, template);
    cargo(&made, &["fmt", "--check"]);
    let printed = cargo(&made, &["test", "--workspace", "--offline"]);
    let passed = printed.matches(" ... ok\n").count();
    assert_eq!(passed, tests, "{printed}");
}

#[test]
fn a_new_plugin_is_formatted_and_passes_its_tests() {
    check("fresh-plugin", "plugin", 3);
}

#[test]
fn a_new_interface_is_formatted_and_passes_its_test() {
    check("fresh-interface", "interface", 1);
}

#[test]
fn a_new_application_is_formatted_and_passes_its_tests() {
    check("fresh-app", "app", 3);
}

#[test]
fn a_new_application_shows_the_answer_of_its_plugin() {
    let folder = folder();
    let made = made(folder.path(), "fresh-shown", "app");
    reactor().current_dir(&made).args(["build", ".", "--out", "installed"]).assert().code(0);
    let printed = cargo(&made, &["run", "--offline"]);
    assert_eq!(printed, "Good day, world (1 greeted)\n");
}

#[test]
fn a_new_plugin_runs_and_answers() {
    let folder = folder();
    let made = made(folder.path(), "fresh-runner", "plugin");
    let out = made.join("plugins");
    reactor().current_dir(&made).args(["build", ".", "--out", "plugins"]).assert().code(0);
    let answer = reactor()
        .args(["call", "--private", "--json", "--plugins"])
        .arg(&out)
        .args(["fresh-runner", "greet", r#"{"name": "Ada"}"#])
        .assert()
        .code(0);
    let rows = rows(&answer.get_output().stdout);
    assert!(rows[0].to_string().contains("Hello Ada"), "{rows:?}");
}

#[test]
fn names_do_not_change_the_form_of_the_code() {
    // The longest there may be, and a short one that sorts behind every import.
    for name in ["a-name-as-long-as-names-can-be-4", "z"] {
        for template in ["plugin", "interface", "app"] {
            let folder = folder();
            cargo(&made(folder.path(), name, template), &["fmt", "--check"]);
        }
    }
}

#[test]
fn below_another_package_it_stands_on_its_own() {
    let folder = folder();
    fs::write(folder.path().join("Cargo.toml"), "[workspace]\nexclude = [\"inner-plugin\", \"inner-app\"]\n")
        .expect("written");
    for template in ["plugin", "app"] {
        let name = format!("inner-{template}");
        let made = made(folder.path(), &name, template);
        let metadata = cargo(&made, &["metadata", "--offline", "--no-deps", "--format-version=1"]);
        assert!(metadata.contains(&format!("\"name\":\"{name}\"")), "{metadata}");
    }
}

#[test]
fn a_new_plugin_in_an_application_is_a_member_of_its_workspace() {
    let folder = folder();
    let app = made(folder.path(), "fresh-whole", "app");
    for (path, template, says) in [
        ("plugins/rude", "plugin", "it is a member of"),
        ("texts", "interface", "add \"texts\" to `members`"),
    ] {
        let mut command = reactor();
        let assert = command.current_dir(&app).args(["new", path, "--template", template]).assert().code(0);
        let printed = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
        assert!(printed.contains(says), "{printed}");
    }
    let root = app.join("Cargo.toml");
    let manifest = fs::read_to_string(&root).expect("a file of the template");
    fs::write(&root, manifest.replace("\"interface\", ", "\"interface\", \"texts\", ")).expect("written");
    let metadata = cargo(&app, &["metadata", "--offline", "--no-deps", "--format-version=1"]);
    assert!(metadata.contains("\"name\":\"rude\"") && metadata.contains("\"name\":\"texts\""), "{metadata}");
    cargo(&app, &["check", "--workspace", "--offline"]);

    let inner =
        reactor().current_dir(&app).args(["new", "plugins/app", "--template", "app"]).assert().code(1);
    let error = String::from_utf8_lossy(&inner.get_output().stderr).into_owned();
    assert!(error.contains("RE0942") && !app.join("plugins/app").exists(), "{error}");
}

#[test]
fn a_folder_that_holds_something_is_left_as_it_is() {
    let folder = folder();
    let taken = folder.path().join("taken");
    fs::create_dir(&taken).expect("a folder");
    fs::write(taken.join("notes.txt"), "mine").expect("written");
    let assert = reactor().arg("new").arg(&taken).assert().code(1);
    let error = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(error.contains("RE0941") && error.contains("not empty"), "{error}");
    assert_eq!(fs::read_dir(&taken).expect("it is there").count(), 1);
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1, "nothing is left beside it");

    fs::remove_file(taken.join("notes.txt")).expect("removed");
    reactor().arg("new").arg(&taken).assert().code(0);
    assert!(taken.join("src/lib.rs").is_file(), "an empty folder will do");
}

#[test]
fn a_file_of_that_name_is_left_as_it_is() {
    let folder = folder();
    let taken = folder.path().join("taken");
    fs::write(&taken, "mine").expect("written");
    reactor().arg("new").arg(&taken).assert().code(1);
    assert_eq!(fs::read_to_string(&taken).expect("it is there"), "mine");
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1, "nothing is left beside it");
}

#[test]
fn what_is_no_name_is_refused_before_anything_is_written() {
    let folder = folder();
    for name in ["Greeting", "fn", "7up", "acme.greeting", ".."] {
        let assert = reactor().current_dir(folder.path()).args(["new", name]).assert().code(2);
        let error = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(error.contains("RE0940"), "{name}: {error}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 0);
}

#[test]
fn programs_are_told_what_was_made() {
    let folder = folder();
    let assert = reactor().current_dir(folder.path()).args(["new", "told", "--json"]).assert().code(0);
    let rows = rows(&assert.get_output().stdout);
    assert_eq!(rows[0]["name"], "told");
    for file in rows[0]["files"].as_array().expect("a list") {
        assert!(folder.path().join("told").join(file.as_str().expect("a path")).is_file(), "{file}");
    }
}
