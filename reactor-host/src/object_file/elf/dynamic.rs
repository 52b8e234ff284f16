//! The dynamic table: all that the loader follows before, and while, it runs a library's first instruction.

use std::collections::BTreeMap;

use object::Endianness;
use object::elf::{
    DF_1_NODELETE, DF_1_PIE, DT_FINI, DT_FINI_ARRAY, DT_FINI_ARRAYSZ, DT_FLAGS_1, DT_GNU_HASH, DT_HASH,
    DT_INIT, DT_INIT_ARRAY, DT_INIT_ARRAYSZ, DT_NEEDED, DT_NULL, DT_RPATH, DT_RUNPATH, DT_STRSZ, DT_STRTAB,
    DT_SYMENT, DT_SYMTAB, DT_VERSYM, DynamicTag, SHN_ABS, SHN_UNDEF, STB_GLOBAL, STB_GNU_UNIQUE, STB_WEAK,
    STT_TLS, STV_DEFAULT, STV_PROTECTED,
};
use object::read::elf::{Dyn, FileHeader, HashTable, ProgramHeader, Sym};

use super::image::Image;
use super::table;
use crate::object_file::keepsakes::keeper;
use crate::object_file::names::{Names, sorted};
use crate::object_file::{ObjectError, size_of, slice};

/// The flag of `-z nodelete`, in the lowest byte of its word.
#[expect(clippy::cast_possible_truncation, reason = "the flag is 8")]
pub(in crate::object_file) const NO_DELETE: u8 = DF_1_NODELETE.0 as u8;

/// What the dynamic table says.
pub(super) struct Facts {
    pub(super) exports: Vec<String>,
    pub(super) needed: Vec<String>,
    pub(super) rpath: Vec<String>,
    pub(super) runpath: Vec<String>,
    /// Where in the file the byte with that flag stands, if it is set.
    pub(super) no_delete_byte: Option<u64>,
    pub(super) unique_symbols: Vec<String>,
    pub(super) keeping_imports: Vec<&'static str>,
}

/// What the symbols say.
#[derive(Default)]
struct Symbols {
    exports: Vec<String>,
    unique: Vec<String>,
    keepers: Vec<&'static str>,
}

/// The table with what is needed to follow it.
pub(super) struct Dynamic<'i, 'd, E: FileHeader> {
    pub(super) header: &'i E,
    pub(super) endian: Endianness,
    pub(super) image: &'i Image<'d>,
    /// The last value of each tag, as the loader takes it.
    values: BTreeMap<i64, u64>,
}

pub(super) fn read<E: FileHeader<Endian = Endianness>>(
    header: &E,
    endian: Endianness,
    image: &Image<'_>,
    program: &E::ProgramHeader,
    names: &mut Names,
) -> Result<Facts, ObjectError> {
    // The loader goes by address, so that is what must lead to the table, not only the offset in the file.
    let (address, size): (u64, u64) = (program.p_vaddr(endian).into(), program.p_filesz(endian).into());
    let offset = image.offset(address, size).ok_or_else(|| outside("the dynamic table"))?;
    let entries = table::<E::Dyn>(image.bytes, offset, size / size_of::<E::Dyn>(), "the dynamic table")?;
    if entries.first().is_none_or(|entry| entry.tag(endian) == DT_NULL) {
        return Err(ObjectError::ZeroFilled { what: "the dynamic table" });
    }
    let Some(length) = entries.iter().position(|entry| entry.tag(endian) == DT_NULL) else {
        return Err(ObjectError::malformed("the dynamic table has no end"));
    };
    let entries = &entries[..length];
    let values = entries.iter().map(|entry| (entry.tag(endian).0, entry.val(endian))).collect();
    let dynamic = Dynamic { header, endian, image, values };

    let flags = dynamic.value(DT_FLAGS_1);
    if flags & DF_1_PIE.0 != 0 {
        return Err(ObjectError::NotALibrary { what: "an executable" });
    }
    let strings = dynamic.strings()?;
    let mut text = |entry: &E::Dyn| names.at(strings, entry.val(endian), "a name in the dynamic table");
    let mut texts = |tag: DynamicTag| -> Result<Vec<String>, ObjectError> {
        entries.iter().filter(|entry| entry.tag(endian) == tag).map(&mut text).collect()
    };
    let folders =
        |texts: Vec<String>| texts.iter().flat_map(|text| text.split(':')).map(str::to_owned).collect();
    let needed = texts(DT_NEEDED)?;
    if needed.iter().any(String::is_empty) {
        return Err(ObjectError::malformed("the name of a needed library is empty"));
    }
    let (rpath, runpath) = (folders(texts(DT_RPATH)?), folders(texts(DT_RUNPATH)?));

    let symbols = dynamic.symbols()?;
    dynamic.check_entry_points(symbols)?;
    dynamic.check_versions(symbols.map_or(0, <[_]>::len), strings, &needed)?;
    let symbols = match symbols {
        Some(symbols) => dynamic.names(symbols, strings, names)?,
        None => Symbols::default(),
    };
    // Of several entries with one tag the loader takes the last.
    let no_delete = (flags & DF_1_NODELETE.0 != 0)
        .then(|| entries.iter().rposition(|entry| entry.tag(endian) == DT_FLAGS_1))
        .flatten();
    let word = size_of::<E::Dyn>() / 2;
    let low_byte = if header.is_big_endian() { 2 * word - 1 } else { word };
    let no_delete_byte =
        no_delete.and_then(|at| Some(offset + u64::try_from(at).ok()? * size_of::<E::Dyn>() + low_byte));
    let Symbols { exports, unique, keepers } = symbols;
    Ok(Facts {
        exports,
        needed,
        rpath,
        runpath,
        no_delete_byte,
        unique_symbols: unique,
        keeping_imports: keepers,
    })
}

