use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::fixture::{Crates, examples, library, plugins, reactor};
use crate::live::rows;

#[test]
fn list_tells_of_each_plugin_and_of_what_is_none() {
    let plugins = plugins();
    fs::write(
        plugins.path().join("libgarbage.so"),
        "no library, whatever its name says, and no plugin either\n".repeat(9),
    )
    .expect("written");
    let assert = reactor().arg("list").arg(plugins.path()).assert().code(0);
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    for part in ["greeting 0.1.0", "word-count 0.1.0", "libgarbage.so  refused", "RE0120"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let assert = reactor().args(["list", "--json"]).arg(plugins.path()).assert().code(0);
    let rows = rows(&assert.get_output().stdout);
    let ids: Vec<&Value> = rows.iter().map(|row| &row["plugin"]).collect();
    assert_eq!(ids, [&Value::from("greeting"), &Value::from("word-count"), &Value::Null]);
    assert_eq!(rows[2]["refused"]["code"], "RE0120");
}

#[cfg(unix)]
#[test]
fn shared_folders_are_taken_only_when_it_is_said() {
    use std::os::unix::fs::PermissionsExt as _;
    let plugins = plugins();
    fs::set_permissions(plugins.path(), fs::Permissions::from_mode(0o777)).expect("its own");
    let text = |lines: &[&str], code: i32| {
        let assert = reactor().args(lines).assert().code(code);
        let output = assert.get_output();
        [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat()
    };
    let folder = plugins.path().display().to_string();
    for (lines, code) in [
        (&["list", &folder][..], 0),
        (&["run", &folder, "--once"], 1),
        (&["call", "--plugins", &folder, "greeting", "greet", "{\"name\": \"Ada\"}"], 1),
    ] {
        let refused = text(lines, code);
        assert!(refused.contains("RE0164") && refused.contains("chmod go-w"), "{lines:?}: {refused}");
        let taken = text(&[lines, &["--allow-shared-folders"]].concat(), 0);
        assert!(!taken.contains("RE0164"), "{lines:?}: {taken}");
    }
}

#[test]
fn inspect_tells_what_a_plugin_says_of_itself() {
    let plugins = plugins();
    let assert = reactor().arg("inspect").arg(library(plugins.path(), "word-count")).assert().code(0);
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    for part in ["word-count 0.1.0", "schema 2", "ELF", "reactor_plugin_v1"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let assert = reactor().args(["inspect", "--json"]).arg(plugins.path().join("greeting")).assert().code(0);
    let rows = rows(&assert.get_output().stdout);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["manifest"]["id"], "greeting");
    assert_eq!(rows[0]["refused"], Value::Null);
    assert_eq!(rows[0]["build"]["planted"], true);
}

/// A library whose constructor writes a file, and that file.
fn telltale(folder: &Path) -> (PathBuf, PathBuf) {
    let (source, library, witness) =
        (folder.join("telltale.c"), folder.join("libtelltale.so"), folder.join("witness"));
    let text = "#include <stdio.h>\n\
                __attribute__((constructor)) static void opened(void) { fclose(fopen(WITNESS, \"w\")); }\n\
                int answer(void) { return 42; }\n";
    fs::write(&source, text).expect("written");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC"]).arg(format!("-DWITNESS=\"{}\"", witness.display()));
    let status = compiler.arg("-o").arg(&library).arg(source).status();
    assert!(status.expect("a C compiler, which linking needs too").success());
    (library, witness)
}

#[test]
fn inspect_and_list_run_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (library, witness) = telltale(folder.path());
    let assert = reactor().arg("inspect").arg(&library).assert().code(1);
    let output = assert.get_output();
    let (text, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("answer") && text.contains("libc.so"), "its facts are told all the same: {text}");
    assert!(error.contains("[RE0145]"), "{error}");
    reactor().arg("list").arg(folder.path()).assert().code(0);
    // A manifest makes it look like a plugin; a host would refuse to open it, and so says `inspect`.
    let manifest = "schema = 1\nid = \"telltale\"\nversion = \"1.0.0\"\napi = \"^1\"\n";
    fs::write(folder.path().join("telltale.toml"), manifest).expect("written");
    let assert = reactor().args(["inspect", "--json"]).arg(&library).assert().code(1);
    assert_eq!(rows(&assert.get_output().stdout)[0]["refused"]["code"], "RE0301");
    let assert = reactor().args(["list", "--json"]).arg(folder.path()).assert().code(0);
    assert_eq!(rows(&assert.get_output().stdout)[0]["refused"]["code"], "RE0301", "as `inspect` says");
    assert!(!witness.exists(), "its constructor ran");
}

