//! Whether what a plugin offers is what a caller asks for.
//!
//! Owns the comparison of two descriptors of an interface, and how a difference is told: what one side has, what the
//! other expects, both versions, and what to do. Pure. Must never know routes, objects, or where anything runs.

mod error;

use std::collections::HashMap;

use reactor_abi::interface::{Descriptor, Want};
use semver::{Version, VersionReq};

pub(crate) use self::error::{AskError, Misfit, OfferError};
use crate::manifest::{PluginId, is_interface_name};

/// The most methods of one interface.
const MOST_METHODS: usize = 1_024;
/// The longest text of a descriptor, in bytes.
pub(crate) const LONGEST_TEXT: usize = 64 << 10;

/// What a caller asks for, checked.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) range: VersionReq,
    /// The plugin that is to provide it; `None`: any.
    pub(crate) provider: Option<PluginId>,
    methods: Vec<Method>,
}

/// What somebody offers, checked.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) name: String,
    pub(crate) version: Version,
    methods: Vec<Method>,
}

#[derive(Debug)]
struct Method {
    name: String,
    signature: String,
    /// Since which major and minor version.
    since: Option<(u64, u64)>,
}

impl Wanted {
    /// # Errors
    ///
    /// A range that is none, a plugin id that is none, a descriptor that is none.
    pub(crate) fn new(want: Want) -> Result<Self, AskError> {
        let range = want.range.parse().map_err(|source| AskError::Range {
            interface: want.descriptor.name.clone(),
            text: want.range.clone(),
            source,
        })?;
        let provider = want.provider.map(|text| {
            PluginId::new(&text).map_err(|source| AskError::Provider {
                interface: want.descriptor.name.clone(),
                text,
                source,
            })
        });
        let Offered { name, version, methods } = Offered::new(want.descriptor)?;
        Ok(Self { name, version, range, provider: provider.transpose()?, methods })
    }

    /// How many methods the caller knows.
    pub(crate) fn methods(&self) -> usize {
        self.methods.len()
    }

    /// Finds the caller's methods with a provider: the place of each; `None` for one that the provider is too old for.
    ///
    /// # Errors
    ///
    /// The first thing that does not fit.
    pub(crate) fn fit(&self, offered: &Offered) -> Result<Vec<Option<u32>>, Misfit> {
        if !self.range.matches(&offered.version) {
            return Err(Misfit::Version {
                range: self.range.clone(),
                wanted: self.version.clone(),
                offered: offered.version.clone(),
            });
        }
        let places: HashMap<&str, usize> =
            offered.methods.iter().enumerate().map(|(at, method)| (method.name.as_str(), at)).collect();
        let mut found = Vec::with_capacity(self.methods.len());
        for method in &self.methods {
            let versions = || Box::new((self.version.clone(), offered.version.clone()));
            match places.get(method.name.as_str()) {
                Some(&at) if offered.methods[at].signature == method.signature => {
                    found.push(u32::try_from(at).ok());
                }
                Some(&at) => {
                    return Err(Misfit::Signature {
                        method: method.name.clone(),
                        wanted: method.signature.clone(),
                        offered: offered.methods[at].signature.clone(),
                        versions: versions(),
                    });
                }
                None if method
                    .since
                    .is_some_and(|since| since > (offered.version.major, offered.version.minor)) =>
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
}

impl Offered {
    /// # Errors
    ///
    /// A name or version that is none, a method twice, more than a descriptor may hold.
    pub(crate) fn new(descriptor: Descriptor) -> Result<Self, OfferError> {
        let name = descriptor.name;
        let broken = |reason: String| OfferError::Descriptor { interface: name.clone(), reason };
        if !is_interface_name(&name) {
            return Err(OfferError::Name { text: name });
        }
        let version = descriptor.version.parse().map_err(|source| OfferError::Version {
            interface: name.clone(),
            text: descriptor.version.clone(),
            source,
        })?;
        if descriptor.methods.len() > MOST_METHODS {
            return Err(broken(format!(
                "{} methods, and {MOST_METHODS} are the most",
                descriptor.methods.len()
            )));
        }
        let mut methods: Vec<Method> = Vec::with_capacity(descriptor.methods.len());
        let mut text = 0;
        for method in descriptor.methods {
            text += method.name.len() + method.signature.len();
            if text > LONGEST_TEXT {
                return Err(broken(format!("its signatures are longer than {LONGEST_TEXT} bytes")));
            }
            let since = method.since.as_deref().map(|text| {
                minor_version(text).ok_or_else(|| broken(format!("`{text}` is no minor version (`1.2`)")))
            });
            methods.push(Method {
                name: method.name,
                signature: method.signature,
                since: since.transpose()?,
            });
        }
        let mut names: Vec<_> = methods.iter().map(|method| method.name.as_str()).collect();
        names.sort_unstable();
        if let Some([twice, _]) = names.array_windows().find(|[one, next]| one == next) {
            return Err(broken(format!("the method `{twice}` twice")));
        }
        Ok(Self { name, version, methods })
    }

    /// What was said of it.
    pub(crate) fn descriptor(&self) -> Descriptor {
        let method = |method: &Method| reactor_abi::interface::Method {
            name: method.name.clone(),
            signature: method.signature.clone(),
            since: method.since.map(|(major, minor)| format!("{major}.{minor}")),
        };
        Descriptor {
            name: self.name.clone(),
            version: self.version.to_string(),
            methods: self.methods.iter().map(method).collect(),
        }
    }

    /// How many methods it has.
    pub(crate) fn methods(&self) -> usize {
        self.methods.len()
    }
}

/// `1.2` as its two numbers.
fn minor_version(text: &str) -> Option<(u64, u64)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests;
