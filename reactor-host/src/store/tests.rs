mod bad_disk;
mod damage;
mod each_table;
mod killed;
mod model;
mod opening;
mod power;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;

fn plugin(text: &str) -> PluginId {
    PluginId::new(text).expect("an id")
}

fn holder() -> Holder {
    Holder::new("dev.reactor.tests", "1.2.3")
}

/// Opens a store that is as it should be.
fn open(folder: &Path) -> Store {
    let (store, opened) = Store::open(folder, &holder()).expect("the store opens");
    assert!(opened.swept.is_empty() && opened.dropped.is_empty(), "{opened:?}");
    store
}

/// A library of its own for each number.
fn library(number: u64) -> Arc<[u8]> {
    let length = 100 + number % 9000;
    (0..length).map(|at| u8::try_from((at * (number + 1)) % 251).expect("small")).collect()
}

fn quarantined(id: &str, build: u64) -> Quarantined {
    Quarantined {
        plugin: plugin(id),
        build: ContentHash::of(&library(build)),
        version: semver::Version::new(1, build, 0),
        code: "RE0603".to_owned(),
        message: format!("build {build} panicked"),
        unix_ms: 1_700_000_000_000 + build,
        source: odd_path(build),
    }
}

/// A path that is no text, where there are such.
fn odd_path(number: u64) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt as _;
        let name = [b"/plugins/\xff\xfe-".as_slice(), number.to_string().as_bytes()].concat();
        std::ffi::OsString::from_vec(name).into()
    }
    #[cfg(not(unix))]
    format!("/plugins/{number}").into()
}

fn saved(number: u64) -> SavedState {
    SavedState {
        schema: u32::try_from(number % 7).expect("small"),
        bytes: library(number + 3),
        unix_ms: number,
        generation: number * 2,
        build: (!number.is_multiple_of(3)).then(|| ContentHash::of(&library(number))),
    }
}

fn point(build: u64) -> RollbackPoint {
    let manifest = ManifestText { path: odd_path(build), text: format!("version = \"1.{build}.0\"\n") };
    RollbackPoint {
        build: ContentHash::of(&library(build)),
        version: semver::Version::new(1, build, 0),
        manifest: build.is_multiple_of(2).then_some(manifest),
        source: odd_path(build),
        folder: "/plugins".into(),
        state: (!build.is_multiple_of(5)).then(|| saved(build)),
        unix_ms: 5 + build,
    }
}

/// The names of the files in `builds`.
fn library_files(folder: &Path) -> Vec<String> {
    let names = folder.join("builds").read_dir().expect("the folder is there");
    let mut names: Vec<_> =
        names.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
    names.sort();
    names
}

/// The seed of a random test: the environment's, else another one each time. A failure prints it.
fn seed() -> u64 {
    let given = std::env::var("REACTOR_TEST_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::from(now.subsec_nanos()) << 20 | u64::from(std::process::id())
    })
}

/// Sebastiano Vigna's `SplitMix64`: enough to choose by.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}
