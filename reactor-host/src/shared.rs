//! What all threads of one host share: routes, events, clocks, outputs, the list of plugins, the queue of orders.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reactor_abi::ffi::interface::StreamStatus;
use reactor_abi::ffi::{RequestKind, Time};
use reactor_abi::interface::{Provider, Want};
use reactor_abi::log::Level;
use reactor_abi::{Error, Value};

use crate::account::Ledger;
use crate::clock::Clock;
use crate::discover::Change;
use crate::event::{EventKind, Events, micros};
use crate::interfaces::Wanted;
use crate::manifest::PluginId;
use crate::native::context::Desk;
use crate::native::{Lease, Life, Target};
use crate::order::Order;
use crate::report::{PluginInfo, Reason};
use crate::retained::Retention;
use crate::routes::{self, Routes};
use crate::store::Store;
use crate::streams::{ENDED, Streams};

/// See the module.
pub(crate) struct Shared {
    pub(crate) routes: Arc<Routes>,
    pub(crate) events: Arc<Events>,
    pub(crate) streams: Streams,
    pub(crate) ledger: Ledger,
    pub(crate) retained: Retention,
    /// What lasts.
    pub(crate) store: Store,
    clock: Arc<dyn Clock>,
    outputs: Mutex<Outputs>,
    listing: Mutex<Vec<PluginInfo>>,
    orders: Sender<Order>,
    /// What the folders' follower saw and nobody took up yet: the newest of each file.
    pending: Mutex<Vec<Change>>,
    /// What plugins asked for and nobody took up yet.
    asked: Mutex<HashSet<Asked>>,
    generations: AtomicU64,
    closing: AtomicBool,
}

/// What plugins built for their dependants.
#[derive(Default)]
struct Outputs {
    serving: HashMap<PluginId, Vec<u8>>,
    /// What generations see that are coming up together with those that built it, by the reader's number.
    beside: HashMap<u64, HashMap<PluginId, Vec<u8>>>,
}

impl Outputs {
    fn of(&self, reader: u64, plugin: &PluginId) -> Option<Vec<u8>> {
        let beside = self.beside.get(&reader).and_then(|outputs| outputs.get(plugin));
        beside.or_else(|| self.serving.get(plugin)).cloned()
    }
}

/// Who asks, for what, about whom.
type Asked = (PluginId, RequestKind, PluginId);

/// How many different requests of one plugin may wait.
const MOST_REQUESTS: usize = 256;

impl Shared {
    pub(crate) fn new(clock: Arc<dyn Clock>, orders: Sender<Order>, store: Store) -> Arc<Self> {
        let events = Arc::new(Events::new(std::time::Instant::now()));
        let routes = Routes::new();
        let told = Arc::clone(&events);
        routes.listen(move |change| tell_change(&told, change));
        Arc::new(Self {
            routes,
            events,
            streams: Streams::default(),
            ledger: Ledger::default(),
            retained: Retention::default(),
            store,
            clock,
            outputs: Mutex::default(),
            listing: Mutex::default(),
            orders,
            pending: Mutex::default(),
            asked: Mutex::default(),
            generations: AtomicU64::new(0),
            closing: AtomicBool::new(false),
        })
    }

    /// The host's monotonic clock.
    pub(crate) fn now(&self) -> std::time::Duration {
        self.read(|clock| clock.monotonic())
    }

    /// Milliseconds since 1970.
    pub(crate) fn unix_ms(&self) -> u64 {
        u64::try_from(self.read(|clock| clock.unix()).as_millis()).unwrap_or(u64::MAX)
    }

    /// Reads a clock, which may be the application's: one that panics reads as zero.
    fn read(&self, clock: impl Fn(&dyn Clock) -> std::time::Duration) -> std::time::Duration {
        catch_unwind(AssertUnwindSafe(|| clock(&*self.clock))).unwrap_or_default()
    }

