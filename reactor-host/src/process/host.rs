//! The host's side: one plugin's process, from its start to its end.
//!
//! The end of the process is told by its keeper alone. When the conversation breaks, for whatever reason, the process is
//! killed; when it has ended, who waits for an answer is told how.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use reactor_abi::Error;
use reactor_abi::ffi::{Op, RequestKind, Status};
use reactor_abi::interface::PROCESS_GONE;
use reactor_abi::log::Level;

use super::frame::{self, Answer, Ask, Hello, Note, Torn};
use super::keeper::Keeper;
use super::line::{Broken, Line, Servant, Unanswered, too_long};
use super::{GREETING, failure_of_ours, lending};
use crate::interfaces::Wanted;
use crate::load::{LoadError, Prepared};
use crate::manifest::PluginId;
use crate::native::context::Context;
use crate::native::life::Stage;
use crate::native::pool::Target;
use crate::native::remote::{Lent, Outcome, Remote, Road};

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
    keeper: OnceLock<Arc<Keeper>>,
    /// Who answers it; none before the instance is made, nor when the process has ended.
    context: Mutex<Option<Arc<Context>>>,
    /// It was told to end, or nobody needs it any more: that it ends is nothing to tell.
    expected: Mutex<bool>,
    /// What it wants of others' interfaces, by the numbers that it knows them by.
    wants: Mutex<Vec<Arc<Wanted>>>,
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
            keeper: OnceLock::new(),
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
        let keeper = Keeper::start(command, format!("reactor-watch:{plugin}"), over).map_err(failed)?;
        // Set once, here.
        let _ = process.keeper.set(keeper);
        begun(&process);
        if let Err(error) = process.begin(reader, runner) {
            process.kill("it was of no use");
            return Err(error);
        }
        Ok(process)
    }

    fn begin(self: &Arc<Self>, mut reader: UnixStream, runner: &Path) -> Result<(), LoadError> {
        let stranger = |message: String| LoadError::NoAnswer {
            id: self.plugin.clone(),
            runner: runner.to_owned(),
            message,
        };
        // No longer than this in all: it is one small message.
        reader.set_read_timeout(Some(GREETING)).map_err(|error| stranger(error.to_string()))?;
        let greeted = self.line.greet(&Hello::ours()).map_err(Torn::Read);
        let greeting = match greeted.and_then(|()| frame::read(&mut reader)) {
            Ok(body) => Hello::decode(&body),
            Err(torn) => {
                let end = self.keeper().wait(ENDING).then(|| self.keeper().end()).flatten();
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
            let (path, needed) = library.as_ref().map_or_else(Default::default, |library| {
                (library.staged.path().to_string_lossy().into_owned(), library.needed.clone())
            });
            Ask::Open { path: path.into(), needed }
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

    fn keeper(&self) -> &Keeper {
        self.keeper.get_or_init(Arc::default)
    }

    fn context(&self) -> MutexGuard<'_, Option<Arc<Context>>> {
        self.context.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expect_its_end(&self, expected: bool) -> bool {
        std::mem::replace(&mut *self.expected.lock().unwrap_or_else(PoisonError::into_inner), expected)
    }

    /// The conversation has ended. Whatever the process does now, nobody hears it.
    fn broken(&self, broken: &Broken) {
        let why = (!broken.is_end()).then(|| format!("it sent what it must not: {broken}"));
        self.keeper().kill(why.as_deref());
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
                Outcome { status: Status::Blocked, bytes: Error::new("RE0641", told).encode() }
            }
            Unanswered::TooLong(length) => Outcome::failed(&too_long("call", length)),
        }
    }

    /// What the process asks of the host, in the name of its generation.
    fn asked(&self, number: u64, ask: Ask<'static>) -> Result<Answer<'static>, Error> {
        let context = self.context().clone();
        let context =
            context.ok_or_else(|| Error::new("RE0643", "it has no instance, and nothing to ask"))?;
        let (desk, life) = (context.desk()?, &context.life);
        let answer = match ask {
            Ask::Log { level, message, fields } => {
                let fields: Vec<_> = postcard::from_bytes(&fields.0).unwrap_or_default();
                desk.log(life, Level::from_number(level), &message, &fields);
                Ok(Vec::new())
            }
            Ask::Time => {
                let time = desk.time();
                Ok([time.monotonic_ns.to_le_bytes(), time.unix_ns.to_le_bytes()].concat())
            }
            Ask::Output { plugin } => desk.output(life, &named(&plugin)?),
            Ask::Request { kind, plugin } => {
                let kinds = [RequestKind::Swap, RequestKind::Disable, RequestKind::Stop];
                let kind =
                    kinds.into_iter().find(|known| *known as u8 == kind).ok_or_else(failure_of_ours)?;
                desk.request(life, kind, named(&plugin)?).map(|()| Vec::new())
            }
            Ask::Invoke { plugin, action, input } => {
                let target = Target::Plugin(named(&plugin)?);
                context.import(&target)?.call(Op::Invoke, &action, &input.0)
            }
            Ask::Provide { export, descriptor } => self.provide(&context, export, &descriptor.0),
            Ask::Want { want } => Ok(self.want(desk.wanted(life, postcard::from_bytes(&want.0)?)?)?.to_vec()),
            Ask::Provider { want } => Ok(postcard::to_stdvec(&desk.provider(life, &self.wanted(want)?)?)?),
            Ask::Import { want, call } => {
                let lease = context.import(&Target::Interface(self.wanted(want)?))?;
                let run = |input: &[u8], lent: &Lent<'_>| lease.call_method(call.place, input, lent);
                return Ok(self.line.lend(number, &call, run));
            }
            Ask::Back { lent_to, at, call } => return Ok(self.line.call_back(number, lent_to, at, &call)),
            Ask::StreamOpen { capacity } => {
                desk.stream_open(life, capacity).map(|number| number.to_le_bytes().to_vec())
            }
            Ask::StreamPush { stream, item, nanoseconds } => {
                Ok(vec![desk.stream_push(life, stream, &item.0, patience(nanoseconds)) as u8])
            }
            Ask::StreamNext { stream, nanoseconds } => {
                let (status, mut bytes) = desk.stream_next(life, stream, patience(nanoseconds));
                bytes.insert(0, status as u8);
                Ok(bytes)
            }
            Ask::StreamClose { stream, error } => {
                desk.stream_close(life, stream, &error.0);
                Ok(Vec::new())
            }
            Ask::StreamCancel { stream } => {
                desk.stream_cancel(stream);
                Ok(Vec::new())
            }
            Ask::Open { .. }
            | Ask::Create { .. }
            | Ask::Call { .. }
            | Ask::Export { .. }
            | Ask::Destroy
            | Ask::Close => Err(failure_of_ours()),
        };
        answer.map(Answer::done)
    }

    fn provide(&self, context: &Context, export: u32, descriptor: &[u8]) -> Result<Vec<u8>, Error> {
        let life = &context.life;
        // The process has looked at this already; what it says is not relied upon.
        if !life.phases().contains(&"register") {
            return Err(failure_of_ours());
        }
        let process = self.me.upgrade().ok_or_else(failure_of_ours)?;
        let road = Box::new(Exported { process, export });
        let interface = crate::native::remote::export(life, postcard::from_bytes(descriptor)?, road)?;
        context.desk()?.offered(life, &interface);
        Ok(Vec::new())
    }

    fn wants(&self) -> MutexGuard<'_, Vec<Arc<Wanted>>> {
        self.wants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a question for an interface.
    fn want(&self, wanted: Arc<Wanted>) -> Result<[u8; 4], Error> {
        let mut wants = self.wants();
        let known = wants.iter().position(|known| Arc::ptr_eq(known, &wanted));
        let at = known.unwrap_or_else(|| {
            wants.push(wanted);
            wants.len() - 1
        });
        u32::try_from(at).map(u32::to_le_bytes).map_err(|_| failure_of_ours())
    }

    fn wanted(&self, want: u32) -> Result<Arc<Wanted>, Error> {
        self.wants().get(want as usize).cloned().ok_or_else(failure_of_ours)
    }
}

fn named(plugin: &str) -> Result<PluginId, Error> {
    crate::native::services::plugin_id(plugin)
}

/// How long a thread of the host's waits for a stream at once; who wants to wait for longer asks again.
const STREAM_PATIENCE: Duration = Duration::from_secs(1);

fn patience(nanoseconds: u64) -> Duration {
    Duration::from_nanos(nanoseconds).min(STREAM_PATIENCE)
}

/// An object that the process offers.
struct Exported {
    process: Arc<Process>,
    export: u32,
}

impl Road for Exported {
    fn call(&self, method: u32, input: &[u8], lent: &Lent<'_>) -> Outcome {
        let ask = Ask::Export { export: self.export, call: lending::call(method, input, lent) };
        let answer = self.process.line.ask_lending(ask, lent);
        answer.unwrap_or_else(|why| self.process.unanswered(why))
    }
}

impl Servant for Process {
    fn serve(&self, number: u64, ask: Ask<'static>) -> Answer<'static> {
        self.asked(number, ask).unwrap_or_else(|error| Answer::failed(&error))
    }

    fn note(&self, note: Note) {
        let Some(context) = self.context().clone() else { return };
        match note {
            Note::Tasks { round, running } => {
                context.life.tasks.hear(round, running);
                context.life.ring();
            }
            Note::Panicked => context.life.count_panic(),
            // Only the host says these.
            Note::Stage(_) | Note::CloseTasks { .. } | Note::ReopenTasks => {}
        }
    }
}

impl Remote for Process {
    fn attach(&self, context: &Arc<Context>) {
        *self.context() = Some(Arc::clone(context));
        self.expect_its_end(false);
        // It may have ended just before.
        if self.keeper().end().is_some() {
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
        if !self.keeper().wait(ENDING) {
            self.keeper().kill(Some("it did not end when it was told to"));
            // A process that is killed ends, unless the system itself hangs; then there is nothing to be done.
            self.keeper().wait(ENDING);
        }
    }

    fn kill(&self, why: &str) {
        self.expect_its_end(true);
        self.keeper().kill(Some(why));
    }
}
