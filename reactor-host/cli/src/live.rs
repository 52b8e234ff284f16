//! The live view: a table of plugins that is kept up to date on a terminal, and below it the last lines.
//!
//! Owns what is shown, the thread that draws it, and the terminal while it does. Whoever has something to say leaves it
//! here and goes on: nothing waits for the terminal. It never knows what the command is about.

mod frame;
mod model;
mod observer;
mod screen;
mod text;

#[cfg(not(unix))]
mod no_terminal;
#[cfg(unix)]
mod terminal;

use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[cfg(not(unix))]
pub(crate) use self::no_terminal::restore;
pub(crate) use self::observer::Observer;
#[cfg(unix)]
pub(crate) use self::terminal::restore;

use self::frame::frame;
use self::model::Model;
#[cfg(not(unix))]
use self::no_terminal::Terminal;
use self::screen::{Pace, Screen};
#[cfg(unix)]
use self::terminal::Terminal;
use crate::error::CliError;

/// How often the size of the terminal is asked for when nothing else happens.
const TICK: Duration = Duration::from_millis(250);
/// How long the end waits for a terminal that takes nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is shown, and the terminal that it is shown on.
pub(crate) struct Shared {
    state: Mutex<Showing>,
    changed: Condvar,
    terminal: Terminal,
}

struct Showing {
    model: Model,
    is_new: bool,
    ending: bool,
    /// Why nothing can be drawn any more.
    failed: Option<io::ErrorKind>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, Showing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows more lines.
    ///
    /// # Errors
    ///
    /// That the terminal is gone.
    pub(crate) fn say(&self, text: &str) -> io::Result<()> {
        if !self.terminal.is_entered() {
            // It was given back early, after a panic somewhere. What is still said is lines.
            return crate::output::line(&mut anstream::stdout(), text);
        }
        let mut state = self.state();
        if let Some(kind) = state.failed {
            return Err(kind.into());
        }
        state.model.say(text);
        state.is_new = true;
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// A build begins.
    pub(crate) fn building(&self) {
        self.update(Model::build);
    }

    /// Says what keeps a plugin's newest build from running, or that nothing does.
    pub(crate) fn mark(&self, plugin: &str, why: Option<&str>) {
        self.update(|model| model.mark(plugin, why));
    }

    fn update(&self, change: impl FnOnce(&mut Model)) {
        let mut state = self.state();
        change(&mut state.model);
        state.is_new = true;
        drop(state);
        self.changed.notify_all();
    }

    /// Draws until the end.
    fn draw(&self) -> io::Result<()> {
        let (mut screen, mut pace) = (Screen::default(), Pace::default());
        let mut looked = Instant::now();
        self.terminal.clear()?;
        loop {
            let mut state = self.state();
            let until = Instant::now() + TICK;
            while !state.ending {
                let now = Instant::now();
                let next = if state.is_new { pace.next(now) } else { until };
                if next <= now {
                    break;
                }
                state =
                    self.changed.wait_timeout(state, next - now).unwrap_or_else(PoisonError::into_inner).0;
            }
            let ending = state.ending;
            state.is_new = false;
            let size = self.terminal.size();
            let lines = frame(&state.model, size);
            drop(state);
            // This process was stopped and goes on, and a shell has written over the screen.
            if looked.elapsed() > 4 * TICK {
                self.terminal.clear()?;
                screen = Screen::default();
            }
            looked = Instant::now();
            if let Some(bytes) = screen.show(lines, size, self.terminal.has_colours()) {
                self.terminal.write(&bytes)?;
                pace.drawn(Instant::now());
            }
            if ending {
                return Ok(());
            }
        }
    }
}

/// The view, until it is dropped: then the terminal is as it was, and the last lines are left behind in it.
pub(crate) struct View {
    shared: Arc<Shared>,
    drawn: Receiver<()>,
}

impl View {
    /// Takes the terminal over. `None`: this system has none that could be.
    ///
    /// # Errors
    ///
    /// [`CliError::Output`], [`CliError::Thread`].
    pub(crate) fn open(title: String) -> Result<Option<Self>, CliError> {
        let Some(terminal) = Terminal::open()? else { return Ok(None) };
        let state = Showing { model: Model::new(title), is_new: true, ending: false, failed: None };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), terminal });
        let (done, drawn) = channel();
        let ours = Arc::clone(&shared);
        let work = move || {
            if let Err(error) = ours.draw() {
                ours.state().failed = Some(error.kind());
            }
            // Whoever waited has gone on without us otherwise.
            let _ = done.send(());
        };
        let chatter = Arc::downgrade(&shared);
        let view = Self { shared: Arc::clone(&shared), drawn };
        shared.terminal.enter(move |line| {
            if let Some(shared) = chatter.upgrade() {
                shared.update(|model| model.print(line));
            }
        })?;
        let thread = std::thread::Builder::new().name("reactor-draw".to_owned());
        thread.spawn(work).map_err(|source| CliError::Thread { source })?;
        Ok(Some(view))
    }

    /// Where to say things.
    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.shared.state().ending = true;
        self.shared.changed.notify_all();
        let stuck = self.drawn.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
        if !self.shared.terminal.leave() || stuck {
            // It takes nothing: what is left to say would wait for ever.
            return;
        }
        let lines = std::mem::take(&mut self.shared.state().model.lines);
        let mut stdout = anstream::stdout();
        for line in lines {
            if crate::output::line(&mut stdout, &line).is_err() {
                return;
            }
        }
    }
}

#[cfg(all(test, unix))]
#[path = "../tests/cli/pty.rs"]
#[expect(dead_code, reason = "most of it is for the tests of the whole command")]
mod pty;
#[cfg(all(test, unix))]
mod tests;
