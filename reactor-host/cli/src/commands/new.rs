//! `reactor new`: a plugin, an interface or an application to begin with.
//!
//! The folder is written aside and then given its name, so that nothing is ever left half made.

mod name;
mod surroundings;
mod template;

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Serialize;

use self::name::Name;
use self::surroundings::Surroundings;
use self::template::Sources;
use crate::args::{NewArgs, Template};
use crate::error::CliError;
use crate::output::{GOOD, Output, plain};
use crate::status::ExitStatus;

/// What was made.
#[derive(Serialize)]
struct Made<'a> {
    name: &'a str,
    path: &'a Path,
    /// Relative to the path.
    files: Vec<&'static str>,
    #[serde(skip)]
    template: Template,
    /// What the workspace further up has to do with it.
    #[serde(skip)]
    note: Option<String>,
}

/// See the module.
pub(super) fn new(args: &NewArgs) -> Result<ExitStatus, CliError> {
    let name = Name::of(&args.path)?;
    let path = std::path::absolute(&args.path).map_err(CliError::reading(&args.path))?;
    let surroundings = Surroundings::of(&path);
    if let (Template::App, Surroundings::Member { root }) = (args.template, &surroundings) {
        return Err(CliError::WithinWorkspace { path, root: root.clone() });
    }
    let note = surroundings.note(&path).filter(|_| args.template != Template::App);
    let sources = Sources::here(surroundings);
    let files = template::files(args.template, &name, &sources);
    write(&path, &files)?;
    let made = Made {
        name: name.as_str(),
        path: &args.path,
        files: files.iter().map(|(path, _)| *path).collect(),
        template: args.template,
        note,
    };
    Output::new(args.format).put(&made, text)?;
    Ok(ExitStatus::Done)
}

/// Makes the folder with these files in it, or leaves everything as it was.
fn write(path: &Path, files: &[(&str, String)]) -> Result<(), CliError> {
    // Asked first for the sake of the message; whoever makes the folder meanwhile is met by the last step.
    match path.read_dir().map(Iterator::count) {
        Ok(1..) => {
            return Err(CliError::FolderTaken { path: path.to_owned() });
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(CliError::writing(path)(error));
        }
        _ => {}
    }
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(CliError::writing(parent))?;
    // Dropped with what is in it, however this ends; by then it has its new name, or is of no use.
    let aside = tempfile::Builder::new().prefix(".reactor-new-").tempdir_in(parent);
    let aside = aside.map_err(CliError::writing(parent))?;
    let made = aside.path().join("made");
    for (file, text) in files {
        let file = made.join(file);
        let folder = file.parent().unwrap_or(&made);
        fs::create_dir_all(folder).and_then(|()| fs::write(&file, text)).map_err(CliError::writing(path))?;
    }
    // Only an empty folder can be removed.
    match fs::remove_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
            return Err(CliError::FolderTaken { path: path.to_owned() });
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(CliError::writing(path)(error));
        }
        _ => {}
    }
    fs::rename(&made, path).map_err(CliError::writing(path))
}

fn text(made: &Made<'_>) -> String {
    let path = plain(&made.path.display().to_string());
    let next: PathBuf = made.path.join("README.md");
    let what = match made.template {
        Template::Plugin => "plugin",
        Template::Interface => "interface",
        Template::App => "application",
    };
    let run = match made.template {
        Template::Plugin => format!("  cd {path}\n  cargo test\n  reactor dev"),
        Template::Interface => format!("  cd {path}\n  cargo test"),
        Template::App => {
            format!("  cd {path}\n  cargo test\n  reactor build . --out installed\n  cargo run")
        }
    };
    let note = made.note.as_ref().map(|note| format!("{}\n", plain(note))).unwrap_or_default();
    format!(
        "{GOOD}+{GOOD:#} {what} {}  {path}\n{note}{run}\n{} says more",
        made.name,
        plain(&next.display().to_string())
    )
}
