//! Which paths matter, in the words of the caller.

use std::path::{Component, Path, PathBuf};

use crate::discover::is_passing;

/// The plugin folders as they were given, and as events name them.
#[derive(Debug)]
pub(super) struct Roots {
    roots: Vec<(PathBuf, Vec<PathBuf>)>,
}

impl Roots {
    pub(super) fn of(dirs: &[PathBuf]) -> Self {
        let names = |dir: &PathBuf| {
            let mut names: Vec<PathBuf> = std::path::absolute(dir).into_iter().collect();
            // Some systems name the folder behind a link.
            names.extend(dir.canonicalize().ok().filter(|real| !names.contains(real)));
            names
        };
        Self { roots: dirs.iter().map(|dir| (dir.clone(), names(dir))).collect() }
    }

    /// `path` as the caller would write it, if a plugin can depend on it: a plugin folder or a parent of one, what
    /// stands in it, and what stands in folders there; nothing hidden or temporary.
    pub(super) fn place(&self, path: &Path) -> Option<PathBuf> {
        for (given, name) in
            self.roots.iter().flat_map(|(given, names)| names.iter().map(move |name| (given, name)))
        {
            if name.starts_with(path) {
                return Some(if name == path { given.clone() } else { path.to_owned() });
            }
            let Ok(inner) = path.strip_prefix(name) else { continue };
            let mut parts = inner.components();
            let counts = |part: Component<'_>| !is_passing(part.as_os_str());
            if inner.components().count() <= 2 && parts.all(counts) {
                return Some(given.join(inner));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_plugin_can_depend_on_has_a_place() {
        let roots = Roots::of(&[PathBuf::from("/srv/app/plugins")]);
        for (path, matters) in [
            ("/srv/app/plugins", true),
            ("/srv/app", true),
            ("/srv/app/plugins/libfoo.so", true),
            ("/srv/app/plugins/foo/plugin.toml", true),
            ("/srv/app/plugins/foo/assets/a.png", false),
            ("/srv/app/plugins/.foo/libfoo.so", false),
            ("/srv/app/plugins/libfoo.so.tmp", false),
            ("/srv/app/log", false),
        ] {
            assert_eq!(roots.place(Path::new(path)).is_some(), matters, "{path}");
        }
    }

    #[test]
    fn paths_are_given_back_as_the_caller_writes_them() {
        let here = std::env::current_dir().expect("a current folder");
        let roots = Roots::of(&[PathBuf::from("plugins")]);
        assert_eq!(roots.place(&here.join("plugins/foo.so")), Some(PathBuf::from("plugins/foo.so")));
    }
}
