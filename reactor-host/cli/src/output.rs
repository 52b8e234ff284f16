//! What commands print: lines for people, or one JSON object a line.

mod event;
mod printer;
mod text;

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

pub(crate) use self::event::{Subject, describe, handover, spaced};
pub(crate) use self::printer::Printer;
pub(crate) use self::text::{micros, plain};

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
    stdout: Arc<Mutex<anstream::AutoStream<io::Stdout>>>,
}

impl Output {
    /// Lines for people, plain where they do not go to a terminal or `NO_COLOR` is set; or JSON.
    pub(crate) fn new(format: crate::args::Format) -> Self {
        Self { json: format.json, stdout: Arc::new(Mutex::new(anstream::stdout())) }
    }

    /// Whether a program reads.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints `object` as JSON, or the text that `people` makes of it.
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
        let mut stdout = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(stdout, "{text}")?;
        stdout.flush()
    }

    /// Prints a line that programs do not need.
    ///
    /// # Errors
    ///
    /// Whatever standard output says.
    pub(crate) fn say(&self, text: &str) -> io::Result<()> {
        if self.json { Ok(()) } else { self.put(text, str::to_owned) }
    }
}

/// Prints an error to standard error: one line, and below it the place in the text that is wrong, if it shows one.
pub(crate) fn error(error: &crate::error::CliError) {
    let bad = BAD.bold();
    // There is nowhere left to say that standard error is closed.
    let _ =
        writeln!(anstream::stderr(), "{bad}error[{}]{bad:#}: {}", error.code(), plain(&error.to_string()));
}

/// Prints a warning to standard error.
pub(crate) fn warning(error: &crate::error::CliError) {
    let style = anstyle::AnsiColor::Yellow.on_default().bold();
    // As for errors.
    let _ = writeln!(
        anstream::stderr(),
        "{style}warning[{}]{style:#}: {}",
        error.code(),
        plain(&error.to_string())
    );
}
