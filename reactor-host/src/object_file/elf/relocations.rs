//! What the loader writes into the library before it runs any of it.
//!
//! Owns the tables of relocations: where each may write, what it may name, and which of them a machine knows. What a
//! relocation writes is code's business, but for the functions that run first and last: those must be code.

use std::collections::BTreeMap;

use object::Endianness;
use object::elf::{
    DF_TEXTREL, DT_FLAGS, DT_JMPREL, DT_PLTREL, DT_PLTRELSZ, DT_REL, DT_RELA, DT_RELACOUNT, DT_RELAENT,
    DT_RELASZ, DT_RELENT, DT_RELR, DT_RELRENT, DT_RELRSZ, DT_RELSZ, DT_TEXTREL, DynamicTag, SHN_UNDEF,
    STB_LOCAL, STV_DEFAULT,
};
use object::read::elf::{FileHeader, Rel, Rela, Sym};

use super::dynamic::Dynamic;
use super::slice;
use crate::object_file::{ObjectError, size_of};

const WHAT: &str = "the table of relocations";

/// What the relocations of a machine are called. Sources: the processor supplements of the System V ABI for AMD64 and
/// for the 64-bit Arm architecture.
struct Kinds {
    /// The library's own address and a number.
    relative: u32,
    /// An address that a function of the library's finds out.
    from_function: u32,
    /// A place in the table of procedures.
    jump_slot: u32,
    /// A place in the table of addresses.
    address_slot: u32,
    /// The number of the thread-local block.
    module: u32,
    /// A descriptor of a thread-local, two words long.
    descriptor: u32,
    /// Whatever else a library may have.
    others: &'static [u32],
}

const AMD64: Kinds = Kinds {
    relative: 8,
    from_function: 37,
    jump_slot: 7,
    address_slot: 6,
    module: 16,
    descriptor: 36,
    // 64, PC32, 32, DTPOFF64, TPOFF64, PC64, SIZE32, SIZE64.
    others: &[1, 2, 10, 17, 18, 24, 32, 33],
};

const ARM64: Kinds = Kinds {
    relative: 1027,
    from_function: 1032,
    jump_slot: 1026,
    address_slot: 1025,
    module: 1028,
    descriptor: 1031,
    // ABS64, ABS32, PREL64, PREL32, TLS_DTPREL, TLS_TPREL.
    others: &[257, 258, 260, 261, 1029, 1030],
};

/// One relocation, whatever its table's form.
struct Entry {
    kind: u32,
    offset: u64,
    symbol: u32,
    /// What is added, where the table and not the place holds it.
    addend: Option<u64>,
}

/// Where relocations write, and what becomes of the places that were asked for.
struct Written<'w> {
    wanted: &'w [(u64, u64)],
    /// By address: what will stand there, where that is an address of this library.
    found: BTreeMap<u64, Option<u64>>,
    places: Vec<(u64, u64)>,
}

impl<E: FileHeader<Endian = Endianness>> Dynamic<'_, '_, E> {
    fn kinds(&self) -> Option<Kinds> {
        match self.header.e_machine(self.endian).0 {
            62 if self.header.is_class_64() => Some(AMD64),
            183 if self.header.is_class_64() => Some(ARM64),
            _ => None,
        }
    }