pub(super) fn outside(what: &str) -> ObjectError {
    ObjectError::malformed(format!("{what} does not lie in a segment that is in the file"))
}

impl<'d, E: FileHeader<Endian = Endianness>> Dynamic<'_, 'd, E> {
    pub(super) fn get(&self, tag: DynamicTag) -> Option<u64> {
        self.values.get(&tag.0).copied()
    }

    pub(super) fn value(&self, tag: DynamicTag) -> u64 {
        self.get(tag).unwrap_or_default()
    }

    /// The table that one tag points at and whose size in bytes another holds.
    pub(super) fn array<T: object::Pod>(
        &self,
        at: DynamicTag,
        size: DynamicTag,
        what: &str,
    ) -> Result<&'d [T], ObjectError> {
        let size = self.value(size);
        if size == 0 {
            return Ok(&[]);
        }
        if !size.is_multiple_of(size_of::<T>()) {
            return Err(ObjectError::malformed(format!("{what} ends inside an entry")));
        }
        let offset = self.get(at).and_then(|address| self.image.offset(address, size));
        table(self.image.bytes, offset.ok_or_else(|| outside(what))?, size / size_of::<T>(), what)
    }

    fn strings(&self) -> Result<&'d [u8], ObjectError> {
        let strings: &[u8] = self.array(DT_STRTAB, DT_STRSZ, "the string table")?;
        match strings {
            [] => Err(ObjectError::malformed("there is no string table")),
            [0, rest @ ..] if rest.len() > 1 && rest.iter().all(|byte| *byte == 0) => {
                Err(ObjectError::ZeroFilled { what: "the string table" })
            }
            [.., 0] => Ok(strings),
            _ => Err(ObjectError::malformed("the string table has no end")),
        }
    }

    /// The symbols; `None` when no hash table tells how many there are, and so none can be looked up.
    fn symbols(&self) -> Result<Option<&'d [E::Sym]>, ObjectError> {
        if self.get(DT_SYMENT) != Some(size_of::<E::Sym>()) {
            return Err(ObjectError::malformed("the size of its symbols is missing or wrong"));
        }
        let address =
            self.get(DT_SYMTAB).ok_or_else(|| ObjectError::malformed("there is no symbol table"))?;
        let offset =
            self.image.offset(address, size_of::<E::Sym>()).ok_or_else(|| outside("the symbol table"))?;
        let tail = |tag| {
            self.get(tag)
                .map(|address| self.image.tail(address).ok_or_else(|| outside("the hash table")))
                .transpose()
        };
        let count = if let Some(bytes) = tail(DT_GNU_HASH)? {
            self.gnu_count(bytes)?
        } else if let Some(bytes) = tail(DT_HASH)? {
            Some(HashTable::<E>::parse(self.endian, bytes)?.symbol_table_length())
        } else {
            None
        };
        let Some(count) = count.map(u64::from) else { return Ok(None) };
        self.image
            .offset(address, count.saturating_mul(size_of::<E::Sym>()))
            .ok_or_else(|| outside("the symbol table"))?;
        if self
            .get(DT_VERSYM)
            .is_some_and(|address| self.image.offset(address, count.saturating_mul(2)).is_none())
        {
            return Err(outside("the table of symbol versions"));
        }
        table(self.image.bytes, offset, count, "the symbol table").map(Some)
    }

    /// The number of symbols, from the GNU hash table; `None` when it has no symbol. Layout: number of
    /// buckets, index of the first symbol, number of filter words, shift; the filter; the buckets; a chain
    /// entry for each symbol, odd at the end of a chain.
    fn gnu_count(&self, bytes: &[u8]) -> Result<Option<u32>, ObjectError> {
        let bad = || ObjectError::malformed("the hash table of its symbols is damaged");
        let word = |bytes: &[u8], index: u64| -> Option<u32> {
            let bytes: [u8; 4] = slice(bytes, index.checked_mul(4)?, 4)?.try_into().ok()?;
            Some(if self.header.is_big_endian() {
                u32::from_be_bytes(bytes)
            } else {
                u32::from_le_bytes(bytes)
            })
        };
        let (Some(buckets), Some(base), Some(filter)) = (word(bytes, 0), word(bytes, 1), word(bytes, 2))
        else {
            return Err(bad());
        };
        // The loader takes the number of filter words for a power of two and divides by the number of
        // buckets.
        if buckets == 0 || !filter.is_power_of_two() {
            return Err(bad());
        }
        let filter_size = u64::from(filter) * size_of::<E::Word>();
        let chains_at = 16 + filter_size + u64::from(buckets) * 4;
        let table = slice(bytes, 16 + filter_size, u64::from(buckets) * 4).ok_or_else(bad)?;
        let last = (0..u64::from(buckets)).filter_map(|index| word(table, index)).max().unwrap_or_default();
        if last == 0 {
            return Ok(None);
        }
        let chains = usize::try_from(chains_at).ok().and_then(|start| bytes.get(start..)).ok_or_else(bad)?;
        let first = last.checked_sub(base).ok_or_else(bad)?;
        let mut index = u64::from(first);
        while word(chains, index).ok_or_else(bad)? & 1 == 0 {
            index += 1;
        }
        u32::try_from(index + u64::from(base) + 1).map(Some).map_err(|_| bad())
    }

    fn names(&self, symbols: &[E::Sym], strings: &[u8], names: &mut Names) -> Result<Symbols, ObjectError> {
        let mut found = Symbols::default();
        for symbol in symbols.iter().skip(1) {
            let section = symbol.st_shndx(self.endian);
            // The loader reads the names of those that are to be found elsewhere, too.
            let at = usize::try_from(symbol.st_name(self.endian)).unwrap_or(usize::MAX);
            let Some(name) = strings.get(at..).filter(|name| !name.is_empty()) else {
                return Err(ObjectError::malformed("the name of a symbol lies outside the string table"));
            };
            if section == SHN_UNDEF {
                found.keepers.extend(keeper(name));
            }
            let bound = [STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE].contains(&symbol.st_bind());
            let visible = [STV_DEFAULT, STV_PROTECTED].contains(&symbol.st_visibility());
            if section == SHN_UNDEF || !bound || !visible {
                continue;
            }
            let name = names.at(strings, symbol.st_name(self.endian).into(), "the name of a symbol")?;
            let placed = section != SHN_ABS && symbol.st_type() != STT_TLS;
            if placed && !self.image.reaches(symbol.st_value(self.endian).into()) {
                return Err(ObjectError::malformed(format!("the symbol `{name}` lies outside the library")));
            }
            if symbol.st_bind() == STB_GNU_UNIQUE {
                found.unique.push(names.take(name.as_bytes())?);
            }
            found.exports.push(name);
        }
        found.exports = sorted(found.exports);
        found.unique = sorted(found.unique);
        found.keepers.sort_unstable();
        found.keepers.dedup();
        Ok(found)
    }

    /// What runs at open and close is code. The table that lists it is filled by relocations.
    fn check_entry_points(&self, symbols: Option<&[E::Sym]>) -> Result<(), ObjectError> {
        for tag in [DT_INIT, DT_FINI] {
            if let Some(address) = self.get(tag).filter(|address| *address != 0) {
                self.check_first(address)?;
            }
        }
        let word = size_of::<E::Word>();
        let mut places = Vec::new();
        for (at, size) in [(DT_INIT_ARRAY, DT_INIT_ARRAYSZ), (DT_FINI_ARRAY, DT_FINI_ARRAYSZ)] {
            let table = self.array::<u8>(at, size, "the table of first or last functions")?;
            if !table.len().is_multiple_of(std::mem::size_of::<E::Word>())
                || self.get(at).is_some() != self.get(size).is_some()
            {
                return Err(ObjectError::malformed(
                    "the table of first or last functions ends inside an entry",
                ));
            }
            places.extend(self.get(at).map(|address| (address, self.value(size))));
        }
        let Some(filled) = self.check_relocations(symbols, &places)? else { return Ok(()) };
        for (start, size) in places {
            for place in (0..size / word).map(|index| start + index * word) {
                match filled.get(&place) {
                    Some(Some(address)) => self.check_first(*address)?,
                    Some(None) => {}
                    None => {
                        return Err(ObjectError::malformed(
                            "an entry of its table of first or last functions is never filled",
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    fn check_first(&self, address: u64) -> Result<(), ObjectError> {
        if !self.image.executable(address) {
            return Err(ObjectError::malformed("its first or last function is not in executable memory"));
        }
        if !self.image.code(address) {
            return Err(ObjectError::ZeroFilled { what: "the first or last function" });
        }
        Ok(())
    }
}
