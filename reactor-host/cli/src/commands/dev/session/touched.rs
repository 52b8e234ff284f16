//! What was edited and not yet built.

use std::collections::BTreeSet;
use std::path::Path;

use crate::commands::dev::sources::affected;
use crate::packages::Workspace;

/// Workspaces with sources that were touched, by number.
#[derive(Debug, Default)]
pub(super) struct Touched {
    workspaces: BTreeSet<usize>,
    /// Whether the packages themselves, or what they are called, may have changed.
    packages: bool,
}

impl Touched {
    /// Nothing is to be built.
    pub(super) fn is_empty(&self) -> bool {
        self.workspaces.is_empty()
    }

    /// Everything is.
    pub(super) fn all(&mut self, workspaces: &[Workspace]) {
        self.workspaces = (0..workspaces.len()).collect();
    }

    /// Something happened to `path`, or to anything.
    pub(super) fn take(&mut self, path: Option<&Path>, workspaces: &[Workspace]) {
        let Some(path) = path else {
            self.packages = true;
            return self.all(workspaces);
        };
        let affected = affected(workspaces, path);
        let describes = path.file_name().is_some_and(|name| name == "Cargo.toml" || name == "plugin.toml");
        self.packages |= describes && !affected.is_empty();
        self.workspaces.extend(affected);
    }

    /// Whether to look for packages again; asked once.
    pub(super) fn take_packages(&mut self) -> bool {
        std::mem::take(&mut self.packages)
    }

    /// What to build; asked once.
    pub(super) fn take_workspaces(&mut self) -> impl Iterator<Item = usize> + use<> {
        std::mem::take(&mut self.workspaces).into_iter()
    }
}
