//! Why a control socket is not served, not reached, or does not do what is asked.

use std::io;
use std::path::PathBuf;

/// Why a control socket is not served, not reached, or does not do what is asked.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The host was built without a data folder.
    #[error(
        "a control socket is made in the host's data folder, and this host has none; name one with `data_dir`"
    )]
    NoDataFolder,
    /// Others could get at the socket.
    #[error("no control socket is made in {}: {why}", .data.display())]
    NotPrivate {
        /// The data folder.
        data: PathBuf,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// The system does not give a socket.
    #[error("can not serve a control socket in {}: {source}; check the folder's permissions and the space left", .data.display())]
    Socket {
        /// The data folder.
        data: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another host serves there.
    #[error("{} is held by {by}; end that one, or name another data folder", .data.display())]
    Held {
        /// The data folder.
        data: PathBuf,
        /// Who, as far as it answers.
        by: String,
    },
    /// This host serves already.
    #[error("this host serves its control socket in {} already: keep the first guard", .data.display())]
    Served {
        /// The data folder.
        data: PathBuf,
    },
    /// All places are taken.
    #[error("the host has {most} control connections, and takes no more; end one, or try again")]
    Full {
        /// How many it takes.
        most: usize,
    },
    /// A request that can not be read.
    #[error("the request can not be read: {why}; see the protocol in the book's chapter on control")]
    BadRequest {
        /// What is wrong.
        why: String,
    },
    /// A request that is too long.
    #[error("a request has at most {most} bytes, and this one has more; the connection is closed")]
    TooLong {
        /// The limit.
        most: usize,
    },
    /// A request that is not complete.
    #[error("no request was complete within {seconds} seconds; the connection is closed")]
    TooSlow {
        /// The limit.
        seconds: u64,
    },
    /// Nobody serves there.
    #[error("no host serves a control socket in {}; start one that does", .data.display())]
    NotRunning {
        /// The data folder.
        data: PathBuf,
    },
    /// There is a socket, and it can not be reached.
    #[error("can not reach the host in {}: {source}; check that it is this user's, and still answers", .data.display())]
    Unreachable {
        /// The data folder.
        data: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// What answers does not speak this protocol.
    #[error("what answers in {} {why}; use the `reactor` of the host's version", .data.display())]
    Foreign {
        /// The data folder.
        data: PathBuf,
        /// What differs.
        why: String,
    },
    /// The other side went away.
    #[error("the host ended, or closed the connection, before it had answered; see whether it still runs")]
    Gone,
    /// The other side is somebody else.
    #[error(
        "the other side is user {found}, and this is user {own}; only the same user, or root, is spoken with"
    )]
    OtherUser {
        /// The other side's number.
        found: u32,
        /// This side's number.
        own: u32,
    },
    /// What the host, or a plugin, answered.
    #[error("{message}")]
    Answer {
        /// Its stable code.
        code: String,
        /// Its words.
        message: String,
    },
}

impl ControlError {
    /// The stable code; that of the host's or the plugin's error where it is one.
    pub fn code(&self) -> &str {
        match self {
            Self::NoDataFolder => "RE1001",
            Self::NotPrivate { .. } => "RE1002",
            Self::Socket { .. } => "RE1003",
            Self::Held { .. } => "RE1004",
            Self::Served { .. } => "RE1005",
            Self::Full { .. } => "RE1006",
            Self::BadRequest { .. } => "RE1007",
            Self::TooLong { .. } => "RE1008",
            Self::TooSlow { .. } => "RE1009",
            Self::NotRunning { .. } => "RE1010",
            Self::Unreachable { .. } => "RE1011",
            Self::Foreign { .. } => "RE1012",
            Self::Gone => "RE1013",
            Self::OtherUser { .. } => "RE1014",
            Self::Answer { code, .. } => code,
        }
    }
}

/// As text, with its code: what a `main` that returns it prints.
impl std::fmt::Debug for ControlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}] {self}", self.code())
    }
}
