//! `reactor run`: the plugins of a folder, followed until Ctrl-C.

use std::io;
use std::path::Path;
use std::sync::{Arc, mpsc};

use reactor_host::discover::DiscoverError;
use reactor_host::{Event, EventKind, Host};

use crate::args::RunArgs;
use crate::data_folder;
use crate::error::CliError;
use crate::interrupt;
use crate::output::{FAINT, Output, Printer, Subject, Weight, describe, line_of, plain};
use crate::private_host::{self, Files};
use crate::status::ExitStatus;

/// See the module.
pub(super) fn run(args: &RunArgs) -> Result<ExitStatus, CliError> {
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
    // Before anything is said: a terminal that takes nothing must not hold up what follows.
    let folder = plain(&args.dir.display().to_string());
    let wanted = !args.once && !args.view.plain;
    let (output, view) = Output::following(args.format, wanted, || format!("reactor run {folder}"))?;
    let files = if args.once { Files::AsTheyAre } else { Files::MayChange };
    let data = data_folder::for_host(args.data.path.as_deref(), &args.dir, args.once)?;
    let shared = args.sharing.allow_shared_folders;
    let host =
        Arc::new(private_host::build(std::slice::from_ref(&args.dir), files, data.as_deref(), shared)?);
    let control = if data.is_some() { private_host::serve(&host)? } else { None };
    let observer = output.observe(&host)?;
    let lines = output.clone();
    let awaited = (!args.once).then(|| args.dir.clone());
    let show = move |event: &Event| {
        let absent = awaited.as_deref().filter(|dir| is_absence(&event.kind, dir));
        let weight = if absent.is_some() { Weight::News } else { Weight::of(&event.kind) };
        lines.tell(weight, event, |event| match absent {
            Some(dir) => {
                let dir = plain(&dir.display().to_string());
                format!("{FAINT}·{FAINT:#} {dir} is not there yet; waiting for it")
            }
            None => line_of(event, &describe(&Subject::of(event), &event.kind)),
        })
    };
    let gone = move || {
        let _ = closed.send(());
    };
    let printer = Printer::start(host.events(), show, gone)?;

    let report = printer.after(&host, Host::start)?;
    let mut status = super::done_if(!args.once || report.is_ok());
    if args.once && report.outcomes.is_empty() {
        output.say(&format!("no plugins in {folder}"))?;
    }
    if !args.once {
        let watch = host.watch()?;
        // That a folder is waited for has been said.
        let followed =
            if args.dir.exists() { output.say(&format!("following {folder}; Ctrl-C ends")) } else { Ok(()) };
        // Woken by Ctrl-C or by a reader that went away; the printer says which.
        if followed.is_ok() {
            let _ = ended.recv();
        }
        drop(watch);
    }
    if host.stop().is_err() {
        status = ExitStatus::Failed;
    }
    // The last one to hold the host drops it, which is to be this thread.
    drop(observer);
    drop(host);
    drop(control);
    let finished = printer.finish();
    drop(view);
    finished?;
    Ok(status)
}

/// Whether this event says no more than that the folder is not there.
fn is_absence(kind: &EventKind, dir: &Path) -> bool {
    matches!(kind, EventKind::Refused { code, path: Some(path), .. } if code == "RE0151" && path == dir)
        && !dir.exists()
}
