//! Who decides what runs: one thread that carries out one order after the other.
//!
//! Owns the set of plugins and what each is to do. Orders come from the host's methods, from plugins (which never
//! wait for them) and from the folders; none is carried out while another is. No lock is held while plugin code
//! runs. Must never know how a swap or an ending goes, nor what a library is.

mod orders;
mod reconcile;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use crate::backend::Build;
use crate::discover::{Known, Tracker};
use crate::generation::Generation;
use crate::manifest::PluginId;
use crate::order::Order;
use crate::report::{Outcome, OutcomeStatus, PluginInfo, PluginStatus, Reason};
use crate::resolve::Environment;
use crate::stagehand::Stagehand;

/// What a plugin is to do, and what it does.
struct Slot {
    /// The newest build that was offered.
    build: Arc<Build>,
    /// What serves.
    serving: Option<Arc<Generation>>,
    /// Why the newest build does not serve: it was tried and failed, or nothing of the plugin can run.
    trouble: Option<Reason>,
    /// Why the newest build can not take over from the one that serves, as things are.
    unresolved: Option<Reason>,
    /// A phase failed, as opposed to what the manifests say.
    broken: bool,
    /// Switched off.
    disabled: bool,
    /// Stopped until the next start, or until a new build comes.
    stopped: bool,
}

impl Slot {
    fn new(build: Arc<Build>) -> Self {
        Self {
            build,
            serving: None,
            trouble: None,
            unresolved: None,
            broken: false,
            disabled: false,
            stopped: false,
        }
    }

    fn wanted(&self) -> bool {
        !self.disabled && !self.stopped
    }

    /// The manifest that decides whether the plugin can run. A broken build that does not serve is in nobody's way.
    fn judged_by(&self) -> Option<&crate::manifest::Manifest> {
        match &self.serving {
            Some(generation) if !self.has_successor() => Some(&generation.build.manifest),
            None if self.broken => None,
            _ => Some(&self.build.manifest),
        }
    }

    /// Whether a newer build is to take over from the one that serves.
    fn has_successor(&self) -> bool {
        let newer = self.serving.as_ref().is_some_and(|serving| !Arc::ptr_eq(&serving.build, &self.build));
        newer && self.trouble.is_none() && self.unresolved.is_none()
    }

    /// Makes a build the newest: whatever was wrong before is forgotten.
    fn take(&mut self, build: Build) {
        self.build = Arc::new(build);
        self.forgive();
        self.stopped = false;
    }

    /// Whether it was found at this path.
    fn is_from(&self, source: &std::path::Path) -> bool {
        self.build.candidate().is_some_and(|candidate| candidate.source == source)
    }

    /// The file holds the newest build again: if that serves, nothing is wrong any more.
    fn file_is_good(&mut self) {
        if self.serving.as_ref().is_some_and(|serving| Arc::ptr_eq(&serving.build, &self.build)) {
            self.forgive();
        }
    }

    /// Has a build that failed tried again.
    fn forgive(&mut self) {
        self.trouble = None;
        self.unresolved = None;
        self.broken = false;
    }

    fn info(&self) -> PluginInfo {
        let status = match (&self.serving, &self.trouble) {
            (Some(generation), _) => PluginStatus::Running { generation: generation.life.number },
            (None, _) if self.disabled => PluginStatus::Disabled,
            (None, Some(reason)) if self.broken => PluginStatus::Failed(reason.clone()),
            (None, Some(reason)) => PluginStatus::Refused(reason.clone()),
            (None, None) => PluginStatus::Stopped,
        };
        let shown = self.serving.as_ref().map_or(&self.build, |generation| &generation.build);
        PluginInfo {
            plugin: Some(shown.manifest.id.clone()),
            version: Some(shown.manifest.version.clone()),
            path: shown.candidate().map(|candidate| candidate.source.clone()),
            hash: shown.candidate().map(|candidate| candidate.hash.to_string()),
            status,
            refused_build: self
                .serving
                .as_ref()
                .and_then(|_| self.trouble.clone().or_else(|| self.unresolved.clone())),
        }
    }
}

/// A file that offers nothing, and why.
struct Refused {
    plugin: Option<PluginId>,
    reason: Reason,
}

/// See the module.
pub(crate) struct Conductor {
    stage: Stagehand,
    environment: Environment,
    folders: Vec<PathBuf>,
    /// What is known of the folders; absent while somebody watches them.
    tracker: Option<(Tracker, Known)>,
    /// Nobody watched for a while: what was removed meanwhile is not known.
    lost_track: bool,
    slots: BTreeMap<PluginId, Slot>,
    /// Plugins that were switched off and whose library has gone: they come back switched off.
    disabled: BTreeSet<PluginId>,
    refused: BTreeMap<PathBuf, Refused>,
    /// What was warned of already: once is enough while it lasts.
    warned: BTreeSet<(PluginId, String)>,
    /// Plugins in the order in which they came up.
    order: Vec<PluginId>,
    running: bool,
    /// When the host ends: until then plugins are stopped one after the other, those that are left beside each other.
    last_stop: Option<Instant>,
}

impl Conductor {
    pub(crate) fn new(
        stage: Stagehand,
        environment: Environment,
        folders: Vec<PathBuf>,
        tracker: Tracker,
        linked: Vec<Build>,
    ) -> Self {
        let slots =
            linked.into_iter().map(|build| (build.manifest.id.clone(), Slot::new(Arc::new(build)))).collect();
        Self {
            stage,
            environment,
            folders,
            tracker: Some((tracker, Known::new())),
            lost_track: false,
            slots,
            disabled: BTreeSet::new(),
            refused: BTreeMap::new(),
            warned: BTreeSet::new(),
            order: Vec::new(),
            running: false,
            last_stop: None,
        }
    }

    /// Carries out orders until it is told to end.
    pub(crate) fn work(mut self, orders: &Receiver<Order>) {
        for order in orders {
            if let Order::Shutdown(done) = order {
                self.shut_down();
                drop(done);
                return;
            }
            if !self.stage.shared.is_closing() {
                self.carry_out(order);
            }
            self.publish();
        }
        self.shut_down();
    }

    fn publish(&self) {
        let plugins = self.slots.values().map(Slot::info);
        let files = self.refused.iter().map(|(path, refused)| PluginInfo {
            plugin: refused.plugin.clone(),
            version: None,
            path: Some(path.clone()),
            hash: None,
            status: PluginStatus::Refused(refused.reason.clone()),
            refused_build: None,
        });
        self.stage.shared.publish(plugins.chain(files).collect());
    }

    /// An outcome about the newest build of a plugin.
    fn outcome(&self, plugin: &PluginId, status: OutcomeStatus) -> Outcome {
        let build = self.slots.get(plugin).map(|slot| &slot.build);
        Outcome {
            plugin: Some(plugin.clone()),
            version: build.map(|build| build.manifest.version.clone()),
            path: build.and_then(|build| Some(build.candidate()?.source.clone())),
            status,
        }
    }
}
