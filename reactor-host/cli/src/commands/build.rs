//! `reactor build`: plugin crates into folders that can be dropped anywhere.

use reactor_host::discover::ContentHash;
use serde::Serialize;

use crate::args::BuildArgs;
use crate::cargo_build::{Cargo, Mode};
use crate::error::CliError;
use crate::output::{self, BAD, GOOD, Output, plain};
use crate::packages;
use crate::shelf::{Placed, Shelf};
use crate::status::ExitStatus;
use crate::verdict::{self, Refusal};

/// A plugin that was built.
#[derive(Serialize)]
struct Row<'a> {
    plugin: &'a str,
    version: &'a semver::Version,
    library: &'a std::path::Path,
    hash: Option<String>,
    changed: bool,
    /// Why a host would not take it.
    refused: Option<Refusal>,
}

/// See the module.
pub(super) fn build(args: &BuildArgs) -> Result<ExitStatus, CliError> {
    let output = Output::new(args.format);
    let cargo = Cargo::new();
    let found = packages::find(&cargo, &args.crates.paths)?;
    found.tell();
    if found.workspaces.is_empty() {
        return Ok(ExitStatus::Failed);
    }
    let mut shelf = Shelf::new(&args.out)?;
    let mode = Mode { release: args.crates.release, quiet: args.format.json };
    let mut status = super::done_if(found.is_whole());
    let mut failed = Vec::new();
    for workspace in &found.workspaces {
        let built = cargo.build(workspace, mode)?;
        failed.extend(built.failed(workspace).map(|plugin| plugin.label().to_owned()));
        for plugin in &workspace.plugins {
            let Some(library) = built.libraries.get(&plugin.package) else { continue };
            match shelf.place(plugin, library) {
                Ok((placed, changed)) => {
                    let row = row(&placed, changed);
                    if row.refused.is_some() {
                        status = ExitStatus::Failed;
                    }
                    output.put(&row, line)?;
                }
                Err(error) => {
                    output::error(&error);
                    status = ExitStatus::Failed;
                }
            }
        }
    }
    if failed.is_empty() {
        return Ok(status);
    }
    Err(CliError::NotCompiled { failed, total: found.plugins().count() })
}

fn row(placed: &Placed, changed: bool) -> Row<'_> {
    let read = verdict::read(&placed.library);
    // What is no plugin to a host has bytes all the same; a file that has gone again has none.
    let of_file = || std::fs::read(&placed.library).map(|bytes| ContentHash::of(&bytes)).ok();
    let hash = read.as_ref().map_or_else(|_| of_file(), |candidate| Some(candidate.hash));
    Row {
        plugin: placed.manifest.id.as_str(),
        version: &placed.manifest.version,
        library: &placed.library,
        hash: hash.map(|hash| hash.to_string()),
        changed,
        refused: match read {
            Ok(candidate) => Refusal::of(&candidate),
            Err(error) => Some(Refusal::from(&error.into())),
        },
    }
}

fn line(row: &Row<'_>) -> String {
    let library = plain(&row.library.display().to_string());
    if let Some(Refusal { code, message }) = &row.refused {
        return format!(
            "{BAD}!{BAD:#} {} {}  built, but hosts refuse it [{code}]: {}",
            row.plugin,
            row.version,
            plain(message)
        );
    }
    format!("{GOOD}+{GOOD:#} {} {}  {library}", row.plugin, row.version)
}
