//! Putting a host together.

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use reactor_abi::Entry;
use semver::Version;

use super::{Host, HostError};
use crate::backend::{Backends, Build, Source};
use crate::clock::{Clock, SystemClock};
use crate::conductor::Conductor;
use crate::discover::{Settings, Tracker};
use crate::load::Loader;
use crate::manifest::Manifest;
use crate::resolve::Environment;
use crate::shared::Shared;
use crate::stage::Stager;
use crate::stagehand::Stagehand;
use crate::store::{Holder, Store, StoreError};

/// Puts a [`Host`] together. See [`Host::builder`].
#[must_use = "a host is made by `build`"]
pub struct HostBuilder {
    id: String,
    version: String,
    folders: Vec<PathBuf>,
    data: Option<PathBuf>,
    linked: Vec<(String, Entry)>,
    clock: Arc<dyn Clock>,
    watching: Settings,
    trusted: bool,
}

impl HostBuilder {
    pub(super) fn new(id: String, version: String) -> Self {
        Self {
            id,
            version,
            folders: Vec::new(),
            data: None,
            linked: Vec::new(),
            clock: Arc::new(SystemClock::default()),
            watching: Settings::default(),
            trusted: false,
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
            linked.push(Build { manifest, source: Source::Linked(entry) });
        }
        let store = match &self.data {
            Some(data) => open_store(data, &Holder::new(&self.id, host_version.to_string()))?,
            None => Store::in_memory(),
        };
        let loader = if self.trusted {
            let data = self.data.unwrap_or_else(std::env::temp_dir);
            let program = crate::load::program(&self.id, &host_version);
            Some(Loader::new(Stager::new(&data)?, store.clone(), program))
        } else {
            None
        };
        // A constant of this very program: it is a version.
        let api_version = reactor_abi::facts::API_VERSION.parse().unwrap_or(Version::new(1, 0, 0));
        let environment = Environment {
            host_id: self.id,
            host_version,
            api_version,
            interfaces: std::collections::BTreeMap::new(),
            running: std::collections::BTreeSet::new(),
            strict_peers: false,
        };
        let (orders, inbox) = mpsc::channel();
        let shared = Shared::new(self.clock, orders, store);
        let thread = |source| HostError::Thread { source };
        let stage = Stagehand::new(Arc::clone(&shared), Backends::new(loader)).map_err(thread)?;
        let tracker = Tracker::new(self.watching.clone());
        let conductor = Conductor::new(stage, environment, self.folders.clone(), tracker, linked);
        let conductor = std::thread::Builder::new()
            .name("reactor-conduct".to_owned())
            .spawn(move || conductor.work(&inbox))
            .map_err(thread)?;
        Ok(Host { shared, conductor: Some(conductor), folders: self.folders, watching: self.watching })
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