#[test]
fn commands_for_one_kind_of_folder_name_the_command_for_the_other() {
    let plugins = plugins();
    for (name, says) in [("inspect", "reactor list"), ("build", "reactor run")] {
        let mut command = reactor();
        command.arg(name).arg(plugins.path());
        if says == "reactor run" {
            command.arg("--out").arg(plugins.path().join("out"));
        }
        let stderr = String::from_utf8_lossy(&command.assert().code(1).get_output().stderr).into_owned();
        assert!(stderr.contains(says), "{says}: {stderr}");
    }
}

#[test]
fn build_says_what_a_host_would_refuse() {
    let manifest = "schema = 1\nid = \"not-exported\"\nversion = \"1.0.0\"\napi = \"^1\"\n";
    let crates = Crates::new(&[("not-exported", manifest, "")]);
    let out = tempfile::tempdir().expect("a temporary folder");
    let assert = reactor().arg("build").arg(crates.path()).arg("--out").arg(out.path()).assert().code(1);
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    assert!(text.contains("RE0301") && text.contains("export_plugin!(YourType);"), "{text}");
}

#[test]
fn inspect_says_why_garbage_is_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plugins = plugins();
    let whole = fs::read(library(plugins.path(), "greeting")).expect("just built");
    for (bytes, code) in [
        (&b"a text that is longer than any header could be, and is no library at all"[..], "RE0120"),
        (&whole[..whole.len() / 2], "RE0121"),
    ] {
        let path = folder.path().join("libgarbage.so");
        fs::write(&path, bytes).expect("written");
        let assert = reactor().arg("inspect").arg(&path).assert().code(1);
        let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(stderr.contains(code), "{code}: {stderr}");
    }
}

#[test]
fn build_makes_folders_that_can_be_dropped_anywhere() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let build = || {
        let mut command = reactor();
        command.args(["build", "--json"]).arg(examples().path()).arg("--out").arg(out.path());
        rows(&command.assert().code(0).get_output().stdout)
    };
    let rows = build();
    assert_eq!(rows.iter().map(|row| &row["plugin"]).collect::<Vec<_>>(), ["greeting", "word-count"]);
    for row in &rows {
        let path = Path::new(row["library"].as_str().expect("a path"));
        assert!(path.is_file() && path.with_file_name("plugin.toml").is_file(), "{row}");
    }
    let names = |path: &Path| path.read_dir().expect("a folder").count();
    assert_eq!((names(out.path()), names(&out.path().join("greeting"))), (2, 2), "and nothing else");
    let again = build();
    assert_eq!(
        again.iter().map(|row| &row["hash"]).collect::<Vec<_>>(),
        rows.iter().map(|row| &row["hash"]).collect::<Vec<_>>()
    );
}

#[test]
fn a_crate_that_does_not_compile_keeps_no_other_from_being_built() {
    let manifest = |id: &str| format!("schema = 1\nid = \"{id}\"\nversion = \"1.0.0\"\napi = \"^1\"\n");
    let good = "use reactor_abi::prelude::*;\n#[derive(Default)]\nstruct Good;\nimpl Invoke for Good {\n    \
                fn invoke(&self, _: &str, value: Value) -> Result<Value> {\n        Ok(value)\n    }\n}\n\
                export_plugin!(Good);\n";
    let crates = Crates::new(&[
        ("half-bad", &manifest("half-bad"), "fn half( {"),
        ("half-good", &manifest("half-good"), good),
    ]);
    let out = tempfile::tempdir().expect("a temporary folder");
    let assert = reactor().arg("build").arg(crates.path()).arg("--out").arg(out.path()).assert().code(1);
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(stderr.contains("RE0906") && stderr.contains("half-bad"), "{stderr}");
    assert!(out.path().join("half-good").is_dir() && !out.path().join("half-bad").exists());
    // The same, run: what compiles runs, and the command says that not all is well.
    let assert = reactor().args(["dev", "--once", "--json"]).arg(crates.path()).assert().code(1);
    let events = crate::live::events(&assert.get_output().stdout);
    assert!(
        events.iter().any(|event| event["event"] == "loaded" && event["plugin"] == "half-good"),
        "{events:#?}"
    );
    assert!(
        events.iter().any(|event| event["event"] == "not_compiled" && event["plugin"] == "half-bad"),
        "{events:#?}"
    );
}
