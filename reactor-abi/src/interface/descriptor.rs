//! What is said of an interface when somebody offers it or asks for it. Crosses in postcard.

use serde::{Deserialize, Serialize};

/// An interface, as one side was compiled with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Descriptor {
    /// Its name, such as `text.stats`.
    pub name: String,
    /// Its version, as `SemVer` has it.
    pub version: String,
    /// Its methods, in the order of the trait.
    pub methods: Vec<Method>,
}

/// A method of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Method {
    /// Its name; no two methods of one interface have the same.
    pub name: String,
    /// All that must be equal on both sides, in a canonical form that people can read: `fn words(&self, &str) -> u64`.
    pub signature: String,
    /// Since which version the interface has it, as `major.minor`; absent: since its first.
    pub since: Option<String>,
}

/// What a caller asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Want {
    /// The interface as the caller knows it; the slots of its table are in this order.
    pub descriptor: Descriptor,
    /// Which versions will do, as a `SemVer` requirement.
    pub range: String,
    /// The plugin that is to provide it; absent: the first that fits.
    pub provider: Option<String>,
}

/// Who provides an interface at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provider {
    /// The plugin's id; the application's own id, where the application provides it.
    pub plugin: String,
    /// The version of the interface that it provides.
    pub version: String,
    /// The generation's number.
    pub generation: u64,
}

impl Provider {
    /// As a host tells it.
    #[doc(hidden)]
    pub fn new(plugin: String, version: String, generation: u64) -> Self {
        Self { plugin, version, generation }
    }
}
