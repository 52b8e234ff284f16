//! Putting a built plugin into a folder: its `plugin.toml` and its library, in a folder named by its id.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::PackageId;
use reactor_host::discover::FileStamp;
use reactor_host::manifest::{Manifest, PluginId};

use crate::error::CliError;
use crate::packages::PluginCrate;

/// A plugin folder that is filled from crates.
#[derive(Debug)]
pub(crate) struct Shelf {
    folder: PathBuf,
    placed: HashMap<PackageId, Placed>,
}

/// A plugin in its place.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// Its manifest.
    pub(crate) manifest: Manifest,
    /// The library's path.
    pub(crate) library: PathBuf,
    crate_folder: PathBuf,
    text: Vec<u8>,
    /// What cargo's file looked like when it was read.
    built: FileStamp,
}

impl Shelf {
    /// A shelf at `folder`, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// [`CliError::File`].
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Result<Self, CliError> {
        let folder = folder.into();
        if !folder.exists() {
            fs::create_dir_all(&folder)
                .and_then(|()| for_this_user(&folder))
                .map_err(CliError::writing(&folder))?;
        }
        Ok(Self { folder, placed: HashMap::new() })
    }

    /// The id under which the plugin of a package stands here.
    pub(crate) fn id_of(&self, package: &PackageId) -> Option<&PluginId> {
        self.placed.get(package).map(|placed| &placed.manifest.id)
    }

    /// The plugins that stand here.
    pub(crate) fn plugins(&self) -> impl Iterator<Item = &PluginId> {
        self.placed.values().map(|placed| &placed.manifest.id)
    }

    /// The plugin folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts the plugin of `plugin` in its place, or finds that it stands there already. Whether anything was written
    /// is the second half of the answer.
    ///
    /// # Errors
    ///
    /// Its `plugin.toml` is wrong, another crate has its id, or a file cannot be read or written; what stood in the
    /// place before still does.
    pub(crate) fn place(&mut self, plugin: &PluginCrate, library: &Path) -> Result<(Placed, bool), CliError> {
        let path = plugin.manifest_path();
        let text = fs::read(&path).map_err(CliError::reading(&path))?;
        let manifest = Manifest::parse_bytes(&text, &path)?;
        let mut others = self.placed.iter().filter(|(package, _)| **package != plugin.package);
        if let Some((_, other)) = others.find(|(_, other)| other.manifest.id == manifest.id) {
            let (first, second) = (other.crate_folder.clone(), plugin.folder.clone());
            return Err(CliError::SameId { id: manifest.id, first, second });
        }
        let before = self.placed.get(&plugin.package);
        // Most builds leave most libraries alone, and reading them all would take longer than the swap.
        let built = fs::metadata(library).map(|metadata| FileStamp::of(&metadata));
        let built = built.map_err(CliError::reading(library))?;
        if let Some(before) = before.filter(|before| before.built == built && before.text == text) {
            return Ok((before.clone(), false));
        }
        let bytes = fs::read(library).map_err(CliError::reading(library))?;
        // Compared, and not hashed: the host does that, and in a program that is not optimised it is most of a swap.
        if let Some(before) = self.placed.get_mut(&plugin.package)
            && before.text == text
            && fs::read(&before.library).is_ok_and(|old| old == bytes)
        {
            before.built = built;
            return Ok((before.clone(), false));
        }
        let folder = self.folder.join(manifest.id.as_str());
        let name = format!("{DLL_PREFIX}{}{DLL_SUFFIX}", manifest.library_stem());
        write(&folder, &text, &name, &bytes)?;
        let before = self.placed.get(&plugin.package);
        if let Some(renamed) = before.filter(|before| before.manifest.id != manifest.id) {
            let old = self.folder.join(renamed.manifest.id.as_str());
            fs::remove_dir_all(&old).map_err(CliError::writing(&old))?;
        }
        let library = folder.join(name);
        let placed = Placed { manifest, library, crate_folder: plugin.folder.clone(), text, built };
        self.placed.insert(plugin.package.clone(), placed.clone());
        Ok((placed, true))
    }
}

/// Writes a plugin's folder so that whoever looks at any moment sees the old plugin or the new one.
fn write(folder: &Path, manifest: &[u8], name: &str, library: &[u8]) -> Result<(), CliError> {
    let (manifest_path, library_path) = (folder.join("plugin.toml"), folder.join(name));
    if !folder.exists() {
        // Hosts pass over names that begin with a dot.
        let aside = aside(folder);
        fs::create_dir_all(&aside).map_err(CliError::writing(&aside))?;
        let result = for_this_user(&aside)
            .and_then(|()| put(&aside.join("plugin.toml"), manifest))
            .and_then(|()| put(&aside.join(name), library))
            .and_then(|()| fs::rename(&aside, folder));
        return result.map_err(|error| {
            // What cannot be cleared away is passed over by hosts, and written over by the next attempt.
            let _ = fs::remove_dir_all(&aside);
            CliError::writing(folder)(error)
        });
    }
    let changed = fs::read(&manifest_path).map_or(true, |old| old != manifest);
    if changed && manifest_path.exists() {
        // Without it the copy inside the library holds, whichever library it is: file and copy never contradict.
        fs::remove_file(&manifest_path).map_err(CliError::writing(&manifest_path))?;
    }
    replace(&library_path, library)?;
    if changed { replace(&manifest_path, manifest) } else { Ok(()) }
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let aside = aside(path);
    put(&aside, bytes).and_then(|()| fs::rename(&aside, path)).map_err(|error| {
        let _ = fs::remove_file(&aside);
        CliError::writing(path)(error)
    })
}

fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    fs::write(path, bytes)?;
    for_this_user(path)
}

/// Takes the right to write from everybody else, whatever the umask gave: hosts take nothing from where others write.
#[cfg(unix)]
fn for_this_user(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o022 == 0 {
        Ok(())
    } else {
        fs::set_permissions(path, fs::Permissions::from_mode(mode & !0o022))
    }
}

#[cfg(not(unix))]
fn for_this_user(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// A name beside `path` that hosts pass over and no other process uses.
fn aside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}
