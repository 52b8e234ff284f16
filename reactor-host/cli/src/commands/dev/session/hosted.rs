//! The private host of `reactor dev`: what it is made of, and its end.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use reactor_host::control::Control;
use reactor_host::{Host, PluginId, PluginStatus, Report};

use crate::args::DevArgs;
use crate::commands::dev::Message;
use crate::commands::dev::show::{Timing, Told, show};
use crate::data_folder;
use crate::error::CliError;
use crate::live::Observer;
use crate::output::{Output, Printer};
use crate::private_host::{self, Files};

/// How often more a host looks for what it passed over.
const LOOKS: usize = 3;

/// A host over a shelf, and what follows it.
pub(super) struct Hosted {
    host: Arc<Host>,
    /// Other commands ask the host by it; it ends with the host.
    control: Option<Control>,
    observer: Option<Observer>,
    printer: Printer,
}

impl Hosted {
    /// Puts it together; nothing runs yet.
    ///
    /// # Errors
    ///
    /// What the host says, or that a thread cannot be started.
    pub(super) fn open(
        args: &DevArgs,
        output: &Output,
        shelf: &Path,
        timing: &Arc<Timing>,
        sender: &Sender<Message>,
    ) -> Result<Self, CliError> {
        let data = data_folder::for_host(args.data.path.as_deref(), &args.crates.paths[0], args.once)?;
        // The shelf is this command's own, wherever temporary folders are kept, and cargo has just filled it.
        let host = private_host::build(&[shelf.to_owned()], Files::AsTheyAre, data.as_deref(), true)?;
        let host = Arc::new(host);
        let control = if data.is_some() { private_host::serve(&host)? } else { None };
        let observer = output.observe(&host)?;
        let (lines, times) = (output.clone(), Arc::clone(timing));
        let mut told = Told::default();
        let print = move |event: &_| show(&lines, &times, &mut told, event);
        let closed = sender.clone();
        // A send fails when the session is over; then nobody needs the message.
        let printer = Printer::start(host.events(), print, move || drop(closed.send(Message::End)))?;
        Ok(Self { host, control, observer, printer })
    }

    /// Starts the plugins, and returns when what came of it is printed. `shelf` is what stands there.
    pub(super) fn start(&self, shelf: &[PluginId]) -> Result<Report, CliError> {
        let report = self.printer.after(&self.host, Host::start)?;
        self.see_all(shelf, report)
    }

    /// Swaps what `changed` on the shelf: all of it is seen in one look, and `together` goes in one step.
    pub(super) fn look(&self, changed: &[PluginId], together: &[PluginId]) -> Result<Report, CliError> {
        let known: Vec<&str> =
            together.iter().filter(|plugin| self.serving(plugin).is_some()).map(PluginId::as_str).collect();
        let mut report = Report::default();
        if known.len() > 1 {
            report = self.printer.after(&self.host, |host| host.swap_together(&known))?;
        }
        let rest = self.printer.after(&self.host, Host::rescan)?;
        report.outcomes.extend(rest.outcomes);
        self.see_all(changed, report)
    }

    /// Looks again where a host passed over a file: another cargo that is at work in the same folder gives the file other
    /// names, or takes some away, which looks as if it were written to.
    fn see_all(&self, plugins: &[PluginId], mut report: Report) -> Result<Report, CliError> {
        for _ in 0..LOOKS {
            if plugins.iter().all(|plugin| report.get(plugin.as_str()).is_some()) {
                break;
            }
            let rest = self.printer.after(&self.host, Host::rescan)?;
            report.outcomes.extend(rest.outcomes);
        }
        Ok(report)
    }

    /// The generation of `plugin` that serves now.
    pub(super) fn serving(&self, plugin: &PluginId) -> Option<u64> {
        let listed = self.host.list();
        let plugin = listed.iter().find(|listed| listed.plugin.as_ref() == Some(plugin))?;
        if let PluginStatus::Running { generation } = plugin.status { Some(generation) } else { None }
    }

    /// Stops the plugins and prints what they have to say about it.
    pub(super) fn finish(self) -> Result<(), CliError> {
        let Self { host, control, observer, printer } = self;
        let stopped = host.stop();
        // The last one to hold the host drops it, which is to be this thread.
        drop(observer);
        drop(host);
        drop(control);
        printer.finish()?;
        Ok(stopped.map(drop)?)
    }
}
