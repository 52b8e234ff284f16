//! The host, as an application embeds it.

mod builder;
mod error;
mod interfaces;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use reactor_abi::ffi::Op;
use reactor_abi::{Entry, Error, Value};

pub use self::builder::HostBuilder;
pub use self::error::HostError;
use crate::account::Account;
use crate::backend::Build;
use crate::control::Seat;
use crate::discover::{Settings, Tracker};
use crate::event::{Event, EventKind, Subscription};
use crate::manifest::{Manifest, PluginId};
use crate::native::application::Application;
use crate::native::pool::Pinned;
use crate::native::{Lease, Target, inside_plugin_code};
use crate::order::Order;
use crate::report::{PluginInfo, Reason, Report};
use crate::retained::{Retained, RetainedList};
use crate::shared::Shared;
use crate::store::Quarantined;

use crate::watch::{Effort, Follow, FollowSettings};

/// Plugins in an application: found, checked, run, swapped, closed.
///
/// Dropping it stops every plugin under its deadline and closes what can be closed; it returns whatever a plugin does.
/// Any number of hosts can live in one process.
///
/// ```no_run
/// use reactor_host::{Host, Value};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let builder = Host::builder("dev.example.editor", "1.6.0").plugins_dir("plugins");
/// // SAFETY: only this user can write to the folder.
/// let host = unsafe { builder.trust_native_code() }.build()?;
/// for failure in host.start()?.failures() {
///     eprintln!("{failure:?}");
/// }
/// let _watch = host.watch()?; // from here on, files that come, change and go are followed
/// let greeting = host.plugin("greeting")?; // survives every swap
/// println!("{}", greeting.invoke("greet", &reactor_host::value!({"name": "Ada"}))?);
/// # Ok(())
/// # }
/// ```
pub struct Host {
    shared: Arc<Shared>,
    application: Arc<Application>,
    conductor: Option<JoinHandle<()>>,
    folders: Vec<PathBuf>,
    watching: Settings,
    pub(crate) seat: Seat,
    phase_deadline: Duration,
}

impl Host {
    /// Begins a host for an application: its id, as manifests name it under `[host]`, and its version.
    pub fn builder(id: impl Into<String>, version: impl Into<String>) -> HostBuilder {
        HostBuilder::new(id.into(), version.into())
    }

    fn ask<T>(&self, order: impl FnOnce(SyncSender<T>) -> Order) -> Result<T, HostError> {
        if inside_plugin_code() {
            return Err(HostError::InsidePlugin);
        }
        let (reply, answer) = mpsc::sync_channel(1);
        if !self.shared.order(order(reply)) {
            return Err(HostError::ShutDown);
        }
        answer.recv().map_err(|_| HostError::ShutDown)
    }

    /// Finds and runs every plugin that can run. A host that was started is looked over again: nothing runs twice.
    ///
    /// # Errors
    ///
    /// Only that the order could not be carried out; what became of each plugin is in the report.
    pub fn start(&self) -> Result<Report, HostError> {
        self.ask(Order::Start)
    }