    /// A number that no generation of this host had.
    pub(crate) fn next_generation(&self) -> u64 {
        self.generations.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Has every order but the last one passed over: the host is being dropped.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// See [`close`](Self::close).
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Queues changes of the folders. What is still queued about the same file is overtaken: however fast builds come,
    /// only the newest waits.
    pub(crate) fn changed(&self, changes: Vec<Change>) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = pending.is_empty();
        pending.retain(|old| !changes.iter().any(|new| new.source() == old.source()));
        pending.extend(changes);
        drop(pending);
        if was_empty {
            self.order(Order::Changes);
        }
    }

    /// Takes what [`changed`](Self::changed) queued.
    pub(crate) fn take_changes(&self) -> Vec<Change> {
        std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Queues an order. `false`: the conductor is gone.
    pub(crate) fn order(&self, order: Order) -> bool {
        self.orders.send(order).is_ok()
    }

    /// Notes that a plugin's request is taken up: from here on it may ask for the same again.
    pub(crate) fn take_request(&self, by: &PluginId, kind: RequestKind, target: &PluginId) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.remove(&(by.clone(), kind, target.clone()));
    }

    pub(crate) fn set_output(&self, plugin: &PluginId, output: Option<Vec<u8>>) {
        let mut outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        match output {
            Some(output) => outputs.serving.insert(plugin.clone(), output),
            None => outputs.serving.remove(plugin),
        };
    }

    /// Has generation `reader` see these outputs in place of those of what serves; none: as everybody.
    pub(crate) fn foresee_outputs(&self, reader: u64, built: HashMap<PluginId, Vec<u8>>) {
        let mut outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        if built.is_empty() {
            outputs.beside.remove(&reader);
        } else {
            outputs.beside.insert(reader, built);
        }
    }

    pub(crate) fn list(&self) -> Vec<PluginInfo> {
        self.listing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn publish(&self, listing: Vec<PluginInfo>) {
        *self.listing.lock().unwrap_or_else(PoisonError::into_inner) = listing;
    }

    /// Has a generation's tasks end, and what it streams.
    pub(crate) fn end_work(&self, life: &Life, why: &str) {
        let why = format!("generation {} of {} {why}: its streams have ended", life.number, life.plugin);
        let why = Error::new(ENDED, why);
        // Before the tasks: one that is told to end drops what it sends by, and who reads would take that for a good end.
        self.streams.end_of(life.number, &why);
        life.close_tasks();
        // What a task opened in between.
        self.streams.end_of(life.number, &why);
    }

    /// An event about a generation.
    pub(crate) fn tell(&self, life: &Life, kind: EventKind) {
        self.events.emit(Some(life.plugin.clone()), Some(life.version.clone()), Some(life.number), kind);
    }
}

impl Desk for Shared {
    fn log(&self, life: &Life, level: Level, message: &str, fields: &[(String, Value)]) {
        let (plugin, generation) = (life.plugin.as_str(), life.number);
        let message = clip(message);
        let shown = || {
            let fields: BTreeMap<_, _> =
                fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            fields
        };
        // First, since the application's subscriber may panic.
        let text = message.clone().into_owned();
        self.tell(life, EventKind::Log { level: level.name(), message: text, fields: shown() });
        macro_rules! pass_on {
            ($level:expr) => {
                tracing::event!(
                    target: "reactor::plugin", $level, plugin, generation, fields = ?shown(), "{message}"
                )
            };
        }
        match level {
            Level::Trace => pass_on!(tracing::Level::TRACE),
            Level::Debug => pass_on!(tracing::Level::DEBUG),
            Level::Info => pass_on!(tracing::Level::INFO),
            Level::Warn => pass_on!(tracing::Level::WARN),
            Level::Error => pass_on!(tracing::Level::ERROR),
        }
    }

    fn time(&self) -> Time {
        let nanoseconds =
            |duration: std::time::Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let unix_ns = nanoseconds(self.read(|clock| clock.unix()));
        Time { monotonic_ns: nanoseconds(self.now()), unix_ns }
    }

