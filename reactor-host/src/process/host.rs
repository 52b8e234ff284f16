//! The host's side: one plugin's process, from its start to its end.
//!
//! The end of the process is told by its keeper alone. When the conversation breaks, for whatever reason, the process is
//! killed; when it has ended, who waits for an answer is told how. What it asks meanwhile is for `asked`.

mod asked;

use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use reactor_abi::Error;
use reactor_abi::ffi::Status;
use reactor_abi::interface::PROCESS_GONE;

use self::asked::Wants;
use super::frame::{Ask, Hello, Note, Torn};
use super::keeper::Keeper;
use super::line::{Broken, Line, Servant, Unanswered, too_long};
use super::{GREETING, greeting};
use crate::load::{LoadError, Prepared};
use crate::manifest::PluginId;
use crate::native::context::Context;
use crate::native::life::Stage;
use crate::native::remote::{ENDED_BEFORE, Outcome, Remote};

/// The first argument of a plugin's process. What follows is for people who look at a list of processes.
pub(crate) const MARK: &str = "--serve-reactor-plugin";

/// The most threads that see to what a plugin's own threads ask.
const MOST_ASKING: usize = 256;

/// How long a process may take to end that was told to.
const ENDING: Duration = Duration::from_secs(2);

/// See the module.
pub(crate) struct Process {
    plugin: PluginId,
    generation: u64,
    line: Arc<Line>,
    keeper: Arc<Keeper>,
    /// Who answers it; none before the instance is made, nor when the process has ended.
    context: Mutex<Option<Arc<Context>>>,
    /// It was told to end, or nobody needs it any more: that it ends is nothing to tell.
    expected: Mutex<bool>,
    /// See [`Wants`].
    wants: Mutex<Wants>,
    /// The private copy that it opened.
    library: Mutex<Option<Prepared>>,
    me: Weak<Self>,
}