    /// Looks at the folders now: what is new is loaded, what changed is swapped. For who knows that files are complete
    /// and wants to wait for the outcome; [`watch`](Self::watch) needs no such help.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn rescan(&self) -> Result<Report, HostError> {
        self.ask(Order::Rescan)
    }

    /// Follows the folders until the guard is dropped.
    ///
    /// # Errors
    ///
    /// They are watched already, or the system gives no thread. Where it gives no file events the folders are looked
    /// at every two seconds.
    pub fn watch(&self) -> Result<Watch, HostError> {
        let (tracker, known) = self.ask(Order::Watch)?.ok_or(HostError::Watched)?;
        let shared = Arc::clone(&self.shared);
        let changed = move |changes| shared.changed(changes);
        let follow = Follow::start(self.folders.clone(), tracker, known, FollowSettings::default(), changed);
        let follow = follow.inspect_err(|_| {
            self.shared.order(Order::Unwatch(Tracker::new(self.watching.clone())));
        })?;
        Ok(Watch { follow: Some(follow), shared: Arc::clone(&self.shared), settings: self.watching.clone() })
    }

    /// Takes over a plugin that is linked into the program, while the host runs: it is swapped if it is there already.
    ///
    /// # Errors
    ///
    /// A bad manifest, or as [`start`](Self::start).
    pub fn install(&self, manifest: &str, entry: Entry) -> Result<Report, HostError> {
        let text = manifest;
        let manifest = Manifest::parse(text, "plugin.toml (linked)".as_ref())?;
        let build = Box::new(Build::linked(manifest, text, entry));
        self.ask(|reply| Order::Install(build, reply))
    }

    /// Reads a plugin's files again and swaps it, whether or not they changed.
    ///
    /// # Errors
    ///
    /// No plugin id, or as [`start`](Self::start).
    pub fn swap(&self, plugin: &str) -> Result<Report, HostError> {
        let plugin = id(plugin)?;
        self.ask(|reply| Order::Swap(plugin, reply))
    }

    /// As [`swap`](Self::swap), for several plugins in one step: all of them take over, or none. A call, with all that it
    /// calls among them, meets only old or only new generations. Plugins that change at the same time and depend on each
    /// other are swapped so without being asked.
    ///
    /// # Errors
    ///
    /// As [`swap`](Self::swap).
    pub fn swap_together(&self, plugins: &[&str]) -> Result<Report, HostError> {
        let plugins = plugins.iter().map(|plugin| id(plugin)).collect::<Result<_, _>>()?;
        self.ask(|reply| Order::SwapTogether(plugins, reply))
    }

    /// Goes back to the build that served before the present one, which is quarantined. While the present one is on
    /// trial, the generation before is there and takes over at once, with what became of the state since, if it reads it;
    /// later its build is loaded again, from what the host kept of it.
    ///
    /// # Errors
    ///
    /// As [`swap`](Self::swap). That there is nothing to go back to is in the report (`RE0525`).
    pub fn rollback(&self, plugin: &str) -> Result<Report, HostError> {
        let plugin = id(plugin)?;
        self.ask(|reply| Order::RollBack(plugin, reply))
    }

    /// What is quarantined: builds that are not tried again until their bytes change or they are
    /// [lifted](Self::lift_quarantine).
    pub fn quarantined(&self) -> Vec<Quarantined> {
        self.shared.store.quarantine_list()
    }

    /// Has all that is quarantined of a plugin be tried again. A build that stands in the folder takes over at once.
    ///
    /// # Errors
    ///
    /// As [`swap`](Self::swap). That nothing was quarantined is in the report (`RE0526`).
    pub fn lift_quarantine(&self, plugin: &str) -> Result<Report, HostError> {
        let plugin = id(plugin)?;
        self.ask(|reply| Order::Lift(plugin, reply))
    }

    /// Has a plugin save its state while it runs, and keeps that: when this returns, the state outlives the program, if
    /// the host has a data folder. A swap and a stop do this by themselves.
    ///
    /// # Errors
    ///
    /// As [`swap`](Self::swap). That it could not be saved is in the report.
    pub fn save(&self, plugin: &str) -> Result<Report, HostError> {
        let plugin = id(plugin)?;
        self.ask(|reply| Order::Save(plugin, reply))
    }

    /// Pins several plugins, all of one moment: calls through the answer meet these very generations, whatever is swapped
    /// meanwhile. Keep it short: a plugin that hands its state over waits for it, at most its `pause-deadline`.
    ///
    /// ```no_run
    /// # fn show(host: &reactor_host::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// use reactor_host::Value;
    ///
    /// let both = host.pin(&["store", "index"])?;
    /// let entries = both.invoke("store", "list", &Value::Null)?;
    /// both.invoke("index", "rebuild", &entries)?; // of the same swap as the store that answered
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// One is no plugin id (`RE0804`), is not there (`RE0601`), or is handing its state over (`RE0604`).
    pub fn pin(&self, plugins: &[&str]) -> Result<PinSet, Error> {
        let lease = |plugin: &&str| {
            let plugin = id(plugin).map_err(|error| Error::new(error.code(), error.to_string()))?;
            Ok(self.shared.routes.lease(Target::Plugin(plugin), None))
        };
        let leases = plugins.iter().map(lease).collect::<Result<Vec<_>, Error>>()?;
        Ok(PinSet { pins: self.shared.routes.pin(&leases)? })
    }

    /// Switches a plugin off, its dependants first.
    ///
    /// # Errors
    ///
    /// As [`swap`](Self::swap).
    pub fn disable(&self, plugin: &str) -> Result<Report, HostError> {
        let plugin = id(plugin)?;
        self.ask(|reply| Order::Switch(plugin, false, reply))
    }

    /// Switches a plugin on again.
    ///
    /// # Errors
    ///
    /// As [`swap`](Self::swap).
    pub fn enable(&self, plugin: &str) -> Result<Report, HostError> {
        let plugin = id(plugin)?;
        self.ask(|reply| Order::Switch(plugin, true, reply))
    }

    /// Stops every plugin, dependants first. [`start`](Self::start) runs every phase again.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn stop(&self) -> Result<Report, HostError> {
        self.ask(Order::Stop)
    }

    /// Every plugin and every file that offers none, with what it does or why it can not.
    pub fn list(&self) -> Vec<PluginInfo> {
        self.shared.list()
    }

    /// Events from here on.
    pub fn events(&self) -> Subscription {
        self.shared.events.subscribe()
    }

    /// A second way to the same host, for who asks on behalf of others. Dropping it ends nothing; when the host has
    /// ended it says so.
    pub(crate) fn view(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            application: Arc::clone(&self.application),
            conductor: None,
            folders: Vec::new(),
            watching: self.watching.clone(),
            seat: Seat::elsewhere(),
            phase_deadline: self.phase_deadline,
        }
    }

    /// Keeps the last `most` events for [`catch_up`](Self::catch_up).
    pub(crate) fn keep_events(&self, most: usize) {
        self.shared.events.keep(most);
    }

    /// The kept events after number `since`, and those that come, for a listener that may be `most` behind.
    pub(crate) fn catch_up(&self, since: u64, most: usize) -> (Vec<Event>, Subscription) {
        self.shared.events.catch_up(since, most)
    }

    /// A handle to a plugin. It survives swaps, and may be taken before the plugin is there.
    ///
    /// # Errors
    ///
    /// `plugin` is no plugin id.
    pub fn plugin(&self, plugin: &str) -> Result<Handle, HostError> {
        Ok(Handle { lease: self.shared.routes.lease(Target::Plugin(id(plugin)?), None) })
    }

    /// Runs an action of a plugin, on this thread. For many calls take a [`Handle`].
    ///
    /// # Errors
    ///
    /// As [`Handle::invoke`].
    pub fn invoke(&self, plugin: &str, action: &str, value: &Value) -> Result<Value, Error> {
        let handle = self.plugin(plugin).map_err(|error| Error::new(error.code(), error.to_string()))?;
        handle.invoke(action, value)
    }

    /// What was counted of each plugin that ever ran: calls, panics, bytes, and how long calls take.
    pub fn accounts(&self) -> Vec<Account> {
        self.shared.ledger.read(&self.shared.list())
    }

    /// Generations that serve no more and are still in memory, with the reasons, the oldest first.
    pub fn retained(&self) -> Vec<Retained> {
        self.retained_list().generations
    }

    /// The same, with how many there may be.
    pub fn retained_list(&self) -> RetainedList {
        self.shared.retained.list()
    }

    /// Sets how many generations may be retained, in place of
    /// [`HostBuilder::retained_budget`]. A plugin whose swap was refused for it is swapped when it is asked for again.
    pub fn set_retained_budget(&self, generations: usize) {
        if let Some(Reason { code, message }) = self.shared.retained.set_budget(generations) {
            self.shared.events.emit(None, None, None, EventKind::Warned { code, message });
        }
    }

    /// How many calls were ever made to wait, because a plugin's state was being handed over.
    pub fn waits(&self) -> u64 {
        self.shared.routes.waits()
    }

    /// How many bytes the host holds for handles and generations, in use or to be used again.
    pub fn route_bytes(&self) -> usize {
        self.shared.routes.pool().bytes()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // A view of another host has none.
        let Some(conductor) = self.conductor.take() else { return };
        let (done, ended) = mpsc::channel();
        self.shared.close();
        self.shared.order(Order::Shutdown(done));
        if inside_plugin_code() {
            // The conductor may be waiting for this very thread: it ends by itself.
            self.shared.routes.set_application(None);
            self.application.end();
            return;
        }
        // Every step of the conductor's has a deadline; this one is against a phase that was begun before.
        let patience = self.phase_deadline + Duration::from_secs(30);
        if ended.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Disconnected) {
            // It ended; a panic of its own has been printed by its thread.
            let _ = conductor.join();
        }
        self.shared.routes.set_application(None);
        self.application.end();
        // What hangs may keep the host's parts for ever; the data folder is free from here on.
        let _ = self.shared.store.close();
    }
}

