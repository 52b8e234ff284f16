//! Whether what somebody offers is what a caller asks for, and how a difference is told: what one side has, what the other
//! expects, both versions, and what to do.
//!
//! For hosts and for what stands in for one, so that both find the same. Pure. Must never know who offers or asks.

use std::collections::HashMap;
use std::fmt;

use semver::{Version, VersionReq};

use super::Method;

/// A method as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparable {
    /// Its name.
    pub name: String,
    /// All that must be equal.
    pub signature: String,
    /// Since which major and minor version.
    pub since: Option<(u64, u64)>,
}

impl Comparable {
    /// # Errors
    ///
    /// What it says to be its first version, if that is none.
    pub fn new(method: Method) -> Result<Self, String> {
        let since = method.since.map(|text| minor_version(&text).ok_or(text)).transpose()?;
        Ok(Self { name: method.name, signature: method.signature, since })
    }
}

/// `1.2` as its two numbers.
fn minor_version(text: &str) -> Option<(u64, u64)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// One side of a comparison: the version of the interface that it was built with, and its methods.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The version.
    pub version: &'a Version,
    /// The methods, in the side's own order.
    pub methods: &'a [Comparable],
}

/// Finds the caller's methods with a provider: the place of each; `None` for one that the provider is too old for.
///
/// # Errors
///
/// The first thing that does not fit.
pub fn fit(range: &VersionReq, caller: Side<'_>, provider: Side<'_>) -> Result<Vec<Option<u32>>, Misfit> {
    if !range.matches(provider.version) {
        return Err(Misfit::Version {
            range: range.clone(),
            wanted: caller.version.clone(),
            offered: provider.version.clone(),
        });
    }
    let offered = provider.methods;
    let places: HashMap<&str, usize> =
        offered.iter().enumerate().map(|(at, method)| (method.name.as_str(), at)).collect();
    let mut found = Vec::with_capacity(caller.methods.len());
    for method in caller.methods {
        let versions = || Box::new((caller.version.clone(), provider.version.clone()));
        match places.get(method.name.as_str()) {
            Some(&at) if offered[at].signature == method.signature => found.push(u32::try_from(at).ok()),
            Some(&at) => {
                return Err(Misfit::Signature {
                    method: method.name.clone(),
                    wanted: method.signature.clone(),
                    offered: offered[at].signature.clone(),
                    versions: versions(),
                });
            }
            None if method
                .since
                .is_some_and(|since| since > (provider.version.major, provider.version.minor)) =>
            {
                found.push(None);
            }
            None => {
                return Err(Misfit::Method {
                    method: method.name.clone(),
                    signature: method.signature.clone(),
                    since: method.since,
                    versions: versions(),
                });
            }
        }
    }
    Ok(found)
}

/// Why a provider will not do for a caller. It does not name the two: that is done by who shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Another version than was asked for.
    Version {
        /// What is asked for.
        range: VersionReq,
        /// The caller's version.
        wanted: Version,
        /// The provider's.
        offered: Version,
    },
    /// A method that takes or gives something else.
    Signature {
        /// Its name.
        method: String,
        /// The caller's signature.
        wanted: String,
        /// The provider's.
        offered: String,
        /// The versions of both.
        versions: Box<(Version, Version)>,
    },
    /// A method that the provider should have and has not.
    Method {
        /// Its name.
        method: String,
        /// The caller's signature.
        signature: String,
        /// Since which version the caller knows it.
        since: Option<(u64, u64)>,
        /// The versions of both.
        versions: Box<(Version, Version)>,
    },
}

impl Misfit {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Version { .. } => "RE0748",
            Self::Signature { .. } => "RE0749",
            Self::Method { .. } => "RE0750",
        }
    }

    /// The difference in words; `provider` is who offers.
    pub fn told<'a>(&'a self, provider: &'a dyn fmt::Display) -> impl fmt::Display + 'a {
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
fn differing<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
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

#[cfg(test)]
mod tests {
    use super::differing;

    #[test]
    fn only_what_differs_is_pointed_at_and_in_whole_words() {
        assert_eq!(differing("f(&str) -> u64", "f(&str) -> u32"), ("u64", "u32"));
        assert_eq!(differing("{a: u8, b: u8}", "{a: u8}"), ("u8, b: u8", "u8"));
        assert_eq!(differing("aa", "a"), ("aa", "a"));
        assert_eq!(differing("", ""), ("", ""));
        assert_eq!(differing("é ü", "é ö"), ("ü", "ö"));
    }
}
