//! Who decides what runs: one thread that carries out one order after the other.
//!
//! Owns the set of plugins and what each is to do. Orders come from the host's methods, from plugins (which never
//! wait for them) and from the folders; none is carried out while another is. No lock is held while plugin code
//! runs. Must never know how a swap or an ending goes, nor what a library is.

mod examiner;
mod keeping;
mod orders;
mod reconcile;
mod slot;
mod together;
mod trial;
mod up_and_down;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use self::slot::Slot;
use self::trial::Trial;
use crate::backend::Build;
use crate::discover::{Known, ScanOptions, Tracker};
use crate::manifest::PluginId;
use crate::order::Order;
use crate::report::{Outcome, OutcomeStatus, PluginInfo, PluginStatus, Reason};
use crate::resolve::Environment;
use crate::stagehand::Stagehand;

/// A file that offers nothing, and why.
struct Refused {
    plugin: Option<PluginId>,
    reason: Reason,
}

/// What ends the quarantine of a build, beside that its bytes change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifting {
    /// A person.
    ByHand,
    /// The next build of the plugin, too: for development.
    ByRebuild,
}

/// See the module.
pub(crate) struct Conductor {
    stage: Stagehand,
    environment: Environment,
    folders: Vec<PathBuf>,
    /// Whether folders that others can write to are read.
    allow_shared_folders: bool,
    lifting: Lifting,
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
    /// Swaps whose old generations are kept ready.
    trials: Vec<Trial>,
    /// Plugins that somebody wants swapped in one step, whatever they know of each other.
    bound: Vec<BTreeSet<PluginId>>,
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
            allow_shared_folders: tracker.settings().allow_shared_folders,
            lifting: Lifting::ByHand,
            tracker: Some((tracker, Known::new())),
            lost_track: false,
            slots,
            disabled: BTreeSet::new(),
            refused: BTreeMap::new(),
            warned: BTreeSet::new(),
            order: Vec::new(),
            trials: Vec::new(),
            bound: Vec::new(),
            running: false,
            last_stop: None,
        }
    }

    /// Has quarantine end in this way.
    pub(crate) fn lifting(mut self, lifting: Lifting) -> Self {
        self.lifting = lifting;
        self
    }

    /// Carries out orders until it is told to end.
    pub(crate) fn work(mut self, orders: &Receiver<Order>) {
        loop {
            let order = match self.until_next_trial_event() {
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(limit) => orders.recv_timeout(limit),
            };
            match order {
                Ok(Order::Shutdown(done)) => {
                    self.shut_down();
                    drop(done);
                    return;
                }
                Ok(order) if !self.stage.shared.is_closing() => self.carry_out(order),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.look_at_trials();
            self.publish();
        }
        self.shut_down();
    }

    /// How the folders are read.
    fn scan_options(&self) -> ScanOptions {
        ScanOptions { allow_shared_folders: self.allow_shared_folders, ..ScanOptions::default() }
    }

    fn publish(&self) {
        let plugins = self.slots.iter().map(|(id, slot)| slot.info(self.kept_ready_for(id)));
        let files = self.refused.iter().map(|(path, refused)| PluginInfo {
            plugin: refused.plugin.clone(),
            version: None,
            path: Some(path.clone()),
            hash: None,
            status: PluginStatus::Refused(refused.reason.clone()),
            refused_build: None,
            kept_ready: None,
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
