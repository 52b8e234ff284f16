//! Where a host that belongs to a plugin folder keeps what lasts, and so where other commands find it.
//!
//! The same folder has the same place, by whatever path it is named. Nothing in here asks whether a host runs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use reactor_host::discover::ContentHash;

use crate::error::CliError;
use crate::output;

/// The longest part of a place's name that is taken from the plugin folder's own.
const LONGEST_NAME: usize = 32;

/// The data folder that belongs to a plugin folder, unless one is named. It need not be there.
///
/// # Errors
///
/// [`CliError::NoDataFolder`].
pub(crate) fn of(named: Option<&Path>, plugins: &Path) -> Result<PathBuf, CliError> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let state = state(|variable| std::env::var_os(variable));
    let state = state.map_err(|why| CliError::NoDataFolder { plugins: plugins.to_owned(), why })?;
    Ok(state.join("reactor").join(name(&canonical(plugins))))
}

/// The data folder for a host over a plugin folder. One that is to look once keeps nothing, and does not disturb one that
/// runs. Where there is no place, that is said, and the host keeps nothing and is not found: it runs all the same.
///
/// # Errors
///
/// The folder that is named can not be made.
pub(crate) fn for_host(
    named: Option<&Path>,
    plugins: &Path,
    once: bool,
) -> Result<Option<PathBuf>, CliError> {
    if once && named.is_none() {
        return Ok(None);
    }
    match make(named, plugins) {
        Err(error) if named.is_none() => {
            output::warning(&error);
            Ok(None)
        }
        made => made.map(Some),
    }
}

/// As [`of`]. Makes it, for this user alone, if it is not there.
fn make(named: Option<&Path>, plugins: &Path) -> Result<PathBuf, CliError> {
    let data = of(named, plugins)?;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&data).map_err(CliError::writing(&data))?;
    Ok(data)
}

/// Where this user's programs keep their state.
fn state(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, &'static str> {
    let folder = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        return folder("LOCALAPPDATA").ok_or("the variable LOCALAPPDATA names no folder");
    }
    if let Some(state) = folder("XDG_STATE_HOME") {
        return Ok(state);
    }
    let home = folder("HOME").ok_or("the variable HOME names no folder")?;
    Ok(home.join(if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/state" }))
}

/// One path for all the ways to name a folder, also for one that is not there yet.
fn canonical(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for there in path.ancestors() {
        if let (Ok(canonical), Ok(rest)) = (there.canonicalize(), path.strip_prefix(there)) {
            // Joining nothing would add a separator.
            return if rest.as_os_str().is_empty() { canonical } else { canonical.join(rest) };
        }
    }
    path
}

/// A name that people recognise and no other folder has.
fn name(path: &Path) -> String {
    #[cfg(unix)]
    let bytes = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_owned();
    #[cfg(not(unix))]
    let bytes = path.to_string_lossy().into_owned().into_bytes();
    let mut hash = ContentHash::of(&bytes).to_string();
    hash.truncate(16);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |c: &char| c.is_ascii_alphanumeric() || "._-".contains(*c);
    // A dot in front would hide it.
    let name: String = name.trim_start_matches('.').chars().filter(plain).take(LONGEST_NAME).collect();
    format!("{}-{hash}", if name.is_empty() { "plugins" } else { &name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_place_by_whatever_path_it_is_named() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let plugins = root.path().join("plugins");
        let not_yet = of(None, &plugins).expect("a place");
        std::fs::create_dir(&plugins).expect("made");
        let place = of(None, &plugins).expect("a place");
        assert_eq!(place, not_yet, "before and after it is made");
        for other in ["plugins/.", "plugins/../plugins", "./plugins/"] {
            assert_eq!(of(None, &root.path().join(other)).expect("a place"), place, "{other}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&plugins, root.path().join("link")).expect("made");
            assert_eq!(of(None, &root.path().join("link")).expect("a place"), place);
        }
        std::fs::create_dir(root.path().join("other")).expect("made");
        assert_ne!(of(None, &root.path().join("other")).expect("a place"), place);
        assert_eq!(of(Some("named".as_ref()), &plugins).expect("a place"), PathBuf::from("named"));
    }

    #[test]
    fn a_place_has_a_name_that_people_recognise() {
        let hash = &ContentHash::of(b"/home/ada/my plugins").to_string()[..16];
        assert_eq!(name("/home/ada/my plugins".as_ref()), format!("myplugins-{hash}"));
        assert!(name("/srv/.plugins".as_ref()).starts_with("plugins-"));
        assert!(name("/".as_ref()).starts_with("plugins-"));
        assert!(name(Path::new(&format!("/{}", "x".repeat(200)))).len() < 60);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn state_is_where_the_variables_say() {
        let with = |set: &'static [(&str, &str)]| {
            state(move |name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
        };
        assert_eq!(with(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")]), Ok("/s".into()));
        assert_eq!(with(&[("XDG_STATE_HOME", "relative"), ("HOME", "/h")]), Ok("/h/.local/state".into()));
        assert_eq!(with(&[("HOME", "/h")]), Ok("/h/.local/state".into()));
        assert!(with(&[]).expect_err("nothing is set").contains("HOME"));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_made_is_this_users_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().expect("a temporary folder");
        let named = root.path().join("a/b");
        let folder = make(Some(&named), "plugins".as_ref()).expect("made");
        let mode = std::fs::metadata(folder).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
