//! Small Mach-O and PE libraries, written byte by byte.

use super::*;

/// Little-endian words one after the other.
fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

/// A name in a field of fixed width.
fn field(name: &str, width: usize) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(width, 0);
    bytes
}

/// A load command that ends with a text.
fn command(kind: u32, fixed: &[u32], text: &str) -> Vec<u8> {
    let start = 12 + 4 * len(&words(fixed)) / 4;
    let text = field(text, text.len() + 8 - text.len() % 8);
    [words(&[kind, start + len(&text), start]), words(fixed), text].concat()
}

/// A dylib for macOS on arm64: the embedded section, a symbol exported and one hidden, a library and a
/// folder.
fn mach_o() -> Vec<u8> {
    let content = section(FACTS, MANIFEST);
    let strings = b"\0_reactor_entry\0_hidden\0";
    let symbol = |name: u32, kind: u8| [words(&[name]), vec![kind, 1, 0, 0], vec![0; 8]].concat();
    let symbols = [symbol(1, 0x0f), symbol(16, 0x1f), symbol(1, 0x01)].concat();

    let others = [
        command(0xc, &[0, 0, 0], "/usr/lib/libSystem.B.dylib"),
        command(0x8000_001c, &[], "@loader_path/../lib"),
        words(&[0x32, 24, 1, 0, 0, 0]),
    ]
    .concat();
    let all = 72 + 80 + 72 + len(&others) + 24;
    let data = 32 + all;
    let linkedit = data + len(&content);
    let segment = |name: &str, size: u32, at: u32, length: u32, sections: u32| {
        let wide = words(&[0, 0, length, 0, at, 0, length, 0, 3, 3, sections, 0]);
        [words(&[0x19, size]), field(name, 16), wide].concat()
    };
    let reactor = [
        field("__reactor", 16),
        field("__DATA", 16),
        words(&[0, 0, len(&content), 0, data, 0, 0, 0, 0, 0, 0, 0]),
    ];
    let table = words(&[2, 24, linkedit, 3, linkedit + len(&symbols), len(strings)]);
    [
        words(&[0xfeed_facf, 0x0100_000c, 0, 6, 6, all, 0, 0]),
        segment("__DATA", 152, data, len(&content), 1),
        reactor.concat(),
        segment("__LINKEDIT", 72, linkedit, len(&symbols) + len(strings), 0),
        others,
        table,
        content,
        symbols,
        strings.to_vec(),
    ]
    .concat()
}

/// A universal file with a part for another architecture, which is empty.
fn universal() -> Vec<u8> {
    let part = mach_o();
    let words = [0xcafe_babe, 2, 0x0100_000c, 0, 56, len(&part), 0, 18, 0, 48, 8, 0];
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    bytes.resize(56, 0);
    bytes.extend(part);
    bytes
}

/// A DLL for x86-64: the embedded section, an export and an import.
fn pe() -> Vec<u8> {
    const AT: u32 = 0x1000;
    let content = section(FACTS, MANIFEST);
    // The export directory (40 bytes), its three tables, the import directory (40), then the names.
    let names = b"demo.dll\0reactor_entry\0KERNEL32.dll\0";
    let names_at = AT + 40 + 4 + 4 + 4 + 40;
    let tables = [
        words(&[0, 0, 0, names_at, 1, 1, 1, AT + 40, AT + 44, AT + 48]),
        words(&[AT, names_at + 9, 0]),
        words(&[AT + 40, 0, 0, names_at + 23, AT + 40, 0, 0, 0, 0, 0]),
        names.to_vec(),
    ]
    .concat();
    let headers = 64 + 24 + 112 + 16 + 2 * 40;
    let header = |name: &str, address: u32, content: &[u8], at: u32| {
        let length = len(content);
        [field(name, 8), words(&[length, address, length, at, 0, 0, 0, 0x4000_0040])].concat()
    };
    let mut optional = words(&[0x020b, 0, 0, 0, 0, 0, 0, 0, AT, 0x200, 6, 0, 6, 0, 0x4000, headers, 0, 2]);
    optional.extend(words(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 2]));
    optional.extend(words(&[AT, len(&tables), AT + 52, 40]));
    [
        field("MZ", 60),
        words(&[64]),
        b"PE\0\0\x64\x86\x02\0".to_vec(),
        vec![0; 12],
        vec![128, 0, 0x22, 0x20],
        optional,
        header(".rdata", AT, &tables, headers),
        header(".reactor", 0x3000, &content, headers + len(&tables)),
        tables,
        content,
    ]
    .concat()
}

#[test]
fn a_mach_o_library_is_read() {
    for bytes in [mach_o(), universal()] {
        let facts = ObjectFile::read(&bytes).unwrap();
        assert_eq!(
            (facts.format, facts.os.as_str(), facts.architecture.as_str()),
            (Format::MachO, "macos", "aarch64")
        );
        assert_eq!(facts.exports, ["reactor_entry"]);
        assert_eq!(facts.needed, ["/usr/lib/libSystem.B.dylib"]);
        assert_eq!(facts.rpath, ["@loader_path/../lib"]);
        check_embedded(facts.embedded.as_ref());
    }
}

#[test]
fn a_pe_library_is_read() {
    let facts = ObjectFile::read(&pe()).unwrap();
    assert_eq!(
        (facts.format, facts.os.as_str(), facts.architecture.as_str()),
        (Format::Pe, "windows", "x86_64")
    );
    assert_eq!(facts.exports, ["reactor_entry"]);
    assert_eq!(facts.needed, ["KERNEL32.dll"]);
    check_embedded(facts.embedded.as_ref());
}

#[test]
fn other_kinds_of_the_formats_are_refused() {
    let mut program = pe();
    program[64 + 23] = 0;
    let mut object = mach_o();
    object[12] = 1;
    let mut dos = pe();
    dos[64..68].copy_from_slice(b"NE..");
    for bytes in [program, object, dos] {
        assert_eq!(ObjectFile::read(&bytes).unwrap_err().code(), "RE0122");
    }
}

#[test]
fn a_cut_file_of_either_format_is_never_whole() {
    for bytes in [mach_o(), universal(), pe()] {
        check_cuts(&bytes, 0..bytes.len());
    }
}

proptest! {
    #[test]
    fn a_damaged_file_gets_an_answer(
        file in prop::sample::select(vec![mach_o(), universal(), pe()]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = file;
        for (at, value) in edits {
            let at = at.index(bytes.len().min(700));
            bytes[at] = value;
        }
        let _ = ObjectFile::read(&bytes);
    }
}
