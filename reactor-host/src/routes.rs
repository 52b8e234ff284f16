//! Where calls go: for each plugin what its callers' cells hold, switched for all of them under one lock.
//!
//! Owns the cells of every handle and importer, the sets of generations that call each other and nobody else's
//! successors, and the rule for a caller whose cell holds no address. Must never
//! run plugin code, nor know how a generation came to be.

mod passage;
mod table;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use reactor_abi::Error;
use reactor_abi::interface::{Provider, Want};

pub(crate) use self::passage::Passage;
pub(crate) use self::table::Change;
use self::table::{State, Table};
use crate::interfaces::Wanted;
use crate::manifest::PluginId;
use crate::native::{Lease, Life, Pool, Target};
use crate::signal::Signal;

/// The longest `pause-deadline` that counts; a longer one is taken for this.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The routes of one host.
pub(crate) struct Routes {
    pool: Arc<Pool>,
    table: Mutex<Table>,
    signal: Signal,
    waits: AtomicU64,
    /// Whom to tell of providers that come, change and go.
    listener: OnceLock<Listener>,
    me: Weak<Self>,
}

type Listener = Box<dyn Fn(Change) + Send + Sync>;

/// Generations that are switched to, paused and retired together.
pub(crate) type Set = Arc<[Arc<Life>]>;

/// A generation that nobody may enter, as long as this lives. See [`Routes::seal`].
pub(crate) struct Seal {
    routes: Arc<Routes>,
    life: Arc<Life>,
}

impl Drop for Seal {
    fn drop(&mut self) {
        let mut table = self.routes.lock();
        table.sealed.remove(&self.life.number);
        table.refresh(&self.life.plugin);
        drop(table);
        self.routes.signal.notify();
    }
}

impl Routes {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            pool: Arc::default(),
            table: Mutex::default(),
            signal: Signal::default(),
            waits: AtomicU64::new(0),
            listener: OnceLock::new(),
            me: me.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Has `listener` told of providers that come, change and go; once.
    pub(crate) fn listen(&self, listener: impl Fn(Change) + Send + Sync + 'static) {
        let _ = self.listener.set(Box::new(listener));
    }

    /// After a switch, with no lock held.
    fn told(&self, changes: Vec<Change>) {
        self.signal.notify();
        if let Some(listener) = self.listener.get() {
            changes.into_iter().for_each(listener);
        }
    }

    /// A cell for calls to `target`, kept up to date until it is dropped. `importer`: the generation that calls through
    /// it; `None`, the application.
    pub(crate) fn lease(&self, target: Target, importer: Option<u64>) -> Arc<Lease> {
        let lease = Arc::new(Lease::new(&self.pool, self.me.clone(), target, importer));
        self.lock().connect(&lease);
        lease
    }

    /// A question for an interface, checked: the same object for the same question.
    ///
    /// # Errors
    ///
    /// It is none, or the interface is provided and in no way that fits.
    pub(crate) fn wanted(&self, want: Want, importer: Option<u64>) -> Result<Arc<Wanted>, Error> {
        let mut table = self.lock();
        let wanted = table.intern(want)?;
        match table.misfit(&wanted, importer) {
            Some(misfit) => Err(misfit),
            None => Ok(wanted),
        }
    }

    /// Who is called by this question.
    ///
    /// # Errors
    ///
    /// Nobody, and why.
    pub(crate) fn provider(&self, wanted: &Arc<Wanted>, importer: Option<u64>) -> Result<Provider, Error> {
        self.lock().provider(wanted, importer)
    }

    /// Who could be called by this question, the one that is called first.
    ///
    /// # Errors
    ///
    /// It is none.
    pub(crate) fn providers(&self, want: Want) -> Result<Vec<Provider>, Error> {
        let mut table = self.lock();
        let wanted = table.intern(want)?;
        Ok(table.all(&wanted))
    }

    /// A generation has begun to offer an interface.
    pub(crate) fn offered(&self, life: &Life, interface: &str) {
        self.lock().offered(life, interface);
    }

