//! Why a file's bytes cannot be taken for a plugin's library.

use std::borrow::Cow;

use super::length;

/// Why a file's bytes cannot be taken for a plugin's library. Whoever knows the path puts it in front.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// No known format.
    #[error("this is no dynamic library (it begins with {start}); put one built for this system here")]
    Unrecognised {
        /// Its first bytes, in hexadecimal.
        start: String,
    },
    /// The file ends before something that it says it holds.
    #[error(
        "the file is incomplete: at least {expected_bytes} bytes are needed and {found_bytes} are there; \
         wait for the build or copy to end, or copy it again"
    )]
    Incomplete {
        /// The least length that its headers allow.
        expected_bytes: u64,
        /// Its length.
        found_bytes: u64,
    },
    /// An object file of another kind.
    #[error("this is {what}, not a dynamic library; build the plugin with `crate-type = [\"cdylib\"]`")]
    NotALibrary {
        /// What it is.
        what: &'static str,
    },
    /// Zeros stand where something must: space was reserved for the file and not yet filled.
    #[error("{what} of the file is all zeros; wait for the build or copy to end, or copy it again")]
    ZeroFilled {
        /// What is empty.
        what: &'static str,
    },
    /// A table leads nowhere: the loader would fail on it or crash.
    #[error("the library is damaged: {reason}; build or copy it again")]
    Malformed {
        /// What is wrong with it.
        reason: Cow<'static, str>,
    },
    /// It would have the system make the stacks of the whole process executable.
    #[error(
        "the library asks for an executable stack, which would be the whole process's; link it with \
         `-z noexecstack`"
    )]
    ExecutableStack,
    /// The section in which the export macro puts facts and manifest cannot be read.
    #[error(
        "the manifest embedded in the library cannot be read: {reason}; rebuild it with this reactor-abi"
    )]
    Embedded {
        /// What is wrong with it.
        reason: Cow<'static, str>,
    },
}

impl ObjectError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unrecognised { .. } => "RE0120",
            Self::Incomplete { .. } => "RE0121",
            Self::NotALibrary { .. } => "RE0122",
            Self::ZeroFilled { .. } => "RE0123",
            Self::Malformed { .. } => "RE0124",
            Self::Embedded { .. } => "RE0125",
            Self::ExecutableStack => "RE0126",
        }
    }

    /// Whether the file looks like one that somebody is still writing.
    pub fn is_unfinished(&self) -> bool {
        matches!(self, Self::Incomplete { .. } | Self::ZeroFilled { .. })
    }

    pub(super) fn malformed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Malformed { reason: reason.into() }
    }

    pub(super) fn incomplete(expected: usize, bytes: &[u8]) -> Self {
        Self::Incomplete {
            expected_bytes: u64::try_from(expected).unwrap_or(u64::MAX),
            found_bytes: length(bytes),
        }
    }

    pub(super) fn unrecognised(bytes: &[u8]) -> Self {
        let start: Vec<_> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self::Unrecognised { start: start.join(" ") }
    }
}

impl From<object::read::Error> for ObjectError {
    fn from(error: object::read::Error) -> Self {
        Self::malformed(error.to_string())
    }
}
