//! `reactor run`: the plugins of a folder, followed until Ctrl-C.

use std::io;
use std::path::Path;
use std::sync::mpsc;

use reactor_host::discover::DiscoverError;
use reactor_host::{Event, EventKind, Host};

use crate::args::RunArgs;
use crate::error::CliError;
use crate::interrupt;
use crate::output::{FAINT, Output, Printer, Subject, describe, plain};
use crate::private_host::{self, Files};
use crate::status::ExitStatus;

/// See the module.
pub(super) fn run(args: &RunArgs) -> Result<ExitStatus, CliError> {
    let output = Output::new(args.format);
    if args.dir.exists() && !args.dir.is_dir() {
        let source = io::ErrorKind::NotADirectory.into();
        return Err(DiscoverError::Folder { path: args.dir.clone(), source }.into());
    }
    let (end, ended) = mpsc::channel();
    let closed = end.clone();
    // A send fails when the command has ended already, which is what was wanted.
    interrupt::on_first(move || {
        let _ = end.send(());
    })?;
    let files = if args.once { Files::AsTheyAre } else { Files::MayChange };
    let shared = args.sharing.allow_shared_folders;
    let host = private_host::build(std::slice::from_ref(&args.dir), files, shared)?;
    let lines = output.clone();
    let awaited = (!args.once).then(|| args.dir.clone());
    let show = move |event: &Event| {
        lines.put(event, |event| match &awaited {
            Some(dir) if is_absence(&event.kind, dir) => {
                let dir = plain(&dir.display().to_string());
                format!("{FAINT}·{FAINT:#} {dir} is not there yet; waiting for it")
            }
            _ => describe(&Subject::of(event), &event.kind),
        })
    };
    let gone = move || {
        let _ = closed.send(());
    };
    let printer = Printer::start(host.events(), show, gone)?;

    let report = printer.after(&host, Host::start)?;
    let mut status = super::done_if(!args.once || report.is_ok());
    if args.once && report.outcomes.is_empty() {
        output.say(&format!("no plugins in {}", plain(&args.dir.display().to_string())))?;
    }
    if !args.once {
        let watch = host.watch()?;
        // That a folder is waited for has been said.
        let followed = if args.dir.exists() {
            output.say(&format!("following {}; Ctrl-C ends", plain(&args.dir.display().to_string())))
        } else {
            Ok(())
        };
        // Woken by Ctrl-C or by a reader that went away; the printer says which.
        if followed.is_ok() {
            let _ = ended.recv();
        }
        drop(watch);
    }
    if host.stop().is_err() {
        status = ExitStatus::Failed;
    }
    drop(host);
    printer.finish()?;
    Ok(status)
}

/// Whether this event says no more than that the folder is not there.
fn is_absence(kind: &EventKind, dir: &Path) -> bool {
    matches!(kind, EventKind::Refused { code, path: Some(path), .. } if code == "RE0151" && path == dir)
        && !dir.exists()
}
