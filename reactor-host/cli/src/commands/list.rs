//! `reactor list`: what the host that runs a folder says of it; else what the folder holds, which is read only.

use std::path::{Path, PathBuf};
use std::time::Instant;

use reactor_host::control::Client;
use reactor_host::discover::{
    Candidate, Change, DiscoverError, Known, ScanOptions, Settings, Tracker, scan_with,
};
use reactor_host::manifest::PluginId;
use reactor_host::{PluginInfo, PluginStatus, Reason};
use semver::Version;
use serde::Serialize;

use crate::args::ListArgs;
use crate::data_folder;
use crate::error::CliError;
use crate::output::{BAD, FAINT, Output, plain};
use crate::running_host;
use crate::status::ExitStatus;
use crate::verdict::Refusal;

/// One plugin, or one file that offers none.
#[derive(Debug, Serialize)]
struct Row {
    plugin: Option<PluginId>,
    version: Option<Version>,
    library: PathBuf,
    hash: Option<String>,
    /// Why it cannot be used.
    refused: Option<Refusal>,
    /// What it does in the host that runs; null where none does.
    status: Option<&'static str>,
    /// The generation that serves.
    generation: Option<u64>,
    /// Why the newest build is not the one that serves.
    refused_build: Option<Refusal>,
}

/// See the module.
pub(super) fn list(args: &ListArgs) -> Result<ExitStatus, CliError> {
    let output = Output::new(args.format);
    let named = args.data.path.as_deref();
    let Some(dir) = args.dir.as_deref() else {
        let data = named.unwrap_or_else(|| Path::new("."));
        let host = running_host::at(data)?.ok_or_else(|| running_host::none(None, named, data))?;
        return running(&output, host, data);
    };
    // A folder without a place for a host's data has no host.
    if let Ok(data) = data_folder::of(named, dir)
        && let Some(host) = running_host::at(&data)?
    {
        return running(&output, host, dir);
    }
    files(&output, dir, args.sharing.allow_shared_folders)
}

/// What a host says.
fn running(output: &Output, mut host: Client, dir: &Path) -> Result<ExitStatus, CliError> {
    let rows = host.list()?.into_iter().map(known).collect();
    output.say(&format!("{FAINT}as {} says{FAINT:#}", plain(&host.hello().name())))?;
    print(output, rows, dir)
}

fn known(info: PluginInfo) -> Row {
    let reason = |reason: Reason| Refusal { code: reason.code, message: reason.message };
    let (status, generation, refused) = match info.status {
        PluginStatus::Running { generation } => ("running", Some(generation), None),
        PluginStatus::Failed(why) => ("failed", None, Some(reason(why))),
        PluginStatus::Refused(why) => ("refused", None, Some(reason(why))),
        PluginStatus::Disabled => ("disabled", None, None),
        PluginStatus::Stopped => ("stopped", None, None),
        _ => ("other", None, None),
    };
    Row {
        plugin: info.plugin,
        version: info.version,
        library: info.path.unwrap_or_default(),
        hash: info.hash,
        refused,
        status: Some(status),
        generation,
        refused_build: info.refused_build.map(reason),
    }
}

/// What the files say.
fn files(output: &Output, dir: &Path, allow_shared_folders: bool) -> Result<ExitStatus, CliError> {
    let options = ScanOptions { allow_shared_folders, ..ScanOptions::default() };
    let found = scan_with(&[dir.to_owned()], &Known::new(), &options);
    // The same rules as in a host, so that of several files for one id the same is chosen.
    let changes = Tracker::new(Settings::default()).adopt(found, Instant::now());
    let mut rows = Vec::new();
    for change in changes {
        rows.push(match change {
            Change::Appeared(candidate) | Change::Rebuilt(candidate) => usable(&candidate),
            Change::Refused { error: error @ DiscoverError::Folder { .. }, source, .. } if source == dir => {
                return Err(error.into());
            }
            Change::Refused { source, id, error } => refused(source, id, &error),
            // Nothing was there before that could have gone.
            _ => continue,
        });
    }
    print(output, rows, dir)
}

