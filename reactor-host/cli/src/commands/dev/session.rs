//! Building, loading and swapping, one after another.

mod hosted;
mod loading;
mod touched;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use self::hosted::Hosted;
use self::loading::Placing;
use self::touched::Touched;
use super::Message;
use super::notice::Notice;
use super::show::{Timing, whole};
use super::sources::{Sources, folders};
use crate::args::DevArgs;
use crate::cargo_build::{Built, Cargo, Mode};
use crate::error::CliError;
use crate::interrupt;
use crate::output::{Output, Weight};
use crate::packages::{self, Workspace};
use crate::shelf::Shelf;

/// How long sources must rest before they are built, when nothing says that the file is whole: editors write in several
/// steps.
const QUIET: Duration = Duration::from_millis(20);
/// The same when the file was closed after writing, or moved in: only that others are saved with it.
const WHOLE: Duration = Duration::from_millis(4);

/// One `reactor dev`, from the first build to the end.
pub(super) struct Session<'a> {
    args: &'a DevArgs,
    output: Output,
    cargo: Arc<Cargo>,
    workspaces: Vec<Workspace>,
    /// Absent when nothing is to be followed.
    sources: Option<Sources>,
    /// Absent when an application's own host runs the plugins.
    hosted: Option<Hosted>,
    timing: Arc<Timing>,
    shelf: Shelf,
    sender: Sender<Message>,
    inbox: Receiver<Message>,
    touched: Touched,
    /// Holds the shelf of the private host; last, so that it is removed when nothing uses it any more.
    home: Option<tempfile::TempDir>,
}

impl<'a> Session<'a> {
    /// Puts everything in place; nothing is built or run yet.
    pub(super) fn open(
        args: &'a DevArgs,
        output: Output,
        cargo: Cargo,
        workspaces: Vec<Workspace>,
    ) -> Result<Self, CliError> {
        let (sender, inbox) = channel();
        let (end, touched) = (sender.clone(), sender.clone());
        // A send fails when the session is over, here as everywhere below; then nobody needs the message.
        interrupt::on_first(move || drop(end.send(Message::End)))?;
        // Before the first build, so that whatever is edited meanwhile is built afterwards.
        let tell = move |path, whole| drop(touched.send(Message::Touched(path, whole)));
        let sources = if args.once { None } else { Some(Sources::watch(&workspaces, tell)?) };

        let (cargo, touched, timing) = (Arc::new(cargo), Touched::default(), Arc::new(Timing::default()));
        let (shelf, hosted, home) = if let Some(out) = &args.out {
            (Shelf::new(out)?, None, None)
        } else {
            // Beside what cargo makes: libraries get a second name there, and are not copied.
            let target = &workspaces[0].target;
            std::fs::create_dir_all(target).map_err(CliError::writing(target))?;
            let home = tempfile::Builder::new().prefix("reactor-dev-").tempdir_in(target);
            let home = home.map_err(CliError::writing(target))?;
            let shelf = Shelf::private(home.path().join("plugins"))?;
            let hosted = Hosted::open(args, &output, shelf.folder(), &timing, &sender)?;
            (shelf, Some(hosted), Some(home))
        };
        Ok(Self {
            args,
            output,
            cargo,
            workspaces,
            sources,
            hosted,
            timing,
            shelf,
            sender,
            inbox,
            touched,
            home,
        })
    }

    /// Builds and loads everything, then follows the sources unless this is for once. Says whether every plugin
    /// compiled and ran at first.
    pub(super) fn run(&mut self) -> Result<bool, CliError> {
        self.touched.all(&self.workspaces);
        let Some(built) = self.build(false)? else { return Ok(false) };
        let placing = self.place(&built)?;
        let (mut all_well, mut running) = (placing.all_well, None);
        if let Some(hosted) = &self.hosted {
            let shelf: Vec<_> = self.shelf.plugins().cloned().collect();
            let report = hosted.start(&shelf)?;
            let number = self.count_running(&report)?;
            all_well &= report.is_ok() && number == self.shelf.plugins().count();
            running = Some(number);
        } else {
            self.tell_placed(&placing, &built)?;
        }
        if self.sources.is_some() {
            let folders = folders(&self.workspaces).into_iter().map(Path::to_owned).collect();
            Notice::Following { folders, running }.tell(&self.output)?;
            self.follow()?;
        }
        Ok(all_well)
    }

