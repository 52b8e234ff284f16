//! The exit codes, in one place.

use std::process::ExitCode;

/// How the command ended, as scripts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// 0: what was asked is done. A person's Ctrl-C is the ordinary end of a command that runs until then.
    Done,
    /// 1: what was asked failed, in whole or in part: a plugin was refused, did not compile, or answered with an error.
    Failed,
    /// 2: the command line cannot be understood; nothing was done.
    Usage,
}

impl ExitStatus {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
