use std::collections::BTreeSet;

use reactor_host::codes;
use reactor_tests::source;

/// Codes that are written in more than one place, how many, and what they mean in all of them.
const SHARED: &[(&str, usize, &str)] = &[
    ("RE0109", 2, "no plugin id: in a manifest, and anywhere else"),
    (
        "RE0409",
        2,
        "blocked by another plugin: the resolver says so, and the conductor looks whether it was told before",
    ),
    ("RE0151", 2, "a plugin folder can not be listed: the command says it before it makes a host"),
    ("RE0416", 2, "there is no such plugin: an order says so, and `logs` does of one that logged nothing"),
    ("RE0418", 2, "a plugin can not be swapped or rolled back as things are"),
    (
        "RE0601",
        4,
        "a plugin is not available: `call` adds which ones are, of its own host or the running one",
    ),
    ("RE0602", 2, "no such action: the plugin says it, and `call` adds who calls interfaces"),
    ("RE0605", 4, "the host has shut down: found out by each of those who hold it weakly"),
    ("RE0606", 4, "a generation that has ended asks: of the services, or through a handle to another plugin"),
    ("RE0608", 2, "the host answered without the number of what was asked for: a task, a stream"),
    ("RE0607", 3, "no task can be spawned now: before `start`, and when tasks are being ended"),
];

#[test]
fn an_error_code_has_one_meaning() {
    for (code, places) in source::error_codes() {
        let expected = SHARED.iter().find(|(shared, ..)| *shared == code).map_or(1, |(_, count, _)| *count);
        assert_eq!(
            places.len(),
            expected,
            "{code} is written at {places:#?}; take a free number, or say in SHARED what it means"
        );
    }
}

#[test]
fn codes_that_are_shared_exist() {
    let codes = source::error_codes();
    for (code, ..) in SHARED {
        assert!(codes.contains_key(*code), "{code} is gone: strike it from SHARED");
    }
}

#[test]
fn the_catalogue_has_every_code_of_the_sources_and_no_other() {
    let written: BTreeSet<String> = source::error_codes().into_keys().collect();
    assert!(written.len() > 80, "the codes are where they were");
    let listed: BTreeSet<String> =
        codes::seams().iter().flat_map(|seam| seam.codes).map(|code| code.code.to_owned()).collect();
    let missing: Vec<_> = written.difference(&listed).collect();
    assert!(missing.is_empty(), "reactor-host/src/codes/catalogue.rs lacks {missing:?}");
    let unused: Vec<_> = listed.difference(&written).collect();
    assert!(unused.is_empty(), "no source gives {unused:?}: strike them from the catalogue");
}
