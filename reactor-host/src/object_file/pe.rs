//! PE: headers, sections and the tables of exports and imports.

use object::LittleEndian as LE;
use object::pe::IMAGE_FILE_DLL;
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile};

use super::names::{Names, sorted};
use super::{Embedded, Format, ObjectError, ObjectFile, inside, slice};

/// Where the headers proper begin is written here.
const HEADERS_AT: u64 = 60;
/// The signature and the file header in front of the optional header.
const BEFORE_OPTIONAL: u64 = 24;
const SECTION_HEADER: u64 = 40;

fn half(bytes: &[u8], at: u64) -> Option<u16> {
    slice(bytes, at, 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn word(bytes: &[u8], at: u64) -> Option<u32> {
    slice(bytes, at, 4)?.try_into().ok().map(u32::from_le_bytes)
}

/// The number that tells 32 bits from 64, once the headers are known to be there.
pub(super) fn optional_header_magic(bytes: &[u8]) -> Result<u16, ObjectError> {
    let start = u64::from(word(bytes, HEADERS_AT).unwrap_or_default());
    let optional = start + BEFORE_OPTIONAL;
    inside(bytes, "the header", start, BEFORE_OPTIONAL + 2)?;
    match slice(bytes, start, 4) {
        Some(b"PE\0\0") => {}
        Some([0, 0, 0, 0]) => return Err(ObjectError::ZeroFilled { what: "the header" }),
        _ => return Err(ObjectError::NotALibrary { what: "a DOS program" }),
    }
    let sections = u64::from(half(bytes, start + 6).unwrap_or_default());
    let size = u64::from(half(bytes, start + 20).unwrap_or_default());
    inside(bytes, "the table of sections", optional, size + sections * SECTION_HEADER)?;
    Ok(half(bytes, optional).unwrap_or_default())
}

pub(super) fn read<Pe: ImageNtHeaders>(bytes: &[u8]) -> Result<ObjectFile, ObjectError> {
    let file = PeFile::<Pe>::parse(bytes)?;
    let header = file.nt_headers().file_header();
    if header.characteristics.get(LE).0 & IMAGE_FILE_DLL.0 == 0 {
        return Err(ObjectError::NotALibrary { what: "an executable" });
    }
    inside(bytes, "the headers", 0, file.nt_headers().optional_header().size_of_headers().into())?;
    let mut embedded = None;
    let sections = file.section_table();
    if sections.is_empty() {
        return Err(ObjectError::ZeroFilled { what: "the table of sections" });
    }
    for section in sections.iter() {
        let (offset, size) = (section.pointer_to_raw_data.get(LE), section.size_of_raw_data.get(LE));
        if offset == 0 && size == 0 && section.virtual_size.get(LE) == 0 {
            return Err(ObjectError::ZeroFilled { what: "the table of sections" });
        }
        if offset != 0 {
            inside(bytes, "a section", offset.into(), size.into())?;
        }
        if section.name == *b".reactor" {
            let (offset, size) = section.pe_file_range();
            let content = slice(bytes, offset.into(), size.into()).unwrap_or_default();
            Embedded::only(&mut embedded, content)?;
        }
    }
    let mut names = Names::for_file(bytes);
    Ok(ObjectFile {
        format: Format::Pe,
        architecture: architecture(header.machine.get(LE).0),
        os: "windows".to_owned(),
        exports: exports(&file, &mut names)?,
        needed: needed(&file, &mut names)?,
        rpath: Vec::new(),
        runpath: Vec::new(),
        no_delete: false,
        unique_symbols: Vec::new(),
        keeping_imports: Vec::new(),
        no_delete_byte: None,
        embedded,
    })
}

fn exports<Pe: ImageNtHeaders>(file: &PeFile<'_, Pe>, names: &mut Names) -> Result<Vec<String>, ObjectError> {
    let Some(table) = file.export_table()? else { return Ok(Vec::new()) };
    let mut exports = Vec::new();
    for pointer in table.name_pointers() {
        exports.push(names.take(table.name_from_pointer(pointer.get(LE))?)?);
    }
    Ok(sorted(exports))
}

fn needed<Pe: ImageNtHeaders>(file: &PeFile<'_, Pe>, names: &mut Names) -> Result<Vec<String>, ObjectError> {
    let Some(table) = file.import_table()? else { return Ok(Vec::new()) };
    let mut needed = Vec::new();
    let mut libraries = table.descriptors()?;
    while let Some(library) = libraries.next()? {
        needed.push(names.take(table.name(library.name.get(LE))?)?);
    }
    Ok(needed)
}

fn architecture(machine: u16) -> String {
    let word = match machine {
        0x014c => "x86",
        0x8664 => "x86_64",
        0xaa64 => "aarch64",
        0x01c4 => "arm",
        other => return format!("unknown-{other}"),
    };
    word.to_owned()
}
