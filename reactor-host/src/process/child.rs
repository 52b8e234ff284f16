//! The plugin's side: the process that opens one library and serves one instance of it.
//!
//! Below the library stands what stands below it in the host: the loader, the instance, its life and its context. What
//! the plugin asks goes through a [`Desk`] that passes it on to the host.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use reactor_abi::context::Birth;
use reactor_abi::ffi::interface::StreamStatus;
use reactor_abi::ffi::{Op, RequestKind, Status, Time};
use reactor_abi::interface::{Provider, Want};
use reactor_abi::log::Level;
use reactor_abi::{Error, Value};

use super::failure_of_ours;
use super::frame::{self, Answer, Ask, Hello, Note};
use super::host::MARK;
use super::lending::{self, unanswered};
use super::line::{Line, Servant};
use crate::interfaces::Wanted;
use crate::manifest::PluginId;
use crate::native::context::Desk;
use crate::native::instance::{Alone, Code, Failure};
use crate::native::life::Stage;
use crate::native::open::Forecast;
use crate::native::pool::Target;
use crate::native::remote::{
    Beyond, Lent, Outcome, Road, close_inherited, exit_at_once, passage, passage_to,
};
use crate::native::{Image, Instance, Lease, Life};
use crate::routes::Routes;
use crate::stage::Staged;

/// If this process was started as a plugin's, serves that plugin and does not return.
pub(crate) fn serve_if_asked() {
    if std::env::args_os().nth(1).is_none_or(|first| first != MARK) {
        return;
    }
    match connect() {
        Ok(stream) => serve(stream),
        Err(error) => {
            eprintln!(
                "`{MARK}` is for processes that a Reactor host starts, with a socket as their input: {error}"
            );
            std::process::exit(2);
        }
    }
}

/// Takes the socket, and leaves the plugin nothing of it to find.
fn connect() -> std::io::Result<UnixStream> {
    // First of all that a host has started it: nothing is done to any other process.
    let stream = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    stream.peer_addr()?;
    close_inherited()?;
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    rustix::stdio::dup2_stdin(std::fs::File::open("/dev/null")?)?;
    Ok(stream)
}

fn serve(mut stream: UnixStream) -> ! {
    // Whatever goes wrong from here on: the host sees that this process ends, and says so.
    let Ok((line, routes)) = greet(&mut stream) else { die() };
    let desk = Forwarder { line: Arc::clone(&line), routes, wants: Arc::default() };
    let ward: Arc<dyn Servant> = Arc::new(Ward {
        desk: Arc::new(desk),
        image: Mutex::default(),
        instance: Mutex::default(),
        life: OnceLock::new(),
    });
    line.listen(stream, &ward);
    // The host has ended, or will not hear of this process any more.
    die()
}

/// The most threads that see to what the host asks: as many as there are callers inside.
const MOST_CALLS: usize = 1 << 14;

fn greet(stream: &mut UnixStream) -> std::io::Result<(Arc<Line>, Arc<Routes>)> {
    let line = Line::new(stream.try_clone()?, "reactor-serve", MOST_CALLS)?;
    line.greet(&Hello::ours())?;
    let body = frame::read(stream).map_err(std::io::Error::other)?;
    let fits = Hello::decode(&body).is_some_and(|theirs| Hello::ours().difference(&theirs).is_none());
    // The host says what differs.
    if fits { Ok((line, Routes::new())) } else { Err(std::io::Error::other("another version")) }
}

/// Ends this process at once. Nothing of the plugin's runs any more: what runs at a process's end belongs to somebody
/// whose host is there.
fn die() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

/// The one instance of this process.
struct Ward {
    desk: Arc<Forwarder>,
    image: Mutex<Option<Image>>,
    instance: Mutex<Option<Arc<Instance>>>,
    life: OnceLock<Arc<Life>>,
}

