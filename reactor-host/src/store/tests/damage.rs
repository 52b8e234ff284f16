//! A database file that is not what was written.

use std::fs;
use std::sync::OnceLock;

use proptest::prelude::*;

use super::model::{BUILDS, Model, PLUGINS, change};
use super::*;

/// A database as a host left it, and what it held: when it ended well, and when it was killed (a copy of the file of an
/// open store).
struct Sample {
    bytes: Vec<u8>,
    /// At the end, and one step earlier: a bit of the file says which of two steps is the last.
    held: [Model; 2],
}

fn samples() -> &'static [Sample; 2] {
    static SAMPLES: OnceLock<[Sample; 2]> = OnceLock::new();
    SAMPLES.get_or_init(|| [true, false].map(sample))
}

fn sample(ends_well: bool) -> Sample {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.redb");
    let store = open(folder.path());
    for kind in [0, 2, 6, 8] {
        for of in 0..PLUGINS {
            for build in 0..BUILDS {
                store.apply(vec![change(kind, of, build)]);
            }
        }
    }
    // Larger than a page.
    let large: Arc<[u8]> = (0..20_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    store.put_state(&plugin("large"), SavedState { bytes: large, ..saved(1) });
    // Without libraries: they are not here when the file is looked at.
    for of in 0..PLUGINS {
        store.apply(vec![change(5, of, 0)]);
    }
    store.flush().expect("written");
    let before = Model::of(&store);
    store.apply(vec![change(1, 0, 0)]).wait().expect("written");
    let held = [Model::of(&store), before];
    if ends_well {
        store.close().expect("written");
    }
    Sample { bytes: fs::read(path).expect("it is there"), held }
}

/// Opens what a damage made of a sample. Whatever it is, there is an answer; and what opens was not harmed.
fn check(bytes: &[u8], held: &[Model]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("store.redb"), bytes).expect("writable");
    match Store::open(folder.path(), &holder()) {
        Ok((store, _)) => {
            prop_assert!(held.contains(&Model::of(&store)), "it opens, and holds something else");
            store.put_state(&plugin("new"), saved(1)).wait().expect("what opens can be written to");
        }
        Err(error) => {
            prop_assert_eq!(error.code(), "RE0703");
            let said = error.to_string();
            prop_assert!(said.contains("store.redb") && said.contains("move it away"), "{}", said);
        }
    }
    Ok(())
}

#[test]
fn what_was_not_damaged_opens() {
    for sample in samples() {
        check(&sample.bytes, &sample.held[..1]).expect("it opens");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_database_is_refused_or_whole_and_nothing_panics(
        which in 0..2_usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 0..12),
        in_head in prop::collection::vec((0..400_usize, 1..=255_u8), 0..2),
        zeros in prop::option::weighted(0.2, (any::<prop::sample::Index>(), 1..5000_usize)),
        cut in prop::option::weighted(0.3, any::<prop::sample::Index>()),
    ) {
        let sample = &samples()[which];
        let mut bytes = sample.bytes.clone();
        for (at, flip) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
        }
        for (at, flip) in in_head {
            bytes[at] ^= flip;
        }
        if let Some((from, length)) = zeros {
            let from = from.index(bytes.len());
            let to = (from + length).min(bytes.len());
            bytes[from..to].fill(0);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        check(&bytes, &sample.held)?;
    }

    #[test]
    fn no_database_at_all_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("store.redb"), bytes).expect("writable");
        let error = Store::open(folder.path(), &holder()).expect_err("it is none");
        prop_assert_eq!(error.code(), "RE0703");
    }
}
