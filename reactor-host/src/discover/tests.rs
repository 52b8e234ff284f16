mod agree;

use std::fs;
use std::time::Duration;

use tempfile::TempDir;

use super::fixture::{bare_library, library, library_with, manifest};
use super::*;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().expect("a folder"))
    }

    fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, bytes).expect("written");
        self
    }

    fn scan(&self) -> Scan {
        scan(&[self.0.path().to_owned()], &Known::new())
    }
}

/// `path: what` per entry.
fn outcomes(folder: &Folder, scan: &Scan) -> Vec<String> {
    let line = |entry: &Entry| {
        let path = entry.source.strip_prefix(folder.0.path()).expect("inside").display();
        let what = match &entry.outcome {
            Outcome::Unchanged => "unchanged".to_owned(),
            Outcome::Candidate(candidate) => {
                format!("{} {}", candidate.manifest.id, candidate.manifest.version)
            }
            Outcome::Unsettled { reason } => format!("unsettled {}", reason.code()),
            Outcome::Refused(error) => error.code().to_owned(),
        };
        format!("{path}: {what}")
    };
    scan.found.iter().map(line).collect()
}

#[track_caller]
fn check(folder: &Folder, expected: &[&str]) {
    assert_eq!(outcomes(folder, &folder.scan()), expected);
}

#[test]
fn manifests_are_found_beside_in_the_folder_and_inside() {
    let folder = Folder::new()
        .with("own/plugin.toml", manifest("acme.a-one", "1.0.0"))
        .with("own/libacme_a_one.so", bare_library())
        .with("libtwo.so", bare_library())
        .with("two.toml", manifest("acme.b", "1.0.0"))
        .with("libthree.so", bare_library())
        .with("libthree.toml", manifest("acme.c", "1.0.0"))
        .with("four.so", library("acme.d", "1.0.0", 1))
        .with("five/plain.so", library("acme.e", "1.0.0", 1))
        .with("six/libacme_f.so", library("acme.f", "1.0.0", 1))
        .with("six/plugin.toml", manifest("acme.f", "1.0.0"));
    check(
        &folder,
        &[
            "own/libacme_a_one.so: acme.a-one 1.0.0",
            "libtwo.so: acme.b 1.0.0",
            "libthree.so: acme.c 1.0.0",
            "four.so: acme.d 1.0.0",
            "five/plain.so: acme.e 1.0.0",
            "six/libacme_f.so: acme.f 1.0.0",
        ],
    );
    let first = folder.scan().found.remove(0);
    let Outcome::Candidate(candidate) = first.outcome else { panic!("a candidate") };
    assert_eq!(candidate.folder, folder.0.path().join("own"));
    assert_eq!(candidate.manifest_origin, ManifestOrigin::File(folder.0.path().join("own/plugin.toml")));
    assert_eq!(candidate.hash, ContentHash::of(&bare_library()));
}

#[test]
fn a_bad_one_is_listed_and_hides_nobody() {
    let whole = library("acme.z", "1.0.0", 1);
    let mut foreign = whole.clone();
    // e_machine: RISC-V.
    foreign[18..20].copy_from_slice(&243_u16.to_le_bytes());
    let folder = Folder::new()
        .with("a/plugin.toml", "schema = 1\nnonsense = 1")
        .with("b/plugin.toml", manifest("acme.b", "1.0.0"))
        .with("c/liba.so", bare_library())
        .with("c/libb.so", bare_library())
        .with("d.so", bare_library())
        .with("libe.so", bare_library())
        .with("e.toml", manifest("acme.e", "1.0.0"))
        .with("libe.toml", manifest("acme.e", "1.0.0"))
        .with("f.so", library("acme.f", "1.0.0", 1))
        .with("f.toml", manifest("acme.f", "1.0.1"))
        .with("g.so", &whole[..whole.len() / 2])
        .with("h.so", foreign)
        .with("i.so", "no library at all, only words that are long enough to be one, or so it seems")
        .with("j/plugin.toml", vec![b'#'; 70_000])
        .with("k/assets.txt", "a folder of something else")
        .with("z.so", &whole);
    let dirs = [folder.0.path().join("missing"), folder.0.path().to_owned()];
    let scan = scan(&dirs, &Known::new());
    assert_eq!(
        outcomes(&folder, &scan),
        [
            "b/libacme_b.so: RE0143",
            "f.so: RE0119",
            "z.so: acme.z 1.0.0",
            "a/plugin.toml: RE0103",
            "c: RE0144",
            "d.so: RE0145",
            "g.so: unsettled RE0121",
            "h.so: RE0147",
            "i.so: RE0120",
            "j/plugin.toml: RE0101",
            "libe.so: RE0146",
            "missing: RE0151",
        ]
    );
}

