//! Why a call through a handle came to nothing.

use std::fmt;

use crate::error::Error;

/// The code of an error that says that the process behind an interface has ended.
pub const PROCESS_GONE: &str = "RE0640";

/// The code of the error with which a host ends a stream, because who sends it was suspended or stopped.
#[doc(hidden)]
pub const STREAM_CUT: &str = "RE0751";

/// What a handle answers instead of the method's own answer.
///
/// The interface's own errors are no `CallError`s: a method that returns `Result<T, E>` answers
/// `Result<Result<T, E>, CallError>` through a handle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// Nobody provides the interface now, or who does may not be called; the reason says which.
    Unavailable(Error),
    /// The provider panicked; message and place.
    Panicked(Error),
    /// Arguments or the answer could not be carried across.
    Failed(Error),
    /// The provider is older than the method, and the interface gives no answer for that.
    Unsupported {
        /// The interface's name.
        interface: &'static str,
        /// The method.
        method: &'static str,
        /// Since which version of the interface there is such a method.
        since: &'static str,
    },
    /// The process in which the provider ran has ended during the call.
    Gone(Error),
    /// A stream has ended with this error, which its sender gave.
    ///
    /// One that the host ended, since the sender's generation was suspended or stopped, is [`Unavailable`](Self::Unavailable).
    Ended(Error),
}

impl CallError {
    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Unavailable(error)
            | Self::Panicked(error)
            | Self::Failed(error)
            | Self::Gone(error)
            | Self::Ended(error) => error.code(),
            Self::Unsupported { .. } => "RE0721",
        }
    }

    /// An error that was there instead of a binding.
    #[cold]
    pub(crate) fn blocked(error: Error) -> Self {
        if error.code() == PROCESS_GONE { Self::Gone(error) } else { Self::Unavailable(error) }
    }

    /// The error with which a stream has ended.
    #[cold]
    pub(crate) fn ended(error: Error) -> Self {
        match error.code() {
            STREAM_CUT | PROCESS_GONE => Self::blocked(error),
            _ => Self::Ended(error),
        }
    }

    /// An error that the other side's boundary answered.
    #[cold]
    pub(crate) fn failed(error: Error) -> Self {
        if error.code() == PROCESS_GONE { Self::Gone(error) } else { Self::Failed(error) }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(error)
            | Self::Panicked(error)
            | Self::Failed(error)
            | Self::Gone(error)
            | Self::Ended(error) => error.fmt(f),
            Self::Unsupported { interface, method, since } => write!(
                f,
                "`{interface}` has `{method}` since version {since}, and the provider is older; ask for `^{since}`, or \
                 give the method a default body for older providers"
            ),
        }
    }
}

impl std::error::Error for CallError {}

/// Something could not be encoded or decoded.
#[cold]
pub(crate) fn crossing(what: &str, error: &dyn fmt::Display) -> Error {
    Error::new("RE0720", format!("{what} can not be carried across: {error}"))
}