impl Process {
    /// Starts `runner`, greets it, and has it open the library. `begun` is called before anything is waited for.
    pub(crate) fn start(
        runner: &Path,
        plugin: &PluginId,
        generation: u64,
        library: Prepared,
        begun: impl FnOnce(&Arc<Self>),
    ) -> Result<Arc<Self>, LoadError> {
        let failed = |error: std::io::Error| LoadError::NotStarted {
            id: plugin.clone(),
            runner: runner.to_owned(),
            message: error.to_string(),
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let mut command = Command::new(runner);
        command.arg0("reactor-runner").arg(MARK).arg(plugin.as_str()).arg(generation.to_string());
        command.stdin(Stdio::from(OwnedFd::from(theirs)));
        // What is typed at a terminal, Ctrl-C above all, is for the host, which then stops the plugin as it should.
        command.process_group(0);
        let reader = ours.try_clone().map_err(failed)?;
        let line = Line::new(ours, &format!("reactor:{plugin}"), MOST_ASKING).map_err(failed)?;
        let process = Arc::new_cyclic(|me| Self {
            plugin: plugin.clone(),
            generation,
            line,
            keeper: Arc::default(),
            context: Mutex::default(),
            expected: Mutex::new(true),
            wants: Mutex::default(),
            library: Mutex::new(Some(library)),
            me: me.clone(),
        });
        let over = {
            let process = Arc::clone(&process);
            move |end: &str| process.over(end)
        };
        process.keeper.start(command, format!("reactor-watch:{plugin}"), over).map_err(failed)?;
        begun(&process);
        if let Err(error) = process.begin(reader, runner) {
            process.kill("it was of no use");
            return Err(error);
        }
        Ok(process)
    }

    fn begin(self: &Arc<Self>, reader: UnixStream, runner: &Path) -> Result<(), LoadError> {
        let stranger = |message: String| LoadError::NoAnswer {
            id: self.plugin.clone(),
            runner: runner.to_owned(),
            message,
        };
        let deadline = Instant::now() + GREETING;
        let greeted = self.line.greet(&Hello::ours()).map_err(Torn::Read);
        let greeting = match greeted.and_then(|()| greeting::read(&reader, deadline)) {
            Ok(body) => Hello::decode(&body),
            Err(torn) => {
                let end = self.keeper.wait(ENDING).then(|| self.keeper.end()).flatten();
                return Err(stranger(end.unwrap_or_else(|| torn.to_string())));
            }
        };
        let theirs = greeting.ok_or_else(|| stranger("what it said is no greeting".to_owned()))?;
        if let Some(difference) = Hello::ours().difference(&theirs) {
            return Err(LoadError::OtherRunner {
                id: self.plugin.clone(),
                runner: runner.to_owned(),
                difference,
            });
        }
        reader.set_read_timeout(None).map_err(|error| stranger(error.to_string()))?;
        let (this, servant) = (Arc::clone(self), Arc::clone(self) as Arc<dyn Servant>);
        let listen = move || this.broken(&this.line.listen(reader, &servant));
        let name = format!("reactor-read:{}", self.plugin);
        let listening = std::thread::Builder::new().name(name).spawn(listen);
        listening.map_err(|error| stranger(error.to_string()))?;
        self.open()
    }

    fn open(&self) -> Result<(), LoadError> {
        let opened = {
            let library = self.library.lock().unwrap_or_else(PoisonError::into_inner);
            // When the process has ended there is none any more, and nobody to ask.
            let (path, needed, closable) = library.as_ref().map_or_else(Default::default, |library| {
                let path = library.staged.path().as_os_str().as_bytes().to_vec();
                (path, library.needed.clone(), library.forecast.is_closable())
            });
            Ask::Open { path: path.into(), needed, closable }
        };
        let outcome = self.ask(opened);
        if outcome.status == Status::Done {
            return Ok(());
        }
        let error = Error::decode(&outcome.bytes);
        Err(LoadError::Elsewhere {
            id: self.plugin.clone(),
            code: crate::codes::find(error.code()).map(|known| known.code),
            message: error.message().to_owned(),
        })
    }

    fn context(&self) -> MutexGuard<'_, Option<Arc<Context>>> {
        self.context.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expect_its_end(&self, expected: bool) -> bool {
        std::mem::replace(&mut *self.expected.lock().unwrap_or_else(PoisonError::into_inner), expected)
    }

    /// The conversation has ended. Whatever the process does now, nobody hears it.
    fn broken(&self, broken: &Broken) {
        self.keeper.kill(broken.told().as_deref());
    }

    /// The process has ended.
    fn over(&self, end: &str) {
        self.line.fall(end);
        *self.library.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let Some(context) = self.context().take() else { return };
        // None of them runs any more.
        context.life.tasks.hear(u64::MAX, Vec::new());
        if let (false, Ok(desk)) = (self.expect_its_end(true), context.desk()) {
            desk.died(&context.life, self.ended_error(end));
        }
        context.life.ring();
    }

    fn ended_error(&self, end: &str) -> Error {
        let Self { plugin, generation, .. } = self;
        Error::new(
            PROCESS_GONE,
            format!("the process of {plugin} (generation {generation}) has ended: {end}"),
        )
    }

    fn ask(&self, ask: Ask<'_>) -> Outcome {
        self.line.ask(ask).map_or_else(|why| self.unanswered(why), Outcome::from)
    }

    fn unanswered(&self, why: Unanswered) -> Outcome {
        let Self { plugin, generation, .. } = self;
        match why {
            Unanswered::Meanwhile(end) => {
                Outcome::failed(&self.ended_error(&end).context("a call was inside"))
            }
            Unanswered::Before(end) => {
                let told = format!(
                    "{plugin} can not be called: the process of its generation {generation} has ended: {end}"
                );
                Outcome { status: Status::Blocked, bytes: Error::new(ENDED_BEFORE, told).encode() }
            }
            Unanswered::TooLong(length) => Outcome::failed(&too_long("call", length)),
        }
    }
}

impl Remote for Process {
    fn attach(&self, context: &Arc<Context>) {
        *self.context() = Some(Arc::clone(context));
        self.expect_its_end(false);
        // It may have ended just before.
        if self.keeper.end().is_some() {
            *self.context() = None;
        }
    }

    fn create(&self, birth: &[u8], provides: Vec<(String, String)>) -> Outcome {
        self.ask(Ask::Create { birth: birth.into(), provides })
    }

    fn call(&self, op: u8, name: &str, input: &[u8]) -> Outcome {
        self.ask(Ask::Call { op, name: name.into(), input: input.into() })
    }

    fn destroy(&self) -> Outcome {
        self.ask(Ask::Destroy)
    }

    fn set_stage(&self, stage: Stage) {
        self.line.tell(Note::Stage(stage as u8));
    }

    fn close_tasks(&self, round: u64) {
        self.line.tell(Note::CloseTasks { round });
    }

    fn reopen_tasks(&self) {
        self.line.tell(Note::ReopenTasks);
    }

    fn close(&self) {
        self.expect_its_end(true);
        // On a thread of its own: its last functions may hang.
        if let Some(this) = self.me.upgrade() {
            let told = move || drop(this.ask(Ask::Close));
            let _ = std::thread::Builder::new().name("reactor-close".to_owned()).spawn(told);
        }
        if !self.keeper.wait(ENDING) {
            self.keeper.kill(Some("it did not end when it was told to"));
            // A process that is killed ends, unless the system itself hangs; then there is nothing to be done.
            self.keeper.wait(ENDING);
        }
    }

    fn kill(&self, why: &str) {
        self.expect_its_end(true);
        self.keeper.kill(Some(why));
    }
}
