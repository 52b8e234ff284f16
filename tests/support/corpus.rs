//! The corpus, built by cargo once per test run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."))
}

/// The folder that fixtures are built in. Apart from cargo's own target folder: cargo would wait for itself.
fn target() -> PathBuf {
    root().join("target/corpus")
}

/// The library of a corpus plugin, built if need be.
///
/// # Panics
///
/// When it does not build: the corpus is part of the tests.
pub fn library(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        build(&root().join("tests/corpus"), &target());
    });
    found("debug", name)
}

/// The same as plugins are shipped: optimised and stripped.
///
/// # Panics
///
/// As [`library`].
pub fn release_library(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        cargo_build(&root().join("tests/corpus"), &target(), &["--release"]);
    });
    found("release", name)
}

fn found(profile: &str, name: &str) -> PathBuf {
    let path = target().join(profile).join(format!("lib{}.so", name.replace('-', "_")));
    assert!(path.is_file(), "{} was not built", path.display());
    path
}

/// Runs `cargo build` in a workspace.
///
/// # Panics
///
/// When it fails.
pub fn build(workspace: &Path, target: &Path) {
    cargo_build(workspace, target, &[]);
}

fn cargo_build(workspace: &Path, target: &Path, flags: &[&str]) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--workspace"])
        .args(flags)
        .arg("--target-dir")
        .arg(target)
        .current_dir(workspace)
        .status()
        .expect("cargo runs: it runs the tests");
    assert!(status.success(), "{} does not build", workspace.display());
}

/// `bytes` with a text replaced by another of the same length, wherever it stands.
///
/// # Panics
///
/// When it is nowhere.
#[track_caller]
pub fn patched(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, part)| *part == from.as_bytes())
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty(), "`{from}` is not in the library");
    let mut patched = bytes.to_vec();
    for at in places {
        patched[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    patched
}

/// The bytes of a corpus plugin's library.
///
/// # Panics
///
/// As [`library`].
pub fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(library(name)).expect("the library was just built")
}
