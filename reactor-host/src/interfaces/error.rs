//! What can be wrong with an offer and with a question.

use semver::Version;

use crate::manifest::IdError;

/// Why an offer is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OfferError {
    #[error(
        "`{text}` is no name of an interface: write dot-separated words in kebab-case, such as `text.stats`"
    )]
    Name { text: String },
    #[error("{interface}: `{text}` is no version: {source}")]
    Version { interface: String, text: String, source: semver::Error },
    #[error(
        "{interface}: its descriptor can not be used: {reason}; rebuild against the host's `reactor-abi`"
    )]
    Descriptor { interface: String, reason: String },
    #[error(
        "the description of an interface can not be read: {reason}; rebuild against the host's `reactor-abi`"
    )]
    Unreadable { reason: String },
    #[error(
        "{plugin} provides the interface {interface} {version}, which its manifest does not list; write \
         `\"{interface}\" = \"{version}\"` under `[provides]`"
    )]
    Undeclared { plugin: String, interface: String, version: Version },
    #[error(
        "{plugin} provides the interface {interface} {}, and its manifest says {}; make them agree", .versions.0, .versions.1
    )]
    Disagrees { plugin: String, interface: String, versions: Box<(Version, Version)> },
    #[error("{plugin} provides the interface {interface} twice; one object provides it for the whole plugin")]
    Twice { plugin: String, interface: String },
    #[error("{plugin} provides the interface {interface} outside of `register`; do it there")]
    Late { plugin: String, interface: String },
}

impl OfferError {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Name { .. } | Self::Version { .. } | Self::Descriptor { .. } | Self::Unreadable { .. } => {
                "RE0740"
            }
            Self::Undeclared { .. } => "RE0741",
            Self::Disagrees { .. } => "RE0742",
            Self::Twice { .. } => "RE0743",
            Self::Late { .. } => "RE0744",
        }
    }
}

/// Why a question is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("{interface}: `{text}` is no range of versions: {source}; write one such as `^1.2`")]
    Range { interface: String, text: String, source: semver::Error },
    #[error("{interface}: `{text}`, which is to provide it, is no plugin id: {source}")]
    Provider { interface: String, text: String, source: IdError },
    #[error(transparent)]
    Descriptor(#[from] OfferError),
}

impl AskError {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Range { .. } => "RE0745",
            Self::Provider { .. } => "RE0746",
            Self::Descriptor(error) => error.code(),
        }
    }
}
