//! Building, loading and swapping, one after another.

mod loading;
mod touched;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use reactor_host::Host;
use reactor_host::control::Control;

use self::touched::Touched;
use super::Message;
use super::notice::Notice;
use super::show::{Timing, Told, show, whole};
use super::sources::{Sources, folders};
use crate::args::DevArgs;
use crate::cargo_build::{Built, Cargo, Mode};
use crate::data_folder;
use crate::error::CliError;
use crate::interrupt;
use crate::live::Observer;
use crate::output::{Output, Printer, Weight};
use crate::packages::{self, Workspace};
use crate::private_host::{self, Files};
use crate::shelf::Shelf;

/// How long sources must rest before they are built: editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(20);

/// One `reactor dev`, from the first build to the end.
pub(super) struct Session<'a> {
    args: &'a DevArgs,
    output: Output,
    cargo: Arc<Cargo>,
    workspaces: Vec<Workspace>,
    /// Absent when nothing is to be followed.
    sources: Option<Sources>,
    host: Arc<Host>,
    /// Other commands ask the host by it; it ends with the host.
    control: Option<Control>,
    observer: Option<Observer>,
    printer: Printer,
    timing: Arc<Timing>,
    shelf: Shelf,
    sender: Sender<Message>,
    inbox: Receiver<Message>,
    touched: Touched,
    /// Holds the shelf; last, so that it is removed when nothing uses it any more.
    home: tempfile::TempDir,
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
        let (end, closed, touched) = (sender.clone(), sender.clone(), sender.clone());
        // A send fails when the session is over, here as everywhere below; then nobody needs the message.
        interrupt::on_first(move || drop(end.send(Message::End)))?;
        // Before the first build, so that whatever is edited meanwhile is built afterwards.
        let tell = move |path| drop(touched.send(Message::Touched(path)));
        let sources = if args.once { None } else { Some(Sources::watch(&workspaces, tell)?) };

        let home = tempfile::Builder::new().prefix("reactor-dev-").tempdir();
        let home = home.map_err(CliError::writing(std::env::temp_dir()))?;
        let shelf = Shelf::new(home.path().join("plugins"))?;
        let data = data_folder::for_host(args.data.path.as_deref(), &args.crates.paths[0], args.once)?;
        // The shelf is this command's own, wherever temporary folders are kept, and cargo has just filled it.
        let host =
            private_host::build(&[shelf.folder().to_owned()], Files::AsTheyAre, data.as_deref(), true)?;
        let host = Arc::new(host);
        let control = if data.is_some() { private_host::serve(&host)? } else { None };
        let observer = output.observe(&host)?;
        let timing = Arc::new(Timing::default());
        let (lines, times) = (output.clone(), Arc::clone(&timing));
        let mut told = Told::default();
        let print = move |event: &_| show(&lines, &times, &mut told, event);
        let printer = Printer::start(host.events(), print, move || drop(closed.send(Message::End)))?;
        let (cargo, touched) = (Arc::new(cargo), Touched::default());
        Ok(Self {
            args,
            output,
            cargo,
            workspaces,
            sources,
            host,
            control,
            observer,
            printer,
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
        let (_, placed) = self.place(&built)?;
        let report = self.printer.after(&self.host, Host::start)?;
        let running = self.count_running(&report)?;
        let all_well = placed && report.is_ok() && running == self.shelf.plugins().count();
        if self.sources.is_some() {
            let folders = folders(&self.workspaces).into_iter().map(Path::to_owned).collect();
            Notice::Following { folders, running }.tell(&self.output)?;
            self.follow()?;
        }
        Ok(all_well)
    }

    /// Stops the plugins and prints what they have to say about it.
    pub(super) fn finish(self) -> Result<(), CliError> {
        let Self { host, control, observer, printer, home, .. } = self;
        let stopped = host.stop();
        // The last one to hold the host drops it, which is to be this thread.
        drop(observer);
        drop(host);
        drop(control);
        printer.finish()?;
        let path = home.path().to_owned();
        home.close().map_err(CliError::writing(path))?;
        Ok(stopped.map(drop)?)
    }

    /// Builds and swaps whatever is edited, until the end.
    fn follow(&mut self) -> Result<(), CliError> {
        while self.wait() {
            if self.touched.take_packages() {
                self.find_again();
            }
            if let Some(sources) = &mut self.sources {
                sources.refresh(&self.workspaces)?;
            }
            let Some(built) = self.build(true)? else { break };
            let (changed, placed) = self.place(&built)?;
            let cargo_micros = built.iter().map(|(_, built)| whole(built.took)).sum();
            let idle = changed.is_empty();
            let notice = Notice::Built { cargo_micros, changed };
            // People see the swap itself; that there is none needs saying.
            if self.output.is_json() || (idle && placed) || Weight::Detail.is_told() {
                notice.tell(&self.output)?;
            }
            if !idle {
                let report = self.printer.after(&self.host, Host::rescan)?;
                self.tell_what_goes_on(&report)?;
            }
        }
        Ok(())
    }

    /// Waits until a source was touched and all have rested. `false`: the end has come.
    fn wait(&mut self) -> bool {
        loop {
            let message = if self.touched.is_empty() {
                self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                self.inbox.recv_timeout(QUIET)
            };
            match message {
                Ok(Message::Touched(path)) => self.touched.take(path.as_deref(), &self.workspaces),
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
            self.touched.all(&self.workspaces);
        }
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
        let result = loop {
            match self.inbox.recv() {
                Ok(Message::Built(built)) => break built.map(Some),
                Ok(Message::Touched(path)) => self.touched.take(path.as_deref(), &self.workspaces),
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
