//! From what cargo built to what runs, and what is said about it.

use std::collections::BTreeSet;

use reactor_host::{OutcomeStatus, PluginId, Report};

use super::Session;
use crate::cargo_build::Built;
use crate::commands::dev::notice::Notice;
use crate::error::CliError;
use crate::packages::PluginCrate;

/// What came of putting builds on the shelf.
#[derive(Debug, Default)]
pub(super) struct Placing {
    /// The plugins that have new code.
    pub(super) changed: Vec<PluginId>,
    /// Those of them that go in one step.
    pub(super) together: Vec<PluginId>,
    /// Whether everything could be placed.
    pub(super) all_well: bool,
}

impl Session<'_> {
    /// Puts what was built on the shelf, all of it or none of what changes together.
    pub(super) fn place(&mut self, built: &[(usize, Built)]) -> Result<Placing, CliError> {
        self.timing.built(built.iter().map(|(_, built)| built.took).sum());
        let mut placing = Placing { all_well: true, ..Placing::default() };
        let missing = self.missing_of_those_together(built);
        let elsewhere = self.hosted.is_none();
        for (number, built) in built {
            if built.is_unread {
                placing.all_well = false;
                let workspace = self.workspaces[*number].root.clone();
                Notice::NotRead { workspace }.tell(&self.output)?;
                continue;
            }
            for plugin in self.workspaces[*number].plugins.clone() {
                let library = built.libraries.get(&plugin.package);
                let together = self.touched.is_together(&plugin.package);
                if library.is_some() && together && !missing.is_empty() {
                    placing.all_well = false;
                    let (name, id) = self.name_of(&plugin);
                    let serving = id.and_then(|id| self.serving(&id));
                    let held = Notice::Held { plugin: name, waits_for: missing.clone(), serving, elsewhere };
                    held.tell(&self.output)?;
                    continue;
                }
                let placed = library.map(|library| self.shelf.place(&plugin, library));
                let (name, id) = self.name_of(&plugin);
                let serving = || id.as_ref().and_then(|id| self.serving(id));
                let notice = match placed {
                    Some(Ok((placed, is_new))) => {
                        self.mark(&name, None);
                        if is_new {
                            let id = placed.manifest.id.clone();
                            placing.together.extend(together.then(|| id.clone()));
                            placing.changed.push(id);
                        }
                        continue;
                    }
                    Some(Err(error)) => {
                        let (code, message) = (error.code().to_owned(), error.to_string());
                        self.mark(&name, Some(&format!("refused [{code}]")));
                        Notice::NotPlaced { plugin: name, code, message, serving: serving(), elsewhere }
                    }
                    None => {
                        self.mark(&name, Some("did not compile"));
                        Notice::NotCompiled { plugin: name, serving: serving(), elsewhere }
                    }
                };
                placing.all_well = false;
                notice.tell(&self.output)?;
            }
        }
        if missing.is_empty() {
            self.touched.have_changed();
        }
        Ok(placing)
    }

    /// The plugins that did not compile of those that change together, by name.
    fn missing_of_those_together(&self, built: &[(usize, Built)]) -> Vec<String> {
        let missing = built.iter().flat_map(|(number, built)| {
            let workspace = &self.workspaces[*number];
            built.failed(workspace).filter(|plugin| self.touched.is_together(&plugin.package))
        });
        missing.map(|plugin| self.name_of(plugin).0).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What people call the plugin of a crate, and its id. A manifest that is wrong just now does not say which plugin it
    /// is: what stands on the shelf does.
    fn name_of(&self, plugin: &PluginCrate) -> (String, Option<PluginId>) {
        let id = self.shelf.id_of(&plugin.package).or(plugin.id.as_ref()).cloned();
        (id.as_ref().map_or_else(|| plugin.name.clone(), PluginId::to_string), id)
    }

    fn serving(&self, plugin: &PluginId) -> Option<u64> {
        self.hosted.as_ref().and_then(|hosted| hosted.serving(plugin))
    }

    fn mark(&self, name: &str, why: Option<&str>) {
        if let Some(view) = self.output.view() {
            view.mark(name, why);
        }
    }

    /// How many plugins of the shelf run after the first load; says of which of them its report tells nothing, since
    /// they were never looked at. The report is asked, since the host's list may be brought up to date after it.
    pub(super) fn count_running(&self, report: &Report) -> Result<usize, CliError> {
        let mut running = 0;
        for plugin in self.shelf.plugins() {
            match report.get(plugin.as_str()).map(|outcome| &outcome.status) {
                Some(OutcomeStatus::Loaded { .. } | OutcomeStatus::Swapped { .. }) => running += 1,
                Some(_) => {}
                None => Notice::Missed { plugin: plugin.to_string() }.tell(&self.output)?,
            }
        }
        Ok(running)
    }

    /// Says which plugins were put into a folder that another host follows.
    pub(super) fn tell_placed(&self, placing: &Placing, built: &[(usize, Built)]) -> Result<(), CliError> {
        let cargo_micros = super::cargo_micros(built);
        for plugin in &placing.changed {
            let folder = self.shelf.folder().join(plugin.as_str());
            Notice::Placed { plugin: plugin.to_string(), folder, cargo_micros }.tell(&self.output)?;
        }
        Ok(())
    }

    /// Programs are told apart what goes on; for people the line of the failure has said it.
    pub(super) fn tell_what_goes_on(&self, report: &Report) -> Result<(), CliError> {
        if !self.output.is_json() {
            return Ok(());
        }
        for outcome in report.failures() {
            if let (Some(plugin), OutcomeStatus::Failed { serving: Some(serving), .. }) =
                (&outcome.plugin, &outcome.status)
            {
                let notice = Notice::GoesOn { plugin: plugin.to_string(), serving: *serving };
                notice.tell(&self.output)?;
            }
        }
        Ok(())
    }
}