    fn request(&self, life: &Life, kind: RequestKind, target: PluginId) -> Result<(), Error> {
        let by = life.plugin.clone();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = (by.clone(), kind, target.clone());
        // However often a plugin asks, one order waits: what it asks for is done after it asked.
        if asked.contains(&waiting) {
            return Ok(());
        }
        if asked.iter().filter(|(asker, ..)| *asker == by).count() >= MOST_REQUESTS {
            return Err(Error::new(
                "RE0425",
                format!("{by} asked for {MOST_REQUESTS} things that the host has not come to yet; ask later"),
            ));
        }
        if self.order(Order::Request { by, kind, target }) {
            asked.insert(waiting);
            Ok(())
        } else {
            Err(Error::new("RE0605", "the host has shut down"))
        }
    }

    fn output(&self, life: &Life, plugin: &PluginId) -> Result<Vec<u8>, Error> {
        let outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        outputs.of(life.number, plugin).ok_or_else(|| {
            Error::new(
                "RE0613",
                format!("{plugin} has built nothing: it is not there, or has not run `build`"),
            )
        })
    }

    fn lease(&self, life: &Life, target: &Target) -> Arc<Lease> {
        self.routes.lease(target.clone(), importer(life))
    }

    fn wanted(&self, life: &Life, want: Want) -> Result<Arc<Wanted>, Error> {
        self.routes.wanted(want, importer(life))
    }

    fn provider(&self, life: &Life, wanted: &Arc<Wanted>) -> Result<Provider, Error> {
        self.routes.provider(wanted, importer(life))
    }

    fn offered(&self, life: &Life, interface: &str) {
        self.routes.offered(life, interface);
    }

    fn stream_open(&self, life: &Life, capacity: u32) -> Result<u64, Error> {
        self.streams.open(life.number, capacity)
    }

    fn stream_push(&self, life: &Life, stream: u64, item: &[u8], wait: Duration) -> StreamStatus {
        self.streams.push(life.number, stream, item, wait)
    }

    fn stream_close(&self, life: &Life, stream: u64, error: &[u8]) {
        self.streams.close(life.number, stream, error);
    }

    fn stream_next(&self, life: &Life, stream: u64, wait: Duration) -> (StreamStatus, Vec<u8>) {
        self.streams.next(life.number, stream, wait)
    }

    fn stream_cancel(&self, stream: u64) {
        self.streams.cancel(stream);
    }

    fn notify(&self) {
        self.routes.signal().notify();
    }

    fn panicked(&self, _: &Life) {}

    fn died(&self, life: &Life, reason: Error) {
        let reason = Reason::new(reason.code(), reason.message());
        self.order(Order::Died { generation: life.number, reason });
    }
}

/// As the routes know who calls: the application is nobody in particular.
fn importer(life: &Life) -> Option<u64> {
    (life.number != APPLICATION).then_some(life.number)
}

/// The number of the application's own pseudo-generation; those of plugins begin with 1.
pub(crate) const APPLICATION: u64 = 0;

fn tell_change(events: &Events, change: routes::Change) {
    let routes::Change { interface, plugin, before, since } = change;
    let generation = since.as_ref().or(before.as_ref()).map(|(generation, _)| *generation);
    let version = |side: Option<(u64, semver::Version)>| side.map(|(_, version)| version.to_string());
    let kind = match (version(before), version(since)) {
        (None, Some(version)) => EventKind::InterfaceProvided { interface, version },
        (Some(before), Some(version)) => EventKind::InterfaceChanged { interface, before, version },
        (Some(version), None) => EventKind::InterfaceWithdrawn { interface, version },
        (None, None) => return,
    };
    events.emit(Some(plugin), None, generation, kind);
}

/// The longest message that is kept of a log line, in bytes.
const LONGEST_MESSAGE: usize = 16 << 10;

/// A message, cut if it is too long: what a plugin says may cost the host no more than this.
fn clip(message: &str) -> Cow<'_, str> {
    if message.len() <= LONGEST_MESSAGE {
        return message.into();
    }
    let (kept, length) = (message.floor_char_boundary(LONGEST_MESSAGE), message.len());
    format!("{}… (cut: it was {length} bytes long)", &message[..kept]).into()
}

/// The whole microseconds since `then`.
pub(crate) fn micros_since(then: std::time::Instant) -> u64 {
    micros(then.elapsed())
}