fn id(text: &str) -> Result<PluginId, HostError> {
    PluginId::new(text).map_err(|source| HostError::Id { text: text.to_owned(), source })
}

/// Follows the plugin folders; dropping it ends that, and changes nothing that runs.
#[must_use = "the folders are followed until this is dropped"]
pub struct Watch {
    follow: Option<Follow>,
    shared: Arc<Shared>,
    settings: Settings,
}

impl Watch {
    /// How much following the folders took so far: nothing more is done while nothing happens in them.
    pub fn effort(&self) -> Effort {
        self.follow.as_ref().map(Follow::effort).unwrap_or_default()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.follow.take());
        self.shared.order(Order::Unwatch(Tracker::new(self.settings.clone())));
    }
}

/// A handle to a plugin by its id: whichever generation serves when a call is made is pinned for that call. Cheap to
/// clone; it owns nothing of the plugin, and outlives it.
#[derive(Clone)]
pub struct Handle {
    lease: Arc<Lease>,
}

impl Handle {
    /// Runs an action, on this thread. A swap neither fails nor delays the call; a plugin that hands its state over
    /// makes it wait: for its `pause-deadline`, and should the hand-over fail, until the old generation has resumed.
    ///
    /// # Errors
    ///
    /// The plugin's own error; that it panicked (`RE0603`); that it is not there, with the reason (`RE0601`).
    pub fn invoke(&self, action: &str, value: &Value) -> Result<Value, Error> {
        let input = value.encode()?;
        let answer = self.lease.call(Op::Invoke, action, &input)?;
        Ok(Value::decode(&answer)?)
    }

