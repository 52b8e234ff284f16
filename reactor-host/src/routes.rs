//! Where calls go: for each plugin what its callers' cells hold, switched for all of them under one lock.
//!
//! Owns the cells of every handle and importer, the sets of generations that call each other and nobody else's
//! successors, and the rule for a caller whose cell holds no address. Must never
//! run plugin code, nor know how a generation came to be.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use reactor_abi::Error;

use crate::manifest::PluginId;
use crate::native::pool::Pinned;
use crate::native::pool::Word;
use crate::native::{Lease, Life, Pool, inside_plugin_code};
use crate::signal::Signal;

/// The longest `pause-deadline` that counts; a longer one is taken for this.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A caller waits no longer than this, whatever becomes of the one that paused the route.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The routes of one host.
pub(crate) struct Routes {
    pool: Arc<Pool>,
    inner: Mutex<Inner>,
    signal: Signal,
    waits: AtomicU64,
    me: Weak<Self>,
}

#[derive(Default)]
struct Inner {
    routes: HashMap<PluginId, Route>,
    /// What the importers of some generations find in place of the route, by the importing generation's number: a
    /// generation that was swapped together with others keeps calling those that it was built with.
    views: HashMap<u64, HashMap<PluginId, State>>,
    /// Generations that nobody may enter, whatever leads to them: they are taking a state over.
    sealed: HashSet<u64>,
}

struct Route {
    state: State,
    cells: Vec<Weak<Lease>>,
}

#[derive(Clone)]
enum State {
    /// Nobody serves, and this is why.
    Absent(String),
    /// This generation serves.
    Serving(Arc<Life>),
    /// The first hands over, together with all of the second; callers from outside wait.
    Paused(Arc<Life>, Set),
}

/// Generations that are switched to, paused and retired together.
pub(crate) type Set = Arc<[Arc<Life>]>;

impl State {
    fn word(&self, sealed: &HashSet<u64>) -> Word {
        match self {
            Self::Absent(_) => Word::ABSENT,
            Self::Serving(life) if sealed.contains(&life.number) => Word::PAUSED,
            Self::Serving(life) => life.word(),
            Self::Paused(..) => Word::PAUSED,
        }
    }
}

/// A generation that nobody may enter, as long as this lives. See [`Routes::seal`].
pub(crate) struct Seal {
    routes: Arc<Routes>,
    life: Arc<Life>,
}

impl Drop for Seal {
    fn drop(&mut self) {
        let mut inner = self.routes.lock();
        inner.sealed.remove(&self.life.number);
        inner.refresh(&self.life.plugin);
        drop(inner);
        self.routes.signal.notify();
    }
}

/// What a caller may do whose cell holds no address.
pub(crate) enum Passage {
    /// Load again: there is an address by now.
    Open,
    /// The caller is inside what hands over, and was counted into the generation of this word: on the common share.
    Inside(Word),
    /// Go away.
    Refused(Error),
}

impl Inner {
    fn state(&self, target: &PluginId, importer: Option<u64>) -> Option<&State> {
        let own = importer.and_then(|number| self.views.get(&number)?.get(target));
        own.or_else(|| Some(&self.routes.get(target)?.state))
    }

    /// Has every cell that leads to `target` hold what its importer is to find.
    fn refresh(&mut self, target: &PluginId) {
        let Self { routes, views, sealed } = self;
        let Some(Route { state, cells }) = routes.get_mut(target) else { return };
        let word = state.word(sealed);
        cells.retain(|cell| {
            cell.upgrade().is_some_and(|cell| {
                let own = cell.importer().and_then(|number| views.get(&number)?.get(target));
                cell.set(own.map_or(word, |state| state.word(sealed)));
                !cell.is_cut()
            })
        });
    }
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

    fn lock(&self) -> MutexGuard<'_, Inner> {
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

    /// A cell for calls to `target`, kept up to date until it is dropped. `importer`: the generation that calls through
    /// it; `None`, the application.
    pub(crate) fn lease(&self, target: &PluginId, importer: Option<u64>) -> Arc<Lease> {
        let lease = Arc::new(Lease::new(&self.pool, self.me.clone(), Some(target.clone()), importer));
        let mut inner = self.lock();
        if inner.routes.len() == inner.routes.capacity() {
            inner.routes.retain(|_, route| !route.is_forgotten());
        }
        let route = route(&mut inner.routes, target);
        // Handles come and go; the dead ones are swept when the list would grow.
        if route.cells.len() == route.cells.capacity() {
            route.cells.retain(|cell| cell.strong_count() > 0);
        }
        route.cells.push(Arc::downgrade(&lease));
        if let Some(state) = inner.state(target, importer) {
            lease.set(state.word(&inner.sealed));
        }
        lease
    }

