//! Typed interfaces, as the application asks for them.

use reactor_abi::Error;
use reactor_abi::interface::{self, Interface, Provider, Schema, Sender, Stream, Want};

use super::Host;

impl Host {
    /// A handle to an interface, in a version of `range`. Whether or not anybody provides it by now: a call goes to the
    /// first that provides it at that moment and fits, in the order in which plugins first came to serve, and answers why
    /// there is none. The handle may be copied, sent and kept; it survives swaps.
    ///
    /// ```no_run
    /// # use reactor_abi::prelude::*;
    /// # use reactor_host::Host;
    /// #[interface(name = "text.stats", version = "1.0.0")]
    /// pub trait TextStats {
    ///     fn words(&self, text: &str) -> u64;
    /// }
    ///
    /// # fn main() -> Result<(), Error> {
    /// # let host = Host::builder("dev.example.editor", "1.0.0").build()?;
    /// let stats = host.interface::<dyn TextStats>("^1")?;
    /// let words = stats.words("two words")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `range` is none (`RE0745`); or somebody provides the interface and nobody in a way that fits: another version
    /// (`RE0748`), another signature (`RE0749`), a method that is not there (`RE0750`). The message has both sides.
    pub fn interface<I: Interface + ?Sized>(&self, range: &str) -> Result<I::Handle, Error> {
        self.import::<I>(range, None)
    }

    /// As [`interface`](Self::interface), of this plugin and no other.
    ///
    /// # Errors
    ///
    /// As [`interface`](Self::interface), and a `plugin` that is no id (`RE0746`).
    pub fn interface_of<I: Interface + ?Sized>(&self, plugin: &str, range: &str) -> Result<I::Handle, Error> {
        self.import::<I>(range, Some(plugin))
    }

    fn import<I: Interface + ?Sized>(&self, range: &str, provider: Option<&str>) -> Result<I::Handle, Error> {
        interface::import::<I>(self.application.client(), range, provider)
    }

    /// Everybody who provides an interface in a version of `range` and fits, the one first that a call goes to. The
    /// application itself is among them under its own id, where it provides it.
    ///
    /// # Errors
    ///
    /// `range` is none.
    pub fn providers<I: Interface + ?Sized>(&self, range: &str) -> Result<Vec<Provider>, Error> {
        let want = Want { descriptor: I::descriptor(), range: range.to_owned(), provider: None };
        self.shared.routes.providers(want)
    }

    /// A stream that the application adds to, to be answered by a method of an interface that it provides.
    ///
    /// # Errors
    ///
    /// A capacity of more than 65,536 items (`RE0752`), or too many streams (`RE0753`).
    pub fn stream<T: Schema>(&self, capacity: usize) -> Result<(Sender<T>, Stream<T>), Error> {
        interface::stream::<T>(self.application.client(), capacity)
    }
}