    /// Asks the plugin whether all is well.
    ///
    /// # Errors
    ///
    /// What the plugin says is wrong; or as [`invoke`](Self::invoke).
    pub fn health(&self) -> Result<(), Error> {
        self.lease.call(Op::Health, "", &[]).map(drop)
    }

    /// The generation that serves now.
    ///
    /// # Errors
    ///
    /// That the plugin is not there, with the reason.
    pub fn generation(&self) -> Result<u64, Error> {
        Ok(self.lease.pin()?.generation())
    }
}

/// Several plugins, pinned at one moment. See [`Host::pin`]. It stays on the thread that made it.
#[must_use = "what is pinned is let go when this is dropped"]
pub struct PinSet {
    pins: Vec<Pinned>,
}

impl PinSet {
    fn of(&self, plugin: &str) -> Result<&Pinned, Error> {
        let is_it = |pin: &&Pinned| matches!(pin.target(), Target::Plugin(id) if id.as_str() == plugin);
        let found = self.pins.iter().find(is_it);
        found.ok_or_else(|| {
            Error::new("RE0615", format!("{plugin} is not among the plugins that were pinned"))
        })
    }

    /// Runs an action of one of them, on this thread.
    ///
    /// # Errors
    ///
    /// The plugin's own error; that it panicked (`RE0603`); that it was not pinned (`RE0615`).
    pub fn invoke(&self, plugin: &str, action: &str, value: &Value) -> Result<Value, Error> {
        let answer = self.of(plugin)?.call(Op::Invoke, action, &value.encode()?)?;
        Ok(Value::decode(&answer)?)
    }

    /// The generation that is pinned of one of them.
    ///
    /// # Errors
    ///
    /// It was not pinned (`RE0615`).
    pub fn generation(&self, plugin: &str) -> Result<u64, Error> {
        Ok(self.of(plugin)?.generation())
    }
}
