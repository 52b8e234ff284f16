//! `reactor inspect`: what a library says about itself; runs nothing.

use std::fmt::Write as _;
use std::path::Path;

use reactor_host::discover::{Candidate, ContentHash, DiscoverError, ManifestOrigin, Outcome};
use reactor_host::manifest::Manifest;
use reactor_host::object_file::{BuildFacts, ObjectFile};
use serde::Serialize;

use crate::args::InspectArgs;
use crate::error::CliError;
use crate::output::{Output, plain};
use crate::status::ExitStatus;
use crate::verdict::{self, Refusal};

/// All that is known of a file.
#[derive(Serialize)]
struct Facts<'a> {
    path: &'a Path,
    bytes: Option<usize>,
    hash: Option<String>,
    manifest: Option<&'a Manifest>,
    /// `embedded`, or the manifest's path.
    manifest_from: Option<String>,
    library: Option<Library<'a>>,
    build: Option<&'a BuildFacts>,
    refused: Option<Refusal>,
}

#[derive(Serialize)]
struct Library<'a> {
    format: String,
    architecture: &'a str,
    os: &'a str,
    no_delete: bool,
    unique_symbols: &'a [String],
    keeping_imports: &'a [&'static str],
    exports: &'a [String],
    needed: &'a [String],
    rpath: &'a [String],
    runpath: &'a [String],
}

/// See the module.
pub(super) fn inspect(args: &InspectArgs) -> Result<ExitStatus, CliError> {
    let output = Output::new(args.format);
    match verdict::read(&args.file) {
        Ok(candidate) => {
            let verdict = verdict::of(&candidate);
            output.put(&Facts::of(&candidate, verdict.as_ref().err()), text)?;
            verdict.map(|()| ExitStatus::Done)
        }
        Err(error) => {
            // A library that is no plugin still has facts worth seeing.
            let rest = library_alone(&args.file, &error);
            let error = with_hint(&args.file, error);
            if let Some((bytes, object)) = rest {
                let facts = Facts {
                    bytes: Some(bytes.len()),
                    hash: Some(ContentHash::of(&bytes).to_string()),
                    ..Facts::new(&args.file, Some(&object), Some(&error))
                };
                output.put(&facts, text)?;
            } else if output.is_json() {
                output.put(&Facts::new(&args.file, None, Some(&error)), text)?;
            }
            Err(error)
        }
    }
}

/// The error, and for a folder that some other command is for, which.
fn with_hint(path: &Path, error: DiscoverError) -> CliError {
    if !matches!(error, DiscoverError::NotAPlugin { .. } | DiscoverError::NoLibrary { .. }) {
        return error.into();
    }
    let shown = path.display();
    let hint = if path.join("Cargo.toml").is_file() {
        format!("it is a crate: build it first, with `reactor build {shown} --out plugins`")
    } else if holds_plugins(path) {
        format!("it is a folder of plugins: `reactor list {shown}`")
    } else {
        return error.into();
    };
    CliError::Answer { code: error.code().to_owned(), message: format!("{error}; {hint}") }
}

/// Whether a host could be pointed at `folder`.
fn holds_plugins(folder: &Path) -> bool {
    let found = verdict::scan(folder).found;
    found.iter().any(|entry| !matches!(entry.outcome, Outcome::Refused(DiscoverError::Folder { .. })))
}

/// The bytes and facts of a library that was refused for something outside its own file.
fn library_alone(path: &Path, error: &DiscoverError) -> Option<(Vec<u8>, ObjectFile)> {
    let whole = matches!(
        error,
        DiscoverError::NoManifest { .. }
            | DiscoverError::SeveralManifests { .. }
            | DiscoverError::Manifest(_)
            | DiscoverError::Disagreement { .. }
            | DiscoverError::WrongTarget { .. }
    );
    if !whole || !path.is_file() {
        return None;
    }
    let bytes = std::fs::read(path).ok()?;
    let object = ObjectFile::read(&bytes).ok()?;
    Some((bytes, object))
}

impl<'a> Facts<'a> {
    fn new(path: &'a Path, object: Option<&'a ObjectFile>, error: Option<&CliError>) -> Self {
        Self {
            path,
            bytes: None,
            hash: None,
            manifest: None,
            manifest_from: None,
            library: object.map(Library::of),
            build: object.and_then(|object| object.embedded.as_ref()).map(|embedded| &embedded.facts),
            refused: error.map(Refusal::from),
        }
    }

