//! From what cargo built to what runs, and what is said about it.

use reactor_host::{Host, OutcomeStatus, PluginId, PluginStatus, Report};

use super::Session;
use crate::cargo_build::Built;
use crate::commands::dev::notice::Notice;
use crate::error::CliError;

impl Session<'_> {
    /// Puts what was built on the shelf. Says which plugins changed, and whether all could be placed.
    pub(super) fn place(&mut self, built: &[(usize, Built)]) -> Result<(Vec<String>, bool), CliError> {
        self.timing.built(built.iter().map(|(_, built)| built.took).sum());
        let (mut changed, mut all_well) = (Vec::new(), true);
        for (number, built) in built {
            for plugin in &self.workspaces[*number].plugins {
                let placed =
                    built.libraries.get(&plugin.package).map(|library| self.shelf.place(plugin, library));
                // A manifest that is wrong just now does not say which plugin it is: what stands on the shelf does.
                let id = self.shelf.id_of(&plugin.package).or(plugin.id.as_ref());
                let name = id.map_or_else(|| plugin.name.clone(), PluginId::to_string);
                let mark = |why: Option<&str>| {
                    if let Some(view) = self.output.view() {
                        view.mark(&name, why);
                    }
                };
                let serving = || id.and_then(|id| serving_of(&self.host, id));
                let notice = match placed {
                    Some(Ok((placed, is_new))) => {
                        mark(None);
                        changed.extend(is_new.then(|| placed.manifest.id.to_string()));
                        continue;
                    }
                    Some(Err(error)) => {
                        let (code, message) = (error.code().to_owned(), error.to_string());
                        mark(Some(&format!("refused [{code}]")));
                        Notice::NotPlaced { plugin: name, code, message, serving: serving() }
                    }
                    None => {
                        mark(Some("did not compile"));
                        Notice::NotCompiled { plugin: name, serving: serving() }
                    }
                };
                all_well = false;
                notice.tell(&self.output)?;
            }
        }
        Ok((changed, all_well))
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

/// The generation of `plugin` that serves now.
fn serving_of(host: &Host, plugin: &PluginId) -> Option<u64> {
    let listed = host.list();
    let plugin = listed.iter().find(|listed| listed.plugin.as_ref() == Some(plugin))?;
    if let PluginStatus::Running { generation } = plugin.status { Some(generation) } else { None }
}
