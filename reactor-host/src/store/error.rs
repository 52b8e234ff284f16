//! Why the store could not be opened, or something not be stored.

use std::path::PathBuf;

/// Why the store could not be opened, or something not be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The data folder can not be used.
    #[error("can not keep anything in {}: {message}; name another data folder, or check its permissions", .path.display())]
    Folder {
        /// The file or folder that stands in the way.
        path: PathBuf,
        /// The system's words.
        message: String,
    },
}

impl StoreError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "RE0701",
        }
    }
}
