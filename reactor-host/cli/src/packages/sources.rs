//! Which packages depend on which by path, in whatever workspace each of them is: what a build reads besides registries.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use cargo_metadata::Metadata;

use super::folder_of;
use crate::cargo_build::Cargo;

/// The folders that each package, known by its own, depends on by path.
#[derive(Debug, Default)]
pub(super) struct PathDependencies(HashMap<PathBuf, Vec<PathBuf>>);

impl PathDependencies {
    /// Takes in the packages of a workspace.
    pub(super) fn learn(&mut self, metadata: &Metadata) {
        for package in &metadata.packages {
            let paths = package.dependencies.iter().filter_map(|dependency| dependency.path.as_ref());
            self.0.insert(folder_of(package), paths.map(|path| path.as_std_path().to_owned()).collect());
        }
    }

    /// `folder` and the folders of all that its package depends on by path, however far. Cargo is asked about those that
    /// are in other workspaces; one that it cannot read has nothing below it, and the build will say why.
    pub(super) fn sources(&mut self, folder: &Path, cargo: &Cargo) -> Vec<PathBuf> {
        let mut folders = vec![folder.to_owned()];
        let mut next = 0;
        while let Some(folder) = folders.get(next).cloned() {
            if !self.0.contains_key(&folder) {
                if let Ok(metadata) = cargo.metadata(&folder) {
                    self.learn(&metadata);
                }
                self.0.entry(folder.clone()).or_default();
            }
            for path in &self.0[&folder] {
                if !folders.contains(path) {
                    folders.push(path.clone());
                }
            }
            next += 1;
        }
        folders
    }
}
