//! The encoding between processes, and of what does not cross as it is: postcard.

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::ffi::interface::Callbacks;

use super::crossing;
use super::decode::Decoder;

/// Appends to a buffer that is there already.
struct Appending<'a>(&'a mut Vec<u8>);

impl Flavor for Appending<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Appends `value` to `output`.
pub(crate) fn put<T: Serialize + ?Sized>(value: &T, output: &mut Vec<u8>) -> Result<()> {
    postcard::serialize_with_flavor(value, Appending(output))
        .map_err(|error| crossing(std::any::type_name::<T>(), &error))
}

/// What is left of encoded arguments or of an encoded answer.
pub struct Input<'a> {
    decoder: Decoder<'a>,
    callbacks: Callbacks,
}

impl<'a> Input<'a> {
    /// All of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { decoder: Decoder::new(bytes), callbacks: Callbacks::NONE }
    }

    /// All of `bytes`, with the callbacks that they number.
    pub(crate) fn with_callbacks(bytes: &'a [u8], callbacks: Callbacks) -> Self {
        Self { decoder: Decoder::new(bytes), callbacks }
    }

    pub(crate) fn callbacks(&self) -> Callbacks {
        self.callbacks
    }

    /// Takes one value that serde reads.
    ///
    /// # Errors
    ///
    /// The bytes are no such value.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<T> {
        T::deserialize(&mut self.decoder).map_err(|error| crossing(std::any::type_name::<T>(), &error))
    }

    /// Takes a length and as many bytes: how text and bytes are written.
    pub(crate) fn take_bytes(&mut self) -> Result<&'a [u8]> {
        self.decoder.bytes().map_err(|error| crossing("bytes", &error))
    }

    /// Takes the length of a list.
    pub(crate) fn take_count(&mut self) -> Result<usize> {
        self.decoder.count().map_err(|error| crossing("a list", &error))
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.decoder.rest().len()
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    ///
    /// Something is.
    pub fn end(&self) -> Result<()> {
        match self.left() {
            0 => Ok(()),
            left => Err(crossing("the input", &format_args!("{left} bytes are left over"))),
        }
    }
}
