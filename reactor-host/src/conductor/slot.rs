//! One plugin, as the conductor sees it: its builds, what serves, and why it is not something else.
//!
//! Pure bookkeeping: it runs nothing and asks nobody.

use std::sync::Arc;

use crate::backend::Build;
use crate::generation::Generation;
use crate::manifest::{Manifest, PluginId};
use crate::report::{PluginInfo, PluginStatus, Reason};

/// A build that served before, and the state that it handed over, encoded.
#[derive(Clone)]
pub(super) struct Previous {
    pub(super) build: Arc<Build>,
    pub(super) state: Option<Arc<Vec<u8>>>,
}

/// What a plugin is to do, and what it does.
#[expect(clippy::struct_excessive_bools, reason = "each is true or false by itself, in any combination")]
pub(super) struct Slot {
    /// The newest build that was offered.
    pub(super) build: Arc<Build>,
    /// That build is quarantined: it is not to run.
    pub(super) quarantined: bool,
    /// What runs in its place while it is quarantined: the last build that served well.
    pub(super) stand_in: Option<Arc<Build>>,
    /// What served before the build that serves, to go back to.
    pub(super) previous: Option<Previous>,
    /// The newest build is as good as it was, but has to come in one step with another one, which failed.
    pub(super) held_by: Option<(PluginId, Arc<Build>)>,
    /// What serves.
    pub(super) serving: Option<Arc<Generation>>,
    /// Why the newest build does not serve: it was tried and failed, or nothing of the plugin can run.
    pub(super) trouble: Option<Reason>,
    /// Why the newest build can not take over from the one that serves, as things are.
    pub(super) unresolved: Option<Reason>,
    /// A phase failed, as opposed to what the manifests say.
    pub(super) broken: bool,
    /// Switched off.
    pub(super) disabled: bool,
    /// Stopped until the next start, or until a new build comes.
    pub(super) stopped: bool,
}

impl Slot {
    pub(super) fn new(build: Arc<Build>) -> Self {
        Self {
            build,
            quarantined: false,
            stand_in: None,
            previous: None,
            held_by: None,
            serving: None,
            trouble: None,
            unresolved: None,
            broken: false,
            disabled: false,
            stopped: false,
        }
    }

    pub(super) fn wanted(&self) -> bool {
        !self.disabled && !self.stopped
    }

    /// The build that is to run.
    pub(super) fn to_run(&self) -> Option<&Arc<Build>> {
        if self.stands_back() { self.stand_in.as_ref() } else { Some(&self.build) }
    }

    /// Whether the newest build is not to run now: it is quarantined, or waits for that of another plugin.
    pub(super) fn stands_back(&self) -> bool {
        self.quarantined || self.held_by.is_some()
    }

    /// The manifest that decides whether the plugin can run. A broken build that does not serve is in nobody's way.
    pub(super) fn judged_by(&self) -> Option<&Manifest> {
        let build = match &self.serving {
            Some(generation) => self.successor().unwrap_or(&generation.build),
            None if self.broken && !self.stands_back() => return None,
            None => self.to_run()?,
        };
        Some(&build.manifest)
    }

    /// The build that is to take over from the one that serves.
    pub(super) fn successor(&self) -> Option<&Arc<Build>> {
        let serving = self.serving.as_ref()?;
        let next = self.to_run().filter(|next| !Arc::ptr_eq(&serving.build, next))?;
        let free = self.unresolved.is_none() && (self.stands_back() || self.trouble.is_none());
        free.then_some(next)
    }

    /// Whether a build is to take over from the one that serves.
    pub(super) fn has_successor(&self) -> bool {
        self.successor().is_some()
    }

    /// Makes a build the newest: whatever was wrong before is forgotten.
    pub(super) fn take(&mut self, build: Build) {
        self.build = Arc::new(build);
        self.quarantined = false;
        self.held_by = None;
        self.forgive();
        self.stopped = false;
    }

    /// Whether it was found at this path.
    pub(super) fn is_from(&self, source: &std::path::Path) -> bool {
        self.build.candidate().is_some_and(|candidate| candidate.source == source)
    }

    /// The file holds the newest build again: if that serves, nothing is wrong any more.
    pub(super) fn file_is_good(&mut self) {
        // What was wrong with the file is not wrong with the build that waits in it.
        let of_the_file = self.trouble.as_ref().is_some_and(|trouble| trouble.code.starts_with("RE01"));
        if !self.stands_back() && of_the_file {
            self.forgive();
        }
        if !self.quarantined
            && self.serving.as_ref().is_some_and(|serving| Arc::ptr_eq(&serving.build, &self.build))
        {
            self.forgive();
        }
    }

    /// Has a build that failed tried again.
    pub(super) fn forgive(&mut self) {
        self.trouble = None;
        self.unresolved = None;
        self.broken = false;
    }

    /// `kept_ready`: the generation before, while the one that serves is on trial.
    pub(super) fn info(&self, kept_ready: Option<u64>) -> PluginInfo {
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
            kept_ready,
        }
    }
}
