//! Driving cargo: what packages there are, and building some of them.

use std::collections::{HashMap, HashSet};
use std::env::consts::DLL_SUFFIX;
use std::ffi::OsString;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cargo_metadata::{Message, Metadata, MetadataCommand, PackageId};

use crate::error::CliError;
use crate::packages::{PluginCrate, Workspace};

/// A cargo, and the build that it is at.
#[derive(Debug)]
pub(crate) struct Cargo {
    program: OsString,
    /// Whether Ctrl-C in a terminal reaches it only through [`Cargo::end`].
    apart: bool,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    child: Option<Child>,
    /// Waits for a cargo that has made everything, and has its own end before it.
    ending: Option<JoinHandle<()>>,
    ended: bool,
}

/// How to build.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    /// With optimisations.
    pub(crate) release: bool,
    /// Without progress: only the compiler's words.
    pub(crate) quiet: bool,
}

/// What a build made.
#[derive(Debug, Default)]
pub(crate) struct Built {
    /// The library of each package that compiled, whether or not anything was to do for it.
    pub(crate) libraries: HashMap<PackageId, PathBuf>,
    /// Whether cargo could not even begin: a manifest somewhere in the workspace is missing or wrong.
    pub(crate) is_unread: bool,
    /// How long cargo took.
    pub(crate) took: Duration,
}

impl Built {
    /// The plugins of `workspace` that did not compile.
    pub(crate) fn failed<'a>(&self, workspace: &'a Workspace) -> impl Iterator<Item = &'a PluginCrate> {
        workspace.plugins.iter().filter(|plugin| !self.libraries.contains_key(&plugin.package))
    }
}

impl Cargo {
    /// The cargo that `$CARGO` names, else the one on the path.
    pub(crate) fn new() -> Self {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self { program, apart: false, running: Mutex::default() }
    }

    /// The same, whose builds signals from the terminal do not reach: an interrupted compiler would look like code
    /// that does not compile.
    pub(crate) fn apart() -> Self {
        Self { apart: true, ..Self::new() }
    }

    /// The packages of the workspace that `folder` belongs to.
    ///
    /// # Errors
    ///
    /// [`CliError::CargoMissing`], [`CliError::Metadata`].
    pub(crate) fn metadata(&self, folder: &Path) -> Result<Metadata, CliError> {
        let mut command = MetadataCommand::new();
        command.cargo_path(&self.program).current_dir(folder).no_deps();
        command.exec().map_err(|error| match error {
            cargo_metadata::Error::Io(source) => self.missing(source),
            cargo_metadata::Error::CargoMetadata { stderr } => {
                let message = stderr.trim().trim_start_matches("error: ").to_owned();
                CliError::Metadata { folder: folder.to_owned(), message }
            }
            other => CliError::Metadata { folder: folder.to_owned(), message: other.to_string() },
        })
    }

    /// Builds the plugins of `workspace`, and returns as soon as the last of them is there. Packages that do not compile are missing from what is [`Built`], and do not
    /// keep others from it; the compiler's words are on standard error.
    ///
    /// # Errors
    ///
    /// [`CliError::CargoMissing`].
    pub(crate) fn build(&self, workspace: &Workspace, mode: Mode) -> Result<Built, CliError> {
        let began = Instant::now();
        let mut command = Command::new(&self.program);
        command.current_dir(&workspace.root).stdin(Stdio::null()).stdout(Stdio::piped());
        command.args(["build", "--lib", "--keep-going", "--message-format=json-render-diagnostics"]);
        command.args(mode.release.then_some("--release")).args(mode.quiet.then_some("--quiet"));
        for plugin in &workspace.plugins {
            command.args(["--package", &plugin.package.repr]);
        }
        #[cfg(unix)]
        if self.apart {
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
        }
        let before = self.running().ending.take();
        // Else the two would wait for each other's locks, and say so. It waits for no more than a process that ends.
        drop(before.map(JoinHandle::join));
        let mut running = self.running();
        if running.ended {
            return Ok(Built::default());
        }
        let mut child = command.spawn().map_err(|source| self.missing(source))?;
        let messages = child.stdout.take();
        running.child = Some(child);
        drop(running);

        let mut libraries = HashMap::new();
        // A line that is none of cargo's is some build script's chatter; a broken pipe ends the messages.
        let mut messages = messages
            .into_iter()
            .flat_map(|pipe| Message::parse_stream(BufReader::new(pipe)))
            .map_while(Result::ok);
        let mut left: HashSet<_> = workspace.plugins.iter().map(|plugin| &plugin.package).collect();
        // Whatever becomes of a build that has begun, cargo tells at least its end.
        let mut has_begun = left.is_empty();
        while !left.is_empty() {
            let Some(message) = messages.next() else { break };
            has_begun = true;
            let Message::CompilerArtifact(artifact) = message else { continue };
            let library = artifact.filenames.iter().find(|path| path.as_str().ends_with(DLL_SUFFIX));
            if let Some(library) = library.filter(|_| artifact.target.is_cdylib()) {
                left.remove(&artifact.package_id);
                libraries.insert(artifact.package_id, library.clone().into_std_path_buf());
            }
        }
        let took = began.elapsed();
        let mut running = self.running();
        // Its verdict adds nothing to what it made. Whoever ends it meanwhile finds no child any more, and none is needed.
        let child = running.child.take();
        let end = move || {
            messages.for_each(drop);
            drop(child.map(|mut child| child.wait()));
        };
        let thread = std::thread::Builder::new().name("reactor-cargo".to_owned());
        running.ending = Some(thread.spawn(end).map_err(|source| CliError::Thread { source })?);
        Ok(Built { libraries, is_unread: !has_begun, took })
    }

    /// Ends the build that runs, and lets none begin.
    pub(crate) fn end(&self) {
        let mut running = self.running();
        running.ended = true;
        if let Some(child) = &mut running.child {
            end(child, self.apart);
        }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn missing(&self, source: std::io::Error) -> CliError {
        CliError::CargoMissing { program: self.program.to_string_lossy().into_owned(), source }
    }
}

/// Ends cargo and, where it leads a group of its own, the compilers that it started.
#[cfg(unix)]
fn end(child: &mut Child, leads: bool) {
    use rustix::process::{Pid, Signal, kill_process, kill_process_group};

    // Nobody has waited for it yet, so that the number is still its own. An error says that it has ended by itself.
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let kill = if leads { kill_process_group } else { kill_process };
        let _ = kill(pid, Signal::TERM);
    }
}

#[cfg(not(unix))]
fn end(child: &mut Child, _: bool) {
    // An error says that it has ended by itself.
    let _ = child.kill();
}
