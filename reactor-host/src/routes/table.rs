//! The table behind the routes: for each plugin who serves, for each interface who asks, and what each cell is to hold.
//!
//! Pure but for the cells that it sets. Must never wait, nor run plugin code.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::{Arc, Weak};

use reactor_abi::Error;
use reactor_abi::interface::{Provider, Want};

use super::{Set, unavailable};
use crate::interfaces::{Misfit, Wanted};
use crate::manifest::PluginId;
use crate::native::pool::Word;
use crate::native::{Lease, Life, Target};

/// Why there is no route to an id that nobody has heard of.
pub(super) const UNKNOWN: &str = "there is no such plugin";

/// See the module.
#[derive(Default)]
pub(super) struct Table {
    pub(super) routes: HashMap<PluginId, Route>,
    /// What the importers of some generations find in place of the route, by the importing generation's number: a
    /// generation that was swapped together with others keeps calling those that it was built with.
    pub(super) views: HashMap<u64, HashMap<PluginId, State>>,
    /// Generations that nobody may enter, whatever leads to them: they are taking a state over.
    pub(super) sealed: HashSet<u64>,
    /// What the application itself offers comes before all plugins.
    application: Option<Arc<Life>>,
    /// The plugins of which a generation has offered an interface while it was known here.
    offering: HashMap<String, BTreeSet<PluginId>>,
    /// The cells through which interfaces are called.
    imports: HashMap<String, Vec<Weak<Lease>>>,
    wanted: HashMap<Want, Weak<Wanted>>,
    ranks: u64,
}

#[derive(Default)]
pub(super) struct Route {
    pub(super) state: State,
    cells: Vec<Weak<Lease>>,
    /// The order of providers: that in which plugins first came to serve. None: it never did.
    rank: Option<u64>,
    /// The interfaces that any of its generations has offered while it was known here.
    offers: BTreeSet<String>,
}

#[derive(Clone)]
pub(super) enum State {
    /// Nobody serves, and this is why.
    Absent(String),
    /// This generation serves.
    Serving(Arc<Life>),
    /// The first hands over, together with all of the second; callers from outside wait.
    Paused(Arc<Life>, Set),
}

impl Default for State {
    fn default() -> Self {
        Self::Absent(UNKNOWN.to_owned())
    }
}

impl State {
    pub(super) fn life(&self) -> Option<&Arc<Life>> {
        match self {
            Self::Absent(_) => None,
            Self::Serving(life) | Self::Paused(life, _) => Some(life),
        }
    }
}

/// Where a cell leads.
pub(super) enum Leads<'a> {
    /// To this generation, by this word.
    To(&'a Arc<Life>, Word),
    /// To this generation, which nobody may enter now.
    Sealed(&'a Arc<Life>),
    /// To this generation, which hands over together with the others; the word is that of who may pass.
    Paused(&'a Set, &'a Arc<Life>, Word),
    /// Nowhere; [`Table::why`] tells the reason.
    Nowhere,
}

impl Leads<'_> {
    pub(super) fn word(&self) -> Word {
        match self {
            Self::To(_, word) => *word,
            Self::Sealed(_) | Self::Paused(..) => Word::PAUSED,
            Self::Nowhere => Word::ABSENT,
        }
    }
}

/// What became of who provides an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) interface: String,
    pub(crate) plugin: PluginId,
    /// Generation and version before, and since.
    pub(crate) before: Option<(u64, semver::Version)>,
    pub(crate) since: Option<(u64, semver::Version)>,
}

impl Route {
    /// Whether it stands for an id that somebody once asked for, and nothing more.
    fn is_forgotten(&self) -> bool {
        let unknown = matches!(&self.state, State::Absent(why) if why == UNKNOWN);
        unknown && self.cells.iter().all(|cell| cell.strong_count() == 0)
    }
}

/// Sets each cell that is still there; lets go of those that are not.
fn set_all(cells: &mut Vec<Weak<Lease>>, word: impl Fn(&Lease) -> Word) {
    cells.retain(|cell| {
        cell.upgrade().is_some_and(|cell| {
            cell.set(word(&cell));
            !cell.is_cut()
        })
    });
}

