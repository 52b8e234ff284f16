//! What a library's bytes say, read without running any of them.
//!
//! Opening a library runs its constructors, and opening one that is cut short kills the process, so
//! everything that can be known beforehand is read here: whether the file is whole, for which system it is,
//! what it exports and needs, and the manifest that is embedded in it. No answer proves that the library is
//! sound (a flipped bit in its code shows nowhere); it proves that the tables which the loader follows lead
//! somewhere.
//!
//! Invariant: no input makes this module panic, loop, or allocate more than a small multiple of its length.

mod elf;
mod embedded;
mod error;
mod keepsakes;
mod macho;
mod names;
mod pe;
#[cfg(test)]
mod tests;

use std::fmt;

use object::{
    Endianness, elf as elf_format, macho as macho_format, pe as pe_format, read::macho as macho_read,
};

pub use embedded::{BuildFacts, EMBEDDED_MAGIC, Embedded};
pub use error::ObjectError;

/// The shortest file that can hold the header of any format.
const LEAST_BYTES: usize = 64;

/// Facts about a dynamic library.
///
/// ```no_run
/// use reactor_host::object_file::ObjectFile;
///
/// let bytes = std::fs::read("libacme_word_count.so")?;
/// let library = ObjectFile::read(&bytes)?;
/// println!("for {} on {}", library.os, library.architecture);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectFile {
    /// The file's format.
    pub format: Format,
    /// The architecture, in the words of [`std::env::consts::ARCH`] (`x86_64`), or `unknown-N` with its
    /// number.
    pub architecture: String,
    /// The operating system, in the words of [`std::env::consts::OS`] (`linux`). An ELF file that names none
    /// is taken to be for Linux.
    pub os: String,
    /// The names of what it exports, sorted, each once.
    pub exports: Vec<String>,
    /// The libraries that it needs, in the order of the file.
    pub needed: Vec<String>,
    /// Folders to look for them in (`DT_RPATH`, `LC_RPATH`).
    pub rpath: Vec<String>,
    /// Folders to look for them in, after the environment's (`DT_RUNPATH`).
    pub runpath: Vec<String>,
    /// Whether the loader would never unload it (`-z nodelete`).
    pub no_delete: bool,
    /// Its unique symbols (`STB_GNU_UNIQUE`), sorted: C++ has them for statics of templates and inline functions. A
    /// loader that bound somebody to one never unloads the library.
    pub unique_symbols: Vec<String>,
    /// The functions that it imports which keep an address of it, and from which a host can take none back; sorted.
    pub keeping_imports: Vec<&'static str>,
    /// The facts and the manifest that the export macro put in; `None` when there are none.
    pub embedded: Option<Embedded>,
    /// Where in the file the byte with the flag of [`no_delete`](Self::no_delete) stands.
    no_delete_byte: Option<u64>,
}

/// The format of an object file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Linux and most other Unix systems.
    Elf,
    /// macOS and its relatives.
    MachO,
    /// Windows.
    Pe,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Elf => "ELF",
            Self::MachO => "Mach-O",
            Self::Pe => "PE",
        })
    }
}

impl ObjectFile {
    /// The same library without the flag of [`no_delete`](Self::no_delete); `None` when it has none. `bytes` are those
    /// that these facts were read from.
    pub(crate) fn without_no_delete(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let at = usize::try_from(self.no_delete_byte?).ok()?;
        let mut bytes = bytes.to_vec();
        *bytes.get_mut(at)? &= !elf::NO_DELETE;
        Some(bytes)
    }

    /// Reads the facts of a dynamic library from all its bytes. Of a universal Mach-O file, the part for this
    /// architecture is read, or the first.
    ///
    /// # Errors [`ObjectError::Incomplete`] and [`ObjectError::ZeroFilled`] for a file that is still being
    /// written or was cut short ([`ObjectError::is_unfinished`]), the others for one that will not do as it
    /// is.
    pub fn read(bytes: &[u8]) -> Result<Self, ObjectError> {
        if bytes.len() < LEAST_BYTES {
            return Err(too_short(bytes));
        }
        match bytes {
            [0x7f, b'E', b'L', b'F', 1, ..] => elf::read::<elf_format::FileHeader32<Endianness>>(bytes),
            [0x7f, b'E', b'L', b'F', 2, ..] => elf::read::<elf_format::FileHeader64<Endianness>>(bytes),
            [0xfe, 0xed, 0xfa, 0xce, ..] | [0xce, 0xfa, 0xed, 0xfe, ..] => {
                macho::read::<macho_format::MachHeader32<Endianness>>(bytes)
            }
            [0xfe, 0xed, 0xfa, 0xcf, ..] | [0xcf, 0xfa, 0xed, 0xfe, ..] => {
                macho::read::<macho_format::MachHeader64<Endianness>>(bytes)
            }
            [0xca, 0xfe, 0xba, 0xbe, ..] => macho::read_fat::<macho_read::FatArch32>(bytes),
            [0xca, 0xfe, 0xba, 0xbf, ..] => macho::read_fat::<macho_read::FatArch64>(bytes),
            [b'M', b'Z', ..] => match pe::optional_header_magic(bytes)? {
                pe_format::IMAGE_NT_OPTIONAL_HDR32_MAGIC => pe::read::<pe_format::ImageNtHeaders32>(bytes),
                pe_format::IMAGE_NT_OPTIONAL_HDR64_MAGIC => pe::read::<pe_format::ImageNtHeaders64>(bytes),
                _ => Err(ObjectError::malformed("the optional header's magic number is unknown")),
            },
            [b'!', b'<', b'a' | b't', ..] => {
                Err(ObjectError::NotALibrary { what: "a static library (archive)" })
            }
            _ if bytes[..16].iter().all(|byte| *byte == 0) => {
                Err(ObjectError::ZeroFilled { what: "the beginning" })
            }
            _ => Err(ObjectError::unrecognised(bytes)),
        }
    }
}

/// The error of a file shorter than any header: unfinished if it begins like a library, else something else.
fn too_short(bytes: &[u8]) -> ObjectError {
    let magics: [&[u8]; 8] = [
        b"\x7fELF",
        b"MZ",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"\xca\xfe\xba\xbf",
    ];
    if magics.iter().any(|magic| bytes.starts_with(magic) || magic.starts_with(bytes)) {
        return ObjectError::incomplete(LEAST_BYTES, bytes);
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return ObjectError::ZeroFilled { what: "the beginning" };
    }
    ObjectError::unrecognised(bytes)
}

/// Refuses a file that ends before `offset + size`.
fn inside(bytes: &[u8], what: &str, offset: u64, size: u64) -> Result<(), ObjectError> {
    let end = offset
        .checked_add(size)
        .ok_or_else(|| ObjectError::malformed(format!("{what} ends beyond what 64 bits can count")))?;
    let found = length(bytes);
    if end > found {
        Err(ObjectError::Incomplete { expected_bytes: end, found_bytes: found })
    } else {
        Ok(())
    }
}

/// The bytes at `offset`; `None` if they are not all there.
fn slice(bytes: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(size).ok()?)?)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The size of a structure of a format.
fn size_of<T>() -> u64 {
    u64::try_from(std::mem::size_of::<T>()).unwrap_or(u64::MAX)
}
