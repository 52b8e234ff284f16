//! Whether what a plugin offers is what a caller asks for.
//!
//! Owns what is checked of descriptors before they are compared; the comparison itself, and how a difference is told, is
//! `reactor_abi`'s. Pure. Must never know routes, objects, or where anything runs.

mod error;

use reactor_abi::interface::agreement::{self, Comparable, Side};
use reactor_abi::interface::{Descriptor, Want};
use semver::{Version, VersionReq};

pub(crate) use self::error::{AskError, OfferError};
use crate::manifest::{PluginId, is_interface_name};
pub(crate) use reactor_abi::interface::agreement::Misfit;

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
    methods: Vec<Comparable>,
}

/// What somebody offers, checked.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) name: String,
    pub(crate) version: Version,
    methods: Vec<Comparable>,
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
        let caller = Side { version: &self.version, methods: &self.methods };
        let provider = Side { version: &offered.version, methods: &offered.methods };
        agreement::fit(&self.range, caller, provider)
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
        let mut methods: Vec<Comparable> = Vec::with_capacity(descriptor.methods.len());
        let mut text = 0;
        for method in descriptor.methods {
            text += method.name.len() + method.signature.len();
            if text > LONGEST_TEXT {
                return Err(broken(format!("its signatures are longer than {LONGEST_TEXT} bytes")));
            }
            let method = Comparable::new(method)
                .map_err(|text| broken(format!("`{text}` is no minor version (`1.2`)")))?;
            methods.push(method);
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
        let method = |method: &Comparable| reactor_abi::interface::Method {
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

#[cfg(test)]
mod tests;
