//! The error that a plugin returns.
//!
//! Plugins fail for reasons of their own, and the host can only print those reasons or match on a code. So
//! there is one plain type that crosses the boundary encoded: a stable code, a message, and what was being
//! done at the time. The `?` operator turns any ordinary error into it.

use std::any::Any;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::interface::CallError;
use crate::value::ValueError;

/// What the functions of a plugin return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure inside a plugin, ready to be carried to the host.
///
/// It does not implement [`std::error::Error`]: that is what lets `?` turn every type that does into this
/// one. Where a boxed standard error is wanted, convert it with `.into()`.
///
/// ```
/// use reactor_abi::error::{Context, Result};
///
/// fn port(text: &str) -> Result<u16> {
///     Ok(text.parse::<u16>().context("reading `port`")?)
/// }
///
/// let error = port("many").unwrap_err().context("starting the server");
/// assert_eq!(error.to_string(), "starting the server: reading `port`: invalid digit found in string");
/// assert_eq!(error.code(), "plugin.error");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    code: String,
    message: String,
    /// Outermost last.
    context: Vec<String>,
}

impl Error {
    /// The code of an error that was given none.
    pub const DEFAULT_CODE: &'static str = "plugin.error";

    /// An error under a code that callers may match on; keep it the same from version to version.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), context: Vec::new() }
    }

    /// An error for people to read, under [`Error::DEFAULT_CODE`].
    pub fn msg(message: impl Into<String>) -> Self {
        Self::new(Self::DEFAULT_CODE, message)
    }

    /// Says what was being done when this happened; it is printed before all that was said earlier.
    #[must_use]
    pub fn context(mut self, text: impl Into<String>) -> Self {
        self.context.push(text.into());
        self
    }

    /// The stable code, such as `plugin.error`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What went wrong, without the contexts.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What was being done, innermost first.
    pub fn contexts(&self) -> &[String] {
        &self.context
    }
}

/// Prints `outer context: inner context: message`; the alternate form `{:#}` adds the code in brackets.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for context in self.context.iter().rev() {
            write!(f, "{context}: ")?;
        }
        f.write_str(&self.message)?;
        if f.alternate() { write!(f, " [{}]", self.code) } else { Ok(()) }
    }
}

/// The message is the error's own, followed by those of its sources. A [`ValueError`] and a
/// [`CallError`] keep their codes.
impl<E: std::error::Error + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Many errors already print their source; saying it twice helps nobody.
            if !message.ends_with(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            source = cause.source();
        }
        let any: &dyn Any = &error;
        let code = match (any.downcast_ref::<ValueError>(), any.downcast_ref::<CallError>()) {
            (Some(error), _) => error.code(),
            (_, Some(error)) => error.code(),
            _ => Self::DEFAULT_CODE,
        };
        Self::new(code, message)
    }
}

impl From<Error> for Box<dyn std::error::Error + Send + Sync> {
    fn from(error: Error) -> Self {
        Box::new(Standard(error))
    }
}

impl From<Error> for Box<dyn std::error::Error> {
    fn from(error: Error) -> Self {
        Box::new(Standard(error))
    }
}

/// Gives [`Error`] the standard trait when it is boxed.
struct Standard(Error);

impl fmt::Debug for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Standard {}

/// Adds what was being done to a failure, or makes a failure of a missing value.
pub trait Context<T> {
    /// Adds `text` to the error.
    ///
    /// # Errors
    ///
    /// The error that was there, with the context; for `None`, an error whose message is `text`.
    fn context(self, text: impl Into<String>) -> Result<T>;

    /// Like [`Context::context`], for a text that costs something to make.
    ///
    /// # Errors
    ///
    /// As [`Context::context`].
    fn with_context<S: Into<String>>(self, text: impl FnOnce() -> S) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, text: impl Into<String>) -> Result<T> {
        self.map_err(|error| error.into().context(text))
    }

    fn with_context<S: Into<String>>(self, text: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|error| error.into().context(text()))
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, text: impl Into<String>) -> Result<T> {
        self.ok_or_else(|| Error::msg(text))
    }

    fn with_context<S: Into<String>>(self, text: impl FnOnce() -> S) -> Result<T> {
        self.ok_or_else(|| Error::msg(text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Layer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            self.1.as_deref().map(|layer| layer as _)
        }
    }

    #[test]
    fn prints_the_outermost_context_first() {
        let error = Error::new("disk.full", "no space").context("writing").context("saving");
        assert_eq!(error.to_string(), "saving: writing: no space");
        assert_eq!(format!("{error:#}"), "saving: writing: no space [disk.full]");
        assert_eq!(error.contexts(), ["writing", "saving"]);
    }

    #[test]
    fn a_standard_error_brings_its_sources() {
        let error =
            Error::from(Layer("top", Some(Box::new(Layer("middle", Some(Box::new(Layer("root", None))))))));
        assert_eq!(error.message(), "top: middle: root");
        let repeated = Error::from(Layer("open: denied", Some(Box::new(Layer("denied", None)))));
        assert_eq!(repeated.message(), "open: denied");
    }

    #[test]
    fn a_value_error_keeps_its_code() {
        let error = Error::from(ValueError::TooDeep);
        assert_eq!(error.code(), ValueError::TooDeep.code());
    }

    #[test]
    fn context_works_on_results_and_options() {
        fn inner() -> Result<()> {
            Err(Error::new("a.b", "broken")).context("one")
        }
        assert_eq!(inner().with_context(|| "two").unwrap_err().to_string(), "two: one: broken");
        assert_eq!(None::<u8>.context("no byte").unwrap_err().message(), "no byte");
        assert_eq!(Some(1).context("no byte").unwrap(), 1);
    }

    #[test]
    fn boxes_as_a_standard_error_and_crosses_encoded() {
        let error = Error::new("a.b", "broken").context("one");
        let boxed: Box<dyn std::error::Error + Send + Sync> = error.clone().into();
        assert_eq!(boxed.to_string(), "one: broken");
        let bytes = postcard::to_stdvec(&error).unwrap();
        assert_eq!(postcard::from_bytes::<Error>(&bytes).unwrap(), error);
    }
}
