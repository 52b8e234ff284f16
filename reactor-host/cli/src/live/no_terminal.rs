//! Where standard output cannot be put aside in safe code there is no live view: lines are printed.

use std::io;

use super::frame::Size;
use crate::error::CliError;

/// There is none.
pub(super) enum Terminal {}

/// There is nothing to give back.
pub(crate) fn restore() {}

impl Terminal {
    pub(super) fn open() -> Result<Option<Self>, CliError> {
        Ok(None)
    }

    pub(super) fn enter(&self, _: impl FnMut(&str) + Send + 'static) -> Result<(), CliError> {
        match *self {}
    }

    pub(super) fn clear(&self) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn is_entered(&self) -> bool {
        match *self {}
    }

    pub(super) fn has_colours(&self) -> bool {
        match *self {}
    }

    pub(super) fn size(&self) -> Size {
        match *self {}
    }

    pub(super) fn write(&self, _: &[u8]) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn leave(&self) -> bool {
        match *self {}
    }
}
