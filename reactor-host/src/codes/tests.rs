use std::collections::BTreeSet;

use super::*;

#[test]
fn a_code_is_found_however_it_is_written() {
    for text in ["RE0103", "re0103", "Re0103", "0103", " RE0103\n"] {
        assert_eq!(find(text).map(|code| code.code), Some("RE0103"), "{text:?}");
    }
    for text in ["", "RE", "103", "RE01033", "RE010x", "E0103", "plugin.error", "RE٠١٠٣", "é0103"] {
        assert_eq!(find(text), None, "{text:?}");
    }
}

#[test]
fn a_slip_is_seen_through() {
    let near = |text| near(text).iter().map(|code| code.code).collect::<Vec<_>>();
    for (slip, meant) in [
        ("RE0130", "RE0103"),
        ("RE103", "RE0103"),
        ("0104x", ""),
        ("RE01003", "RE0103"),
        ("RE0193", "RE0143"),
        ("RE010", "RE0101"),
        ("RE2103", "RE0103"),
    ] {
        let found = near(slip);
        assert!(found.len() <= 3, "{slip}: {found:?}");
        assert_eq!(found.contains(&meant), !meant.is_empty(), "{slip}: {found:?}");
    }
    assert_eq!(near("RE9999"), Vec::<&str>::new());
    assert_eq!(near("plugin.error"), Vec::<&str>::new());
}

#[test]
fn every_row_says_what_it_means_and_what_to_do() {
    let mut seen = BTreeSet::new();
    for seam in seams() {
        assert!(!seam.about.is_empty() && !seam.codes.is_empty(), "{}", seam.title);
        assert!(seam.codes.is_sorted_by_key(|code| code.code), "{}: the codes rise", seam.title);
        for code in seam.codes {
            assert!(find(code.code) == Some(code), "{}: `RE` and four digits, once", code.code);
            assert!(seen.insert(code.code), "{} stands twice", code.code);
            assert_eq!(seam_of(code), Some(seam), "{}", code.code);
            for text in [code.title, code.remedy] {
                // They stand inside a table, and behind a colon.
                let fits = !text.is_empty() && !text.contains(['|', '\n']) && !text.ends_with('.');
                assert!(fits && text.trim() == text, "{}: {text:?}", code.code);
            }
            assert!(code.detail.is_empty() || code.detail.ends_with('.'), "{}: sentences", code.code);
        }
    }
}
