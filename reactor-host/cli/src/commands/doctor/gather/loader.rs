//! Trying the loader: a library that this very program uses is copied to where private copies go, and a child of this
//! program is started that has to open the copy. Nothing of a plugin runs.

use std::path::Path;

use crate::commands::doctor::facts::Loader;

/// Whether a library in `folder` can be opened.
pub(super) fn try_it(folder: &Path) -> Loader {
    if cfg!(any(target_feature = "crt-static", target_env = "musl")) {
        return Loader::Absent;
    }
    attempt(folder).unwrap_or_else(Loader::NotTried)
}

#[cfg(target_os = "linux")]
fn attempt(folder: &Path) -> Result<Loader, &'static str> {
    use std::process::{Command, Stdio};

    let maps = std::fs::read_to_string("/proc/self/maps").map_err(|_| "/proc is not mounted")?;
    // The smallest of its libraries, and one that no other depends on.
    let library = maps.lines().find_map(|line| {
        let path = line.get(line.find('/')?..)?;
        Path::new(path).file_name()?.to_str()?.starts_with("libgcc_s.").then(|| Path::new(path))
    });
    let library = library.ok_or("this program uses no library that could be copied")?;
    let name = library.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // That nothing can be written there is told apart.
    let private = tempfile::Builder::new().prefix("reactor-doctor-").tempdir_in(folder);
    let private = private.map_err(|_| "nothing can be written to the folder for private copies")?;
    let copy = private.path().join(&name);
    std::fs::copy(library, &copy).map_err(|_| "the library can not be copied")?;
    let program = std::env::current_exe().map_err(|_| "this program does not know its own path")?;
    let shown = copy.to_str().filter(|path| !path.contains([' ', ':']));
    let shown = shown.ok_or("the path of the folder has a blank or a colon")?;
    let child = Command::new(program)
        .arg("--version")
        .env("LD_PRELOAD", shown)
        .env("LD_DEBUG", "files")
        .env_remove("LD_DEBUG_OUTPUT")
        .stdin(Stdio::null())
        .output()
        .map_err(|_| "this program can not be started again")?;
    let words = String::from_utf8_lossy(&child.stderr);
    if let Some(line) = words.lines().find(|line| line.contains("cannot be preloaded")) {
        let reason =
            line.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(reason, _)| reason);
        return Ok(Loader::Refused(reason.unwrap_or(line).to_owned()));
    }
    // The loader tells of each library that it made room for.
    let opened = words.lines().any(|line| line.contains(shown) && line.contains("calling init"));
    if opened && child.status.success() {
        Ok(Loader::Opened(name))
    } else {
        Err("the loader tells nothing of what it opens")
    }
}

#[cfg(not(target_os = "linux"))]
fn attempt(_: &Path) -> Result<Loader, &'static str> {
    Err("on this system only a plugin would show it")
}
