//! Mach-O: load commands and what they cover.

use object::macho::{
    CPU_TYPE_ARM, CPU_TYPE_ARM64, CPU_TYPE_POWERPC, CPU_TYPE_POWERPC64, CPU_TYPE_X86, CPU_TYPE_X86_64,
    MH_BUNDLE, MH_CORE, MH_DYLIB, MH_EXECUTE, MH_OBJECT, N_UNDF,
};
use object::read::macho::{FatArch, LoadCommandVariant, MachHeader, MachOFatFile, Nlist, Section, Segment};
use object::{Endianness, ReadRef};

use super::names::{Names, sorted};
use super::{Embedded, Format, ObjectError, ObjectFile, inside, length, size_of, slice};

/// More parts than any universal file has. A Java class begins with the same bytes and a larger number.
const MAX_PARTS: u32 = 32;

/// The part of a universal file that is for this architecture, or the first.
pub(super) fn read_fat<F: FatArch>(bytes: &[u8]) -> Result<ObjectFile, ObjectError> {
    let count =
        bytes.get(4..8).and_then(|word| word.try_into().ok()).map(u32::from_be_bytes).unwrap_or_default();
    if count == 0 || count > MAX_PARTS {
        return Err(ObjectError::unrecognised(bytes));
    }
    inside(bytes, "the table of parts", 8, u64::from(count) * size_of::<F>())?;
    let fat = MachOFatFile::<F>::parse(bytes)?;
    for part in fat.arches() {
        let (offset, size) = part.file_range();
        inside(bytes, "a part of the universal file", offset, size)?;
    }
    let own = |part: &&F| architecture(part.cputype().0) == std::env::consts::ARCH;
    let part = fat.arches().iter().find(own).or(fat.arches().first());
    let part =
        part.and_then(|part| slice(bytes, part.offset().into(), part.size().into())).unwrap_or_default();
    match part {
        // A universal file inside another one would let a file nest as deep as it is long.
        [0xca, 0xfe, 0xba, ..] => Err(ObjectError::malformed("a part of the universal file is one itself")),
        _ => ObjectFile::read(part),
    }
}

pub(super) fn read<M: MachHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<ObjectFile, ObjectError> {
    let header = M::parse(bytes, 0)?;
    let endian = header.endian()?;
    match header.filetype(endian) {
        MH_DYLIB | MH_BUNDLE => {}
        MH_EXECUTE => return Err(ObjectError::NotALibrary { what: "an executable" }),
        MH_OBJECT => return Err(ObjectError::NotALibrary { what: "an unlinked object file" }),
        MH_CORE => return Err(ObjectError::NotALibrary { what: "a core dump" }),
        _ => return Err(ObjectError::NotALibrary { what: "a Mach-O file of another type" }),
    }
    inside(bytes, "the load commands", size_of::<M>(), header.sizeofcmds(endian).into())?;
    let mut found = Found { names: Names::for_file(bytes), ..Found::default() };
    let mut commands = header.load_commands(endian, bytes, 0)?;
    while let Some(command) = commands.next()? {
        if let Some((segment, sections)) = M::Segment::from_command(command)? {
            found.segment(segment, endian, bytes, sections)?;
            continue;
        }
        match command.variant()? {
            LoadCommandVariant::Dylib(library) => {
                let name = command.string(endian, library.dylib.name)?;
                found.needed.push(found.names.take(name)?);
            }
            LoadCommandVariant::Rpath(folder) => {
                let path = command.string(endian, folder.path)?;
                found.rpath.push(found.names.take(path)?);
            }
            LoadCommandVariant::LinkeditData(data) => {
                let (offset, size) = (data.dataoff.get(endian), data.datasize.get(endian));
                inside(bytes, "the link-edit data", offset.into(), size.into())?;
            }
            LoadCommandVariant::DyldInfo(info) => {
                for (offset, size) in [
                    (&info.rebase_off, &info.rebase_size),
                    (&info.bind_off, &info.bind_size),
                    (&info.weak_bind_off, &info.weak_bind_size),
                    (&info.lazy_bind_off, &info.lazy_bind_size),
                    (&info.export_off, &info.export_size),
                ] {
                    inside(bytes, "the loader's data", offset.get(endian).into(), size.get(endian).into())?;
                }
            }
            LoadCommandVariant::Symtab(_) if std::mem::replace(&mut found.symbols, true) => {
                return Err(ObjectError::malformed("there are two symbol tables"));
            }
            LoadCommandVariant::Symtab(table) => {
                let (at, count) = (table.symoff.get(endian).into(), u64::from(table.nsyms.get(endian)));
                inside(bytes, "the symbol table", at, count.saturating_mul(size_of::<M::Nlist>()))?;
                let (offset, size) = (table.stroff.get(endian).into(), u64::from(table.strsize.get(endian)));
                inside(bytes, "the string table", offset, size)?;
                let symbols: &[M::Nlist] = usize::try_from(count)
                    .ok()
                    .and_then(|count| bytes.read_slice_at(at, count).ok())
                    .ok_or_else(|| ObjectError::malformed("the symbol table cannot be read"))?;
                found.exports::<M>(endian, symbols, slice(bytes, offset, size).unwrap_or_default())?;
            }
            LoadCommandVariant::BuildVersion(build, _) => {
                found.os = Some(platform(build.platform.get(endian).0));
            }
            LoadCommandVariant::VersionMin(minimum) => found.os = Some(least(minimum.cmd.get(endian).0)),
            _ => {}
        }
    }
    if found.segments == 0 {
        return Err(ObjectError::ZeroFilled { what: "the list of segments" });
    }
    Ok(ObjectFile {
        format: Format::MachO,
        architecture: architecture(header.cputype(endian).0),
        os: found.os.unwrap_or_else(|| "macos".to_owned()),
        exports: sorted(found.exports),
        needed: found.needed,
        rpath: found.rpath,
        runpath: Vec::new(),
        no_delete: false,
        unique_symbols: Vec::new(),
        keeping_imports: Vec::new(),
        no_delete_byte: None,
        embedded: found.embedded,
    })
}

