//! Putting a built plugin into a folder: its `plugin.toml` and its library, in a folder named by its id.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};

use cargo_metadata::PackageId;
use reactor_host::discover::FileStamp;
use reactor_host::manifest::{Manifest, PluginId};

use crate::error::CliError;
use crate::packages::PluginCrate;

/// How much of two files is compared at once.
const PIECE: usize = 1 << 16;

/// A plugin folder that is filled from crates.
#[derive(Debug)]
pub(crate) struct Shelf {
    folder: PathBuf,
    /// Whether a host looks only when this process tells it to.
    private: bool,
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
        Ok(Self { folder, private: false, placed: HashMap::new() })
    }

    /// The same for a host that looks only when this process tells it to: nothing has to be whole in between, and a
    /// library can be the very file that cargo made.
    ///
    /// # Errors
    ///
    /// [`CliError::File`].
    pub(crate) fn private(folder: impl Into<PathBuf>) -> Result<Self, CliError> {
        Ok(Self { private: true, ..Self::new(folder)? })
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
        // When it got another name is of no account, since it gets one here.
        let stamp = |metadata: fs::Metadata| FileStamp { changed_ns: 0, ..FileStamp::of(&metadata) };
        let built = fs::metadata(library).map(stamp);
        let built = built.map_err(CliError::reading(library))?;
        if let Some(before) = before.filter(|before| before.built == built && before.text == text) {
            return Ok((before.clone(), false));
        }
        // Compared, and not hashed: the host does that, and in a program that is not optimised it is most of a swap.
        if let Some(before) = self.placed.get_mut(&plugin.package)
            && before.text == text
            && are_same(&before.library, library)
        {
            before.built = built;
            return Ok((before.clone(), false));
        }
        let folder = self.folder.join(manifest.id.as_str());
        let name = format!("{DLL_PREFIX}{}{DLL_SUFFIX}", manifest.library_stem());
        self.write(&folder, &text, &name, library)?;
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

    /// Writes a plugin's folder so that whoever looks at any moment sees the old plugin or the new one.
    fn write(&self, folder: &Path, manifest: &[u8], name: &str, library: &Path) -> Result<(), CliError> {
        let (manifest_path, library_path) = (folder.join("plugin.toml"), folder.join(name));
        if !folder.exists() {
            // Hosts pass over names that begin with a dot.
            let aside = aside(folder);
            fs::create_dir_all(&aside).map_err(CliError::writing(&aside))?;
            let result = for_this_user(&aside)
                .and_then(|()| put(&aside.join("plugin.toml"), manifest))
                .and_then(|()| self.bring(library, &aside.join(name)))
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
        if self.private {
            // Some systems write a file out before it takes another one's place, which costs more than all the rest.
            let _ = fs::remove_file(&library_path);
        }
        renamed(&library_path, |aside| self.bring(library, aside))?;
        if changed { replace(&manifest_path, manifest) } else { Ok(()) }
    }

    /// Makes `to` the library that cargo made: by another name where that can be, else by a copy.
    fn bring(&self, library: &Path, to: &Path) -> io::Result<()> {
        // A linker makes a new file; one that does not changes what the host has read already, and does no harm.
        if self.private && fs::hard_link(library, to).is_ok() { Ok(()) } else { copy(library, to) }
    }
}

/// Whether two files have the same bytes, and are not one file. Builds differ early, so this seldom reads much; an error is
/// told by whoever reads them next.
fn are_same(one: &Path, other: &Path) -> bool {
    let open = |path| {
        let file = fs::File::open(path)?;
        Ok::<_, io::Error>((FileStamp::of(&file.metadata()?), io::BufReader::with_capacity(PIECE, file)))
    };
    let (Ok((first, mut one)), Ok((second, mut other))) = (open(one), open(other)) else { return false };
    // A file that was written over in place is another build under the same number.
    let is_one_file = first.inode != 0 && (first.device, first.inode) == (second.device, second.inode);
    if is_one_file || first.size != second.size {
        return false;
    }
    loop {
        let (Ok(a), Ok(b)) = (one.fill_buf(), other.fill_buf()) else { return false };
        let length = a.len().min(b.len());
        if a[..length] != b[..length] {
            return false;
        }
        if length == 0 {
            return a.is_empty() && b.is_empty();
        }
        one.consume(length);
        other.consume(length);
    }
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    renamed(path, |aside| put(aside, bytes))
}

/// Has `make` make a file aside, and gives it its name.
fn renamed(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), CliError> {
    let aside = aside(path);
    make(&aside).and_then(|()| fs::rename(&aside, path)).map_err(|error| {
        let _ = fs::remove_file(&aside);
        CliError::writing(path)(error)
    })
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    for_this_user(to)
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
