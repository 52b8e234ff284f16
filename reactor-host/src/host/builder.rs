//! Putting a host together.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

use reactor_abi::Entry;
use reactor_abi::interface::{self, Interface, Offered, ProvidedAs};
use semver::Version;

use super::{Host, HostError};
use crate::backend::{Backends, Build};
use crate::clock::{Clock, SystemClock};
use crate::conductor::{Conductor, Lifting};
use crate::control::Seat;
use crate::discover::{Settings, Tracker};
use crate::load::Loader;
use crate::manifest::{Manifest, PluginId};
use crate::native::application::Application;
use crate::resolve::Environment;
use crate::retained::DEFAULT_BUDGET;
use crate::shared::Shared;
use crate::stage::Stager;
use crate::stagehand::{PHASE_DEADLINE, Stagehand};
use crate::store::{Holder, Store, StoreError};

/// Puts a [`Host`] together. See [`Host::builder`].
#[must_use = "a host is made by `build`"]
pub struct HostBuilder {
    id: String,
    version: String,
    folders: Vec<PathBuf>,
    data: Option<PathBuf>,
    linked: Vec<(String, Entry)>,
    provided: Vec<Offered>,
    clock: Arc<dyn Clock>,
    watching: Settings,
    poll_every: Option<Duration>,
    allow_shared_folders: bool,
    phase_deadline: Duration,
    trusted: bool,
    retained_budget: usize,
    clears_no_delete: bool,
    runner: Option<PathBuf>,
    lifting: Lifting,
}

impl HostBuilder {
    pub(super) fn new(id: String, version: String) -> Self {
        Self {
            id,
            version,
            folders: Vec::new(),
            data: None,
            linked: Vec::new(),
            provided: Vec::new(),
            clock: Arc::new(SystemClock::default()),
            watching: Settings::default(),
            poll_every: None,
            allow_shared_folders: false,
            phase_deadline: PHASE_DEADLINE,
            trusted: false,
            retained_budget: DEFAULT_BUDGET,
            clears_no_delete: false,
            runner: None,
            lifting: Lifting::ByHand,
        }
    }

