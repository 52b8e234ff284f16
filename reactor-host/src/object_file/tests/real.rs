//! What the C compiler of this system links.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;

fn source() -> String {
    let bytes: Vec<_> = section(FACTS, MANIFEST).iter().map(u8::to_string).collect();
    format!(
        "#include <stdio.h>\n\
         __attribute__((section(\".reactor\"), used)) static const unsigned char reactor[] = {{ {} }};\n\
         static int calls; static __thread int own;\n\
         int shared = 3; int *pointers[] = {{ &calls, &shared }};\n\
         __attribute__((constructor)) static void first(void) {{ calls++; }}\n\
         __attribute__((visibility(\"hidden\"))) int hidden(void) {{ return own; }}\n\
         int reactor_entry(int n) {{ printf(\"%d\", n); return n + calls + hidden() + *pointers[1]; }}\n\
         int main(void) {{ return 0; }}\n",
        bytes.join(",")
    )
}

/// Compiles the source with these flags and gives the result's bytes.
fn build(flags: &[&str]) -> Vec<u8> {
    compile(&source(), flags)
}

fn compile(source: &str, flags: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.c"), source).unwrap();
    let mut compiler = Command::new("cc");
    compiler.current_dir(folder.path()).args(["-O1", "-g", "-fPIC", "-o", "out", "a.c"]).args(flags);
    let output = compiler.output().expect("a C compiler, which the tests need");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(folder.path().join("out")).unwrap()
}

fn library() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| build(&["-shared", "-Wl,-rpath,$ORIGIN:/opt/x", "-Wl,--no-as-needed", "-lm"]))
}

#[test]
fn the_facts_of_a_linked_library() {
    let facts = ObjectFile::read(library()).unwrap();
    assert_eq!((facts.format, facts.os.as_str()), (Format::Elf, std::env::consts::OS));
    assert_eq!(facts.architecture, std::env::consts::ARCH);
    assert!(facts.exports.iter().any(|name| name == "reactor_entry"), "{:?}", facts.exports);
    assert!(facts.exports.iter().all(|name| !["hidden", "printf", "first"].contains(&name.as_str())));
    assert!(facts.exports.is_sorted());
    assert!(facts.needed.iter().any(|name| name.starts_with("libm.so")), "{:?}", facts.needed);
    assert_eq!([facts.rpath, facts.runpath].concat(), ["$ORIGIN", "/opt/x"]);
    assert!(!facts.no_delete);
    check_embedded(facts.embedded.as_ref());
}

#[test]
fn each_way_to_link_a_library_is_understood() {
    let plain = ObjectFile::read(library()).unwrap();
    for flags in [
        &["-Wl,--hash-style=sysv"][..],
        &["-Wl,--hash-style=gnu"],
        &["-Wl,-z,now", "-s"],
        &["-Wl,-z,norelro"],
        &["-Wl,-z,noseparate-code"],
    ] {
        let facts = ObjectFile::read(&build(&[&["-shared"], flags].concat())).unwrap();
        assert_eq!(facts.exports, plain.exports, "{flags:?}");
        check_embedded(facts.embedded.as_ref());
    }
    assert!(ObjectFile::read(&build(&["-shared", "-Wl,-z,nodelete"])).unwrap().no_delete);
    let old = ObjectFile::read(&build(&["-shared", "-Wl,--disable-new-dtags,-rpath,/opt/y"])).unwrap();
    assert_eq!((old.rpath, old.runpath), (vec!["/opt/y".to_owned()], Vec::new()));
    let silent = ObjectFile::read(&build(&["-shared", "-fvisibility=hidden"])).unwrap();
    assert!(!silent.exports.iter().any(|name| name == "reactor_entry"));
}

#[test]
fn what_keeps_a_library_open_is_read() {
    let plain = ObjectFile::read(library()).unwrap();
    assert_eq!((plain.unique_symbols, plain.keeping_imports), (Vec::new(), Vec::new()));
    // As a C++ compiler marks the statics of templates.
    let unique = "\n__asm__(\".globl one\\n.type one,@gnu_unique_object\\n.size one,8\\n.data\\none: .quad 0\\n.text\");\n";
    let imports = "int aio_read(void *); int tss_create_not(void); int keep(void) { return aio_read(0); }\n";
    let facts = ObjectFile::read(&compile(&format!("{}{unique}{imports}", source()), &["-shared"])).unwrap();
    assert_eq!(facts.unique_symbols, ["one"]);
    assert!(facts.exports.iter().any(|name| name == "one"));
    assert_eq!(facts.keeping_imports, ["aio_read"]);
}

#[test]
fn the_no_delete_flag_is_cleared_and_nothing_else() {
    let bytes = build(&["-shared", "-Wl,-z,nodelete", "-Wl,-z,now"]);
    let facts = ObjectFile::read(&bytes).unwrap();
    let cleared = facts.without_no_delete(&bytes).expect("it has the flag");
    let changed: Vec<_> = bytes.iter().zip(&cleared).filter(|(old, new)| old != new).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    let again = ObjectFile::read(&cleared).unwrap();
    assert!(!again.no_delete);
    assert_eq!(again.without_no_delete(&cleared), None);
    assert_eq!(ObjectFile { no_delete: true, no_delete_byte: facts.no_delete_byte, ..again }, facts);
}

