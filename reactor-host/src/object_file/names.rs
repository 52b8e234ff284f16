//! Names out of a string table, within a budget.

use super::ObjectError;

/// What the names of a file may take together.
///
/// A table of a million symbols whose names all begin at the same long string is a small file and a terabyte
/// of names. Real linkers share the ends of strings and nothing else, so a few times the file's length is
/// plenty.
pub(super) struct Names {
    left: usize,
}

impl Names {
    pub(super) fn for_file(bytes: &[u8]) -> Self {
        Self { left: bytes.len().saturating_mul(2) }
    }

    /// The text of a name. Bytes that are not UTF-8 are replaced: such a name is nobody's here.
    pub(super) fn take(&mut self, name: &[u8]) -> Result<String, ObjectError> {
        // The terminator counts too, so that even empty names come to an end.
        self.left = self
            .left
            .checked_sub(name.len() + 1)
            .ok_or_else(|| ObjectError::malformed("its names take more room than the file has"))?;
        Ok(String::from_utf8_lossy(name).into_owned())
    }

    /// The name at `offset` of a string table.
    pub(super) fn at(&mut self, table: &[u8], offset: u64, what: &str) -> Result<String, ObjectError> {
        let tail = usize::try_from(offset).ok().and_then(|offset| table.get(offset..)).unwrap_or_default();
        // Looking no further than the budget keeps the search linear over all names.
        let window = &tail[..tail.len().min(self.left.saturating_add(1))];
        match window.iter().position(|byte| *byte == 0) {
            Some(end) => self.take(&window[..end]),
            None => Err(ObjectError::malformed(format!("{what} lies outside the string table"))),
        }
    }
}

/// Sorted, each once.
pub(super) fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names
}
