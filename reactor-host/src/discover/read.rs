//! From one place to a candidate, or to the reason why it is none.

use std::env::consts::{ARCH, OS};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{self, FileBytes};
use super::{Candidate, ContentHash, DiscoverError, Entry, FileStamp, Look, ManifestOrigin, Outcome, Stamp};
use crate::manifest::{MAX_MANIFEST_BYTES, Manifest, ManifestError, PluginId};
use crate::object_file::ObjectFile;

/// A library and what belongs to it.
pub(super) struct Place {
    pub(super) source: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) manifest_path: Option<PathBuf>,
    /// The manifests that are not there, for the error.
    pub(super) looked_for: Vec<String>,
}

impl Place {
    /// A library without a manifest file.
    pub(super) fn new(source: PathBuf, folder: &Path) -> Self {
        Self {
            source,
            folder: folder.to_owned(),
            manifest_path: None,
            looked_for: vec!["plugin.toml".to_owned()],
        }
    }
}

/// A manifest that was read from a file.
pub(super) struct ManifestFile {
    pub(super) manifest: Manifest,
    pub(super) text: Arc<str>,
    pub(super) stamp: FileStamp,
}

impl ManifestFile {
    /// Reads and parses the manifest at `path`.
    pub(super) fn read(path: &Path, look: &Look<'_>) -> Result<Self, DiscoverError> {
        let limit = u64::try_from(MAX_MANIFEST_BYTES).unwrap_or(u64::MAX);
        let FileBytes { bytes, stamp } = file::read(path, limit, look).map_err(|error| match error {
            DiscoverError::TooLarge { path, bytes, .. } => ManifestError::too_large(&path, bytes).into(),
            other => other,
        })?;
        let manifest = Manifest::parse_bytes(&bytes, path)?;
        // It was text to the parser.
        Ok(Self { manifest, text: String::from_utf8_lossy(&bytes).into(), stamp })
    }
}

/// Looks at `place`, and reads it unless `known` proves it unchanged.
pub(super) fn entry(place: Place, look: &Look<'_>) -> Entry {
    let mut stamp = Stamp::default();
    let mut id = look.known.get(&place.source).and_then(|known| known.id.clone());
    let result = stamps(&place, &mut stamp).and_then(|()| {
        if look.known.holds(&place.source, place.manifest_path.as_deref(), &stamp) {
            return Ok(None);
        }
        let manifest =
            place.manifest_path.as_deref().map(|path| ManifestFile::read(path, look)).transpose()?;
        candidate(&place, manifest, &mut stamp, &mut id, look).map(Some)
    });
    finish(place, stamp, id, result)
}

/// Reads the library of `place`, whose manifest has been read already, whatever is known of it.
pub(super) fn entry_with(place: Place, manifest: ManifestFile, look: &Look<'_>) -> Entry {
    let mut stamp = Stamp { library: None, manifest: Some(manifest.stamp) };
    let mut id = Some(manifest.manifest.id.clone());
    let result = candidate(&place, Some(manifest), &mut stamp, &mut id, look).map(Some);
    finish(place, stamp, id, result)
}

fn stamps(place: &Place, stamp: &mut Stamp) -> Result<(), DiscoverError> {
    stamp.library = file::stamp(&place.source)?;
    if let Some(path) = &place.manifest_path {
        stamp.manifest = file::stamp(path)?;
    }
    Ok(())
}

fn candidate(
    place: &Place,
    manifest: Option<ManifestFile>,
    stamp: &mut Stamp,
    id: &mut Option<PluginId>,
    look: &Look<'_>,
) -> Result<Candidate, DiscoverError> {
    if let Some(file) = &manifest {
        stamp.manifest = Some(file.stamp);
        *id = Some(file.manifest.id.clone());
    }
    stamp.library = file::stamp(&place.source)?;
    let FileBytes { bytes, stamp: library } =
        file::read(&place.source, look.options.max_library_bytes, look)?;
    stamp.library = Some(library);
    let candidate = assemble(place, manifest.map(|file| (file.manifest, file.text)), bytes)?;
    *id = Some(candidate.manifest.id.clone());
    Ok(candidate)
}

/// Makes a candidate of what was read: the library, and the manifest with its text where there is a file of it.
pub(super) fn assemble(
    place: &Place,
    manifest: Option<(Manifest, Arc<str>)>,
    bytes: Arc<[u8]>,
) -> Result<Candidate, DiscoverError> {
    let object = ObjectFile::read(&bytes)
        .map_err(|source| DiscoverError::Object { path: place.source.clone(), source })?;
    check_target(place, &object)?;
    let embedded = match &object.embedded {
        Some(embedded) => Some(Manifest::parse(&embedded.manifest_text, &place.source)?),
        None => None,
    };
    let (manifest, manifest_origin, manifest_text) = match (manifest, embedded, &place.manifest_path) {
        (Some((manifest, text)), embedded, Some(path)) => {
            if let Some(embedded) = embedded {
                manifest.agrees_with(&embedded).map_err(|source| DiscoverError::Disagreement {
                    manifest: path.clone(),
                    library: place.source.clone(),
                    source: Box::new(source),
                })?;
            }
            (manifest, ManifestOrigin::File(path.clone()), Some(text))
        }
        (_, Some(embedded), _) => (embedded, ManifestOrigin::Embedded, None),
        (_, None, _) => {
            let (library, looked_for) = (place.source.clone(), place.looked_for.clone());
            return Err(DiscoverError::NoManifest { library, looked_for });
        }
    };
    Ok(Candidate {
        hash: ContentHash::of(&bytes),
        manifest,
        manifest_origin,
        manifest_text,
        object,
        bytes,
        source: place.source.clone(),
        folder: place.folder.clone(),
    })
}

fn check_target(place: &Place, object: &ObjectFile) -> Result<(), DiscoverError> {
    if object.architecture == ARCH && object.os == OS {
        return Ok(());
    }
    Err(DiscoverError::WrongTarget {
        library: place.source.clone(),
        found: format!("{} {}", object.architecture, object.os),
        expected: format!("{ARCH} {OS}"),
    })
}

fn finish(
    place: Place,
    stamp: Stamp,
    id: Option<PluginId>,
    result: Result<Option<Candidate>, DiscoverError>,
) -> Entry {
    let outcome = match result {
        Ok(None) => Outcome::Unchanged,
        Ok(Some(candidate)) => Outcome::Candidate(Box::new(candidate)),
        Err(reason) if reason.is_unsettled() => Outcome::Unsettled { reason },
        Err(error) => Outcome::Refused(error),
    };
    let Place { source, folder, manifest_path, .. } = place;
    Entry { source, folder, manifest_path, id, stamp, outcome }
}
