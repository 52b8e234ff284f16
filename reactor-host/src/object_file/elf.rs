//! ELF: is the file whole, and does what the loader will follow lead somewhere?
//!
//! The loader knows program headers and the dynamic table, not sections, so facts come from those. Sections
//! serve for the embedded manifest, and as the part that linkers and copies write last.

mod dynamic;
mod image;
mod relocations;
mod segments;
mod versions;

use object::elf::{ET_CORE, ET_DYN, ET_EXEC, ET_REL, PN_XNUM, PT_DYNAMIC, SHT_NOBITS, SHT_NULL, SHT_STRTAB};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::{Endianness, ReadRef};

use super::names::Names;
use super::{Embedded, Format, ObjectError, ObjectFile, inside, length, size_of, slice};
use image::Image;

pub(super) use dynamic::NO_DELETE;

const SECTION: &[u8] = b".reactor\0";

pub(super) fn read<E: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<ObjectFile, ObjectError> {
    let header = E::parse(bytes)?;
    let endian = header.endian()?;
    match header.e_type(endian) {
        ET_DYN => {}
        ET_EXEC => return Err(ObjectError::NotALibrary { what: "an executable" }),
        ET_REL => return Err(ObjectError::NotALibrary { what: "an unlinked object file" }),
        ET_CORE => return Err(ObjectError::NotALibrary { what: "a core dump" }),
        other => return Err(ObjectError::malformed(format!("file type {} is unknown", other.0))),
    }
    let programs = program_headers(header, endian, bytes)?;
    let sections = section_headers(header, endian, bytes)?;

    let mut tables = programs.iter().filter(|program| program.p_type(endian) == PT_DYNAMIC);
    let Some(dynamic) = tables.next() else {
        return Err(ObjectError::NotALibrary {
            what: "a file without a dynamic table (a static executable?)",
        });
    };
    if tables.next().is_some() {
        return Err(ObjectError::malformed("there are two dynamic tables"));
    }
    let image = Image::new::<E>(bytes, endian, programs)?;
    segments::check(header, endian, &image, programs)?;
    segments::check_sections::<E>(endian, &image, sections)?;
    let facts = dynamic::read(header, endian, &image, dynamic, &mut Names::for_file(bytes))?;
    Ok(ObjectFile {
        format: Format::Elf,
        architecture: architecture(header, endian),
        os: system(header.e_ident().os_abi.0),
        exports: facts.exports,
        needed: facts.needed,
        rpath: facts.rpath,
        runpath: facts.runpath,
        no_delete: facts.no_delete_byte.is_some(),
        unique_symbols: facts.unique_symbols,
        keeping_imports: facts.keeping_imports,
        no_delete_byte: facts.no_delete_byte,
        embedded: embedded(header, endian, bytes, sections)?,
    })
}

/// The program headers, once all that they cover is known to be there.
fn program_headers<'d, E: FileHeader<Endian = Endianness>>(
    header: &E,
    endian: Endianness,
    bytes: &'d [u8],
) -> Result<&'d [E::ProgramHeader], ObjectError> {
    let count = header.e_phnum(endian);
    if count == PN_XNUM {
        return Err(ObjectError::malformed("there are more program headers than a library can have"));
    }
    let size = u64::from(count) * u64::from(header.e_phentsize(endian));
    inside(bytes, "the table of program headers", header.e_phoff(endian).into(), size)?;
    let programs = header.program_headers(endian, bytes)?;
    for program in programs {
        let (offset, size) = program.file_range(endian);
        inside(bytes, "a segment", offset, size)?;
    }
    Ok(programs)
}