impl Ward {
    fn instance(&self) -> MutexGuard<'_, Option<Arc<Instance>>> {
        self.instance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, path: &[u8], needed: &[String], closable: bool) -> Result<Vec<u8>, Error> {
        let path = OsStr::from_bytes(path).into();
        // The host has read the file, and knows the reasons.
        let forecast = Forecast { planted: closable, ..Forecast::default() };
        let opened = Image::open(Staged::by_the_host(path), forecast, true, needed);
        let image = opened.map_err(|error| Error::new(error.code(), error.to_string()))?;
        *self.image.lock().unwrap_or_else(PoisonError::into_inner) = Some(image);
        Ok(Vec::new())
    }

    fn create(
        &self,
        birth: &[u8],
        provides: Vec<(String, String)>,
    ) -> Result<Result<Vec<u8>, Failure>, Error> {
        let image = self.image.lock().unwrap_or_else(PoisonError::into_inner).take();
        let image = image.ok_or_else(failure_of_ours)?;
        let birth: Birth = postcard::from_bytes(birth)?;
        let id = crate::native::services::plugin_id(&birth.id)?;
        let version = birth.version.parse().map_err(|_| failure_of_ours())?;
        let provides = provides.into_iter().map(|(name, version)| Ok((name, version.parse()?)));
        let provides = provides.collect::<Result<_, semver::Error>>().map_err(|_| failure_of_ours())?;
        let (routes, number) = (&self.desk.routes, birth.generation);
        let life = Life::new(routes.pool(), routes.weak(), id, version, number, provides, Arc::default());
        let host = Arc::clone(&self.desk.line);
        life.tasks.report_to(Box::new(move |round, running| host.tell(Note::Tasks { round, running })));
        let _ = self.life.set(Arc::clone(&life));
        let desk: Arc<dyn Desk> = Arc::clone(&self.desk) as _;
        let code = Code::Loaded(Box::new(image));
        match Instance::create(code, &life, Arc::downgrade(&desk), &birth, false) {
            Ok(instance) => {
                *self.instance() = Some(Arc::new(instance));
                Ok(Ok(Vec::new()))
            }
            Err((rest, failure)) => {
                *self.instance() = Some(Arc::new(*rest));
                Ok(Err(failure))
            }
        }
    }

    fn call(&self, op: u8, name: &str, input: &[u8]) -> Result<Result<Vec<u8>, Failure>, Error> {
        let instance = self.instance().clone().ok_or_else(failure_of_ours)?;
        let life = self.life.get().ok_or_else(failure_of_ours)?;
        match Op::from_number(op).ok_or_else(failure_of_ours)? {
            // The host has seen to it that nobody is inside; it is looked at here as it is there.
            Op::Restore => {
                let alone = Alone::check(life).ok_or_else(failure_of_ours)?;
                Ok(instance.restore(&alone, input))
            }
            Op::Invoke => Ok(instance.call(Op::Invoke, name, input)),
            op => {
                // What is granted in a phase only is granted in it here, too.
                let _running = life.phase(op.name());
                Ok(instance.call(op, name, input))
            }
        }
    }

    fn destroy(&self) -> Result<Result<Vec<u8>, Failure>, Error> {
        let instance = self.instance().take().ok_or_else(failure_of_ours)?;
        // Nobody is inside, says the host: it is alone with it.
        let mut instance = Arc::try_unwrap(instance).map_err(|shared| {
            *self.instance() = Some(shared);
            failure_of_ours()
        })?;
        instance.cut_imports();
        let destroyed = instance.destroy().map(|()| Vec::new());
        *self.instance() = Some(Arc::new(instance));
        Ok(destroyed)
    }

    /// Closes the library, if nothing of it runs, and has the process end.
    fn close(&self) -> Answer<'static> {
        let free = self.life.get().is_some_and(|life| {
            life.shut();
            life.inside() == 0 && life.traces.is_threadless()
        });
        if let (true, Some(instance)) = (free, self.instance().take().and_then(Arc::into_inner))
            && instance.obstacles().is_empty()
            && instance.is_destroyed()
        {
            instance.close();
            std::process::exit(0)
        }
        // Somebody of the plugin's is still at work.
        exit_at_once()
    }
}

