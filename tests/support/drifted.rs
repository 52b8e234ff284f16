//! Plugins built against a `reactor-abi` that is not quite the host's: a copy of it in which a text was replaced.

use std::path::{Path, PathBuf};

use crate::corpus::{self, root};

/// What a copy differs in.
#[derive(Clone, Copy, Debug)]
pub struct Drift {
    /// The name of the copy's folder.
    pub name: &'static str,
    /// The file of `reactor-abi` that differs.
    pub file: &'static str,
    /// What it says.
    pub from: &'static str,
    /// What it says in the copy.
    pub to: &'static str,
}

/// The library of a corpus plugin's source, built against such a copy.
///
/// # Panics
///
/// When there is nothing to replace, or it does not build.
#[track_caller]
pub fn library(plugin: &str, drift: &Drift) -> Vec<u8> {
    let workspace = root().join("target/drifted").join(drift.name);
    let (abi, copy) = (root().join("reactor-abi"), workspace.join("reactor-abi"));
    let mut replaced = false;
    for file in files(&abi) {
        let relative = file.strip_prefix(&abi).expect("it was found there");
        let mut text = std::fs::read_to_string(&file).expect("a source is a text");
        if relative == Path::new("Cargo.toml") {
            text = without_tests(&text);
        }
        if relative == Path::new(drift.file) {
            replaced = text.contains(drift.from);
            text = text.replace(drift.from, drift.to);
        }
        write(&copy.join(relative), &text);
    }
    assert!(replaced, "{} does not say `{}`", drift.file, drift.from);
    let source = root().join("tests/corpus").join(plugin);
    for file in ["Cargo.toml", "plugin.toml", "src/lib.rs"] {
        let text = std::fs::read_to_string(source.join(file)).expect("a plugin of the corpus");
        write(&workspace.join(plugin).join(file), &text);
    }
    write(&workspace.join("Cargo.toml"), &manifest(plugin));
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("the lock file");
    write(&workspace.join("Cargo.lock"), &lock);
    // Each its own: cargo takes two workspaces of the same shape for one.
    let target = workspace.join("target");
    corpus::build(&workspace, &target);
    let built = target.join("debug").join(format!("lib{}.so", plugin.replace('-', "_")));
    std::fs::read(built).expect("the library was just built")
}

/// The workspace of a copy: the versions of this repository's, the profile of the corpus.
fn manifest(plugin: &str) -> String {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let members = text.lines().find(|line| line.starts_with("members = ")).expect("a workspace");
    let members_here = format!("members = [\"reactor-abi\", \"reactor-abi/macros\", {plugin:?}]");
    let text = text.replace(members, &members_here);
    let lints = text.find("[workspace.lints.rust]").expect("lints");
    let host = text.lines().find(|line| line.starts_with("reactor-host = ")).expect("the host");
    let text = text[..lints].replace(host, "").replace("exclude = ", "#");
    format!("{text}\n[workspace.lints]\n[profile.dev]\ndebug = false\nstrip = \"debuginfo\"\nopt-level = 1\n")
}

/// A crate's manifest without what its tests are built from, which is not copied.
fn without_tests(manifest: &str) -> String {
    let (mut kept, mut is_kept) = (String::new(), true);
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_kept = !["[dev-dependencies]", "[[test]]"].contains(&line);
        }
        if is_kept {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// Every file of the crate that its library is built from, and of its macros.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![folder.join("Cargo.toml"), folder.join("build.rs"), folder.join("plugin.toml")];
    files.push(folder.join("macros/Cargo.toml"));
    let mut folders = vec![folder.join("src"), folder.join("macros/src")];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().expect("a folder of the repository") {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

/// Writes a file, unless it says that already: cargo would build it again.
fn write(path: &Path, text: &str) {
    if std::fs::read_to_string(path).is_ok_and(|found| found == text) {
        return;
    }
    std::fs::create_dir_all(path.parent().expect("a file stands in a folder")).expect("a folder");
    std::fs::write(path, text).expect("the folder is writable");
}
