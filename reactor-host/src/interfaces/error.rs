//! What can be wrong with an offer, with a question, and between the two.

use std::fmt;

use semver::{Version, VersionReq};

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

/// Why a provider will not do for a caller. It does not name the two: that is done by who shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// Another version than was asked for.
    Version { range: VersionReq, wanted: Version, offered: Version },
    /// A method that takes or gives something else. The versions are the caller's and the provider's.
    Signature { method: String, wanted: String, offered: String, versions: Box<(Version, Version)> },
    /// A method that the provider should have and has not.
    Method { method: String, signature: String, since: Option<(u64, u64)>, versions: Box<(Version, Version)> },
}

impl Misfit {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Version { .. } => "RE0748",
            Self::Signature { .. } => "RE0749",
            Self::Method { .. } => "RE0750",
        }
    }

    /// The difference in words; `provider` is who offers.
    pub(crate) fn told<'a>(&'a self, provider: &'a dyn fmt::Display) -> impl fmt::Display + 'a {
        Told { misfit: self, provider }
    }
}

struct Told<'a> {
    misfit: &'a Misfit,
    provider: &'a dyn fmt::Display,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = self.provider;
        match self.misfit {
            Misfit::Version { range, wanted, offered } => write!(
                f,
                "{provider} provides {offered}, and {range} is asked for by a caller that was built with {wanted}; \
                 install a version of it that provides {range}, or rebuild the caller with the interface's {offered}"
            ),
            Misfit::Signature { method, wanted, offered, versions } => {
                let (ours, theirs) = &**versions;
                write!(
                    f,
                    "method `{method}`: {provider}, built with {theirs}, has `{offered}`, and the caller, built with \
                     {ours}, expects `{wanted}`"
                )?;
                let (here, there) = differing(wanted, offered);
                if here.len() + there.len() < wanted.len() + offered.len() {
                    write!(f, " (`{there}` against `{here}`)")?;
                }
                f.write_str("; rebuild both with the same version of the interface, and give a changed method a new major version")
            }
            Misfit::Method { method, signature, since, versions } => {
                let (ours, theirs) = &**versions;
                write!(
                    f,
                    "{provider}, built with {theirs}, has no method `{method}`; the caller, built with {ours}, "
                )?;
                match since {
                    Some((major, minor)) => write!(
                        f,
                        "has `{signature}` since {major}.{minor}, which {theirs} should have; rebuild the provider"
                    ),
                    None => write!(
                        f,
                        "expects `{signature}`; rebuild the provider, or mark the method with the minor version that \
                         brought it (`#[since(\"…\")]`)"
                    ),
                }
            }
        }
    }
}

/// The parts of two texts that differ: without what they begin and end with in common, widened to whole words.
pub(super) fn differing<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let start: usize =
        one.chars().zip(other.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let start = one[..start].trim_end_matches(word).len();
    let (a, b) = (&one[start..], &other[start..]);
    let mut end = 0;
    for (x, y) in a.chars().rev().zip(b.chars().rev()) {
        if x != y || end + x.len_utf8() > a.len().min(b.len()) {
            break;
        }
        end += x.len_utf8();
    }
    let tail = &a[a.len() - end..];
    let end = tail.trim_start_matches(word).len();
    (&a[..a.len() - end], &b[..b.len() - end])
}