impl Servant for Ward {
    fn serve(&self, number: u64, ask: Ask<'static>) -> Answer<'static> {
        let answered = match ask {
            Ask::Open { path, needed, closable } => self.open(&path.0, &needed, closable).map(Ok),
            Ask::Create { birth, provides } => self.create(&birth.0, provides),
            Ask::Call { op, name, input } => self.call(op, &name, &input.0),
            Ask::Export { export, call } => {
                let Some(instance) = self.instance().clone() else {
                    return Answer::failed(&failure_of_ours());
                };
                let run =
                    |input: &[u8], lent: &Lent<'_>| instance.call_export(export, call.place, input, lent);
                return self.desk.line.lend(number, &call, run);
            }
            Ask::Back { lent_to, at, call } => return self.desk.line.call_back(number, lent_to, at, &call),
            Ask::Destroy => self.destroy(),
            Ask::Close => return self.close(),
            // What is asked of a host.
            _ => Err(failure_of_ours()),
        };
        match answered {
            Ok(Err(Failure { error, panicked: true })) => Answer::new(Status::Panicked, error.encode()),
            Ok(Err(Failure { error, panicked: false })) | Err(error) => Answer::failed(&error),
            Ok(Ok(bytes)) => Answer::done(bytes),
        }
    }

    fn note(&self, note: Note) {
        let Some(life) = self.life.get() else { return };
        match note {
            Note::Stage(stage) => life.set_stage(Stage::from_number(stage)),
            Note::CloseTasks { round } => {
                life.tasks.close_in_round(round);
                // Who tells may wait for the host to read, and the reader for nobody.
                let life = Arc::clone(life);
                self.desk.line.later(move || life.tasks.tell());
            }
            Note::ReopenTasks => life.tasks.reopen(),
            // Only this side says these.
            Note::Tasks { .. } | Note::Panicked => {}
        }
    }
}

/// Questions for interfaces, each with its number.
type Wants = Vec<(Arc<Wanted>, u32)>;

/// What the plugin asks, asked of the host.
#[derive(Clone)]
struct Forwarder {
    line: Arc<Line>,
    routes: Arc<Routes>,
    /// What the plugin wants of others' interfaces, with the number that the host knows it by.
    wants: Arc<Mutex<Wants>>,
}

impl Forwarder {
    fn ask(&self, ask: Ask<'_>) -> Outcome {
        self.line.ask(ask).map_or_else(unanswered, Outcome::from)
    }

    fn wants(&self) -> MutexGuard<'_, Wants> {
        self.wants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number that the host knows a question for an interface by.
    fn number(&self, wanted: &Arc<Wanted>) -> Option<u32> {
        self.wants().iter().find(|(known, _)| Arc::ptr_eq(known, wanted)).map(|(_, number)| *number)
    }

    /// Asks about a stream until something came of it or the time is over.
    fn stream(&self, wait: Duration, ask: impl Fn(u64) -> Ask<'static>) -> (StreamStatus, Vec<u8>) {
        let until = Instant::now().checked_add(wait);
        loop {
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            let nanoseconds = u64::try_from(left.as_nanos()).unwrap_or(u64::MAX);
            let Ok(answer) = self.settled(ask(nanoseconds)) else {
                return (StreamStatus::Closed, Vec::new());
            };
            match answer.split_first() {
                Some((status, bytes)) if *status == StreamStatus::Done as u8 => {
                    return (StreamStatus::Done, bytes.to_vec());
                }
                Some((status, _)) if *status == StreamStatus::Waiting as u8 => {
                    if left.is_zero() {
                        return (StreamStatus::Waiting, Vec::new());
                    }
                }
                Some((_, bytes)) => return (StreamStatus::Closed, bytes.to_vec()),
                None => return (StreamStatus::Closed, Vec::new()),
            }
        }
    }

    fn settled(&self, ask: Ask<'_>) -> Result<Vec<u8>, Error> {
        let outcome = self.ask(ask);
        reactor_abi::ffi::client::settle(outcome.status, outcome.bytes)
    }
}

impl Desk for Forwarder {
    fn log(&self, _: &Life, level: Level, message: &str, fields: &[(String, Value)]) {
        let fields = postcard::to_stdvec(fields).unwrap_or_default();
        self.ask(Ask::Log { level: level as u8, message: message.into(), fields: fields.into() });
    }

    fn time(&self) -> Time {
        let answer = self.settled(Ask::Time).unwrap_or_default();
        let clock = |at: usize| {
            let bytes = answer.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
            u64::from_le_bytes(bytes.unwrap_or_default())
        };
        Time { monotonic_ns: clock(0), unix_ns: clock(8) }
    }

    fn request(&self, _: &Life, kind: RequestKind, target: PluginId) -> Result<(), Error> {
        self.settled(Ask::Request { kind: kind as u8, plugin: target.as_str().into() }).map(drop)
    }

