//! Which files of a folder belong together.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use super::owner::{self, Fault};
use super::read::{self, ManifestFile, Place};
use super::{DiscoverError, Entry, Known, Look, Outcome, Scan, Stamp, file};

/// The manifest in a plugin's own folder.
const MANIFEST: &str = "plugin.toml";

/// Adds all that stands in `dir` to `scan`.
pub(super) fn scan_dir(dir: &Path, look: &Look<'_>, scan: &mut Scan) {
    // Told once for the folder. Each file is judged when it is read, its folder with it.
    if !look.options.allow_shared_folders
        && let Err(Fault::Exposed(exposed)) = owner::check_folder(dir)
    {
        return scan.found.push(refused(dir, dir, DiscoverError::Exposed(exposed)));
    }
    let names = match list(dir) {
        Ok(names) => names,
        Err(error) => return scan.found.push(unlisted(dir, error)),
    };
    for name in &names {
        let path = dir.join(name);
        if path.is_dir() {
            scan.has_links |= path.is_symlink();
            scan.found.extend(plugin_folder(&path, look).filter(|entry| !vanished(entry)));
        } else if is_library(name) {
            scan.found.extend(Some(lone_library(path, dir, &names, look)).filter(|entry| !vanished(entry)));
        }
    }
    scan.has_links |= scan.found.iter().any(|entry| entry.source.is_symlink());
}

/// What a plugin's own folder holds; `None` when it is just some folder.
pub(super) fn plugin_folder(folder: &Path, look: &Look<'_>) -> Option<Entry> {
    let names = match list(folder) {
        Ok(names) => names,
        // It went away after its name was read.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some(unlisted(folder, error)),
    };
    let libraries: Vec<&OsString> = names.iter().filter(|name| is_native_library(name)).collect();
    let has_manifest = names.iter().any(|name| name == MANIFEST);
    // Judged at each look, since the folder's rights show in no stamp of its files.
    if (has_manifest || !libraries.is_empty())
        && !look.options.allow_shared_folders
        && let Err(Fault::Exposed(exposed)) = owner::check_folder_here(folder)
    {
        return Some(refused(folder, folder, DiscoverError::Exposed(exposed)));
    }
    if !has_manifest {
        return match libraries.as_slice() {
            [] => None,
            [one] => Some(read::entry(Place::new(folder.join(one), folder), look)),
            several => Some(refused(folder, folder, several_libraries(folder, several))),
        };
    }

    let path = folder.join(MANIFEST);
    if let Some(source) = unchanged_manifest(folder, &path, look.known) {
        return Some(read::entry(Place { manifest_path: Some(path), ..Place::new(source, folder) }, look));
    }
    let manifest = match ManifestFile::read(&path, look) {
        Ok(manifest) => manifest,
        Err(error) => {
            // The library stays the one that served, so that a slip in the manifest does not look like a deletion.
            let is_here = |source: &&Path| names.iter().any(|name| source.file_name() == Some(name));
            let mut known_ones = look.known.in_folder(folder).map(|(source, _)| source);
            let known_one = known_ones.find(is_here).map(Path::to_owned);
            let only_one = if let [one] = libraries.as_slice() { Some(folder.join(one)) } else { None };
            let mut entry = refused(&known_one.or(only_one).unwrap_or_else(|| path.clone()), folder, error);
            entry.stamp = Stamp {
                library: file::stamp(&entry.source).ok().flatten().filter(|_| entry.source != path),
                manifest: file::stamp(&path).ok().flatten(),
            };
            entry.id = look.known.get(&entry.source).and_then(|file| file.id.clone());
            entry.manifest_path = Some(path);
            return Some(entry);
        }
    };
    let wanted = native_names(&manifest.manifest.library_stem());
    let present: Vec<&OsString> =
        names.iter().filter(|name| wanted.iter().any(|wanted| *name == wanted.as_str())).collect();
    let source = folder.join(present.first().map_or(OsStr::new(&wanted[0]), |name| name.as_os_str()));
    let place = Place { manifest_path: Some(path.clone()), ..Place::new(source, folder) };
    Some(match present.as_slice() {
        [_] => read::entry_with(place, manifest, look),
        other => {
            let error = if other.is_empty() {
                DiscoverError::NoLibrary { manifest: path.clone(), looked_for: wanted.to_vec() }
            } else {
                several_libraries(folder, other)
            };
            let mut entry = refused(&place.source, folder, error);
            entry.id = Some(manifest.manifest.id);
            entry.stamp.manifest = Some(manifest.stamp);
            entry.manifest_path = Some(path);
            entry
        }
    })
}

