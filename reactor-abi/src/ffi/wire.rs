//! How an error crosses.

use crate::error::Error;

impl Error {
    /// The error as bytes.
    pub fn encode(&self) -> Vec<u8> {
        // Strings into a growing buffer: there is nothing that could fail.
        postcard::to_stdvec(self).unwrap_or_default()
    }

    /// Reads an error that crossed. Bytes that are none become an error that says so.
    pub fn decode(bytes: &[u8]) -> Self {
        postcard::from_bytes(bytes).unwrap_or_else(|error| {
            Self::new("RE0609", format!("the other side's error is unreadable: {error}"))
        })
    }
}
