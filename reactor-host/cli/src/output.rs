//! What commands print: lines for people, or one JSON object a line.

mod event;
mod printer;
mod surroundings;
mod text;
mod weight;

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use reactor_host::{Host, codes};
use serde::Serialize;

pub(crate) use self::event::{Subject, describe, handover, line_of, spaced};
pub(crate) use self::printer::Printer;
pub(crate) use self::text::{filled, micros, plain, unlinked};
pub(crate) use self::weight::{Weight, be};

use self::surroundings::Surroundings;
use crate::args::Format;
use crate::error::CliError;
use crate::live;

/// Green: it runs.
pub(crate) const GOOD: anstyle::Style = anstyle::AnsiColor::Green.on_default();
/// Cyan: it changed.
pub(crate) const CHANGED: anstyle::Style = anstyle::AnsiColor::Cyan.on_default();
/// Red: it does not run.
pub(crate) const BAD: anstyle::Style = anstyle::AnsiColor::Red.on_default();
/// Dimmed: of less interest.
pub(crate) const FAINT: anstyle::Style = anstyle::Style::new().dimmed();

/// Standard output, for people or for programs. Clones share it; a line is never torn by another.
#[derive(Clone)]
pub(crate) struct Output {
    json: bool,
    to: To,
}

#[derive(Clone)]
enum To {
    Stdout(Arc<Mutex<anstream::AutoStream<io::Stdout>>>),
    View(Arc<live::Shared>),
}

impl Output {
    /// Lines for people, plain where they do not go to a terminal or `NO_COLOR` is set; or JSON.
    pub(crate) fn new(format: Format) -> Self {
        Self { json: format.json, to: To::Stdout(Arc::new(Mutex::new(anstream::stdout()))) }
    }

    /// For a command that goes on until it is ended: the live view where a person watches a terminal, else as
    /// [`new`](Self::new). The view is to be dropped when all is said.
    ///
    /// # Errors
    ///
    /// That the terminal cannot be taken over.
    pub(crate) fn following(
        format: Format,
        wanted: bool,
        title: impl FnOnce() -> String,
    ) -> Result<(Self, Option<live::View>), CliError> {
        let mut output = Self::new(format);
        let view = if wanted && !format.json && Surroundings::here().have_a_view() {
            live::View::open(title())?
        } else {
            None
        };
        if let Some(view) = &view {
            output.to = To::View(view.shared());
        }
        Ok((output, view))
    }

    /// Lets the live view, if there is one, show what `host` does.
    ///
    /// # Errors
    ///
    /// [`CliError::Thread`].
    pub(crate) fn observe(&self, host: &Arc<Host>) -> Result<Option<live::Observer>, CliError> {
        match &self.to {
            To::Stdout(_) => Ok(None),
            To::View(view) => live::Observer::start(Arc::clone(host), Arc::clone(view)).map(Some),
        }
    }

    /// The live view, where there is one.
    pub(crate) fn view(&self) -> Option<&live::Shared> {
        match &self.to {
            To::Stdout(_) => None,
            To::View(view) => Some(view),
        }
    }

    /// Whether a program reads.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints `object` as JSON, or the text that `people` makes of it. This is what was asked for, and so is printed
    /// whatever the verbosity.
    ///
    /// # Errors
    ///
    /// Whatever standard output says.
    pub(crate) fn put<T: Serialize + ?Sized>(
        &self,
        object: &T,
        people: impl FnOnce(&T) -> String,
    ) -> io::Result<()> {
        let text = if self.json { serde_json::to_string(object)? } else { people(object) };
        match &self.to {
            To::Stdout(stdout) => line(&mut *stdout.lock().unwrap_or_else(PoisonError::into_inner), &text),
            To::View(view) => view.say(&text),
        }
    }

    /// As [`put`](Self::put), for what is told of its own accord: people are spared it where they want to hear less.
    ///
    /// # Errors
    ///
    /// Whatever standard output says.
    pub(crate) fn tell<T: Serialize + ?Sized>(
        &self,
        weight: Weight,
        object: &T,
        people: impl FnOnce(&T) -> String,
    ) -> io::Result<()> {
        if self.json || weight.is_told() { self.put(object, people) } else { Ok(()) }
    }

    /// Prints a line that programs do not need.
    ///
    /// # Errors
    ///
    /// Whatever standard output says.
    pub(crate) fn say(&self, text: &str) -> io::Result<()> {
        if self.json { Ok(()) } else { self.tell(Weight::News, text, str::to_owned) }
    }
}

/// Writes a line, whole.
///
/// # Errors
///
/// Whatever `out` says.
pub(crate) fn line(out: &mut impl io::Write, text: &str) -> io::Result<()> {
    writeln!(out, "{text}")?;
    out.flush()
}

/// Writes a text that is finished as it is to standard output.
///
/// # Errors
///
/// Whatever standard output says.
pub(crate) fn whole(text: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text)?;
    stdout.flush()
}

/// Prints an error to standard error: one line, and below it the place in the text that is wrong, if it shows one.
pub(crate) fn error(error: &CliError) {
    told("error", BAD.bold(), error);
    // Who asks about a code needs no hint, nor does a program.
    let asked = matches!(error, CliError::NoSuchCode { .. }) || !Weight::News.is_told();
    if !asked
        && io::stderr().is_terminal()
        && let Some(hint) = hint(error.code())
    {
        let _ = writeln!(anstream::stderr(), "{FAINT}{hint}{FAINT:#}");
    }
}

/// Prints a warning to standard error.
pub(crate) fn warning(error: &CliError) {
    if Weight::Warning.is_told() {
        told("warning", anstyle::AnsiColor::Yellow.on_default().bold(), error);
    }
}

fn told(what: &str, style: anstyle::Style, error: &CliError) {
    // There is nowhere left to say that standard error is closed.
    let _ = writeln!(
        anstream::stderr(),
        "{style}{what}[{}]{style:#}: {}",
        plain(error.code()),
        plain(&error.to_string())
    );
}

/// How to learn more of a code; said once, of the first one that there is more to know of.
pub(crate) fn hint(code: &str) -> Option<String> {
    static SAID: AtomicBool = AtomicBool::new(false);
    let known = codes::find(code).filter(|known| known.code == code)?;
    let first = !SAID.swap(true, Ordering::Relaxed);
    first.then(|| format!("  `reactor explain {}` says more", known.code))
}
