//! What cargo would take a new crate for, by the manifests that are further up. It only reads.

use std::fs;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use serde::Deserialize;

/// Cargo's way with the patterns of members: a star ends at a folder.
const BY_FOLDER: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// What is further up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Surroundings {
    /// Nothing of cargo's.
    Open,
    /// A package, or a workspace that keeps out of it.
    Package,
    /// A workspace that has it for a member.
    Member {
        /// The workspace's folder.
        root: PathBuf,
    },
    /// A workspace that says nothing of it; cargo builds no crate below it that is neither a member nor excluded.
    Stranger {
        /// The workspace's folder.
        root: PathBuf,
    },
}

#[derive(Deserialize)]
struct CargoToml {
    workspace: Option<Table>,
}

/// What is read of `[workspace]`.
#[derive(Deserialize)]
struct Table {
    #[serde(default)]
    members: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

impl Surroundings {
    /// Those of a crate at `path`, which is absolute.
    pub(super) fn of(path: &Path) -> Self {
        let mut surroundings = Self::Open;
        for root in path.ancestors().skip(1) {
            let Ok(text) = fs::read_to_string(root.join("Cargo.toml")) else { continue };
            surroundings = Self::Package;
            // What is no TOML is told by cargo, in better words.
            let table = toml::from_str::<CargoToml>(&text).ok().and_then(|manifest| manifest.workspace);
            let Some(table) = table else { continue };
            if table.has(root, path) {
                return Self::Member { root: root.to_owned() };
            }
            if !table.exclude.iter().any(|excluded| path.starts_with(root.join(excluded))) {
                return Self::Stranger { root: root.to_owned() };
            }
        }
        surroundings
    }

    /// What a person has to know of it.
    pub(super) fn note(&self, path: &Path) -> Option<String> {
        match self {
            Self::Open | Self::Package => None,
            Self::Member { root } => {
                Some(format!("it is a member of the workspace {}", root.join("Cargo.toml").display()))
            }
            Self::Stranger { root } => {
                let member = path.strip_prefix(root).unwrap_or(path).display().to_string();
                Some(format!(
                    "it is below the workspace {}, which does not name it yet: add {member:?} to `members` there",
                    root.join("Cargo.toml").display()
                ))
            }
        }
    }
}

impl Table {
    /// Whether the crate at `path` is a member, by a pattern that is not taken back by `exclude`, or by name.
    fn has(&self, root: &Path, path: &Path) -> bool {
        let Ok(inner) = path.strip_prefix(root) else { return false };
        let is_named = |member: &String| Path::new(member) == inner;
        let is_meant = |member: &String| {
            let pattern = Pattern::new(member.trim_start_matches("./").trim_end_matches('/'));
            pattern.is_ok_and(|pattern| pattern.matches_path_with(inner, BY_FOLDER))
        };
        let is_excluded = self.exclude.iter().any(|excluded| path.starts_with(root.join(excluded)));
        self.members.iter().any(is_named) || (!is_excluded && self.members.iter().any(is_meant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_has_a_folder_by_name_or_pattern_unless_it_excludes_it() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let root = home.path().to_owned();
        let (member, stranger) =
            (Surroundings::Member { root: root.clone() }, Surroundings::Stranger { root: root.clone() });
        for (manifest, path, expected) in [
            ("[workspace]\nmembers = [\"plugins/*\"]\n", "plugins/rude", &member),
            ("[workspace]\nmembers = [\"./plugins/rude/\"]\n", "plugins/rude", &member),
            ("[workspace]\nmembers = [\"*\"]\n", "plugins/rude", &stranger),
            ("[workspace]\n", "plugins/rude", &stranger),
            (
                "[workspace]\nmembers = [\"plugins/*\"]\nexclude = [\"plugins/rude\"]\n",
                "plugins/rude",
                &Surroundings::Package,
            ),
            ("[package]\nname = \"p\"\n", "rude", &Surroundings::Package),
        ] {
            fs::write(root.join("Cargo.toml"), manifest).expect("a file of ours");
            assert_eq!(Surroundings::of(&root.join(path)), *expected, "{manifest}{path}");
        }
    }
}
