//! Real libraries made by the C compiler, and hand-made files of the formats that it does not write here.

use proptest::prelude::*;

use super::*;

mod made;
#[cfg(target_os = "linux")]
mod real;

const FACTS: &str = "api=1.0.0\nfingerprint=0123456789abcdef\ntarget=x86_64-unknown-linux-gnu\n\
    compiler=rustc 1.95.0 (abc 2026-01-01)\npanic=unwind\nplanted=true\n\
    package=word-count 0.1.0\nlater=x=y\n";
const MANIFEST: &str = "schema = 1\nid = \"acme.word-count\" # ü\n";

/// The section's content: magic, two lengths, two texts.
fn section(facts: &str, manifest: &str) -> Vec<u8> {
    let mut section = EMBEDDED_MAGIC.to_vec();
    for text in [facts, manifest] {
        section.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
    }
    section.extend(facts.bytes());
    section.extend(manifest.bytes());
    section
}

/// What [`FACTS`] and [`MANIFEST`] read as.
#[track_caller]
fn check_embedded(embedded: Option<&Embedded>) {
    let embedded = embedded.expect("a section");
    assert_eq!(embedded.manifest_text, MANIFEST);
    assert_eq!(embedded.facts.fingerprint, 0x0123_4567_89ab_cdef);
    assert_eq!(embedded.facts.api.to_string(), "1.0.0");
    assert_eq!(embedded.facts.package, "word-count 0.1.0");
    assert_eq!(embedded.facts.other["later"], "x=y");
    assert!(embedded.facts.planted);
}

/// No prefix of the file is taken for the whole of it.
#[track_caller]
fn check_cuts(bytes: &[u8], lengths: impl Iterator<Item = usize>) {
    for length in lengths {
        let error = ObjectFile::read(&bytes[..length]).expect_err("a part is not the whole");
        assert!(error.is_unfinished(), "{length} of {}: {error}", bytes.len());
    }
}

#[test]
fn what_is_no_library_is_called_what_it_is() {
    let padded = |start: &[u8]| {
        let mut bytes = start.to_vec();
        bytes.resize(200, b'.');
        bytes
    };
    for (bytes, code) in [
        (Vec::new(), "RE0121"),
        (b"\x7fEL".to_vec(), "RE0121"),
        (b"\x7fELF\x02\x01\x01".to_vec(), "RE0121"),
        (b"hello".to_vec(), "RE0120"),
        (padded(b"#!/bin/sh\n"), "RE0120"),
        (padded(b"!<arch>\n"), "RE0122"),
        (padded(b"\xca\xfe\xba\xbe\x00\x00\x00\x41"), "RE0120"),
        (padded(b"\x7fELF\x03\x01\x01"), "RE0120"),
        (padded(b"\x7fELF\x02\x09\x01"), "RE0124"),
        (vec![0; 8], "RE0123"),
        (vec![0; 4096], "RE0123"),
    ] {
        let error = ObjectFile::read(&bytes).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
}

#[test]
fn a_section_holds_facts_and_a_manifest() {
    let good = section(FACTS, MANIFEST);
    check_embedded(Some(&Embedded::read(&good).unwrap()));
    let padded = [&good[..], &[0; 100]].concat();
    check_embedded(Some(&Embedded::read(&padded).unwrap()));
    for length in 0..good.len() {
        Embedded::read(&good[..length]).unwrap_err();
    }
}

#[test]
fn a_bad_section_says_why() {
    let long = section(FACTS, &"#".repeat(crate::manifest::MAX_MANIFEST_BYTES + 1));
    let twice = section(FACTS, MANIFEST).repeat(2);
    let changed = |from: &str, to: &str| section(&FACTS.replace(from, to), MANIFEST);
    for (bytes, reason) in [
        (b"REACTOR\x02........".to_vec(), "layout 2 is not known"),
        (b"NUCLEAR\x01........".to_vec(), "begins with other bytes"),
        (long, "its manifest has 65537 bytes"),
        (twice, "something follows"),
        (changed("api=1.0.0", "api=1"), "`api` cannot be read from `1`"),
        (changed("fingerprint=", "fingerprint=+"), "`fingerprint` cannot be read"),
        (changed("planted=true", "planted=yes"), "`planted` cannot be read"),
        (changed("panic=unwind\n", ""), "`panic` is missing"),
        (changed("panic=unwind", "panic"), "`panic` has no `=`"),
        (changed("later", "api"), "`api` is given twice"),
    ] {
        let error = Embedded::read(&bytes).unwrap_err();
        assert_eq!(error.code(), "RE0125");
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert!(Embedded::read(&[0; 64]).unwrap_err().is_unfinished());
}

proptest! {
    #[test]
    fn any_bytes_get_an_answer(
        start in prop::sample::select(vec![
            &b"\x7fELF\x01\x01\x01"[..], b"\x7fELF\x02\x01\x01", b"\x7fELF\x02\x02\x01", b"MZ",
            b"\xcf\xfa\xed\xfe",
            b"\xfe\xed\xfa\xce", b"\xca\xfe\xba\xbe\x00\x00\x00\x02", b"",
        ]),
        rest in prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..600),
    ) {
        let _ = ObjectFile::read(&[start, &rest].concat());
    }

    #[test]
    fn any_section_gets_an_answer(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        facts in "([a-z]{0,5}=?\n){0,4}",
    ) {
        let _ = Embedded::read(&bytes);
        let _ = Embedded::read(&[&EMBEDDED_MAGIC, &bytes[..]].concat());
        let _ = Embedded::read(&section(&facts, ""));
    }
}