    /// What the application offers, from here on; `None`: nothing any more.
    pub(crate) fn set_application(&self, life: Option<Arc<Life>>) {
        self.lock().set_application(life);
    }

    /// Sends the calls of several plugins elsewhere, in one step as far as anybody can see who takes the lock.
    fn switch<'a>(&self, states: impl IntoIterator<Item = (&'a PluginId, State)>) {
        let (mut table, mut changes) = (self.lock(), Vec::new());
        for (plugin, state) in states {
            table.set(plugin, state, &mut changes);
            table.refresh(plugin);
        }
        drop(table);
        self.told(changes);
    }

    /// Calls go to `life` from here on.
    pub(crate) fn serve(&self, life: &Arc<Life>) {
        self.switch([(&life.plugin, State::Serving(Arc::clone(life)))]);
    }

    /// Calls go to all of `lives` from here on, in one step. What the generations of `before` call among themselves
    /// stays among themselves, and so do the calls that those of `lives` make of each other.
    pub(crate) fn serve_set(&self, lives: &Set, before: &Set) {
        let (mut table, mut changes) = (self.lock(), Vec::new());
        for life in lives.iter() {
            table.views.remove(&life.number);
            table.set(&life.plugin, State::Serving(Arc::clone(life)), &mut changes);
        }
        let stay = |life: &Arc<Life>| (life.plugin.clone(), State::Serving(Arc::clone(life)));
        for life in before.iter() {
            table.views.insert(life.number, before.iter().map(stay).collect());
        }
        for life in lives.iter().chain(before.iter()) {
            table.refresh(&life.plugin);
        }
        drop(table);
        self.told(changes);
    }

    /// Has generation `number` of `plugin`, which is coming up together with others, call `known`, those of them that
    /// are up; calls to `unknown` are refused till they are.
    pub(crate) fn foresee(&self, number: u64, plugin: &PluginId, known: &[Arc<Life>], unknown: &[PluginId]) {
        let up = known.iter().map(|other| (other.plugin.clone(), State::Serving(Arc::clone(other))));
        let down = unknown.iter().map(|other| {
            (other.clone(), State::Absent(format!("it is swapped together with {plugin} and is not up yet")))
        });
        let view: HashMap<_, _> = up.chain(down).collect();
        let mut table = self.lock();
        let targets: Vec<_> = view.keys().cloned().collect();
        table.views.insert(number, view);
        for target in targets {
            table.refresh(&target);
        }
    }

    /// Takes [`foresee`](Self::foresee) back.
    pub(crate) fn forget(&self, number: u64) {
        let mut table = self.lock();
        for target in table.views.remove(&number).into_iter().flat_map(HashMap::into_keys) {
            table.refresh(&target);
        }
    }

    /// Ends what [`serve_set`](Self::serve_set) and [`foresee`](Self::foresee) keep for these generations, and of others
    /// what leads to them: whoever still calls from inside one of either finds what everybody finds. From here on nothing
    /// leads to a generation of the set but its route, and that only if it serves.
    pub(crate) fn disband(&self, set: &Set) {
        let mut table = self.lock();
        let views: Vec<_> = set.iter().filter_map(|life| table.views.remove(&life.number)).collect();
        let mut targets: HashSet<PluginId> = views.into_iter().flat_map(HashMap::into_keys).collect();
        // One of a set may have ended apart from the others, and still look at one that goes now.
        for view in table.views.values_mut() {
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
            table.refresh(&target);
        }
        drop(table);
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
        let mut table = self.lock();
        table.sealed.insert(life.number);
        table.refresh(&life.plugin);
        drop(table);
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

    /// A call into the generation that `owns` picks has panicked.
    pub(crate) fn panicked(&self, owns: impl Fn(&Life) -> bool) {
        let life = self.lock().owner(owns);
        if let Some(life) = life {
            life.look_at_panics();
        }
    }
}

fn unavailable(plugin: &PluginId, why: &str) -> Error {
    Error::new("RE0601", format!("{plugin} is not available: {why}"))
}
