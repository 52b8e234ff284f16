//! The sources of the crates: which files matter, and to which workspace.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use reactor_host::watch::{Hint, SourceWatcher};

use crate::error::CliError;
use crate::packages::Workspace;

/// What counts beside `src`.
const FILES: [&str; 4] = ["Cargo.toml", "plugin.toml", "build.rs", "src"];

/// Follows the sources of some workspaces until it is dropped.
pub(super) struct Sources {
    watcher: SourceWatcher,
}

impl Sources {
    /// Calls `touched` for each path that something happened to, with `None` where that cannot be told, and whether the
    /// file there is known to be whole.
    ///
    /// # Errors
    ///
    /// [`CliError::Watch`].
    pub(super) fn watch(
        workspaces: &[Workspace],
        touched: impl Fn(Option<PathBuf>, bool) + Send + 'static,
    ) -> Result<Self, CliError> {
        let watcher = SourceWatcher::start(move |hint| match hint {
            Hint::Settled(path) => touched(Some(path), true),
            Hint::Touched(path) => touched(Some(path), false),
            _ => touched(None, false),
        })?;
        let mut sources = Self { watcher };
        sources.refresh(workspaces)?;
        Ok(sources)
    }

    /// Follows also what has been added, and what was deleted and made anew.
    ///
    /// # Errors
    ///
    /// [`CliError::Watch`].
    pub(super) fn refresh(&mut self, workspaces: &[Workspace]) -> Result<(), CliError> {
        for folder in folders(workspaces) {
            self.watcher.watch(folder, false)?;
            self.watcher.watch(&folder.join("src"), true)?;
        }
        let (nests, crates) = (nests(workspaces), folders(workspaces));
        for nest in nests {
            self.watcher.watch(nest, false)?;
            for entry in nest.read_dir().into_iter().flatten().flatten() {
                let folder = entry.path();
                if is_place(&folder) && folder.is_dir() && !crates.contains(folder.as_path()) {
                    self.watcher.watch(&folder, false)?;
                }
            }
        }
        Ok(())
    }
}

/// The folders of the packages that the plugins are built from.
pub(super) fn folders(workspaces: &[Workspace]) -> BTreeSet<&Path> {
    let plugins = workspaces.iter().flat_map(|workspace| &workspace.plugins);
    plugins.flat_map(|plugin| &plugin.sources).map(PathBuf::as_path).collect()
}

/// The numbers of the workspaces that a change of `path` may concern.
pub(super) fn affected(workspaces: &[Workspace], path: &Path) -> BTreeSet<usize> {
    let reads = |workspace: &Workspace| {
        workspace.plugins.iter().flat_map(|plugin| &plugin.sources).any(|folder| is_source(folder, path))
    };
    workspaces
        .iter()
        .enumerate()
        .filter(|(_, workspace)| reads(workspace))
        .map(|(number, _)| number)
        .collect()
}

/// The folder of the package that `path` is a source of.
pub(super) fn crate_of(workspaces: &[Workspace], path: &Path) -> Option<PathBuf> {
    folders(workspaces).into_iter().find(|folder| is_source(folder, path)).map(Path::to_owned)
}

/// Whether `path` may be, or describe, a plugin crate that was not there before: beside those that are known.
pub(super) fn may_be_new(workspaces: &[Workspace], path: &Path) -> bool {
    let describes = path.file_name().is_some_and(|name| name == "Cargo.toml" || name == "plugin.toml");
    let Some(place) = (if describes { path.parent() } else { Some(path) }) else { return false };
    let beside = place.parent().is_some_and(|parent| nests(workspaces).contains(parent));
    beside && is_place(place) && !folders(workspaces).contains(place) && (describes || path.is_dir())
}

/// The folders in which workspaces keep their plugin crates.
fn nests(workspaces: &[Workspace]) -> BTreeSet<&Path> {
    workspaces
        .iter()
        .flat_map(|workspace| workspace.plugins.iter().map(|plugin| (&workspace.root, plugin)))
        .filter_map(|(root, plugin)| plugin.folder.parent().filter(|parent| parent.starts_with(root)))
        .collect()
}

/// Whether a crate could be in this folder, by its name.
fn is_place(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| !is_passing(name) && name != "target")
}

/// Whether `path` is a source of the package in `folder`. What editors keep beside a file while it is written is none.
fn is_source(folder: &Path, path: &Path) -> bool {
    let Ok(inner) = path.strip_prefix(folder) else { return false };
    let counts = inner.iter().next().is_some_and(|first| FILES.iter().any(|name| first == OsStr::new(name)));
    counts && !inner.iter().any(is_passing)
}

fn is_passing(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b".") || [&b"~"[..], b".tmp", b".swp"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sources_count() {
        for (path, counts) in [
            ("/w/one/src/lib.rs", true),
            ("/w/one/src/deep/er.rs", true),
            ("/w/one/src/page.html", true),
            ("/w/one/src", true),
            ("/w/one/Cargo.toml", true),
            ("/w/one/plugin.toml", true),
            ("/w/one/build.rs", true),
            ("/w/one/src/.lib.rs.swp", false),
            ("/w/one/src/lib.rs~", false),
            ("/w/one/Cargo.lock", false),
            ("/w/one/target/debug/libone.so", false),
            ("/w/one", false),
            ("/w/two/src/lib.rs", false),
            ("/w/one-more/src/lib.rs", false),
        ] {
            assert_eq!(is_source(Path::new("/w/one"), Path::new(path)), counts, "{path}");
        }
    }
}
