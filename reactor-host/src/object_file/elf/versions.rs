//! The versions of symbols: which library is to provide which, by chains of offsets that the loader follows blindly.

use std::collections::BTreeSet;

use object::Endianness;
use object::elf::{DT_VERDEF, DT_VERNEED, DT_VERNEEDNUM, DT_VERSYM};
use object::read::elf::FileHeader;

use super::dynamic::{Dynamic, outside};
use super::slice;
use crate::object_file::ObjectError;

/// Bits of a version's number; the highest one says that it is hidden.
const NUMBER: u16 = 0x7fff;

fn bad() -> ObjectError {
    ObjectError::malformed("the table of versions is damaged")
}

impl<E: FileHeader<Endian = Endianness>> Dynamic<'_, '_, E> {
    /// Each symbol's version is one that the tables of versions have; each needed version is of a needed library.
    pub(super) fn check_versions(
        &self,
        symbols: usize,
        strings: &[u8],
        needed: &[String],
    ) -> Result<(), ObjectError> {
        // Local and global symbols without a version.
        let mut numbers = BTreeSet::from([0, 1]);
        if let Some(address) = self.get(DT_VERNEED) {
            self.needed_versions(address, strings, needed, &mut numbers)?;
        }
        if let Some(address) = self.get(DT_VERDEF) {
            self.defined_versions(address, strings, &mut numbers)?;
        }
        match self.get(DT_VERSYM) {
            None if numbers.len() > 2 => Err(bad()),
            None => Ok(()),
            Some(address) => {
                let table =
                    self.image.tail(address).ok_or_else(|| outside("the table of symbol versions"))?;
                let known = |index: usize| {
                    let at = u64::try_from(index).ok()?.checked_mul(2)?;
                    Some(numbers.contains(&(self.half(table, at)? & NUMBER)))
                };
                let all = (0..symbols).all(|index| known(index) == Some(true));
                if all {
                    Ok(())
                } else {
                    Err(ObjectError::malformed("a symbol has a version that is not there"))
                }
            }
        }
    }

    /// Layout of an entry: version 1, count, name of the library, offset of its versions, offset of the next. Of a
    /// version: hash, flags, number, name, offset of the next.
    fn needed_versions(
        &self,
        address: u64,
        strings: &[u8],
        needed: &[String],
        numbers: &mut BTreeSet<u16>,
    ) -> Result<(), ObjectError> {
        let table = self.image.tail(address).ok_or_else(|| outside("the table of versions"))?;
        let mut at = 0;
        for _ in 0..self.get(DT_VERNEEDNUM).ok_or_else(bad)? {
            let library = name(strings, self.word(table, at + 4).ok_or_else(bad)?).ok_or_else(bad)?;
            if self.half(table, at) != Some(1) || !needed.iter().any(|one| one.as_bytes() == library) {
                return Err(ObjectError::malformed("a version is of a library that is not needed"));
            }
            let mut version = step(at, self.word(table, at + 8)).ok_or_else(bad)?;
            // The loader goes by offsets alone: the last one must say that it is the last.
            let count = self.half(table, at + 2).filter(|count| *count > 0).ok_or_else(bad)?;
            for left in (0..count).rev() {
                name(strings, self.word(table, version + 8).ok_or_else(bad)?).ok_or_else(bad)?;
                numbers.insert(self.half(table, version + 6).ok_or_else(bad)? & NUMBER);
                match step(version, self.word(table, version + 12)) {
                    Some(next) if left > 0 => version = next,
                    None if left == 0 => {}
                    _ => return Err(bad()),
                }
            }
            match step(at, self.word(table, at + 12)) {
                Some(next) => at = next,
                None => return Ok(()),
            }
        }
        Err(bad())
    }

    /// Layout of an entry: version 1, flags, number, count, hash, offset of its names, offset of the next. Of a name: the
    /// name, offset of the next.
    fn defined_versions(
        &self,
        address: u64,
        strings: &[u8],
        numbers: &mut BTreeSet<u16>,
    ) -> Result<(), ObjectError> {
        let table = self.image.tail(address).ok_or_else(|| outside("the table of versions"))?;
        let mut at = 0;
        loop {
            if self.half(table, at) != Some(1) {
                return Err(bad());
            }
            numbers.insert(self.half(table, at + 4).ok_or_else(bad)? & NUMBER);
            let first = step(at, self.word(table, at + 12)).ok_or_else(bad)?;
            name(strings, self.word(table, first).ok_or_else(bad)?).ok_or_else(bad)?;
            // Offsets lead on only, so that this ends with the table.
            match step(at, self.word(table, at + 16)) {
                Some(next) => at = next,
                None => return Ok(()),
            }
        }
    }

    fn half(&self, bytes: &[u8], at: u64) -> Option<u16> {
        let bytes: [u8; 2] = slice(bytes, at, 2)?.try_into().ok()?;
        Some(if self.header.is_big_endian() { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn word(&self, bytes: &[u8], at: u64) -> Option<u32> {
        let bytes: [u8; 4] = slice(bytes, at, 4)?.try_into().ok()?;
        Some(if self.header.is_big_endian() { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }
}

/// The name at an offset.
fn name(strings: &[u8], at: u32) -> Option<&[u8]> {
    let tail = strings.get(usize::try_from(at).ok()?..)?;
    // Names of libraries and versions are short: looking no further keeps this linear.
    let end = tail.iter().take(4096).position(|byte| *byte == 0)?;
    Some(&tail[..end])
}

/// The place that an offset from `at` leads to; `None` at the end of a chain.
fn step(at: u64, offset: Option<u32>) -> Option<u64> {
    offset.filter(|offset| *offset != 0).and_then(|offset| at.checked_add(u64::from(offset)))
}
