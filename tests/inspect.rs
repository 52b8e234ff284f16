//! Guarantees: what can be known of a library is read from its bytes; none of its code runs for it.

use std::path::{Path, PathBuf};
use std::process::Command;

use reactor_host::OutcomeStatus;
use reactor_host::discover::{Known, read_one, scan};
use reactor_host::object_file::ObjectFile;
use reactor_tests::folder::Folder;
use reactor_tests::host;

const SOURCE: &str = r#"
#include <stdio.h>
__attribute__((constructor)) static void opened(void) {
    FILE *witness = fopen(WITNESS, "w");
    if (witness) fclose(witness);
}
int answer(void) { return 42; }
"#;

/// A library in a folder, and the file that its constructor writes.
struct Telltale {
    folder: Folder,
    library: PathBuf,
    witness: PathBuf,
}

impl Telltale {
    fn new() -> Self {
        let elsewhere = Folder::new();
        let source = elsewhere.put("telltale.c", SOURCE.as_bytes());
        let folder = Folder::new();
        let (library, witness) = (folder.path().join("libtelltale.so"), folder.path().join("witness"));
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(format!("-DWITNESS=\"{}\"", witness.display()))
            .arg(source)
            .status();
        assert!(status.expect("a C compiler, which linking needs too").success());
        Self { folder, library, witness }
    }

    #[track_caller]
    fn has_not_run(&self) {
        assert!(!self.witness.exists(), "its constructor ran");
    }
}

#[test]
fn opening_a_library_runs_its_code() {
    // The control: what the others assert would be worth nothing if this constructor did not write.
    let telltale = Telltale::new();
    let mut dlopen = Command::new(crate::naive::built("naive"));
    let status = dlopen.arg("open").arg(&telltale.library).arg("-").status();
    assert!(status.expect("it was just built").success());
    assert!(telltale.witness.exists());
}

#[test]
fn reading_a_library_runs_none_of_its_code() {
    let telltale = Telltale::new();
    let bytes = std::fs::read(&telltale.library).expect("it was just made");
    let object = ObjectFile::read(&bytes).expect("a whole library");
    assert!(object.exports.iter().any(|name| name == "answer"), "{:?}", object.exports);
    let error = read_one(&telltale.library).expect_err("no plugin");
    assert_eq!(error.code(), "RE0145", "{error}");
    let dirs = [telltale.folder.path().to_owned()];
    assert_eq!(scan(&dirs, &Known::new()).found.len(), 1);
    telltale.has_not_run();
}

#[test]
fn a_library_that_is_no_plugin_is_refused_unopened() {
    let telltale = Telltale::new();
    // As far as its manifest goes it is one.
    std::fs::write(telltale.folder.path().join("telltale.toml"), manifest("telltale")).expect("written");
    assert!(refused(telltale.folder.path()).starts_with("RE03"));
    telltale.has_not_run();
}

fn manifest(id: &str) -> String {
    format!("schema = 1\nid = \"{id}\"\nversion = \"1.0.0\"\napi = \"^1\"\n")
}

/// The code of the one refusal.
#[track_caller]
fn refused(plugins: &Path) -> String {
    let host = host(plugins);
    let report = host.start().expect("the host starts");
    match report.outcomes.as_slice() {
        [one] => match &one.status {
            OutcomeStatus::Failed { code, .. } => code.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}