    /// Adds a folder that plugins are found in. Needs [`trust_native_code`](Self::trust_native_code).
    pub fn plugins_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.folders.push(path.into());
        self
    }

    /// The folder for what the host keeps: what lasts (quarantined builds, rollback points, saved state; see
    /// [`store`](crate::store)), and private copies of libraries while it runs. It is made if need be, for this user
    /// alone. One host has it at a time: give each application, and each host in one, a folder of its own. Its file
    /// system must allow files to be executed.
    ///
    /// Without it nothing lasts: what a host keeps is gone with it. Private copies are then in the system's folder for
    /// temporary files.
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data = Some(path.into());
        self
    }

    /// Adds a plugin that is linked into the program: its manifest's text and its entry.
    pub fn plugin(mut self, manifest: impl Into<String>, entry: Entry) -> Self {
        self.linked.push((manifest.into(), entry));
        self
    }

    /// Provides an interface to plugins: `provide::<dyn TextSource>(source)`. It is there before the first plugin is, it
    /// is found before any plugin that provides the same, and a plugin may require it in its manifest.
    ///
    /// It is called from any thread, and must not wait for the host: see [`Host::start`].
    pub fn provide<I: Interface + ?Sized>(mut self, provider: impl ProvidedAs<I>) -> Self {
        self.provided.push(interface::offer::<I>(provider));
        self
    }

    /// The clocks that plugins read. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How patiently the folders are watched: how long a file must rest that was not seen to be closed (100 ms), and
    /// how long a deleted library may stay away (as its manifest says).
    pub fn watching(mut self, settings: Settings) -> Self {
        self.watching = settings;
        self
    }

    /// Has [`Host::watch`] look at the folders this often, and ask for no file events: for network and other file
    /// systems that have none to give.
    pub fn poll_every(mut self, interval: Duration) -> Self {
        self.poll_every = Some(interval);
        self
    }

    /// Whether plugins are taken from files and folders that others than this user and root can change. For development
    /// only: who can write there decides what runs here. Default: no; they are refused (`RE0163`, `RE0164`).
    pub fn allow_shared_folders(mut self, allow: bool) -> Self {
        self.allow_shared_folders = allow;
        self
    }

    /// How many generations may be retained: such as serve no more and could not be closed. Default: 64.
    ///
    /// At three quarters of it there is an event (`RE0315`), and another when it is reached (`RE0316`). From then on a
    /// plugin is not swapped (`RE0317`) if its library is known to stay, or an earlier generation of it is among the
    /// retained: what serves goes on. All others are swapped as ever, and nothing that does not run is kept from being
    /// loaded. As soon as one is closed after all there is room again. See also
    /// [`Host::set_retained_budget`].
    pub fn retained_budget(mut self, generations: usize) -> Self {
        self.retained_budget = generations;
        self
    }

    /// Whether libraries that were linked `-z nodelete` are closed all the same: the flag is cleared in the private
    /// copy, the plugin's file is left as it is. Default: no; such a library is swapped like any other, and each of its
    /// generations is retained.
    ///
    /// The flag is a statement of whoever built the library: that its code is reached by ways that a loader does not
    /// know, and must never go. Clear it only where that is known to be a habit of the tool chain, and not meant. What
    /// the host sees by itself (threads, signal handlers, thread-locals, calls) is waited for and taken back as with
    /// any library.
    pub fn clear_no_delete(mut self, clear: bool) -> Self {
        self.clears_no_delete = clear;
        self
    }

    /// The program that plugins' processes are started from, for manifests that say `isolation = "subprocess"`:
    /// `reactor-runner` of this version, or a program that calls [`serve_if_runner`](crate::serve_if_runner) at its top.
    /// Default: this very program, if it makes that call, else `reactor-runner` beside it.
    pub fn runner(mut self, path: impl Into<PathBuf>) -> Self {
        self.runner = Some(path.into());
        self
    }

    /// Whether a new build of a plugin ends the quarantine of the builds before it, so that going back to one of them has
    /// it tried again. For development, where an edit says that somebody knows. Default: no; a quarantined build is not
    /// tried until a person lifts it.
    pub fn try_again_after_rebuild(mut self, again: bool) -> Self {
        self.lifting = if again { Lifting::ByRebuild } else { Lifting::ByHand };
        self
    }

    /// How long a phase of a plugin (opening it, `init` and `build` together; each later one by itself) may take before
    /// the host gives it up and goes on without it. Default: 30 seconds. The parts of a hand-over have the manifest's
    /// `pause-deadline`; `stop` has its `stop-deadline`, of which no more than this counts. More than a day counts as a day.
    pub fn phase_deadline(mut self, deadline: Duration) -> Self {
        self.phase_deadline = deadline.min(Duration::from_hours(24));
        self
    }

    /// Accepts native code from the plugin folders.
    ///
    /// # Safety
    ///
    /// A library in a plugin folder runs in this process with all of this program's rights, from the moment it is
    /// opened. Reactor checks what it can (the file is whole, made by `export_plugin!` for this ABI, of the layout
    /// that this host has) and contains panics, but it can not vouch for what the code does: memory that it
    /// corrupts is this program's. Call this only if everybody who can write to the folders may run code as this
    /// user.
    #[expect(unsafe_code, reason = "the one place where an embedder accepts native code")]
    pub unsafe fn trust_native_code(mut self) -> Self {
        self.trusted = true;
        self
    }

    /// Makes the host. Nothing is loaded before [`Host::start`].
    ///
    /// # Errors
    ///
    /// Bad input to the builder, no private folder, no thread; a data folder that can not be used, that another host
    /// has, or whose database is damaged or of a newer version.
    pub fn build(self) -> Result<Host, HostError> {
        if !self.trusted && !self.folders.is_empty() {
            return Err(HostError::NotTrusted);
        }
        let host_version = self.version.parse::<Version>();
        let host_version =
            host_version.map_err(|source| HostError::Version { text: self.version, source })?;
        let mut linked: Vec<Build> = Vec::new();
        for (text, entry) in self.linked {
            let manifest = Manifest::parse(&text, "plugin.toml (linked)".as_ref())?;
            if linked.iter().any(|build| build.manifest.id == manifest.id) {
                return Err(HostError::Twice { id: manifest.id });
            }
            linked.push(Build::linked(manifest, &text, entry));
        }
        let seat = Seat::new(&self.id, &host_version.to_string(), self.data.clone());
        let store = match &self.data {
            Some(data) => open_store(data, &Holder::new(&self.id, host_version.to_string()))?,
            None => Store::in_memory(),
        };
        let loader = if self.trusted {
            let data = self.data.unwrap_or_else(std::env::temp_dir);
            let program = crate::load::program(&self.id, &host_version);
            Some(Loader::new(Stager::new(&data)?, store.clone(), program, self.clears_no_delete))
        } else {
            None
        };
        // A constant of this very program: it is a version.
        let api_version = reactor_abi::facts::API_VERSION.parse().unwrap_or(Version::new(1, 0, 0));
        let interfaces = self.provided.iter().map(|object| &object.descriptor);
        let interfaces =
            interfaces.filter_map(|of| Some((of.name.clone(), of.version.parse().ok()?))).collect();
        // An application's id may be any text; a plugin's may not.
        let name = PluginId::new(&self.id).or_else(|_| PluginId::new("application"));
        let name = name.map_err(|source| HostError::Id { text: self.id.clone(), source })?;
        let version = host_version.clone();
        let environment = Environment {
            host_id: self.id,
            host_version,
            api_version,
            interfaces,
            running: std::collections::BTreeSet::new(),
            strict_peers: false,
        };
        let (orders, inbox) = mpsc::channel();
        let shared = Shared::new(self.clock, orders, store);
        let weak: Weak<Shared> = Arc::downgrade(&shared);
        let application = Application::new(name, version, &shared.routes, weak, self.provided)
            .map_err(|error| HostError::Interface { code: error.code(), message: error.to_string() })?;
        // Nothing is retained yet, so there is nothing to tell.
        let _ = shared.retained.set_budget(self.retained_budget);
        let thread = |source| HostError::Thread { source };
        let stage =
            Stagehand::new(Arc::clone(&shared), Backends::new(loader, self.runner), self.phase_deadline)
                .map_err(thread)?;
        let watching = Settings {
            poll_every: self.poll_every.or(self.watching.poll_every),
            allow_shared_folders: self.allow_shared_folders || self.watching.allow_shared_folders,
            ..self.watching
        };
        let tracker = Tracker::new(watching.clone());
        let conductor = Conductor::new(stage, environment, self.folders.clone(), tracker, linked);
        let conductor = conductor.lifting(self.lifting);
        let conductor = std::thread::Builder::new()
            .name("reactor-conduct".to_owned())
            .spawn(move || conductor.work(&inbox))
            .map_err(thread)?;
        let phase_deadline = self.phase_deadline;
        Ok(Host {
            shared,
            application,
            conductor: Some(conductor),
            folders: self.folders,
            watching,
            seat,
            phase_deadline,
        })
    }
}

/// Opens what lasts, and logs what was not as it should be.
fn open_store(data: &Path, holder: &Holder) -> Result<Store, StoreError> {
    let (store, opened) = Store::open(data, holder)?;
    for dropped in &opened.dropped {
        let (plugin, build) = (dropped.plugin.as_str(), dropped.build.short());
        tracing::warn!(plugin, build, "a rollback point is forgotten: its library: {}", dropped.message);
    }
    store.on_failure(|error| tracing::warn!(code = error.code(), "{error}"));
    Ok(store)
}