    /// Stops the plugins that this command runs, and prints what they have to say about it.
    pub(super) fn finish(self) -> Result<(), CliError> {
        let Self { hosted, home, .. } = self;
        hosted.map_or(Ok(()), Hosted::finish)?;
        let Some(home) = home else { return Ok(()) };
        let path = home.path().to_owned();
        home.close().map_err(CliError::writing(path))
    }

    /// Builds and swaps whatever is edited, until the end.
    fn follow(&mut self) -> Result<(), CliError> {
        while self.wait() {
            if self.touched.take_packages() {
                self.find_again();
            }
            let Some(built) = self.build(true)? else { break };
            let placing = self.place(&built)?;
            self.load(&placing, &built)?;
        }
        Ok(())
    }

    /// Says what was built, and has it swapped.
    fn load(&self, placing: &Placing, built: &[(usize, Built)]) -> Result<(), CliError> {
        let idle = placing.changed.is_empty();
        // People see the swap itself; that there is none needs saying.
        if self.output.is_json() || (idle && placing.all_well) || Weight::Detail.is_told() {
            let changed = placing.changed.iter().map(ToString::to_string).collect();
            Notice::Built { cargo_micros: cargo_micros(built), changed }.tell(&self.output)?;
        }
        match &self.hosted {
            _ if idle => Ok(()),
            Some(hosted) => self.tell_what_goes_on(&hosted.look(&placing.changed, &placing.together)?),
            None => self.tell_placed(placing, built),
        }
    }

    /// Waits until a source was touched and all have rested. `false`: the end has come.
    fn wait(&mut self) -> bool {
        let mut quiet = QUIET;
        loop {
            let message = if self.touched.is_empty() {
                self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                self.inbox.recv_timeout(quiet)
            };
            match message {
                Ok(Message::Touched(path, whole)) => {
                    quiet = if whole { WHOLE } else { QUIET };
                    self.touched.take(path.as_deref(), &self.workspaces);
                }
                Ok(Message::Built(_)) => {}
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => return true,
            }
        }
    }

    /// Asks cargo again which packages there are and what they depend on. Where that fails, the build that follows
    /// says why, and the packages stay those that they were.
    fn find_again(&mut self) {
        let found = packages::find(&self.cargo, &self.args.crates.paths);
        if let Some(found) = found.ok().filter(packages::Found::is_whole) {
            self.workspaces = found.workspaces;
        }
        self.touched.all(&self.workspaces);
    }

    /// Builds what was touched. `None`: the end has come.
    fn build(&mut self, quiet: bool) -> Result<Option<Vec<(usize, Built)>>, CliError> {
        let jobs: Vec<(usize, Workspace)> = self
            .touched
            .take_workspaces()
            .filter_map(|number| self.workspaces.get(number).map(|workspace| (number, workspace.clone())))
            .collect();
        if let Some(view) = self.output.view() {
            view.building();
        } else if quiet {
            // Cargo itself says nothing then, and may take its time.
            let plugins = jobs.iter().flat_map(|(_, workspace)| &workspace.plugins);
            let plugins = plugins.map(|plugin| plugin.label().to_owned()).collect();
            Notice::Rebuilding { plugins }.tell(&self.output)?;
        }
        let (cargo, sender) = (Arc::clone(&self.cargo), self.sender.clone());
        let mode = Mode {
            release: self.args.crates.release,
            quiet: quiet || self.output.is_json() || !Weight::News.is_told(),
        };
        let work = move || {
            let built = jobs.iter().map(|(number, workspace)| Ok((*number, cargo.build(workspace, mode)?)));
            drop(sender.send(Message::Built(built.collect())));
        };
        let thread = std::thread::Builder::new().name("reactor-build".to_owned());
        let thread = thread.spawn(work).map_err(|source| CliError::Thread { source })?;
        // Beside cargo, which takes longer. Whatever changed in a folder that was not followed until now is read by it, or
        // is seen from here on.
        if let Some(sources) = &mut self.sources {
            sources.refresh(&self.workspaces)?;
        }
        let result = loop {
            match self.inbox.recv() {
                Ok(Message::Built(built)) => break built.map(Some),
                Ok(Message::Touched(path, _)) => self.touched.take(path.as_deref(), &self.workspaces),
                Ok(Message::End) | Err(_) => {
                    self.cargo.end();
                    break Ok(None);
                }
            }
        };
        // It has only its thread's end before it; a panic has been printed by it.
        drop(thread.join());
        result
    }
}

/// How long cargo took for all of these.
fn cargo_micros(built: &[(usize, Built)]) -> u64 {
    built.iter().map(|(_, built)| whole(built.took)).sum()
}
