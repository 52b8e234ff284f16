//! Real libraries for tests, made by the C compiler once and patched from then on.

use std::process::Command;
use std::sync::OnceLock;

use crate::object_file::EMBEDDED_MAGIC;

const ROOM: usize = 2048;

/// A library that embeds a manifest. Another `build` gives other bytes.
pub(crate) fn library(id: &str, version: &str, build: u32) -> Vec<u8> {
    library_with(&manifest(id, version), build)
}

/// The least manifest.
pub(crate) fn manifest(id: &str, version: &str) -> String {
    format!("schema = 1\nid = \"{id}\"\nversion = \"{version}\"\napi = \"^1\"\n")
}

/// A library that embeds this manifest.
pub(crate) fn library_with(manifest: &str, build: u32) -> Vec<u8> {
    static MODEL: OnceLock<Vec<u8>> = OnceLock::new();
    let mut bytes = MODEL
        .get_or_init(|| {
            let section = if cfg!(target_os = "macos") { "__DATA,__reactor" } else { ".reactor" };
            compile(&format!(
                "__attribute__((section(\"{section}\"), used)) const char facts[{ROOM}] = \"REACTOR\\001\";"
            ))
        })
        .clone();
    let facts = format!(
        "api=1.0.0\nfingerprint=0123456789abcdef\ntarget=any\ncompiler=cc\npanic=unwind\nplanted=false\n\
         package=fixture {build}\n"
    );
    let length = |text: &str| u32::try_from(text.len()).expect("short").to_le_bytes();
    let mut section = EMBEDDED_MAGIC.to_vec();
    section.extend([length(&facts), length(manifest)].concat());
    section.extend([facts.as_bytes(), manifest.as_bytes()].concat());
    assert!(section.len() <= ROOM, "the fixture's section is too small");
    let start = bytes.windows(8).position(|window| window == EMBEDDED_MAGIC).expect("the section");
    bytes[start..start + section.len()].copy_from_slice(&section);
    bytes
}

/// A library without a manifest.
pub(crate) fn bare_library() -> Vec<u8> {
    static MODEL: OnceLock<Vec<u8>> = OnceLock::new();
    MODEL.get_or_init(|| compile("int answer(void) { return 42; }")).clone()
}

fn compile(source: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("a.c"), folder.path().join("a.so"));
    std::fs::write(&input, source).expect("written");
    let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&output).arg(&input).status();
    assert!(status.expect("a C compiler").success());
    std::fs::read(output).expect("a library")
}
