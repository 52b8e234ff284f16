//! `reactor dev`: plugin crates built, run, and swapped whenever their source changes.
//!
//! One thread decides what happens next and waits for [`Message`]s; cargo, the watcher, Ctrl-C and the printer of
//! events each tell it what they have.

mod notice;
mod session;
mod show;
mod sources;

use std::path::PathBuf;

use self::notice::Notice;
use self::session::Session;
use crate::args::DevArgs;
use crate::cargo_build::{Built, Cargo};
use crate::error::CliError;
use crate::output::{Output, plain};
use crate::packages;
use crate::status::ExitStatus;

/// What the deciding thread waits for.
enum Message {
    /// Something happened to a source; `None`: nobody knows to which. Whether the file is known to be whole.
    Touched(Option<PathBuf>, bool),
    /// Cargo is done with every workspace that was to be built, each by its number.
    Built(Result<Vec<(usize, Built)>, CliError>),
    /// Ctrl-C, or nobody reads what is printed.
    End,
}

/// See the module.
pub(super) fn dev(args: &DevArgs) -> Result<ExitStatus, CliError> {
    // Before cargo is asked, which may take a while.
    Notice::Looking { paths: args.crates.paths.clone() }.tell(&Output::new(args.format))?;
    let cargo = Cargo::apart();
    let found = packages::find(&cargo, &args.crates.paths)?;
    found.tell();
    if !found.missing.is_empty() {
        return Ok(ExitStatus::Failed);
    }
    let wanted = !args.once && !args.view.plain && args.out.is_none();
    let title = || {
        let paths = args.crates.paths.iter().map(|path| plain(&path.display().to_string()));
        format!("reactor dev {}", paths.collect::<Vec<_>>().join(" "))
    };
    let (output, view) = Output::following(args.format, wanted, title)?;
    let names = found.plugins().map(|plugin| plugin.label().to_owned()).collect();
    let building = Notice::Building {
        plugins: names,
        release: args.crates.release,
        once: args.once,
        out: args.out.clone(),
    };
    building.tell(&output)?;

    let mut session = Session::open(args, output, cargo, found.workspaces)?;
    let result = session.run();
    // The plugins are stopped in order however it ended.
    let finished = session.finish();
    drop(view);
    let all_well = result?;
    finished?;
    Ok(super::done_if(!args.once || (all_well && found.skipped.is_empty())))
}