    /// Checks all relocations. Answers what they make of the words in `wanted` (address, size): the address in the
    /// library that each will hold, or `None` where something else decides.
    ///
    /// On machines whose relocations are not known here the answer is `None` as a whole.
    pub(super) fn check_relocations(
        &self,
        symbols: Option<&[E::Sym]>,
        wanted: &[(u64, u64)],
    ) -> Result<Option<BTreeMap<u64, Option<u64>>>, ObjectError> {
        let mips = self.header.is_mips64el(self.endian);
        let kinds = self.kinds();
        let mut written = Written { wanted, found: BTreeMap::new(), places: Vec::new() };
        let rela = |entry: &E::Rela| Entry {
            kind: entry.r_type(self.endian, mips).0,
            offset: entry.r_offset(self.endian).into(),
            symbol: entry.r_sym(self.endian, mips),
            addend: Some(entry.r_addend(self.endian).into().cast_unsigned()),
        };
        let rel = |entry: &E::Rel| Entry {
            kind: entry.r_type(self.endian).0,
            offset: entry.r_offset(self.endian).into(),
            symbol: entry.r_sym(self.endian),
            addend: None,
        };
        self.pair(DT_RELA, DT_RELASZ, DT_RELAENT, size_of::<E::Rela>())?;
        self.pair(DT_REL, DT_RELSZ, DT_RELENT, size_of::<E::Rel>())?;
        self.pair(DT_RELR, DT_RELRSZ, DT_RELRENT, size_of::<E::Word>())?;
        let mut check = |entry: &Entry| self.check(entry, kinds.as_ref(), symbols, &mut written);
        let table = self.array::<E::Rela>(DT_RELA, DT_RELASZ, WHAT)?;
        table.iter().map(rela).try_for_each(|entry| check(&entry))?;
        self.array::<E::Rel>(DT_REL, DT_RELSZ, WHAT)?.iter().map(rel).try_for_each(|entry| check(&entry))?;
        // The loader takes that many for relative ones, whatever they say.
        let relative = usize::try_from(self.value(DT_RELACOUNT)).unwrap_or(usize::MAX);
        let is_relative =
            |entry: &E::Rela| kinds.as_ref().is_none_or(|kinds| rela(entry).kind == kinds.relative);
        if !table.get(..relative).is_some_and(|first| first.iter().all(is_relative)) {
            return Err(ObjectError::malformed("the number of its relative relocations is wrong"));
        }

        let form = self.get(DT_PLTREL);
        if (form.is_some(), form.is_some())
            != (self.get(DT_JMPREL).is_some(), self.get(DT_PLTRELSZ).is_some())
        {
            return Err(ObjectError::malformed(
                "a part of the relocations of its procedure table is missing",
            ));
        }
        let is_slot = |entry: &Entry| {
            kinds.as_ref().is_none_or(|kinds| {
                [kinds.jump_slot, kinds.from_function, kinds.descriptor].contains(&entry.kind)
            })
        };
        let mut slot = |entry: Entry| {
            if !is_slot(&entry) {
                return Err(ObjectError::malformed("a relocation of its procedure table is none for that"));
            }
            check(&entry)
        };
        match form.map(|tag| i64::try_from(tag).map(DynamicTag)) {
            Some(Ok(DT_RELA)) => {
                self.array::<E::Rela>(DT_JMPREL, DT_PLTRELSZ, WHAT)?
                    .iter()
                    .map(rela)
                    .try_for_each(&mut slot)?;
            }
            Some(Ok(DT_REL)) => {
                self.array::<E::Rel>(DT_JMPREL, DT_PLTRELSZ, WHAT)?
                    .iter()
                    .map(rel)
                    .try_for_each(&mut slot)?;
            }
            Some(_) => {
                return Err(ObjectError::malformed(
                    "the relocations of its procedure table are of an unknown form",
                ));
            }
            None => {}
        }
        self.packed(&mut written)?;
        if kinds.is_none() {
            return Ok(None);
        }
        written.places.sort_unstable();
        if written.places.windows(2).any(|pair| pair[0].0.saturating_add(pair[0].1) > pair[1].0) {
            return Err(ObjectError::malformed("two relocations write to one place"));
        }
        Ok(Some(written.found))
    }

    /// A table, the tag of its size and that of its entries' size come together or not at all.
    fn pair(
        &self,
        at: DynamicTag,
        size: DynamicTag,
        entry: DynamicTag,
        bytes: u64,
    ) -> Result<(), ObjectError> {
        let all = [self.get(at), self.get(size), self.get(entry)];
        if all.iter().all(Option::is_none) || (all.iter().all(Option::is_some) && all[2] == Some(bytes)) {
            return Ok(());
        }
        Err(ObjectError::malformed("the size of its relocations is missing or wrong"))
    }

