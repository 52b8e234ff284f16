//! Which crates are plugins, and what their builds read.
//!
//! Cargo is asked, nothing is guessed: a plugin crate is a package with a cdylib target and a `plugin.toml` beside its
//! `Cargo.toml`.

mod missing;
mod sources;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{Package, PackageId};
use reactor_host::manifest::{Manifest, PluginId};

use self::missing::Parts;
use self::sources::PathDependencies;
use crate::cargo_build::Cargo;
use crate::error::CliError;
use crate::output;

/// How deep below a folder crates are looked for: `plugins/greeting`, `plugins/text/greeting`.
const DEPTH: usize = 2;

/// A crate that makes a plugin.
#[derive(Clone, Debug)]
pub(crate) struct PluginCrate {
    /// What cargo knows it by.
    pub(crate) package: PackageId,
    /// The package's name.
    pub(crate) name: String,
    /// The folder of its `Cargo.toml`.
    pub(crate) folder: PathBuf,
    /// The plugin's id, if its `plugin.toml` could be read when it was found.
    pub(crate) id: Option<PluginId>,
    /// The folders of the packages that its build reads: its own, and those that it depends on by path.
    pub(crate) sources: Vec<PathBuf>,
}

impl PluginCrate {
    /// What people call it: the plugin's id, else the package's name.
    pub(crate) fn label(&self) -> &str {
        self.id.as_ref().map_or(&self.name, PluginId::as_str)
    }

    /// Its manifest's path.
    pub(crate) fn manifest_path(&self) -> PathBuf {
        self.folder.join("plugin.toml")
    }
}

/// Plugin crates that one cargo builds together.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    /// The folder that cargo is run in.
    pub(crate) root: PathBuf,
    /// The folder that cargo builds into.
    pub(crate) target: PathBuf,
    /// The plugins in it that were asked for, by label; never empty.
    pub(crate) plugins: Vec<PluginCrate>,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// By root; empty when every path is [missing](Self::missing).
    pub(crate) workspaces: Vec<Workspace>,
    /// Crates that cargo cannot read; they hide no neighbour.
    pub(crate) skipped: Vec<CliError>,
    /// Why each path that was named and yields no plugin does not.
    pub(crate) missing: Vec<CliError>,
}

impl Found {
    /// Whether all that was named could be used.
    pub(crate) fn is_whole(&self) -> bool {
        self.skipped.is_empty() && self.missing.is_empty()
    }

    /// Says on standard error what could not be used.
    pub(crate) fn tell(&self) {
        self.skipped.iter().for_each(output::warning);
        self.missing.iter().for_each(output::error);
    }

    /// All plugins.
    pub(crate) fn plugins(&self) -> impl Iterator<Item = &PluginCrate> {
        self.workspaces.iter().flat_map(|workspace| &workspace.plugins)
    }
}

/// Finds the plugin crates at `paths`: each a crate, a workspace, or a folder of crates.
///
/// # Errors
///
/// [`CliError::CargoMissing`]. A path without plugins is no error here: it is among what is [missing](Found::missing).
pub(crate) fn find(cargo: &Cargo, paths: &[PathBuf]) -> Result<Found, CliError> {
    let mut workspaces: BTreeMap<PathBuf, (PathBuf, BTreeMap<String, PluginCrate>)> = BTreeMap::new();
    let (mut skipped, mut missing) = (Vec::new(), Vec::new());
    let mut paths_of = PathDependencies::default();
    for named in paths {
        let path = match named.canonicalize() {
            Ok(path) => path,
            Err(error) => {
                missing.push(CliError::reading(named)(error));
                continue;
            }
        };
        let mut seen = HashSet::new();
        let (mut unreadable, mut packages, mut any) = (Vec::new(), Vec::new(), false);
        for folder in crate_folders(&path) {
            if seen.contains(&folder) {
                continue;
            }
            let metadata = match cargo.metadata(&folder) {
                Ok(metadata) => metadata,
                Err(error @ CliError::CargoMissing { .. }) => return Err(error),
                Err(error) => {
                    unreadable.push(error);
                    continue;
                }
            };
            seen.extend(metadata.packages.iter().map(folder_of));
            paths_of.learn(&metadata);
            let (target, plugins) =
                workspaces.entry(metadata.workspace_root.clone().into_std_path_buf()).or_default();
            *target = metadata.target_directory.clone().into_std_path_buf();
            for package in metadata.packages.iter().filter(|package| is_plugin(package, &path)) {
                plugins.insert(package.id.repr.clone(), plugin(package, &mut paths_of, cargo));
                any = true;
            }
            packages.extend(metadata.packages.iter().map(Parts::of));
        }
        if any {
            skipped.append(&mut unreadable);
        } else if unreadable.is_empty() {
            let why = missing::why(named, &path, &packages);
            missing.push(CliError::NoPlugins { path: named.clone(), why });
        } else {
            missing.append(&mut unreadable);
        }
    }
    workspaces.retain(|_, (_, plugins)| !plugins.is_empty());
    let in_order = |(root, (target, plugins)): (PathBuf, (PathBuf, BTreeMap<_, PluginCrate>))| {
        let mut plugins: Vec<_> = plugins.into_values().collect();
        plugins.sort_by(|a, b| a.label().cmp(b.label()));
        Workspace { root, target, plugins }
    };
    Ok(Found { workspaces: workspaces.into_iter().map(in_order).collect(), skipped, missing })
}

/// `path` itself if cargo can read it, else the folders below that have a `Cargo.toml`.
fn crate_folders(path: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    let mut level = vec![path.to_owned()];
    for depth in 0..=DEPTH {
        let mut next = Vec::new();
        for folder in level {
            if folder.join("Cargo.toml").is_file() {
                folders.push(folder);
            } else if depth < DEPTH {
                let entries = folder.read_dir().into_iter().flatten().flatten();
                next.extend(
                    entries.map(|entry| entry.path()).filter(|path| path.is_dir() && !is_hidden(path)),
                );
            }
        }
        next.sort();
        level = next;
    }
    folders
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn folder_of(package: &Package) -> PathBuf {
    package.manifest_path.parent().map_or_else(PathBuf::new, |folder| folder.as_std_path().to_owned())
}

fn is_plugin(package: &Package, within: &Path) -> bool {
    let parts = Parts::of(package);
    parts.folder.starts_with(within) && parts.has_manifest && parts.is_cdylib
}

fn plugin(package: &Package, paths_of: &mut PathDependencies, cargo: &Cargo) -> PluginCrate {
    let folder = folder_of(package);
    let path = folder.join("plugin.toml");
    // An error is told when the plugin is put in its place; until then the package's name serves.
    let id =
        std::fs::read(&path).ok().and_then(|text| Manifest::parse_bytes(&text, &path).ok()).map(|m| m.id);
    PluginCrate {
        package: package.id.clone(),
        name: package.name.to_string(),
        sources: paths_of.sources(&folder, cargo),
        folder,
        id,
    }
}
