//! Where the bytes of an ELF file will stand in memory.

use object::Endianness;
use object::elf::{PF_R, PF_W, PF_X, PT_LOAD, PT_TLS};
use object::read::elf::{FileHeader, ProgramHeader};

use crate::object_file::{ObjectError, slice};

/// More loadable segments than any linker makes; each address is looked for in all of them.
const MAX_LOADS: usize = 64;

/// A segment that is mapped.
struct Load {
    address: u64,
    memory: u64,
    offset: u64,
    file: u64,
    align: u64,
    readable: bool,
    writable: bool,
    executable: bool,
}

impl Load {
    fn holds(&self, address: u64, size: u64, limit: u64) -> bool {
        address >= self.address
            && address.checked_add(size).is_some_and(|end| end <= self.address.saturating_add(limit))
    }
}

/// The segments of a library, checked as the loader relies on them: in order, apart, no more in the file than
/// in memory, and placed alike in pages of both.
pub(super) struct Image<'d> {
    pub(super) bytes: &'d [u8],
    loads: Vec<Load>,
    thread_locals: bool,
}

impl<'d> Image<'d> {
    pub(super) fn new<E: FileHeader<Endian = Endianness>>(
        bytes: &'d [u8],
        endian: Endianness,
        programs: &[E::ProgramHeader],
    ) -> Result<Self, ObjectError> {
        let mut loads: Vec<Load> = Vec::new();
        let mut thread_locals = false;
        for program in programs {
            let kind = program.p_type(endian);
            if kind != PT_LOAD && kind != PT_TLS {
                continue;
            }
            let (offset, file) = program.file_range(endian);
            let (address, memory) = (program.p_vaddr(endian).into(), program.p_memsz(endian).into());
            let align: u64 = program.p_align(endian).into();
            let end = address.checked_add(memory);
            let aligned = align <= 1 || (align.is_power_of_two() && address % align == offset % align);
            if file > memory || end.is_none() || !aligned {
                return Err(ObjectError::malformed(format!(
                    "the segment for address {address:#x} is inconsistent"
                )));
            }
            if kind == PT_TLS {
                thread_locals = true;
                continue;
            }
            if loads.last().is_some_and(|last| address < last.address.saturating_add(last.memory)) {
                return Err(ObjectError::malformed("its segments overlap or are out of order"));
            }
            if loads.len() == MAX_LOADS {
                return Err(ObjectError::malformed(format!(
                    "there are more than {MAX_LOADS} loadable segments"
                )));
            }
            let flags = program.p_flags(endian).0;
            let (readable, writable) = (flags & PF_R.0 != 0, flags & PF_W.0 != 0);
            let executable = flags & PF_X.0 != 0;
            loads.push(Load { address, memory, offset, file, align, readable, writable, executable });
        }
        if loads.is_empty() {
            return Err(ObjectError::malformed("there is no loadable segment"));
        }
        Ok(Self { bytes, loads, thread_locals })
    }

    /// The place in the file of what will stand at `address`, if all of it comes from the file and can be read there.
    pub(super) fn offset(&self, address: u64, size: u64) -> Option<u64> {
        let load = self.loads.iter().find(|load| load.readable && load.holds(address, size, load.file))?;
        load.offset.checked_add(address - load.address)
    }

    /// The bytes that will stand at `address`, up to the end of what the file gives to that segment.
    pub(super) fn tail(&self, address: u64) -> Option<&'d [u8]> {
        let load = self.loads.iter().find(|load| load.readable && load.holds(address, 1, load.file))?;
        let skipped = address - load.address;
        slice(self.bytes, load.offset.checked_add(skipped)?, load.file - skipped)
    }

    /// Whether these bytes in memory are those at `offset` in the file.
    pub(super) fn maps(&self, address: u64, size: u64, offset: u64) -> bool {
        let of = |load: &Load| load.offset.checked_add(address.checked_sub(load.address)?);
        self.loads.iter().any(|load| load.holds(address, size, load.file) && of(load) == Some(offset))
    }

    /// Whether these bytes in memory come from no file.
    pub(super) fn zeroed(&self, address: u64, size: u64) -> bool {
        let after =
            |load: &Load| address.checked_sub(load.address).is_some_and(|skipped| skipped >= load.file);
        self.loads.iter().any(|load| load.holds(address, size, load.memory) && after(load))
    }

    /// Whether a symbol may stand at `address`: inside a segment, or at the end of one.
    pub(super) fn reaches(&self, address: u64) -> bool {
        self.loads.iter().any(|load| load.holds(address, 0, load.memory))
    }

    /// Whether the loader may write `size` bytes at `address`.
    pub(super) fn writable(&self, address: u64, size: u64, with_text: bool) -> bool {
        self.loads.iter().any(|load| (with_text || load.writable) && load.holds(address, size, load.memory))
    }

    /// Whether code stands at `address`.
    pub(super) fn executable(&self, address: u64) -> bool {
        self.loads.iter().any(|load| load.executable && load.holds(address, 1, load.file))
    }

    /// Whether code stands at `address` that is more than zeros.
    pub(super) fn code(&self, address: u64) -> bool {
        let load = self.loads.iter().find(|load| load.executable && load.holds(address, 1, load.file));
        let start = load.and_then(|load| {
            let skipped = address - load.address;
            slice(self.bytes, load.offset.checked_add(skipped)?, (load.file - skipped).min(4))
        });
        // Four zeros are no instruction on Arm, and on x86 two that write to where a register happens to point.
        start.is_some_and(|start| start.iter().any(|byte| *byte != 0))
    }

    /// Whether these bytes, up to the end of their last page, lie in one segment that can be written to.
    pub(super) fn writable_page(&self, address: u64, size: u64) -> bool {
        self.loads.iter().any(|load| {
            let end = load.address.saturating_add(load.memory);
            let end = end.checked_next_multiple_of(load.align.max(1)).unwrap_or(end);
            load.writable && load.holds(address, size, end - load.address)
        })
    }

    /// Whether there are thread-locals.
    pub(super) fn has_thread_locals(&self) -> bool {
        self.thread_locals
    }

    /// The first address after the library.
    pub(super) fn end(&self) -> u64 {
        self.loads.last().map_or(0, |last| last.address.saturating_add(last.memory))
    }
}