    /// A relocation writes inside a writable segment, to a place of its own, and names a symbol that is there.
    fn check(
        &self,
        entry: &Entry,
        kinds: Option<&Kinds>,
        symbols: Option<&[E::Sym]>,
        written: &mut Written<'_>,
    ) -> Result<(), ObjectError> {
        let Entry { kind, offset, symbol, addend } = *entry;
        // Kind 0 is "none" on every machine: linkers leave it where they took a relocation away.
        if kind == 0 {
            return Ok(());
        }
        let text = self.get(DT_TEXTREL).is_some() || self.value(DT_FLAGS) & DF_TEXTREL.0 != 0;
        let word = size_of::<E::Word>();
        let bytes = if kinds.is_some_and(|kinds| kind == kinds.descriptor) { 2 * word } else { word };
        if !self.image.writable(offset, bytes, text) {
            return Err(ObjectError::malformed(format!(
                "a relocation writes at {offset:#x}, which it may not"
            )));
        }
        let index = usize::try_from(symbol).unwrap_or(usize::MAX);
        if symbol != 0 && symbols.is_some_and(|symbols| index >= symbols.len()) {
            return Err(ObjectError::malformed(format!(
                "a relocation names symbol {symbol}, which is not there"
            )));
        }
        let Some(kinds) = kinds else { return Ok(()) };
        let named = [kinds.jump_slot, kinds.address_slot].contains(&kind);
        let own = [kinds.relative, kinds.from_function].contains(&kind);
        let known = named || own || [kinds.module, kinds.descriptor].contains(&kind);
        if !known && !kinds.others.contains(&kind) {
            return Err(ObjectError::malformed(format!("relocation type {kind} is none for a library")));
        }
        if named && (symbol == 0 || !offset.is_multiple_of(word)) {
            return Err(ObjectError::malformed("a relocation of its tables of addresses names no symbol"));
        }
        if kind == kinds.module && symbol == 0 && !self.image.has_thread_locals() {
            return Err(ObjectError::malformed("a relocation is about thread-locals, and there are none"));
        }
        if let Some(symbol) = symbols.filter(|_| symbol != 0).and_then(|symbols| symbols.get(index)) {
            // The loader looks for a symbol that is not here by its name, unless that may not be seen from outside.
            let missing = symbol.st_shndx(self.endian) == SHN_UNDEF;
            let private = symbol.st_bind() == STB_LOCAL || symbol.st_visibility() != STV_DEFAULT;
            if missing && private {
                return Err(ObjectError::malformed("a relocation names a symbol that nobody can provide"));
            }
        }
        if let Some(address) = addend.filter(|_| own) {
            let fits = if kind == kinds.from_function {
                self.image.executable(address)
            } else {
                address <= self.image.end()
            };
            if !fits {
                return Err(ObjectError::malformed(format!(
                    "a relocation leads to {address:#x}, outside of the library"
                )));
            }
        }
        // A place that is narrower than a word has no room of its own to be counted.
        if known || [AMD64.others[0], ARM64.others[0]].contains(&kind) {
            written.places.push((offset, bytes));
        }
        written.note(offset, addend.filter(|_| own));
        Ok(())
    }

    /// The packed table of relative relocations: an even word is an address, an odd one tells by its bits which of the
    /// words that follow. Source: the generic ABI's `SHT_RELR`.
    fn packed(&self, written: &mut Written<'_>) -> Result<(), ObjectError> {
        let bytes = self.array::<u8>(DT_RELR, DT_RELRSZ, WHAT)?;
        let word = size_of::<E::Word>();
        let width = usize::try_from(word).unwrap_or(8);
        let mut next = None;
        for chunk in bytes.chunks_exact(width) {
            let entry = self.number(chunk);
            let (start, bits) = match (entry & 1, next) {
                (0, _) => (entry, 1),
                (_, Some(next)) => (next, entry >> 1),
                _ => return Err(ObjectError::malformed("its packed relocations begin with no address")),
            };
            for bit in (0..8 * word - 1).filter(|bit| bits >> bit & 1 == 1) {
                let place = start.wrapping_add(bit * word);
                if !self.image.writable(place, word, false) {
                    return Err(ObjectError::malformed(format!(
                        "a relocation writes at {place:#x}, which it may not"
                    )));
                }
                let offset = self.image.offset(place, word);
                let held = offset.and_then(|offset| slice(self.image.bytes, offset, word));
                written.note(place, held.map(|held| self.number(held)));
            }
            next = Some(start.wrapping_add(if entry & 1 == 0 { word } else { (8 * word - 1) * word }));
        }
        Ok(())
    }

    /// A number as the file writes it.
    fn number(&self, bytes: &[u8]) -> u64 {
        let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        if self.header.is_big_endian() { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
    }
}

impl Written<'_> {
    fn note(&mut self, place: u64, address: Option<u64>) {
        if self.wanted.iter().any(|(start, size)| place >= *start && place - start < *size) {
            self.found.insert(place, address);
        }
    }
}