#[test]
fn hidden_and_temporary_names_do_not_count() {
    let bytes = library("acme.a", "1.0.0", 1);
    let folder = Folder::new()
        .with(".a.so", &bytes)
        .with("a.so~", &bytes)
        .with("a.so.tmp", &bytes)
        .with("a.so.part", &bytes)
        .with(".hidden/a.so", &bytes)
        .with("copying.tmp/a.so", &bytes)
        .with("deep/deeper/a.so", &bytes);
    check(&folder, &[]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_pipes_are_never_opened() {
    let outside = Folder::new().with("real.so", library("acme.a", "1.0.0", 1));
    let folder = Folder::new().with("pipe.toml", "");
    let link = |name: &str, to: &Path| {
        std::os::unix::fs::symlink(to, folder.0.path().join(name)).expect("a link");
    };
    link("a.so", &outside.0.path().join("real.so"));
    link("dangling.so", &outside.0.path().join("nothing"));
    link("null.so", Path::new("/dev/null"));
    let pipe = folder.0.path().join("pipe.so");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    // Returning at all is the proof: opening the pipe would wait for a writer.
    check(&folder, &["a.so: acme.a 1.0.0", "dangling.so: RE0140", "null.so: RE0141", "pipe.so: RE0141"]);
    assert!(folder.scan().has_links);
}

#[test]
fn a_library_over_the_limit_is_not_read() {
    let folder = Folder::new().with("a.so", library("acme.a", "1.0.0", 1));
    let options = ScanOptions { max_library_bytes: 1000, ..ScanOptions::default() };
    let scan = scan_with(&[folder.0.path().to_owned()], &Known::new(), &options);
    assert_eq!(outcomes(&folder, &scan), ["a.so: RE0142"]);
}

#[test]
fn unchanged_files_are_not_read_again_once_their_times_are_old_enough_to_tell() {
    let folder = Folder::new()
        .with("a.so", library("acme.a", "1.0.0", 1))
        .with("b/plugin.toml", manifest("acme.b", "1.0.0"))
        .with("b/libacme_b.so", bare_library());
    let dirs = [folder.0.path().to_owned()];
    let start = SystemTime::now();
    let mut known = Known::new();
    let mut look = |after: Duration| {
        let options = ScanOptions { now: start + after, ..ScanOptions::default() };
        let scan = scan_with(&dirs, &known, &options);
        known.update(&scan);
        outcomes(&folder, &scan)
    };
    let read = ["a.so: acme.a 1.0.0", "b/libacme_b.so: acme.b 1.0.0"];
    assert_eq!(look(Duration::ZERO), read);
    // What was read in the second of the last change proves nothing, however much later it is asked for.
    assert_eq!(look(Duration::from_secs(59)), read);
    assert_eq!(look(Duration::from_secs(61)), ["a.so: unchanged", "b/libacme_b.so: unchanged"]);
    fs::write(folder.0.path().join("b/plugin.toml"), manifest("acme.b", "1.1.0")).expect("written");
    assert_eq!(look(Duration::from_secs(62)), ["a.so: unchanged", "b/libacme_b.so: acme.b 1.1.0"]);
    fs::write(folder.0.path().join("b/plugin.toml"), "schema = ").expect("written");
    assert_eq!(look(Duration::from_secs(63)), ["a.so: unchanged", "b/libacme_b.so: RE0102"]);
}

#[test]
fn a_folder_named_twice_offers_everything_once() {
    let folder = Folder::new().with("a.so", library("acme.a", "1.0.0", 1));
    let dir = folder.0.path().to_owned();
    assert_eq!(scan(&[dir.clone(), dir], &Known::new()).found.len(), 1);
}

#[test]
fn one_plugin_is_read_by_its_folder_or_its_library() {
    let folder = Folder::new()
        .with("a/plugin.toml", manifest("acme.a", "1.0.0"))
        .with("a/libacme_a.so", bare_library())
        .with("a/libother.so", library_with(&manifest("acme.other", "2.0.0"), 1))
        .with("empty/readme", "");
    let id = |name: &str| {
        let read = read_one(&folder.0.path().join(name));
        read.map(|candidate| candidate.manifest.id.to_string()).map_err(|error| error.code())
    };
    assert_eq!(id("a"), Ok("acme.a".to_owned()));
    assert_eq!(id("a/libacme_a.so"), Ok("acme.a".to_owned()));
    assert_eq!(id("a/libother.so"), Ok("acme.other".to_owned()));
    assert_eq!(id("empty"), Err("RE0152"));
    assert_eq!(id("nothing.so"), Err("RE0140"));
}

#[test]
fn a_scan_over_ten_thousand_unchanged_files_reads_none_of_them() {
    const FILES: usize = 10_000;
    let folder = Folder::new().with("lib0.so", library("acme.one", "1.0.0", 1));
    for number in 1..FILES {
        let text = format!("{number} is no library, though it is long enough to be looked at as one is");
        fs::write(folder.0.path().join(format!("lib{number}.so")), text).expect("written");
    }
    let dirs = [folder.0.path().to_owned()];
    let mut known = Known::new();
    let mut look = |minutes: u64| {
        let now = SystemTime::now() + Duration::from_mins(minutes);
        let scan = scan_with(&dirs, &known, &ScanOptions { now, ..ScanOptions::default() });
        known.update(&scan);
        (scan.found.len(), scan.files_read)
    };
    assert_eq!(look(1), (FILES, 10_000));
    assert_eq!(look(2), (FILES, 0));
    fs::write(folder.0.path().join("lib1.so"), "no library either").expect("written");
    assert_eq!(look(3), (FILES, 1));
}