/// What the load commands have said so far.
struct Found {
    names: Names,
    segments: usize,
    symbols: bool,
    os: Option<String>,
    exports: Vec<String>,
    needed: Vec<String>,
    rpath: Vec<String>,
    embedded: Option<Embedded>,
}

impl Default for Found {
    fn default() -> Self {
        let (exports, needed, rpath) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            names: Names::for_file(&[]),
            segments: 0,
            symbols: false,
            os: None,
            exports,
            needed,
            rpath,
            embedded: None,
        }
    }
}

impl Found {
    fn segment<S: Segment<Endian = Endianness>>(
        &mut self,
        segment: &S,
        endian: Endianness,
        bytes: &[u8],
        sections: &[u8],
    ) -> Result<(), ObjectError> {
        let (offset, size) = segment.file_range(endian);
        inside(bytes, "a segment", offset, size)?;
        if size > segment.vmsize(endian).into() {
            return Err(ObjectError::malformed("a segment has more in the file than in memory"));
        }
        self.segments += 1;
        // No section may start where 32 bits cannot tell: such a file is larger than any plugin.
        for section in segment.sections(endian, sections)? {
            if section.name() == b"__reactor" && section.segment_name() == b"__DATA" {
                let content = slice(bytes, section.offset(endian).into(), section.size(endian).into());
                let content = content.ok_or(ObjectError::Incomplete {
                    expected_bytes: u64::from(section.offset(endian))
                        .saturating_add(section.size(endian).into()),
                    found_bytes: length(bytes),
                })?;
                Embedded::only(&mut self.embedded, content)?;
            }
        }
        Ok(())
    }

    fn exports<M: MachHeader<Endian = Endianness>>(
        &mut self,
        endian: Endianness,
        symbols: &[M::Nlist],
        strings: &[u8],
    ) -> Result<(), ObjectError> {
        for symbol in symbols {
            let kind = symbol.n_type();
            if symbol.is_stab() || !kind.is_ext() || kind.is_pext() || kind.typ() == N_UNDF {
                continue;
            }
            let name = self.names.at(strings, symbol.n_strx(endian).into(), "the name of a symbol")?;
            // C names carry one underscore more in the file than in the source.
            self.exports.push(name.strip_prefix('_').map(str::to_owned).unwrap_or(name));
        }
        Ok(())
    }
}

fn architecture(cpu: u32) -> String {
    let known = [
        (CPU_TYPE_ARM, "arm"),
        (CPU_TYPE_ARM64, "aarch64"),
        (CPU_TYPE_X86, "x86"),
        (CPU_TYPE_X86_64, "x86_64"),
        (CPU_TYPE_POWERPC, "powerpc"),
        (CPU_TYPE_POWERPC64, "powerpc64"),
    ];
    let word = known.iter().find(|(number, _)| number.0 == cpu).map(|(_, word)| (*word).to_owned());
    word.unwrap_or_else(|| format!("unknown-{cpu}"))
}

/// The system that `LC_BUILD_VERSION` names; simulators and Catalyst count as the system whose API they have.
fn platform(number: u32) -> String {
    let word = match number {
        1 => "macos",
        2 | 6 | 7 => "ios",
        3 | 8 => "tvos",
        4 | 9 => "watchos",
        11 | 12 => "visionos",
        other => return format!("unknown-{other}"),
    };
    word.to_owned()
}

/// The system whose least version an `LC_VERSION_MIN_*` command gives.
fn least(command: u32) -> String {
    let word = match command {
        0x25 => "ios",
        0x2f => "tvos",
        0x30 => "watchos",
        _ => "macos",
    };
    word.to_owned()
}