    /// Sends the calls of several plugins elsewhere, in one step as far as anybody can see who takes the lock.
    fn switch<'a>(&self, changes: impl IntoIterator<Item = (&'a PluginId, State)>) {
        let mut inner = self.lock();
        for (plugin, state) in changes {
            route(&mut inner.routes, plugin).state = state;
            inner.refresh(plugin);
        }
        drop(inner);
        self.signal.notify();
    }

    /// Calls go to `life` from here on.
    pub(crate) fn serve(&self, life: &Arc<Life>) {
        self.switch([(&life.plugin, State::Serving(Arc::clone(life)))]);
    }

    /// Calls go to all of `lives` from here on, in one step. What the generations of `before` call among themselves
    /// stays among themselves, and so do the calls that those of `lives` make of each other.
    pub(crate) fn serve_set(&self, lives: &Set, before: &Set) {
        let mut inner = self.lock();
        for life in lives.iter() {
            inner.views.remove(&life.number);
            route(&mut inner.routes, &life.plugin).state = State::Serving(Arc::clone(life));
        }
        let stay = |life: &Arc<Life>| (life.plugin.clone(), State::Serving(Arc::clone(life)));
        for life in before.iter() {
            inner.views.insert(life.number, before.iter().map(stay).collect());
        }
        for life in lives.iter().chain(before.iter()) {
            inner.refresh(&life.plugin);
        }
        drop(inner);
        self.signal.notify();
    }

    /// Has generation `number` of `plugin`, which is coming up together with others, call `known`, those of them that
    /// are up; calls to `unknown` are refused till they are.
    pub(crate) fn foresee(&self, number: u64, plugin: &PluginId, known: &[Arc<Life>], unknown: &[PluginId]) {
        let up = known.iter().map(|other| (other.plugin.clone(), State::Serving(Arc::clone(other))));
        let down = unknown.iter().map(|other| {
            (other.clone(), State::Absent(format!("it is swapped together with {plugin} and is not up yet")))
        });
        let view: HashMap<_, _> = up.chain(down).collect();
        let mut inner = self.lock();
        let targets: Vec<_> = view.keys().cloned().collect();
        inner.views.insert(number, view);
        for target in targets {
            inner.refresh(&target);
        }
    }

    /// Takes [`foresee`](Self::foresee) back.
    pub(crate) fn forget(&self, number: u64) {
        let mut inner = self.lock();
        for target in inner.views.remove(&number).into_iter().flat_map(HashMap::into_keys) {
            inner.refresh(&target);
        }
    }

    /// Ends what [`serve_set`](Self::serve_set) and [`foresee`](Self::foresee) keep for these generations, and of others
    /// what leads to them: whoever still calls from inside one of either finds what everybody finds. From here on nothing
    /// leads to a generation of the set but its route, and that only if it serves.
    pub(crate) fn disband(&self, set: &Set) {
        let mut inner = self.lock();
        let views: Vec<_> = set.iter().filter_map(|life| inner.views.remove(&life.number)).collect();
        let mut targets: HashSet<PluginId> = views.into_iter().flat_map(HashMap::into_keys).collect();
        // One of a set may have ended apart from the others, and still look at one that goes now.
        for view in inner.views.values_mut() {
            view.retain(|target, state| {
                let stays = match state {
                    State::Serving(life) | State::Paused(life, _) => {
                        set.iter().all(|gone| gone.number != life.number)
                    }
                    State::Absent(_) => true,
                };
                if !stays {
                    targets.insert(target.clone());
                }
                stays
            });
        }
        for target in targets {
            inner.refresh(&target);
        }
        drop(inner);
        self.signal.notify();
    }

    /// Calls to the plugins of `lives` wait from here on, unless they come from inside one of them.
    pub(crate) fn pause(&self, lives: &Set) {
        let pause = |life: &Arc<Life>| State::Paused(Arc::clone(life), Arc::clone(lives));
        self.switch(lives.iter().map(|life| (&life.plugin, pause(life))));
    }

    /// Calls go to all of `lives` again: a pause is over.
    pub(crate) fn resume(&self, lives: &Set) {
        self.switch(lives.iter().map(|life| (&life.plugin, State::Serving(Arc::clone(life)))));
    }

    /// Lets nobody into a generation, by whatever way, until the answer is dropped: others wait meanwhile, and who is
    /// inside it already is refused. Who was let in before is not turned out.
    pub(crate) fn seal(&self, life: &Arc<Life>) -> Option<Seal> {
        let routes = self.me.upgrade()?;
        let mut inner = self.lock();
        inner.sealed.insert(life.number);
        inner.refresh(&life.plugin);
        drop(inner);
        Some(Seal { routes, life: Arc::clone(life) })
    }

    /// Calls are refused from here on, for this reason.
    pub(crate) fn absent(&self, plugin: &PluginId, why: impl Into<String>) {
        self.switch([(plugin, State::Absent(why.into()))]);
    }

    /// Refuses every call from here on.
    pub(crate) fn close(&self, why: &str) {
        let plugins: Vec<_> = self.lock().routes.keys().cloned().collect();
        self.switch(plugins.iter().map(|plugin| (plugin, State::Absent(why.to_owned()))));
    }

    /// A call to `target` has panicked, in the generation that `inside` picks.
    pub(crate) fn panicked(&self, target: &PluginId, inside: impl Fn(Word) -> bool) {
        let life = match self.lock().routes.get(target).map(|route| &route.state) {
            Some(State::Serving(life) | State::Paused(life, _)) if inside(life.word()) => Arc::clone(life),
            _ => return,
        };
        life.look_at_panics();
    }

    /// Pins what serves `leases`, all of one moment: no switch falls in between. Waits while one of them hands over.
    ///
    /// # Errors
    ///
    /// One of them is not there, with the reason, or has been handing over for too long.
    pub(crate) fn pin(&self, leases: &[Arc<Lease>]) -> Result<Vec<Pinned>, Error> {
        let deadline = Instant::now() + LONGEST_WAIT;
        let mut counted = false;
        loop {
            let seen = self.signal.count();
            let waits_for = {
                let inner = self.lock();
                let mut paused = None;
                for lease in leases {
                    let Some(target) = lease.target() else { continue };
                    match inner.state(target, lease.importer()) {
                        Some(State::Serving(life)) if !inner.sealed.contains(&life.number) => {}
                        Some(State::Serving(_) | State::Paused(..)) => paused = Some(target),
                        Some(State::Absent(why)) => return Err(unavailable(target, why)),
                        None => return Err(unavailable(target, UNKNOWN)),
                    }
                }
                match paused {
                    // Each cell holds an address and keeps it while the lock is held: no pin asks the host back.
                    None => return leases.iter().map(Pinned::new).collect(),
                    Some(target) => target,
                }
            };
            // Who is inside a plugin, or holds pins, may be what the hand-over waits for.
            if inside_plugin_code() {
                return Err(busy(waits_for));
            }
            if !std::mem::replace(&mut counted, true) {
                self.waits.fetch_add(1, Ordering::Relaxed);
            }
            if Instant::now() >= deadline {
                return Err(too_long(waits_for));
            }
            self.signal.park(seen, Some(deadline));
        }
    }

    /// Decides for a caller whose cell holds no address; may wait. `inside` tells whether the calling thread is
    /// inside the generation of that word.
    pub(crate) fn passage(
        &self,
        target: &PluginId,
        importer: Option<u64>,
        paused: bool,
        inside: impl Fn(Word) -> bool,
    ) -> Passage {
        let deadline = Instant::now() + LONGEST_WAIT;
        let mut counted = !paused;
        loop {
            let seen = self.signal.count();
            {
                let inner = self.lock();
                match inner.state(target, importer) {
                    Some(State::Serving(life)) if inner.sealed.contains(&life.number) => {
                        // It would wait for itself.
                        if inside(life.word()) {
                            return Passage::Refused(busy(target));
                        }
                    }
                    Some(State::Serving(_)) => return Passage::Open,
                    Some(State::Paused(life, set)) => {
                        let from_within =
                            |other: &Arc<Life>| importer == Some(other.number) || inside(other.word());
                        if set.iter().any(from_within) {
                            // Under the lock: until it is let go, nobody switches, let alone closes.
                            life.word().enter();
                            return Passage::Inside(life.word());
                        }
                    }
                    Some(State::Absent(why)) => return Passage::Refused(unavailable(target, why)),
                    None => return Passage::Refused(unavailable(target, UNKNOWN)),
                }
            }
            if !counted {
                self.waits.fetch_add(1, Ordering::Relaxed);
                counted = true;
            }
            if Instant::now() >= deadline {
                return Passage::Refused(too_long(target));
            }
            self.signal.park(seen, Some(deadline));
        }
    }
}

fn busy(target: &PluginId) -> Error {
    Error::new(
        "RE0616",
        format!("{target} is handing its state over, and this thread must not wait for it: ask again later"),
    )
}

fn too_long(target: &PluginId) -> Error {
    Error::new("RE0604", format!("{target} has been handing its state over for {LONGEST_WAIT:?}"))
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