    fn output(&self, _: &Life, plugin: &PluginId) -> Result<Vec<u8>, Error> {
        self.settled(Ask::Output { plugin: plugin.as_str().into() })
    }

    fn lease(&self, life: &Life, target: &Target) -> Arc<Lease> {
        let (pool, routes) = (self.routes.pool(), self.routes.weak());
        match target {
            Target::Plugin(plugin) => passage(pool, routes, plugin, life.number, Arc::new(self.clone())),
            Target::Interface(wanted) => {
                // `wanted` was asked first: it is known by a number.
                let want = self.number(wanted).unwrap_or(u32::MAX);
                let road = Box::new(Imported { line: Arc::clone(&self.line), want });
                passage_to(pool, routes, wanted, life.number, road)
            }
            Target::Own => Arc::new(Lease::new(pool, routes, Target::Own, Some(life.number))),
        }
    }

    fn wanted(&self, life: &Life, want: Want) -> Result<Arc<Wanted>, Error> {
        let encoded = postcard::to_stdvec(&want)?;
        let number = self.settled(Ask::Want { want: encoded.into() })?;
        let number = u32::from_le_bytes(number.try_into().map_err(|_| failure_of_ours())?);
        // Nobody provides anything here: it is only checked, and the same for the same question.
        let wanted = self.routes.wanted(want, Some(life.number))?;
        let mut wants = self.wants();
        if !wants.iter().any(|(known, _)| Arc::ptr_eq(known, &wanted)) {
            wants.push((Arc::clone(&wanted), number));
        }
        Ok(wanted)
    }

    fn provider(&self, _: &Life, wanted: &Arc<Wanted>) -> Result<Provider, Error> {
        let want = self.number(wanted).ok_or_else(failure_of_ours)?;
        Ok(postcard::from_bytes(&self.settled(Ask::Provider { want })?)?)
    }

    fn offered(&self, life: &Life, interface: &str) {
        let Some((export, descriptor)) = life.exports.described(interface) else { return };
        // What the host does not take is missed there when `register` is over.
        let descriptor = postcard::to_stdvec(&descriptor).unwrap_or_default();
        self.ask(Ask::Provide { export, descriptor: descriptor.into() });
    }

    fn stream_open(&self, _: &Life, capacity: u32) -> Result<u64, Error> {
        let number = self.settled(Ask::StreamOpen { capacity })?;
        Ok(u64::from_le_bytes(number.try_into().map_err(|_| failure_of_ours())?))
    }

    fn stream_push(&self, _: &Life, stream: u64, item: &[u8], wait: Duration) -> StreamStatus {
        let item: Arc<[u8]> = item.into();
        let push = |nanoseconds| Ask::StreamPush { stream, item: item.to_vec().into(), nanoseconds };
        self.stream(wait, push).0
    }

    fn stream_close(&self, _: &Life, stream: u64, error: &[u8]) {
        self.ask(Ask::StreamClose { stream, error: error.into() });
    }

    fn stream_next(&self, _: &Life, stream: u64, wait: Duration) -> (StreamStatus, Vec<u8>) {
        self.stream(wait, |nanoseconds| Ask::StreamNext { stream, nanoseconds })
    }

    fn stream_cancel(&self, stream: u64) {
        self.ask(Ask::StreamCancel { stream });
    }

    fn notify(&self) {
        self.routes.signal().notify();
    }

    fn panicked(&self, _: &Life) {
        self.line.tell(Note::Panicked);
    }

    fn died(&self, _: &Life, _: Error) {}
}

/// What the plugin imports.
struct Imported {
    line: Arc<Line>,
    want: u32,
}

impl Road for Imported {
    fn call(&self, method: u32, input: &[u8], lent: &Lent<'_>) -> Outcome {
        let ask = Ask::Import { want: self.want, call: lending::call(method, input, lent) };
        self.line.ask_lending(ask, lent).unwrap_or_else(unanswered)
    }
}

impl Beyond for Forwarder {
    fn invoke(&self, target: &PluginId, action: &str, input: &[u8]) -> Outcome {
        self.ask(Ask::Invoke { plugin: target.as_str().into(), action: action.into(), input: input.into() })
    }
}