/// Handles come and go; the dead ones are swept when the list would grow.
fn add(cells: &mut Vec<Weak<Lease>>, cell: &Arc<Lease>) {
    if cells.len() == cells.capacity() {
        cells.retain(|cell| cell.strong_count() > 0);
    }
    cells.push(Arc::downgrade(cell));
}

impl Table {
    pub(super) fn route(&mut self, plugin: &PluginId) -> &mut Route {
        self.routes.entry(plugin.clone()).or_default()
    }

    /// Keeps a cell up to date from here on.
    pub(super) fn connect(&mut self, lease: &Arc<Lease>) {
        match lease.target() {
            Target::Own => {}
            Target::Plugin(plugin) => {
                if self.routes.len() == self.routes.capacity() {
                    self.routes.retain(|_, route| !route.is_forgotten());
                }
                add(&mut self.route(plugin).cells, lease);
            }
            Target::Interface(wanted) => {
                if self.imports.len() == self.imports.capacity() {
                    self.imports.retain(|_, cells| cells.iter().any(|cell| cell.strong_count() > 0));
                }
                add(self.imports.entry(wanted.name.clone()).or_default(), lease);
            }
        }
        lease.set(self.leads(lease.target(), lease.importer()).word());
    }

    /// The one object that stands for this question.
    pub(super) fn intern(&mut self, want: Want) -> Result<Arc<Wanted>, Error> {
        if let Some(known) = self.wanted.get(&want).and_then(Weak::upgrade) {
            return Ok(known);
        }
        let wanted =
            Wanted::new(want.clone()).map_err(|error| Error::new(error.code(), error.to_string()))?;
        let wanted = Arc::new(wanted);
        if self.wanted.len() == self.wanted.capacity() {
            self.wanted.retain(|_, wanted| wanted.strong_count() > 0);
        }
        self.wanted.insert(want, Arc::downgrade(&wanted));
        Ok(wanted)
    }

    /// What the application offers.
    pub(super) fn set_application(&mut self, life: Option<Arc<Life>>) {
        self.application = life;
        let all: Vec<_> = self.imports.keys().cloned().collect();
        for interface in all {
            self.refresh_interface(&interface);
        }
    }

    pub(super) fn state(&self, plugin: &PluginId, importer: Option<u64>) -> Option<&State> {
        let own = importer.and_then(|number| self.views.get(&number)?.get(plugin));
        own.or_else(|| Some(&self.routes.get(plugin)?.state))
    }

