//! Asking the host that runs.

use std::path::Path;

use reactor_host::account::Account;
use reactor_host::control::Client;
use reactor_host::{PluginInfo, PluginStatus};

use crate::commands::doctor::facts::{Host, Running};
use crate::error::CliError;
use crate::running_host;

/// The host with this data folder.
pub(super) fn ask(data: &Path) -> Host {
    match running_host::at(data) {
        Ok(None) => Host::Absent,
        Ok(Some(client)) => {
            answer(client).map_or_else(|error| Host::Silent(error.to_string()), Host::Running)
        }
        Err(error) => Host::Silent(error.to_string()),
    }
}

fn answer(mut client: Client) -> Result<Running, CliError> {
    let (name, pid) = (client.hello().name(), client.hello().pid);
    let listed = client.list()?;
    let accounts: Vec<Account> = client.accounts()?;
    let quarantined = client.quarantined()?;
    let runs = |info: &&PluginInfo| matches!(info.status, PluginStatus::Running { .. });
    let is_trouble =
        |info: &&PluginInfo| matches!(info.status, PluginStatus::Failed(_) | PluginStatus::Refused(_));
    let of = |account: &Account| listed.iter().find(|info| info.plugin.as_ref() == Some(&account.plugin));
    let retained = accounts.iter().map(|account| {
        // One serves, and one may be kept ready to go back to.
        let kept = of(account).is_some_and(|info| info.kept_ready.is_some());
        let needed = usize::from(account.generation.is_some()) + usize::from(kept);
        (account.plugin.to_string(), account.generations.saturating_sub(needed))
    });
    Ok(Running {
        name,
        plugins: listed.iter().filter(runs).count(),
        troubled: listed.iter().filter(is_trouble).map(name_of).collect(),
        retained: retained.filter(|(_, number)| *number > 0).collect(),
        quarantined: quarantined.into_iter().map(|build| (build.plugin.to_string(), build.code)).collect(),
        mappings: mappings(pid),
    })
}

fn name_of(info: &PluginInfo) -> String {
    let path = || info.path.as_ref().map_or_else(|| "?".to_owned(), |path| path.display().to_string());
    info.plugin.as_ref().map_or_else(path, ToString::to_string)
}

fn mappings(pid: u32) -> Option<u64> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    u64::try_from(maps.lines().count()).ok()
}
