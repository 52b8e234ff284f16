//! What was edited and not yet built.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::PackageId;

use crate::commands::dev::sources::{affected, crate_of, may_be_new};
use crate::packages::Workspace;

/// Workspaces with sources that were touched, by number.
#[derive(Debug, Default)]
pub(super) struct Touched {
    workspaces: BTreeSet<usize>,
    /// Whether the packages themselves, or what they are called, may have changed.
    packages: bool,
    /// Plugins that share a crate that was touched. They change together, until they have.
    together: BTreeSet<String>,
}

impl Touched {
    /// Nothing is to be built.
    pub(super) fn is_empty(&self) -> bool {
        self.workspaces.is_empty() && !self.packages
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
        self.packages |= (describes && !affected.is_empty()) || may_be_new(workspaces, path);
        self.workspaces.extend(affected);
        self.share(path, workspaces);
    }

    /// Takes note of the plugins that read `path` beside each other.
    fn share(&mut self, path: &Path, workspaces: &[Workspace]) {
        let Some(folder): Option<PathBuf> = crate_of(workspaces, path) else { return };
        let plugins = workspaces.iter().flat_map(|workspace| &workspace.plugins);
        let readers: Vec<_> = plugins.filter(|plugin| plugin.sources.contains(&folder)).collect();
        if readers.len() > 1 {
            self.together.extend(readers.iter().map(|plugin| plugin.package.repr.clone()));
        }
    }

    /// Whether the plugin of a package changes together with others.
    pub(super) fn is_together(&self, package: &PackageId) -> bool {
        self.together.contains(&package.repr)
    }

    /// Those that were to change together have.
    pub(super) fn have_changed(&mut self) {
        self.together.clear();
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
