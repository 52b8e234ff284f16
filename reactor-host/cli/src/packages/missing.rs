//! Why a path that was named yields no plugin: which half of a plugin crate is not there.

use std::path::{Path, PathBuf};

use cargo_metadata::Package;
use reactor_host::discover::Outcome;

use crate::verdict;

use super::{folder_of, is_hidden};

/// What makes a package a plugin crate, as far as it is there.
#[derive(Debug)]
pub(super) struct Parts {
    /// The folder of its `Cargo.toml`.
    pub(super) folder: PathBuf,
    /// Whether a `plugin.toml` is beside that.
    pub(super) has_manifest: bool,
    /// Whether it makes a cdylib.
    pub(super) is_cdylib: bool,
}

impl Parts {
    pub(super) fn of(package: &Package) -> Self {
        let folder = folder_of(package);
        let has_manifest = folder.join("plugin.toml").is_file();
        let is_cdylib = package.targets.iter().any(cargo_metadata::Target::is_cdylib);
        Self { folder, has_manifest, is_cdylib }
    }

    /// The half that is missing, of a package that has the other one.
    fn half(&self, shown: &Path) -> Option<String> {
        match (self.has_manifest, self.is_cdylib) {
            (false, true) => Some(format!(
                "{} is there, plugin.toml is not: write one beside it",
                shown.join("Cargo.toml").display()
            )),
            (true, false) => Some(format!(
                "{} has a plugin.toml, but its Cargo.toml makes no cdylib: add `crate-type = [\"cdylib\"]` to its \
                 [lib]",
                shown.display()
            )),
            _ => None,
        }
    }
}

/// Why `named`, whose full path is `path` and in whose workspaces `packages` are, yields no plugin, and what to do.
pub(super) fn why(named: &Path, path: &Path, packages: &[Parts]) -> String {
    let shown = named.display();
    if path.is_file() {
        let folder = named.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).display();
        return format!("{shown} is a file: give the folder that it is in: {folder}");
    }
    let within = |parts: &&Parts| parts.folder.starts_with(path);
    let as_named = |folder: &Path| match folder.strip_prefix(path) {
        Ok(rest) if !rest.as_os_str().is_empty() => named.join(rest),
        _ => named.to_owned(),
    };
    let halves: Vec<String> =
        packages.iter().filter(within).filter_map(|parts| parts.half(&as_named(&parts.folder))).collect();
    if !halves.is_empty() {
        return halves.join("; ");
    }
    if packages.iter().any(|parts| parts.folder == path) {
        return format!(
            "{} is there, but it makes no cdylib and has no plugin.toml beside it: it needs both",
            named.join("Cargo.toml").display()
        );
    }
    if verdict::read(path).is_ok() {
        return format!("{shown} is a built plugin, not a crate: `reactor inspect {shown}`");
    }
    if path.join("plugin.toml").is_file() && packages.is_empty() {
        return format!("{} is there, Cargo.toml is not", named.join("plugin.toml").display());
    }
    if holds_built_plugins(path) {
        return format!("{shown} holds built plugins: `reactor run {shown}`");
    }
    format!(
        "no plugin crate is in {shown}: one has `crate-type = [\"cdylib\"]` and a plugin.toml beside its Cargo.toml"
    )
}

/// Whether a host could run something in `folder`. Names that begin with a dot are no plugin folders.
fn holds_built_plugins(folder: &Path) -> bool {
    let found = verdict::scan(folder).found;
    found.iter().any(|entry| matches!(entry.outcome, Outcome::Candidate(_)) && !is_hidden(&entry.folder))
}