#[test]
fn what_is_linked_otherwise_is_refused() {
    let refused = |flags: &[&str]| ObjectFile::read(&build(flags)).unwrap_err().to_string();
    for flags in [&["-pie"][..], &["-no-pie"]] {
        assert!(refused(flags).starts_with("this is an executable"), "{flags:?}");
    }
    assert!(refused(&["-c"]).starts_with("this is an unlinked object file"));
}

#[test]
fn the_libraries_of_this_process_are_whole() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let paths = maps.lines().filter_map(|line| line.split_once('/')).map(|(_, path)| format!("/{path}"));
    let mut paths: Vec<_> = paths.filter(|path| path.contains(".so")).collect();
    paths.dedup();
    assert!(!paths.is_empty(), "{maps}");
    for path in paths {
        let facts = ObjectFile::read(&std::fs::read(Path::new(&path)).unwrap());
        let facts = facts.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(facts.embedded, None);
        assert!(!path.contains("libc.so") || facts.exports.iter().any(|name| name == "malloc"));
    }
}

#[test]
fn a_cut_library_is_never_whole() {
    for flags in [&["-shared"][..], &["-shared", "-s"]] {
        let bytes = build(flags);
        check_cuts(&bytes, (0..100).map(|percent| bytes.len() * percent / 100).chain([bytes.len() - 1]));
    }
}

#[test]
fn a_library_with_an_empty_tail_is_never_whole() {
    for flags in [&["-shared"][..], &["-shared", "-s"]] {
        let bytes = build(flags);
        for percent in 0..100 {
            let mut filled = bytes.clone();
            filled[bytes.len() * percent / 100..].fill(0);
            ObjectFile::read(&filled).expect_err("zeros are not the rest");
        }
    }
}

#[test]
fn a_place_in_memory_makes_no_difference() {
    let shifted = [&[0], library()].concat();
    assert_eq!(ObjectFile::read(&shifted[1..]), ObjectFile::read(library()));
}

/// Where a table of 64-bit entries begins, by the number of its section type, and how many bytes it has.
fn section_of(bytes: &[u8], kind: u32) -> (usize, usize) {
    use object::read::elf::{FileHeader as _, SectionHeader as _};
    let header = elf_format::FileHeader64::<Endianness>::parse(bytes).expect("a library of this system");
    let endian = header.endian().expect("one of two");
    let sections = header.section_headers(endian, bytes).expect("linkers write them");
    let found = sections.iter().find(|section| section.sh_type(endian).0 == kind).expect("it is there");
    let number = |value: u64| usize::try_from(value).expect("it is in memory");
    (number(found.sh_offset(endian)), number(found.sh_size(endian)))
}

#[cfg(target_pointer_width = "64")]
#[test]
fn what_the_loader_would_follow_blindly_is_refused() {
    const RELA: u32 = 4;
    const DYNSYM: u32 = 11;
    const VERNEED: u32 = 0x6fff_fffe;
    const VERSYM: u32 = 0x6fff_ffff;
    let whole = library();
    ObjectFile::read(whole).expect("nothing is wrong with it");
    let refused = |what: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole.to_vec();
        change(&mut bytes);
        let error = ObjectFile::read(&bytes).expect_err(what);
        assert!(error.to_string().contains(what), "{what}: {error}");
    };
    let at = |kind| section_of(whole, kind).0;
    let put = |bytes: &mut Vec<u8>, at: usize, new: &[u8]| bytes[at..at + new.len()].copy_from_slice(new);
    refused("is none for a library", &|bytes| put(bytes, at(RELA) + 24 + 8, &[0xee]));
    refused("outside of the library", &|bytes| put(bytes, at(RELA) + 16, &[0xff; 4]));
    refused("write to one place", &|bytes| {
        let second = bytes[at(RELA) + 24..at(RELA) + 32].to_vec();
        put(bytes, at(RELA), &second);
    });
    refused("a version that is not there", &|bytes| put(bytes, at(VERSYM) + 2, &[0x77, 0x07]));
    refused("a library that is not needed", &|bytes| put(bytes, at(VERNEED) + 4, &[1, 0]));
    refused("string table", &|bytes| put(bytes, at(DYNSYM) + 24, &[0xff; 4]));
    let executable = build(&["-shared", "-Wl,-z,execstack"]);
    assert_eq!(ObjectFile::read(&executable), Err(ObjectError::ExecutableStack));
    assert_eq!(ObjectError::ExecutableStack.code(), "RE0126");
}

proptest! {
    #[test]
    fn a_damaged_library_gets_an_answer(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        head in any::<bool>(),
    ) {
        let mut bytes = library().to_vec();
        // Half of the time only headers and tables, which are what is read.
        let reach = if head { bytes.len().min(0x800) } else { bytes.len() };
        for (at, value) in edits {
            bytes[at.index(reach)] ^= value;
        }
        let _ = ObjectFile::read(&bytes);
    }
}
