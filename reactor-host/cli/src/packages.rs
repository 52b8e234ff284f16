//! Which crates are plugins, and what their builds read.
//!
//! Cargo is asked, nothing is guessed: a plugin crate is a package with a cdylib target and a `plugin.toml` beside its
//! `Cargo.toml`.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, Package, PackageId};
use reactor_host::manifest::{Manifest, PluginId};

use crate::cargo_build::Cargo;
use crate::error::CliError;

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
    /// The folders of the packages that its build reads: its own and those of its workspace that it depends on.
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
    /// The plugins in it that were asked for, by label; never empty.
    pub(crate) plugins: Vec<PluginCrate>,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// By root; never empty.
    pub(crate) workspaces: Vec<Workspace>,
    /// Crates that cargo cannot read; they hide no neighbour.
    pub(crate) skipped: Vec<CliError>,
}

impl Found {
    /// All plugins.
    pub(crate) fn plugins(&self) -> impl Iterator<Item = &PluginCrate> {
        self.workspaces.iter().flat_map(|workspace| &workspace.plugins)
    }
}

/// Finds the plugin crates at `paths`: each a crate, a workspace, or a folder of crates.
///
/// # Errors
///
/// [`CliError::NoPlugins`], or why cargo could not read the only crates there are; a path that cannot be read.
pub(crate) fn find(cargo: &Cargo, paths: &[PathBuf]) -> Result<Found, CliError> {
    let mut workspaces: BTreeMap<PathBuf, BTreeMap<String, PluginCrate>> = BTreeMap::new();
    let mut skipped = Vec::new();
    for path in paths {
        let path = path.canonicalize().map_err(CliError::reading(path))?;
        let mut seen = HashSet::new();
        for folder in crate_folders(&path) {
            if seen.contains(&folder) {
                continue;
            }
            let metadata = match cargo.metadata(&folder) {
                Ok(metadata) => metadata,
                Err(error @ CliError::CargoMissing { .. }) => return Err(error),
                Err(error) => {
                    skipped.push(error);
                    continue;
                }
            };
            seen.extend(metadata.packages.iter().map(folder_of));
            let plugins = workspaces.entry(metadata.workspace_root.clone().into_std_path_buf()).or_default();
            for package in metadata.packages.iter().filter(|package| is_plugin(package, &path)) {
                plugins.insert(package.id.repr.clone(), plugin(package, &metadata));
            }
        }
    }
    workspaces.retain(|_, plugins| !plugins.is_empty());
    if workspaces.is_empty() {
        return Err(skipped.pop().unwrap_or(CliError::NoPlugins { paths: paths.to_owned() }));
    }
    let in_order = |(root, plugins): (PathBuf, BTreeMap<_, PluginCrate>)| {
        let mut plugins: Vec<_> = plugins.into_values().collect();
        plugins.sort_by(|a, b| a.label().cmp(b.label()));
        Workspace { root, plugins }
    };
    Ok(Found { workspaces: workspaces.into_iter().map(in_order).collect(), skipped })
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
    let folder = folder_of(package);
    folder.starts_with(within)
        && folder.join("plugin.toml").is_file()
        && package.targets.iter().any(cargo_metadata::Target::is_cdylib)
}

fn plugin(package: &Package, metadata: &Metadata) -> PluginCrate {
    let folder = folder_of(package);
    let path = folder.join("plugin.toml");
    // An error is told when the plugin is put in its place; until then the package's name serves.
    let id =
        std::fs::read(&path).ok().and_then(|text| Manifest::parse_bytes(&text, &path).ok()).map(|m| m.id);
    PluginCrate {
        package: package.id.clone(),
        name: package.name.to_string(),
        sources: sources(package, metadata),
        folder,
        id,
    }
}

/// The folders of `package` and of the packages of the workspace that it depends on, however far.
fn sources(package: &Package, metadata: &Metadata) -> Vec<PathBuf> {
    let by_folder: HashMap<PathBuf, &Package> = metadata.packages.iter().map(|p| (folder_of(p), p)).collect();
    let mut folders = vec![folder_of(package)];
    let mut next = 0;
    while let Some(folder) = folders.get(next) {
        let dependencies = by_folder.get(folder).into_iter().flat_map(|package| &package.dependencies);
        let paths =
            dependencies.filter_map(|dependency| dependency.path.as_ref().map(|path| path.as_std_path()));
        let new: Vec<PathBuf> =
            paths.filter(|path| by_folder.contains_key(*path)).map(Path::to_owned).collect();
        for path in new {
            if !folders.contains(&path) {
                folders.push(path);
            }
        }
        next += 1;
    }
    folders
}
