//! `reactor run`: the plugins of a folder, followed until Ctrl-C.

use std::sync::mpsc;

use reactor_host::Host;

use crate::args::RunArgs;
use crate::error::CliError;
use crate::interrupt;
use crate::output::{Output, Printer, Subject, describe};
use crate::private_host::{self, Files};
use crate::status::ExitStatus;

/// See the module.
pub(super) fn run(args: &RunArgs) -> Result<ExitStatus, CliError> {
    let output = Output::new(args.format);
    let (end, ended) = mpsc::channel();
    let closed = end.clone();
    // A send fails when the command has ended already, which is what was wanted.
    interrupt::on_first(move || {
        let _ = end.send(());
    })?;
    let files = if args.once { Files::AsTheyAre } else { Files::MayChange };
    let host = private_host::build(std::slice::from_ref(&args.dir), files)?;
    let lines = output.clone();
    let show = move |event: &_| lines.put(event, |event| describe(&Subject::of(event), &event.kind));
    let gone = move || {
        let _ = closed.send(());
    };
    let printer = Printer::start(host.events(), show, gone)?;

    let report = printer.after(&host, Host::start)?;
    let mut status = super::done_if(!args.once || report.is_ok());
    if !args.once {
        let watch = host.watch()?;
        let followed = output.say(&format!("following {}; Ctrl-C ends", args.dir.display()));
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