/// A single library, with the manifest that its own folder or its neighbours give it.
pub(super) fn one_library(path: &Path, look: &Look<'_>) -> Entry {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let own = folder.join(MANIFEST);
    if let (true, Some(name)) = (own.exists(), path.file_name()) {
        match ManifestFile::read(&own, look) {
            Ok(manifest)
                if native_names(&manifest.manifest.library_stem())
                    .iter()
                    .any(|wanted| name == wanted.as_str()) =>
            {
                let place = Place { manifest_path: Some(own), ..Place::new(path.to_owned(), folder) };
                return read::entry_with(place, manifest, look);
            }
            // A manifest of another library says nothing about this one.
            Ok(_) => {}
            Err(error) => return refused(path, folder, error),
        }
    }
    let names = list(folder).unwrap_or_default();
    lone_library(path.to_owned(), folder, &names, look)
}

fn lone_library(source: PathBuf, folder: &Path, names: &[OsString], look: &Look<'_>) -> Entry {
    let wanted = sidecar_names(&source);
    let present: Vec<&String> =
        wanted.iter().filter(|wanted| names.iter().any(|n| n == wanted.as_str())).collect();
    match present.as_slice() {
        [] => read::entry(Place { looked_for: wanted, ..Place::new(source, folder) }, look),
        [one] => {
            let manifest_path = Some(folder.join(one));
            read::entry(Place { manifest_path, ..Place::new(source, folder) }, look)
        }
        several => {
            let names = several.iter().map(|&name| name.clone()).collect();
            let mut entry =
                refused(&source, folder, DiscoverError::SeveralManifests { library: source.clone(), names });
            entry.stamp.library = file::stamp(&source).ok().flatten();
            entry
        }
    }
}

/// The library that `folder`'s manifest named when it was read, if that manifest is still the same.
fn unchanged_manifest(folder: &Path, manifest: &Path, known: &Known) -> Option<PathBuf> {
    let stamp = Stamp { library: None, manifest: file::stamp(manifest).ok()? };
    let (source, _) =
        known.in_folder(folder).find(|(_, file)| file.manifest_path.as_deref() == Some(manifest))?;
    let stamp = Stamp { library: file::stamp(source).ok()?, ..stamp };
    known.holds(source, Some(manifest), &stamp).then(|| source.to_owned())
}

/// The names in `dir` that count, in order: neither hidden nor temporary.
fn list(dir: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        if !is_passing(&name) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Whether `name` is hidden or one that editors and copying programs use until a file is whole.
pub(crate) fn is_passing(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    bytes.starts_with(b".") || [&b"~"[..], b".tmp", b".part"].iter().any(|end| bytes.ends_with(end))
}

/// Whether `name` is one of a library, on this system or another: a foreign one is listed with its reason.
fn is_library(name: &OsStr) -> bool {
    let extension = Path::new(name).extension().and_then(OsStr::to_str);
    matches!(extension, Some("so" | "dylib" | "dll"))
}

fn is_native_library(name: &OsStr) -> bool {
    name.as_encoded_bytes().ends_with(DLL_SUFFIX.as_bytes())
}

/// The file names that a library of this stem may have here, the usual one first.
fn native_names(stem: &str) -> [String; 2] {
    let (plain, prefixed) = (format!("{stem}{DLL_SUFFIX}"), format!("lib{stem}{DLL_SUFFIX}"));
    if DLL_PREFIX.is_empty() { [plain, prefixed] } else { [prefixed, plain] }
}

/// The manifests that a lone library may have beside it: `foo.toml` and `libfoo.toml` for `libfoo.so` and `foo.so`.
fn sidecar_names(library: &Path) -> Vec<String> {
    let Some(stem) = library.file_stem().and_then(OsStr::to_str) else { return Vec::new() };
    match stem.strip_prefix("lib").filter(|rest| !rest.is_empty()) {
        Some(rest) => vec![format!("{rest}.toml"), format!("{stem}.toml")],
        None => vec![format!("{stem}.toml"), format!("lib{stem}.toml")],
    }
}

/// Whether a file was deleted after its name was read; a link that leads nowhere stays.
fn vanished(entry: &Entry) -> bool {
    match &entry.outcome {
        Outcome::Refused(DiscoverError::Unreadable { path, source }) => {
            source.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err()
        }
        _ => false,
    }
}

fn several_libraries(folder: &Path, names: &[&OsString]) -> DiscoverError {
    let names = names.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    DiscoverError::SeveralLibraries { folder: folder.to_owned(), names }
}

fn unlisted(dir: &Path, source: io::Error) -> Entry {
    refused(dir, dir, DiscoverError::Folder { path: dir.to_owned(), source })
}

fn refused(source: &Path, folder: &Path, error: DiscoverError) -> Entry {
    Entry {
        source: source.to_owned(),
        folder: folder.to_owned(),
        manifest_path: None,
        id: None,
        stamp: Stamp::default(),
        outcome: Outcome::Refused(error),
    }
}
