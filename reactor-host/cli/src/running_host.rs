//! The host that runs a plugin folder, reached by its control socket.

use std::io;
use std::path::Path;

use reactor_host::control::{Client, ControlError, News, Request};
use reactor_host::{OutcomeStatus, Report};

use crate::args::{Format, RunningHost};
use crate::data_folder;
use crate::error::CliError;
use crate::interrupt;
use crate::output::{self, BAD, CHANGED, FAINT, GOOD, Output, Subject, Weight, describe, line_of, plain};
use crate::status::ExitStatus;

/// The host in a data folder, if one runs.
///
/// # Errors
///
/// One seems to run, and can not be asked.
pub(crate) fn at(data: &Path) -> Result<Option<Client>, CliError> {
    match Client::connect(data) {
        Ok(client) => Ok(Some(client)),
        Err(ControlError::NotRunning { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The host that is meant.
///
/// # Errors
///
/// None runs; one seems to run, and can not be asked.
pub(crate) fn find(host: &RunningHost) -> Result<Client, CliError> {
    let named = host.data.path.as_deref();
    let data = data_folder::of(named, host.plugins.as_deref().unwrap_or_else(|| Path::new(".")))?;
    at(&data)?.ok_or_else(|| none(host.plugins.as_deref(), named, &data))
}

/// That no host runs, and how to start one.
pub(crate) fn none(plugins: Option<&Path>, named: Option<&Path>, data: &Path) -> CliError {
    let data = data.to_owned();
    let option = named.map(|named| format!(" --data {}", named.display())).unwrap_or_default();
    match plugins.map(|plugins| plugins.display()) {
        Some(plugins) => CliError::NotRunning {
            what: plugins.to_string(),
            data,
            start: format!("reactor run {plugins}{option}"),
        },
        None => CliError::NotRunning {
            what: "this data folder".to_owned(),
            data,
            start: format!("reactor run DIR{option}"),
        },
    }
}

/// Prints what an order came to. What failed is told on standard error, too.
///
/// # Errors
///
/// Whatever standard output says.
pub(crate) fn tell(report: &Report, format: Format) -> Result<ExitStatus, CliError> {
    let output = Output::new(format);
    let mut status = ExitStatus::Done;
    for outcome in &report.outcomes {
        if let OutcomeStatus::Failed { code, message, .. } = &outcome.status {
            status = ExitStatus::Failed;
            output::error(&CliError::Answer { code: code.clone(), message: message.clone() });
            if !output.is_json() {
                continue;
            }
        }
        output.put(outcome, |outcome| {
            let (style, sign) = match outcome.status {
                OutcomeStatus::Loaded { .. } => (GOOD, '+'),
                OutcomeStatus::Swapped { .. } | OutcomeStatus::RolledBack { .. } => (CHANGED, '~'),
                OutcomeStatus::Stopped => (FAINT, '-'),
                _ => (BAD, '!'),
            };
            format!("{style}{sign}{style:#} {}", plain(&outcome.to_string()))
        })?;
    }
    if report.outcomes.is_empty() {
        output.say("nothing changed")?;
    }
    Ok(status)
}

/// Prints events until they end, or until Ctrl-C; people are spared those that they want to hear less of. How many came.
///
/// # Errors
///
/// What the host answers; whatever standard output says.
pub(crate) fn print(client: Client, request: &Request, format: Format) -> Result<u64, CliError> {
    // Nothing is lost by ending at once: each line is written when it comes.
    interrupt::on_first(|| std::process::exit(ExitStatus::Done.code().into()))?;
    let output = Output::new(format);
    let mut came = 0;
    for news in client.feed(request)? {
        show(&output, &news?)?;
        came += 1;
    }
    Ok(came)
}

fn show(output: &Output, news: &News) -> io::Result<()> {
    match news {
        News::Event(event) => output.tell(Weight::of(&event.kind), event, |event| {
            line_of(event, &describe(&Subject::of(event), &event.kind))
        }),
        News::Lost(count) => {
            output::warning(&CliError::Lost { count: *count });
            Ok(())
        }
        News::Other(event) => output
            .tell(Weight::News, event, |event| format!("{FAINT}·{FAINT:#} {}", plain(&event.to_string()))),
        // A kind that is younger than this command is no event.
        _ => Ok(()),
    }
}