    /// Where calls to `target` go that are made through a cell of `importer`.
    pub(super) fn leads(&self, target: &Target, importer: Option<u64>) -> Leads<'_> {
        match target {
            Target::Own => Leads::Nowhere,
            Target::Plugin(plugin) => self
                .state(plugin, importer)
                .map_or(Leads::Nowhere, |state| self.follow(state, |life| Some(life.word()))),
            Target::Interface(wanted) => {
                let word = |life: &Life| life.facet(wanted)?.ok();
                if let Some(life) = self.application.as_ref().filter(|_| wanted.provider.is_none())
                    && let Some(word) = word(life)
                {
                    return Leads::To(life, word);
                }
                for plugin in self.providers(wanted, importer) {
                    let Some(state) = self.state(plugin, importer) else { continue };
                    let leads = self.follow(state, |life| word(life));
                    if !matches!(leads, Leads::Nowhere) {
                        return leads;
                    }
                }
                Leads::Nowhere
            }
        }
    }

    fn follow<'a>(&self, state: &'a State, word: impl Fn(&Life) -> Option<Word>) -> Leads<'a> {
        let Some((life, word)) = state.life().and_then(|life| Some((life, word(life)?))) else {
            return Leads::Nowhere;
        };
        match state {
            State::Paused(_, set) => Leads::Paused(set, life, word),
            _ if self.sealed.contains(&life.number) => Leads::Sealed(life),
            _ => Leads::To(life, word),
        }
    }

    /// The plugins that may provide what is wanted, in their order.
    fn providers<'a>(&'a self, wanted: &'a Wanted, importer: Option<u64>) -> Vec<&'a PluginId> {
        if let Some(plugin) = &wanted.provider {
            return vec![plugin];
        }
        let rank =
            |plugin: &PluginId| self.routes.get(plugin).and_then(|route| route.rank).unwrap_or(u64::MAX);
        let offering = self.offering.get(&wanted.name).into_iter().flatten();
        let own = importer.and_then(|number| self.views.get(&number)).into_iter().flat_map(HashMap::keys);
        let mut providers: Vec<_> = offering.chain(own).collect();
        providers.sort_by(|one, other| (rank(one), *one).cmp(&(rank(other), *other)));
        providers.dedup();
        providers
    }

    /// Who provides what is wanted, all that fit, in their order.
    pub(super) fn all(&self, wanted: &Arc<Wanted>) -> Vec<Provider> {
        let fits = |life: &Arc<Life>| match life.facet(wanted) {
            Some(Ok(_)) => provider(life, wanted),
            _ => None,
        };
        let application = self.application.iter().filter(|_| wanted.provider.is_none());
        let plugins = self.providers(wanted, None);
        let plugins = plugins.into_iter().filter_map(|plugin| self.state(plugin, None)?.life());
        application.chain(plugins).filter_map(fits).collect()
    }

    /// Why calls to `target` lead nowhere.
    pub(super) fn why(&self, target: &Target, importer: Option<u64>) -> Error {
        match target {
            Target::Own => Error::new("RE0606", "the generation has ended"),
            Target::Plugin(plugin) => match self.state(plugin, importer) {
                Some(State::Absent(why)) => unavailable(plugin, why),
                _ => unavailable(plugin, UNKNOWN),
            },
            Target::Interface(wanted) => {
                self.misfit(wanted, importer).unwrap_or_else(|| self.missing(wanted, importer))
            }
        }
    }

    /// What keeps each provider of an interface from being the one, if there is any and none fits.
    pub(super) fn misfit(&self, wanted: &Arc<Wanted>, importer: Option<u64>) -> Option<Error> {
        let mut misfits: Vec<(Misfit, &Arc<Life>)> = Vec::new();
        let application = self.application.iter().filter(|_| wanted.provider.is_none());
        let plugins = self.providers(wanted, importer);
        let plugins = plugins.into_iter().filter_map(|plugin| self.state(plugin, importer)?.life());
        for life in application.chain(plugins) {
            match life.facet(wanted) {
                Some(Ok(_)) => return None,
                Some(Err(misfit)) => misfits.push((misfit, life)),
                None => {}
            }
        }
        let (first, _) = misfits.first()?;
        let mut text = format!("the interface {} ", wanted.name);
        for (at, (misfit, life)) in misfits.iter().enumerate() {
            let provider = format!("{} {}", life.plugin, life.version);
            let between = if at == 0 { "does not fit: " } else { "; and " };
            let _ = write!(text, "{between}{}", misfit.told(&provider));
        }
        Some(Error::new(first.code(), text))
    }

    fn missing(&self, wanted: &Wanted, importer: Option<u64>) -> Error {
        let Wanted { name, range, provider, .. } = wanted;
        let text = match provider {
            None => {
                format!(
                    "nobody provides the interface {name} {range}; install a plugin that does, or wait for it"
                )
            }
            Some(plugin) => match self.state(plugin, importer) {
                Some(State::Serving(_) | State::Paused(..)) => {
                    format!("{plugin} does not provide the interface {name}")
                }
                Some(State::Absent(why)) => {
                    format!("{plugin}, which is to provide the interface {name}, is not available: {why}")
                }
                None => {
                    format!("{plugin}, which is to provide the interface {name}, is not available: {UNKNOWN}")
                }
            },
        };
        Error::new("RE0747", text)
    }

    /// Who serves what is wanted.
    pub(super) fn provider(&self, wanted: &Arc<Wanted>, importer: Option<u64>) -> Result<Provider, Error> {
        let target = Target::Interface(Arc::clone(wanted));
        let found = match self.leads(&target, importer) {
            Leads::To(life, _) | Leads::Sealed(life) | Leads::Paused(_, life, _) => provider(life, wanted),
            Leads::Nowhere => None,
        };
        found.ok_or_else(|| self.why(&target, importer))
    }

    /// Has calls to `plugin` go elsewhere.
    pub(super) fn set(&mut self, plugin: &PluginId, state: State, changes: &mut Vec<Change>) {
        let ranks = self.ranks;
        let route = self.route(plugin);
        if state.life().is_some() && route.rank.is_none() {
            route.rank = Some(ranks);
            self.ranks += 1;
        }
        let route = self.route(plugin);
        tell(plugin, route.state.life(), state.life(), changes);
        route.state = state;
    }

    /// Has every cell that leads to `plugin` hold what its importer is to find.
    pub(super) fn refresh(&mut self, plugin: &PluginId) {
        let Some(route) = self.routes.get_mut(plugin) else { return };
        let mut cells = std::mem::take(&mut route.cells);
        let lives = self.views.values().filter_map(|view| view.get(plugin)?.life());
        for life in route.state.life().into_iter().chain(lives) {
            for (interface, _) in life.exports.list() {
                if route.offers.insert(interface.clone()) {
                    self.offering.entry(interface).or_default().insert(plugin.clone());
                }
            }
        }
        let interfaces: Vec<_> = route.offers.iter().cloned().collect();
        set_all(&mut cells, |cell| self.leads(cell.target(), cell.importer()).word());
        self.route(plugin).cells = cells;
        for interface in interfaces {
            self.refresh_interface(&interface);
        }
    }

    fn refresh_interface(&mut self, interface: &str) {
        let Some(cells) = self.imports.get_mut(interface) else { return };
        let mut cells = std::mem::take(cells);
        set_all(&mut cells, |cell| self.leads(cell.target(), cell.importer()).word());
        if let Some(place) = self.imports.get_mut(interface) {
            *place = cells;
        }
    }

    /// A generation that may be in somebody's view, or serve, has begun to offer an interface.
    pub(super) fn offered(&mut self, life: &Life, interface: &str) {
        self.route(&life.plugin).offers.insert(interface.to_owned());
        self.offering.entry(interface.to_owned()).or_default().insert(life.plugin.clone());
        self.refresh_interface(interface);
    }

    /// The generation that the binding belongs to which `owns` knows, among those that serve.
    pub(super) fn owner(&self, owns: impl Fn(&Life) -> bool) -> Option<Arc<Life>> {
        let lives = self.routes.values().filter_map(|route| route.state.life()).chain(&self.application);
        lives.into_iter().find(|life| owns(life)).cloned()
    }
}

fn provider(life: &Life, wanted: &Wanted) -> Option<Provider> {
    let version = life.exports.version(&wanted.name)?.to_string();
    Some(Provider::new(life.plugin.to_string(), version, life.number))
}

/// What there is to tell of a switch from one generation to another.
fn tell(plugin: &PluginId, before: Option<&Arc<Life>>, since: Option<&Arc<Life>>, changes: &mut Vec<Change>) {
    if before.map(|life| life.number) == since.map(|life| life.number) {
        return;
    }
    let list = |life: Option<&Arc<Life>>| {
        let list = life.map(|life| {
            life.exports.list().into_iter().map(|(name, version)| (name, (life.number, version)))
        });
        list.into_iter().flatten().collect::<std::collections::BTreeMap<_, _>>()
    };
    let (mut before, since) = (list(before), list(since));
    for (interface, since) in since {
        let before = before.remove(&interface);
        changes.push(Change { interface, plugin: plugin.clone(), before, since: Some(since) });
    }
    for (interface, before) in before {
        changes.push(Change { interface, plugin: plugin.clone(), before: Some(before), since: None });
    }
}
