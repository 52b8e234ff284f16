//! Where calls go: for each plugin what its callers' cells hold, switched for all of them under one lock.
//!
//! Owns the cells of every handle and importer, and the rule for a caller whose cell holds no address. Must never
//! run plugin code, nor know how a generation came to be.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use reactor_abi::Error;

use crate::manifest::PluginId;
use crate::native::pool::Word;
use crate::native::{Lease, Life, Pool};
use crate::signal::Signal;

/// The longest `pause-deadline` that counts; a longer one is taken for this.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A caller waits no longer than this, whatever becomes of the one that paused the route.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The routes of one host.
pub(crate) struct Routes {
    pool: Arc<Pool>,
    inner: Mutex<HashMap<PluginId, Route>>,
    signal: Signal,
    waits: AtomicU64,
    me: Weak<Self>,
}

struct Route {
    state: State,
    cells: Vec<Weak<Lease>>,
}

enum State {
    /// Nobody serves, and this is why.
    Absent(String),
    /// This generation serves.
    Serving(Arc<Life>),
    /// This generation hands over; callers from outside wait.
    Paused(Arc<Life>),
}

impl State {
    fn word(&self) -> Word {
        match self {
            Self::Absent(_) => Word::ABSENT,
            Self::Serving(life) => life.word(),
            Self::Paused(_) => Word::PAUSED,
        }
    }
}

/// What a caller may do whose cell holds no address.
pub(crate) enum Passage {
    /// Load again: there is an address by now.
    Open,
    /// Enter the generation that is handing over: the caller is inside it already.
    Inside(Word),
    /// Go away.
    Refused(Error),
}

impl Routes {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            pool: Arc::default(),
            inner: Mutex::default(),
            signal: Signal::default(),
            waits: AtomicU64::new(0),
            me: me.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PluginId, Route>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    pub(crate) fn weak(&self) -> Weak<Self> {
        self.me.clone()
    }

    /// Rung when callers leave a generation that somebody waits for, when tasks and threads end, and at each switch.
    pub(crate) fn signal(&self) -> &Signal {
        &self.signal
    }

    /// How many calls were ever made to wait.
    pub(crate) fn waits(&self) -> u64 {
        self.waits.load(Ordering::Relaxed)
    }

    /// A cell for calls to `target`, kept up to date until it is dropped.
    pub(crate) fn lease(&self, target: &PluginId) -> Arc<Lease> {
        let lease = Arc::new(Lease::new(&self.pool, self.me.clone(), Some(target.clone())));
        let mut routes = self.lock();
        if routes.len() == routes.capacity() {
            routes.retain(|_, route| !route.is_forgotten());
        }
        let route = route(&mut routes, target);
        lease.set(route.state.word());
        // Handles come and go; the dead ones are swept when the list would grow.
        if route.cells.len() == route.cells.capacity() {
            route.cells.retain(|cell| cell.strong_count() > 0);
        }
        route.cells.push(Arc::downgrade(&lease));
        lease
    }

    /// Sends the calls of several plugins elsewhere, in one step as far as anybody can see who takes the lock.
    fn switch<'a>(&self, changes: impl IntoIterator<Item = (&'a PluginId, State)>) {
        let mut routes = self.lock();
        for (plugin, state) in changes {
            let route = route(&mut routes, plugin);
            route.state = state;
            let word = route.state.word();
            route.cells.retain(|cell| {
                cell.upgrade().is_some_and(|cell| {
                    cell.set(word);
                    !cell.is_cut()
                })
            });
        }
        drop(routes);
        self.signal.notify();
    }

    /// Calls go to `life` from here on.
    pub(crate) fn serve(&self, life: &Arc<Life>) {
        self.switch([(&life.plugin, State::Serving(Arc::clone(life)))]);
    }

    /// Calls to the plugin of `life` wait from here on, unless they come from inside it.
    pub(crate) fn pause(&self, life: &Arc<Life>) {
        self.switch([(&life.plugin, State::Paused(Arc::clone(life)))]);
    }

    /// Calls are refused from here on, for this reason.
    pub(crate) fn absent(&self, plugin: &PluginId, why: impl Into<String>) {
        self.switch([(plugin, State::Absent(why.into()))]);
    }

    /// Refuses every call from here on.
    pub(crate) fn close(&self, why: &str) {
        let plugins: Vec<_> = self.lock().keys().cloned().collect();
        self.switch(plugins.iter().map(|plugin| (plugin, State::Absent(why.to_owned()))));
    }

    /// A call to `target` has panicked, in the generation that `inside` picks.
    pub(crate) fn panicked(&self, target: &PluginId, inside: impl Fn(Word) -> bool) {
        let life = match self.lock().get(target).map(|route| &route.state) {
            Some(State::Serving(life) | State::Paused(life)) if inside(life.word()) => Arc::clone(life),
            _ => return,
        };
        life.look_at_panics();
    }

    /// Decides for a caller whose cell holds no address; may wait. `inside` tells whether the calling thread is
    /// inside the generation of that word.
    pub(crate) fn passage(&self, target: &PluginId, paused: bool, inside: impl Fn(Word) -> bool) -> Passage {
        let deadline = Instant::now() + LONGEST_WAIT;
        let mut counted = !paused;
        loop {
            let seen = self.signal.count();
            {
                let routes = self.lock();
                match routes.get(target).map(|route| &route.state) {
                    Some(State::Serving(_)) => return Passage::Open,
                    Some(State::Paused(life)) if inside(life.word()) => return Passage::Inside(life.word()),
                    Some(State::Paused(_)) => {}
                    Some(State::Absent(why)) => return Passage::Refused(unavailable(target, why)),
                    None => return Passage::Refused(unavailable(target, UNKNOWN)),
                }
            }
            if !counted {
                self.waits.fetch_add(1, Ordering::Relaxed);
                counted = true;
            }
            if Instant::now() >= deadline {
                return Passage::Refused(Error::new(
                    "RE0604",
                    format!("{target} has been handing its state over for {LONGEST_WAIT:?}"),
                ));
            }
            self.signal.park(seen, Some(deadline));
        }
    }
}

/// Why there is no route to an id that nobody has heard of.
const UNKNOWN: &str = "there is no such plugin";

impl Route {
    /// Whether it stands for an id that somebody once asked for, and nothing more.
    fn is_forgotten(&self) -> bool {
        let unknown = matches!(&self.state, State::Absent(why) if why == UNKNOWN);
        unknown && self.cells.iter().all(|cell| cell.strong_count() == 0)
    }
}

fn route<'a>(routes: &'a mut HashMap<PluginId, Route>, plugin: &PluginId) -> &'a mut Route {
    routes
        .entry(plugin.clone())
        .or_insert_with(|| Route { state: State::Absent(UNKNOWN.to_owned()), cells: Vec::new() })
}

fn unavailable(plugin: &PluginId, why: &str) -> Error {
    Error::new("RE0601", format!("{plugin} is not available: {why}"))
}
