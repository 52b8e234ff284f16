//! What is read, what is hashed, what is checked and what the private copy holds are the same bytes, and they are one of
//! the versions that somebody published whole.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::stage::Stager;

const VERSIONS: u32 = 8;

fn rounds() -> u64 {
    std::env::var("REACTOR_TEST_ROUNDS").map_or(100_000, |text| text.parse().expect("a number"))
}

/// A hundred thousand times all but the opening, which `hostile::attack` of the tests does.
#[test]
fn a_hundred_thousand_reads_against_a_renaming_writer_agree_with_their_hash_and_their_private_copy() {
    let folder = Folder::new();
    let path = folder.0.path().join("libacme_one.so");
    let aside = folder.0.path().join(".aside");
    let versions: Vec<Vec<u8>> = (0..VERSIONS).map(|build| library("acme.one", "1.0.0", build)).collect();
    let published: BTreeMap<ContentHash, u32> =
        versions.iter().zip(0..).map(|(bytes, build)| (ContentHash::of(bytes), build)).collect();
    fs::write(&path, &versions[0]).expect("written");
    let data = TempDir::new().expect("a folder");
    let stager = Stager::new(data.path()).expect("a private folder");
    let over = AtomicBool::new(false);
    let mut seen: BTreeMap<u32, u64> = BTreeMap::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                for bytes in &versions {
                    fs::write(&aside, bytes).expect("written");
                    fs::rename(&aside, &path).expect("renamed");
                }
            }
        });
        for round in 0..rounds() {
            let candidate = match read_one(&path) {
                Ok(candidate) => candidate,
                // The name was given to another file between two looks at it.
                Err(DiscoverError::Changing { .. }) => continue,
                Err(error) => panic!("a name that is always there: {error}"),
            };
            let build = *published.get(&candidate.hash).expect("a version that was published whole");
            assert_eq!(ContentHash::of(&candidate.bytes), candidate.hash);
            let embedded = candidate.object.embedded.as_ref().expect("facts");
            assert_eq!(embedded.facts.package, format!("fixture {build}"), "the facts are of these bytes");
            let private = stager.stage(&candidate, &candidate.bytes, round).expect("a private copy");
            let copy = fs::read(private.path()).expect("a private copy");
            assert_eq!(ContentHash::of(&copy), candidate.hash, "the private copy is these bytes");
            *seen.entry(build).or_default() += 1;
        }
        over.store(true, Ordering::Relaxed);
    });
    println!("reads of each version: {seen:?}");
    assert!(seen.len() > 1, "the writer and the reader never met: {seen:?}");
}
