//! What program headers say beside what is mapped: thread-locals, what is protected later, the stack.

use object::Endianness;
use object::elf::{
    PF_X, PT_DYNAMIC, PT_GNU_RELRO, PT_GNU_STACK, PT_PHDR, PT_TLS, SHF_ALLOC, SHF_TLS, SHT_NOBITS,
};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use super::image::Image;
use crate::object_file::ObjectError;

/// More memory than any library has in thread-locals: the system's loader ends the process when it can not have it.
const MOST_THREAD_LOCAL: u64 = 1 << 30;

/// Checks each program header against what is mapped.
pub(super) fn check<E: FileHeader<Endian = Endianness>>(
    header: &E,
    endian: Endianness,
    image: &Image<'_>,
    programs: &[E::ProgramHeader],
) -> Result<(), ObjectError> {
    let wrong = |what: &str| Err(ObjectError::malformed(format!("{what} lies outside of what is mapped")));
    let mut stack = None;
    for program in programs {
        let (address, memory): (u64, u64) = (program.p_vaddr(endian).into(), program.p_memsz(endian).into());
        let (offset, file) = program.file_range(endian);
        match program.p_type(endian) {
            // The loader reads the headers again where this says that they are.
            PT_PHDR
                if offset != header.e_phoff(endian).into() || image.offset(address, file) != Some(offset) =>
            {
                return wrong("the table of program headers");
            }
            PT_TLS
                if memory > MOST_THREAD_LOCAL
                    || (file > 0 && image.offset(address, file) != Some(offset)) =>
            {
                return wrong("the beginning of its thread-locals");
            }
            PT_GNU_RELRO if memory > 0 && !image.writable_page(address, memory) => {
                return wrong("what is protected after relocation");
            }
            // The loader writes into it. MIPS and RISC-V keep it elsewhere.
            PT_DYNAMIC
                if [62, 183].contains(&header.e_machine(endian).0)
                    && !image.writable(address, file, false) =>
            {
                return wrong("the dynamic table");
            }
            PT_GNU_STACK => stack = Some(program.p_flags(endian).0),
            _ => {}
        }
    }
    // Where nothing is said, the system takes it for a library that needs one.
    if stack.is_none_or(|flags| flags & PF_X.0 != 0) {
        return Err(ObjectError::ExecutableStack);
    }
    Ok(())
}

/// Checks that what sections say of memory is what program headers do. The loader knows no sections: they are a second
/// witness.
pub(super) fn check_sections<E: FileHeader<Endian = Endianness>>(
    endian: Endianness,
    image: &Image<'_>,
    sections: &[E::SectionHeader],
) -> Result<(), ObjectError> {
    for section in sections {
        let flags = section.sh_flags(endian).0;
        let size: u64 = section.sh_size(endian).into();
        if flags & SHF_ALLOC.0 == 0 || size == 0 {
            continue;
        }
        let (address, offset) = (section.sh_addr(endian).into(), section.sh_offset(endian).into());
        let fits = match section.sh_type(endian) {
            // Each thread has its own.
            SHT_NOBITS if flags & SHF_TLS.0 != 0 => true,
            SHT_NOBITS => image.zeroed(address, size),
            _ => image.maps(address, size, offset),
        };
        if !fits {
            return Err(ObjectError::malformed(format!(
                "the section for address {address:#x} is not what its segment has there"
            )));
        }
    }
    Ok(())
}