    fn of(candidate: &'a Candidate, error: Option<&CliError>) -> Self {
        let from = match &candidate.manifest_origin {
            ManifestOrigin::File(path) => path.display().to_string(),
            ManifestOrigin::Embedded => "embedded".to_owned(),
        };
        Self {
            bytes: Some(candidate.bytes.len()),
            hash: Some(candidate.hash.to_string()),
            manifest: Some(&candidate.manifest),
            manifest_from: Some(from),
            ..Self::new(&candidate.source, Some(&candidate.object), error)
        }
    }
}

impl<'a> Library<'a> {
    fn of(object: &'a ObjectFile) -> Self {
        let ObjectFile { architecture, os, exports, needed, rpath, runpath, .. } = object;
        let ObjectFile { no_delete, unique_symbols, keeping_imports, .. } = object;
        let format = object.format.to_string();
        let no_delete = *no_delete;
        Self {
            format,
            architecture,
            os,
            no_delete,
            unique_symbols,
            keeping_imports,
            exports,
            needed,
            rpath,
            runpath,
        }
    }
}

/// For people: one fact a line, the file first.
fn text(facts: &Facts<'_>) -> String {
    let mut text = plain(&facts.path.display().to_string());
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n  {name:<10} {}", plain(&value));
        }
    };
    if let Some(manifest) = facts.manifest {
        let names = |names: Vec<String>| names.join(", ");
        line("plugin", format!("{} {}", manifest.id, manifest.version));
        line("about", manifest.about.description.clone().unwrap_or_default());
        line("manifest", facts.manifest_from.clone().unwrap_or_default());
        line("api", manifest.api.to_string());
        line(
            "depends on",
            names(manifest.dependencies.iter().map(|(id, it)| format!("{id} {}", it.version)).collect()),
        );
        line(
            "provides",
            names(manifest.provides.iter().map(|(name, version)| format!("{name} {version}")).collect()),
        );
        line(
            "requires",
            names(manifest.requires.iter().map(|(name, it)| format!("{name} {}", it.version)).collect()),
        );
        line(
            "state",
            manifest.state.as_ref().map(|state| format!("schema {}", state.schema)).unwrap_or_default(),
        );
    } else {
        line("manifest", "none that can be used".to_owned());
    }
    if let Some(library) = &facts.library {
        let size = facts.bytes.map(|bytes| format!(", {} KiB", bytes.div_ceil(1024))).unwrap_or_default();
        line(
            "file",
            format!("{} for {} {}{size}, complete", library.format, library.architecture, library.os),
        );
    }
    line("sha-256", facts.hash.clone().unwrap_or_default());
    if let Some(build) = facts.build {
        line("built", format!("{} for {}, by {}", build.package, build.target, build.compiler));
        line("", format!("plugin API {}, ABI {:016x}, panic {}", build.api, build.fingerprint, build.panic));
    } else if facts.library.is_some() {
        line("built", "without `export_plugin!`: it carries no build facts".to_owned());
    }
    if let Some(library) = &facts.library {
        line("unloads", unloads(library, facts.build).to_owned());
        line("exports", many(library.exports));
        line("needs", library.needed.join(", "));
        line("looks in", [library.rpath, library.runpath].concat().join(", "));
    }
    text
}

/// Whether the library is closed when it is replaced.
fn unloads(library: &Library<'_>, build: Option<&BuildFacts>) -> &'static str {
    match build {
        _ if library.no_delete => "no: linked `-z nodelete`",
        _ if !library.keeping_imports.is_empty() => {
            "no: it imports what keeps addresses of it (--json shows what)"
        }
        Some(build) if build.planted && !library.unique_symbols.is_empty() => {
            "the first time perhaps not: it has unique symbols, as C++ makes them (--json shows them)"
        }
        Some(build) if build.planted => "yes",
        Some(_) => "no: on its system the library's traces cannot be removed",
        None => "no: it was not built with `export_plugin!`",
    }
}

/// The first few names and how many more there are.
fn many(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more (--json shows all)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let names: Vec<String> = (0..10).map(|n| format!("f{n}")).collect();
        assert_eq!(many(&names[..2]), "f0, f1");
        assert_eq!(many(&names), "f0, f1, f2, f3, f4, f5, f6, f7 and 2 more (--json shows all)");
        assert_eq!(many(&[]), "");
    }

    #[test]
    fn a_file_that_is_no_library_has_a_reason_and_no_facts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("libtext.so");
        std::fs::write(&path, "this is a text, not a library at all, and longer than any header")
            .expect("written");
        let error = verdict::read(&path).expect_err("no library");
        assert_eq!(error.code(), "RE0120");
        assert!(library_alone(&path, &error).is_none());
    }
}
