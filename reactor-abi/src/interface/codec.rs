//! The encoding between processes, and of what does not cross as it is: postcard.

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::ffi::interface::Callbacks;

use super::crossing;

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
    rest: &'a [u8],
    callbacks: Callbacks,
}

impl<'a> Input<'a> {
    /// All of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, callbacks: Callbacks::NONE }
    }

    /// All of `bytes`, with the callbacks that they number.
    pub(crate) fn with_callbacks(bytes: &'a [u8], callbacks: Callbacks) -> Self {
        Self { rest: bytes, callbacks }
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
        let (value, rest) = postcard::take_from_bytes(self.rest)
            .map_err(|error| crossing(std::any::type_name::<T>(), &error))?;
        self.rest = rest;
        Ok(value)
    }

    /// Takes a length and as many bytes: how postcard writes text and bytes.
    pub(crate) fn take_bytes(&mut self) -> Result<&'a [u8]> {
        let (bytes, rest) =
            postcard::take_from_bytes::<&'a [u8]>(self.rest).map_err(|error| crossing("bytes", &error))?;
        self.rest = rest;
        Ok(bytes)
    }

    /// Takes the length of a list.
    pub(crate) fn take_count(&mut self) -> Result<usize> {
        let count = self.take::<u64>()?;
        plausible(count, self.rest.len())
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    ///
    /// Something is.
    pub fn end(&self) -> Result<()> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(crossing("the input", &format_args!("{left} bytes are left over"))),
        }
    }
}

/// A list that claims more elements than there are bytes left is refused, unless there might be elements without bytes.
fn plausible(count: u64, left: usize) -> Result<usize> {
    const WITHOUT_BYTES: usize = 1 << 16;
    usize::try_from(count).ok().filter(|count| *count <= left.saturating_add(WITHOUT_BYTES)).ok_or_else(
        || crossing("a list", &format_args!("it is to have {count} elements, and {left} bytes are left")),
    )
}