/// The section headers, once all that they cover is known to be there. They may be absent.
fn section_headers<'d, E: FileHeader<Endian = Endianness>>(
    header: &E,
    endian: Endianness,
    bytes: &'d [u8],
) -> Result<&'d [E::SectionHeader], ObjectError> {
    let offset: u64 = header.e_shoff(endian).into();
    if offset == 0 {
        return Ok(&[]);
    }
    // With too many sections to count in the header, the first section holds their number.
    inside(bytes, "the table of section headers", offset, size_of::<E::SectionHeader>())?;
    let count = u64::from(header.shnum(endian, bytes)?);
    inside(
        bytes,
        "the table of section headers",
        offset,
        count.saturating_mul(size_of::<E::SectionHeader>()),
    )?;
    let sections = header.section_headers(endian, bytes)?;
    for section in sections {
        if ![SHT_NOBITS, SHT_NULL].contains(&section.sh_type(endian)) {
            inside(bytes, "a section", section.sh_offset(endian).into(), section.sh_size(endian).into())?;
        }
    }
    // Only the first header is empty in a whole file, and linkers put the table last.
    if let [_, .., last] = sections
        && last.sh_type(endian) == SHT_NULL
    {
        return Err(ObjectError::ZeroFilled { what: "the table of section headers" });
    }
    Ok(sections)
}

/// What stands in the section of the export macro.
fn embedded<E: FileHeader<Endian = Endianness>>(
    header: &E,
    endian: Endianness,
    bytes: &[u8],
    sections: &[E::SectionHeader],
) -> Result<Option<Embedded>, ObjectError> {
    if sections.is_empty() || header.e_shstrndx(endian).0 == 0 {
        return Ok(None);
    }
    let index = usize::try_from(header.shstrndx(endian, bytes)?).unwrap_or(usize::MAX);
    let names = sections
        .get(index)
        .filter(|section| section.sh_type(endian) == SHT_STRTAB)
        .ok_or_else(|| ObjectError::malformed("the names of its sections are missing"))?;
    let names =
        slice(bytes, names.sh_offset(endian).into(), names.sh_size(endian).into()).unwrap_or_default();
    for section in sections {
        // Comparing at the offset, not reading each name to its end, keeps this linear.
        let start = usize::try_from(section.sh_name(endian)).unwrap_or(usize::MAX);
        if names.get(start..).is_some_and(|name| name.starts_with(SECTION)) {
            let (offset, size) = (section.sh_offset(endian).into(), section.sh_size(endian).into());
            let content =
                if section.sh_type(endian) == SHT_NOBITS { None } else { slice(bytes, offset, size) };
            return Embedded::read(content.unwrap_or_default()).map(Some);
        }
    }
    Ok(None)
}

fn architecture<E: FileHeader<Endian = Endianness>>(header: &E, endian: Endianness) -> String {
    let wide = header.is_class_64();
    let word = match header.e_machine(endian).0 {
        3 => "x86",
        8 if wide => "mips64",
        8 => "mips",
        20 => "powerpc",
        21 => "powerpc64",
        22 if wide => "s390x",
        40 => "arm",
        43 => "sparc64",
        62 => "x86_64",
        183 => "aarch64",
        243 if wide => "riscv64",
        243 => "riscv32",
        258 if wide => "loongarch64",
        other => return format!("unknown-{other}"),
    };
    word.to_owned()
}

fn system(abi: u8) -> String {
    let word = match abi {
        0 | 3 => "linux",
        2 => "netbsd",
        6 => "solaris",
        9 => "freebsd",
        12 => "openbsd",
        other => return format!("unknown-{other}"),
    };
    word.to_owned()
}

/// A table of `count` entries at `offset`.
fn table<'d, T: object::Pod>(
    bytes: &'d [u8],
    offset: u64,
    count: u64,
    what: &str,
) -> Result<&'d [T], ObjectError> {
    let size = count.checked_mul(size_of::<T>()).filter(|size| *size <= length(bytes));
    let count = size.and_then(|_| usize::try_from(count).ok());
    count
        .and_then(|count| bytes.read_slice_at(offset, count).ok())
        .ok_or_else(|| ObjectError::malformed(format!("{what} does not lie inside the file")))
}
