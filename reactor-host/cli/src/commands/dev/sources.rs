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
    /// Calls `touched` for each path that something happened to, with `None` where that cannot be told.
    ///
    /// # Errors
    ///
    /// [`CliError::Watch`].
    pub(super) fn watch(
        workspaces: &[Workspace],
        touched: impl Fn(Option<PathBuf>) + Send + 'static,
    ) -> Result<Self, CliError> {
        let watcher = SourceWatcher::start(move |hint| match hint {
            Hint::Settled(path) | Hint::Touched(path) => touched(Some(path)),
            _ => touched(None),
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
