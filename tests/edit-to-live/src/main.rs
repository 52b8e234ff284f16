//! Edits tiny plugins ten times, and measures how long it takes until the new code answers: Reactor, hot-lib-reloader
//! with its default and with its shortest debounce, and relib.
//!
//! `cargo run --manifest-path tests/edit-to-live/Cargo.toml [-- [--release] [EDITS]]`; see `tests/benches/README.md`.

mod crates;
mod measure;
mod shim;
mod subjects;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measure::{Row, print};
use crate::subjects::Subject;
use crate::subjects::hot_lib_reloader::HotLibReloader;
use crate::subjects::reactor::Reactor;
use crate::subjects::relib::Relib;

fn main() {
    // Reactor starts cargo itself: this program stands in for it, and takes the time.
    if shim::is_wanted() {
        shim::run();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let release = arguments.iter().any(|argument| argument == "--release");
    let edits = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(10);

    let reactor = command(release);
    let home = tempfile::tempdir().expect("a temporary folder");
    let built = root().join("target/edit-to-live");
    let place = |name: &str| (home.path().join(name), built.join(name));
    let mut subjects: Vec<Box<dyn Subject>> = vec![
        Box::new(Reactor::start(place("reactor-plugin"), &reactor, home.path())),
        Box::new(HotLibReloader::start(place("hot-default"), None)),
        Box::new(HotLibReloader::start(place("hot-shortest"), Some(HotLibReloader::SHORTEST))),
        Box::new(Relib::start(place("relib-plugin"))),
    ];
    let mut rows: Vec<Row> = subjects.iter().map(|subject| Row::new(subject.name())).collect();
    for edit in 1..=edits {
        for (subject, row) in subjects.iter_mut().zip(&mut rows) {
            row.add(subject.edit(edit));
        }
        eprintln!("edit {edit} of {edits}");
    }
    print(&rows, if release { "release" } else { "dev" });
    for (what, times) in subjects.iter().filter_map(|subject| subject.own_words()) {
        measure::print_own(what, times);
    }
}

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("two folders below the root").to_owned()
}

/// The `reactor` command of this checkout, built as it is now.
fn command(release: bool) -> PathBuf {
    let mut cargo = Command::new(shim::cargo());
    cargo
        .current_dir(root())
        .args(["build", "--package", "reactor-cli"])
        .args(release.then_some("--release"));
    let target = root().join("target");
    let status = cargo.env("CARGO_TARGET_DIR", &target).status().expect("cargo starts");
    assert!(status.success(), "the command does not build");
    target.join(if release { "release" } else { "debug" }).join("reactor")
}