fn print(output: &Output, mut rows: Vec<Row>, dir: &Path) -> Result<ExitStatus, CliError> {
    rows.sort_by(|a, b| {
        (a.plugin.is_none(), &a.plugin, &a.library).cmp(&(b.plugin.is_none(), &b.plugin, &b.library))
    });
    for row in &rows {
        output.put(row, |row| line(row, dir))?;
    }
    if rows.is_empty() {
        output.say(&format!("no plugins in {}", dir.display()))?;
    }
    Ok(ExitStatus::Done)
}

fn usable(candidate: &Candidate) -> Row {
    Row {
        plugin: Some(candidate.manifest.id.clone()),
        version: Some(candidate.manifest.version.clone()),
        library: candidate.source.clone(),
        hash: Some(candidate.hash.to_string()),
        refused: Refusal::of(candidate),
        status: None,
        generation: None,
        refused_build: None,
    }
}

fn refused(library: PathBuf, plugin: Option<PluginId>, error: &DiscoverError) -> Row {
    let version = match error {
        DiscoverError::Shadowed(shadowed) => Some(shadowed.version.clone()),
        _ => None,
    };
    let refused = Some(Refusal { code: error.code().to_owned(), message: error.to_string() });
    Row { plugin, version, library, hash: None, refused, status: None, generation: None, refused_build: None }
}

fn line(row: &Row, dir: &Path) -> String {
    let library = plain(&row.library.strip_prefix(dir).unwrap_or(&row.library).display().to_string());
    let name = match (&row.plugin, &row.version) {
        (Some(plugin), Some(version)) => format!("{plugin} {version}"),
        (Some(plugin), None) => plugin.to_string(),
        _ => library.clone(),
    };
    if let Some(Refusal { code, message }) = &row.refused {
        // Files that no host has taken up have no status, and are refused as they are.
        let status = row.status.unwrap_or("refused");
        return format!("{BAD}!{BAD:#} {name}  {status} [{code}]: {}", plain(message));
    }
    let hash: String = row.hash.iter().flat_map(|hash| hash.chars()).take(12).collect();
    let status = match (row.status, row.generation) {
        (Some(_), Some(generation)) => format!("  generation {generation}"),
        (Some(status), None) => format!("  {status}"),
        (None, _) => String::new(),
    };
    let line = format!("  {name}{status}  {library}  {FAINT}{hash}{FAINT:#}");
    let newest = row.refused_build.as_ref().map(|Refusal { code, message }| {
        format!("\n{BAD}!{BAD:#} {name}  the newest build is refused [{code}]: {}", plain(message))
    });
    line + newest.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use expect_test::expect;

    use super::*;

    #[test]
    fn what_failed_is_not_said_to_be_refused() {
        let text = |status: &str| {
            let info = serde_json::json!({
                "plugin": "acme.one", "version": "1.2.0", "path": null, "hash": null, "status": status,
                "code": "RE0640", "message": "its process has ended", "refused_build": null, "kept_ready": null,
            });
            let info = serde_json::from_value(info).expect("as hosts say it");
            strip_str(&line(&known(info), Path::new("plugins"))).to_string()
        };
        expect!["! acme.one 1.2.0  failed [RE0640]: its process has ended"].assert_eq(&text("failed"));
        expect!["! acme.one 1.2.0  refused [RE0640]: its process has ended"].assert_eq(&text("refused"));
    }

    #[test]
    fn a_row_names_the_plugin_or_the_file_and_the_reason() {
        let usable = Row {
            plugin: Some(PluginId::new("acme.one").expect("an id")),
            version: Some(Version::new(1, 2, 0)),
            library: "plugins/one/libacme_one.so".into(),
            hash: Some("ba7816bf8f01cfea".to_owned()),
            refused: None,
            status: None,
            generation: None,
            refused_build: None,
        };
        expect!["  acme.one 1.2.0  one/libacme_one.so  ba7816bf8f01"]
            .assert_eq(&strip_str(&line(&usable, Path::new("plugins"))).to_string());
        let error = DiscoverError::NotRegular { path: "plugins/a.so".into(), kind: "a named pipe" };
        let row = refused("plugins/a.so".into(), None, &error);
        expect!["! a.so  refused [RE0141]: plugins/a.so is a named pipe, not a regular file; remove it from the plugin folder"]
            .assert_eq(&strip_str(&line(&row, Path::new("plugins"))).to_string());
        let json = serde_json::to_string(&row).expect("JSON");
        assert!(json.starts_with(r#"{"plugin":null,"version":null,"library":"plugins/a.so""#), "{json}");
    }
}
