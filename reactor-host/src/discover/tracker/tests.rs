use std::collections::BTreeMap;
use std::sync::OnceLock;

use proptest::prelude::*;

use super::super::fixture::{bare_library, manifest};
use super::super::{ContentHash, FileStamp, Known, ManifestOrigin, Stamp};
use super::*;
use crate::object_file::{ObjectError, ObjectFile};

const QUIET: Duration = Duration::from_millis(100);
const GRACE: Duration = Duration::from_secs(3);

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
enum Holds {
    /// A build of this plugin in this major version.
    Whole(&'static str, u64, u8),
    Torn,
    /// A folder's manifest without its library.
    NoLibrary,
}

/// Files of a made-up folder, with the clock at which each changed.
#[derive(Default)]
struct World {
    files: BTreeMap<&'static str, (Holds, u64, i64)>,
    clock: Duration,
    writes: u64,
    known: Known,
}

fn candidate(source: &str, id: &str, major: u64, build: u8) -> Candidate {
    static OBJECT: OnceLock<ObjectFile> = OnceLock::new();
    let object = OBJECT.get_or_init(|| ObjectFile::read(&bare_library()).expect("a library")).clone();
    let text = manifest(id, &format!("{major}.0.0"));
    Candidate {
        manifest: Manifest::parse(&text, Path::new(source)).expect("a manifest"),
        manifest_origin: ManifestOrigin::Embedded,
        manifest_text: None,
        object,
        bytes: [build].into(),
        hash: ContentHash::of(&[build]),
        source: source.into(),
        folder: PathBuf::new(),
    }
}

impl World {
    fn at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) + self.clock
    }

    fn write(&mut self, path: &'static str, holds: Holds) {
        self.writes += 1;
        let at = self.at().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        let changed = i64::try_from(at.as_nanos()).expect("small");
        self.files.insert(path, (holds, self.writes, changed));
    }

    /// What a scan would find, bytes that are known not being read again.
    fn scan(&mut self) -> Scan {
        let mut found: Vec<Entry> = self.files.iter().map(|(path, file)| self.entry(path, file)).collect();
        found.sort_by(|a, b| (a.id.is_none(), &a.id, &a.source).cmp(&(b.id.is_none(), &b.id, &b.source)));
        let scan = Scan { found, at: self.at(), has_links: false, files_read: 0 };
        self.known.update(&scan);
        scan
    }

    fn entry(&self, path: &str, (holds, size, changed_ns): &(Holds, u64, i64)) -> Entry {
        let file =
            FileStamp { device: 1, inode: 1, size: *size, modified_ns: *changed_ns, changed_ns: *changed_ns };
        let stamp = Stamp { library: (*holds != Holds::NoLibrary).then_some(file), manifest: None };
        let (source, id, outcome) = (PathBuf::from(path), None, Outcome::Unchanged);
        let mut entry = Entry { source, folder: "f".into(), manifest_path: None, id, stamp, outcome };
        if self.known.holds(&entry.source, None, &stamp) {
            return entry;
        }
        let path = entry.source.clone();
        entry.outcome = match *holds {
            Holds::Whole(id, major, build) => {
                let candidate = candidate(&path.to_string_lossy(), id, major, build);
                entry.id = Some(candidate.manifest.id.clone());
                Outcome::Candidate(Box::new(candidate))
            }
            Holds::Torn => {
                let source = ObjectError::Incomplete { expected_bytes: 2, found_bytes: 1 };
                Outcome::Unsettled { reason: DiscoverError::Object { path, source } }
            }
            Holds::NoLibrary => {
                Outcome::Refused(DiscoverError::NoLibrary { manifest: path, looked_for: Vec::new() })
            }
        };
        entry
    }
}

fn word(change: &Change) -> String {
    let source = change.source().display();
    match change {
        Change::Appeared(c) => format!("appeared {source} v{}.{}", c.manifest.version.major, c.bytes[0]),
        Change::Rebuilt(c) => format!("rebuilt {source} v{}.{}", c.manifest.version.major, c.bytes[0]),
        Change::Restored { .. } => format!("restored {source}"),
        Change::Removed { id, .. } => format!("removed {source} {id}"),
        Change::Refused { error, .. } => format!("refused {source} {}", error.code()),
        Change::Gone { .. } => format!("gone {source}"),
    }
}

struct Script {
    world: World,
    tracker: Tracker,
    start: Instant,
}

impl Script {
    fn new() -> Self {
        let tracker =
            Tracker::new(Settings { quiet: QUIET, delete_grace: Some(GRACE), ..Settings::default() });
        Self { world: World::default(), tracker, start: Instant::now() }
    }

    fn write(&mut self, path: &'static str, holds: Holds) -> &mut Self {
        self.world.write(path, holds);
        self
    }

    fn delete(&mut self, path: &'static str) -> &mut Self {
        self.world.files.remove(path);
        self
    }

    fn pass(&mut self, ms: u64) -> &mut Self {
        self.world.clock += Duration::from_millis(ms);
        self
    }

    fn changes(&mut self, settled: &[&str]) -> Vec<Change> {
        let wanted: Vec<PathBuf> = self.tracker.wanted().map(ToOwned::to_owned).collect();
        for source in &wanted {
            self.world.known.forget(source);
        }
        let scan = self.world.scan();
        let settled = settled.iter().map(PathBuf::from).collect();
        self.tracker.observe(scan, &settled, self.start + self.world.clock)
    }

    #[track_caller]
    fn expect(&mut self, expected: &[&str]) -> &mut Self {
        self.settled(&[], expected)
    }

    #[track_caller]
    fn settled(&mut self, settled: &[&str], expected: &[&str]) -> &mut Self {
        let changes = self.changes(settled);
        assert_eq!(changes.iter().map(word).collect::<Vec<_>>(), expected);
        self
    }

    /// The next look is due in so many milliseconds.
    #[track_caller]
    fn due(&mut self, ms: Option<u64>) -> &mut Self {
        let now = self.start + self.world.clock;
        let due = self.tracker.next_deadline().map(|at| at.saturating_duration_since(now));
        assert_eq!(due, ms.map(Duration::from_millis));
        self
    }
}

fn whole(build: u8) -> Holds {
    Holds::Whole("acme.a", 1, build)
}

#[test]
fn a_young_file_waits_to_rest_unless_it_was_seen_to_be_closed() {
    Script::new()
        .write("a", whole(1))
        .expect(&[])
        .due(Some(100))
        .pass(100)
        .expect(&["appeared a v1.1"])
        .due(None)
        .write("a", whole(2))
        .settled(&["a"], &["rebuilt a v1.2"])
        .pass(5000)
        .expect(&[])
        .expect(&[]);
    Script::new().write("a", whole(1)).pass(100).expect(&["appeared a v1.1"]);
}

#[test]
fn a_torn_file_becomes_a_candidate_when_complete_and_refused_when_it_stays() {
    Script::new()
        .write("a", Holds::Torn)
        .expect(&[])
        .pass(60)
        .write("a", Holds::Torn)
        .expect(&[])
        .pass(60)
        .expect(&[])
        .pass(40)
        .expect(&["refused a RE0121"])
        .expect(&[])
        .write("a", whole(1))
        .settled(&["a"], &["appeared a v1.1"])
        .write("a", Holds::Torn)
        .settled(&["a"], &["refused a RE0121"])
        .write("a", whole(1))
        .settled(&["a"], &["restored a"])
        .due(None);
}

#[test]
fn deleted_and_back_within_the_grace() {
    let mut script = Script::new();
    script.write("a", whole(1)).pass(100).expect(&["appeared a v1.1"]);
    script.delete("a").expect(&[]).due(Some(3000)).pass(2999).expect(&[]);
    script.write("a", whole(1)).expect(&["restored a"]).due(None);
    script.delete("a").expect(&[]).pass(10).write("a", whole(2)).settled(&["a"], &["rebuilt a v1.2"]);
    script.delete("a").expect(&[]).pass(3000).expect(&["removed a acme.a"]).due(None).expect(&[]);
    script.write("a", whole(2)).settled(&["a"], &["appeared a v1.2"]);
}

#[test]
fn a_folder_that_keeps_its_manifest_gets_the_same_grace_and_then_the_reason() {
    let mut script = Script::new();
    script.write("a", whole(1)).pass(100).expect(&["appeared a v1.1"]);
    script.write("a", Holds::NoLibrary).expect(&[]).due(Some(3000)).pass(3000);
    script.expect(&["removed a acme.a", "refused a RE0143"]).expect(&[]);
    script.delete("a").expect(&["gone a"]);
}

#[test]
fn of_several_paths_the_highest_version_serves_and_the_next_follows() {
    let mut script = Script::new();
    let version = |major| Holds::Whole("acme.a", major, 1);
    script.write("a", version(1)).write("b", version(3)).write("c", version(2)).pass(100);
    script.expect(&["appeared b v3.1", "refused c RE0149", "refused a RE0149"]);
    script.write("d", version(4)).settled(&["d"], &["appeared d v4.1", "refused b RE0149"]);
    script.delete("b").expect(&["gone b"]);
    script.delete("d").expect(&[]).pass(3000).expect(&["removed d acme.a"]).due(Some(0));
    script.expect(&["appeared c v2.1", "refused a RE0149"]).due(None);
    // Its own path decides what a new build is, whatever the version.
    script.write("c", version(1)).settled(&["c"], &["rebuilt c v1.1"]);
}

#[test]
fn another_plugin_at_the_same_path_ends_the_first() {
    let mut script = Script::new();
    script.write("a", whole(1)).pass(100).expect(&["appeared a v1.1"]);
    script.write("a", Holds::Whole("acme.b", 1, 2));
    script.settled(&["a"], &["removed a acme.a", "appeared a v1.2"]);
}

#[test]
fn what_the_policy_refuses_takes_nobodys_place() {
    let mut script = Script::new();
    script.tracker = Tracker::new(Settings::default()).accepting(|candidate| {
        if candidate.manifest.version.major < 9 { Ok(()) } else { Err("too new".to_owned()) }
    });
    script.write("a", whole(1)).write("b", Holds::Whole("acme.a", 9, 1)).pass(100);
    script.expect(&["refused b RE0150", "appeared a v1.1"]).expect(&[]);
}

#[test]
fn a_folder_that_cannot_be_listed_for_a_moment_loses_nothing() {
    let mut script = Script::new();
    script.write("f/a", whole(1)).pass(100).expect(&["appeared f/a v1.1"]);
    for (kind, due) in [(ErrorKind::PermissionDenied, None), (ErrorKind::NotFound, Some(GRACE))] {
        let error = DiscoverError::Folder { path: "f".into(), source: kind.into() };
        let entry = Entry {
            source: "f".into(),
            folder: "f".into(),
            manifest_path: None,
            id: None,
            stamp: Stamp::default(),
            outcome: Outcome::Refused(error),
        };
        let scan = Scan { found: vec![entry], at: script.world.at(), has_links: false, files_read: 0 };
        let now = script.start + script.world.clock;
        script.tracker.observe(scan, &HashSet::new(), now);
        assert_eq!(script.tracker.next_deadline().map(|at| at - now), due);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Write(usize, u64, u8),
    Tear(usize),
    Delete(usize),
    Pass(u64),
    Look(bool),
}

/// Two paths share an id, the third has its own.
const FILES: [(&str, &str); 3] = [("a", "acme.one"), ("b", "acme.one"), ("c", "acme.two")];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_usize, 1..4_u64, 0..4_u8).prop_map(|(file, major, build)| Step::Write(file, major, build)),
        (0..3_usize).prop_map(Step::Tear),
        (0..3_usize).prop_map(Step::Delete),
        prop_oneof![Just(10), Just(100), Just(1500), Just(4000)].prop_map(Step::Pass),
        any::<bool>().prop_map(Step::Look),
    ]
}

/// A host that does what it is told, and checks that it can.
#[derive(Default)]
struct Host(BTreeMap<PluginId, Candidate>);

impl Host {
    fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Appeared(new) => {
                    let old = self.0.insert(new.manifest.id.clone(), (*new).clone());
                    assert!(old.is_none_or(|old| old.source != new.source), "appeared twice");
                }
                Change::Rebuilt(new) => {
                    let old = self.0.insert(new.manifest.id.clone(), (*new).clone()).expect("served");
                    assert_eq!(old.source, new.source);
                    assert!((old.hash, old.manifest) != (new.hash, new.manifest), "the same build");
                }
                Change::Removed { source, id } => {
                    assert_eq!(self.0.remove(&id).map(|old| old.source), Some(source));
                }
                Change::Restored { source } => assert!(self.0.values().any(|served| served.source == source)),
                Change::Refused { .. } | Change::Gone { .. } => {}
            }
        }
    }
}

proptest! {
    /// Whatever is written, torn and deleted in between: in the end each plugin runs the last complete version of one
    /// of its files, and nothing runs that has no file.
    #[test]
    fn the_last_complete_version_of_each_file_is_what_runs(steps in prop::collection::vec(step(), 0..60)) {
        let (mut script, mut host) = (Script::new(), Host::default());
        for step in steps {
            match step {
                Step::Write(file, major, build) => {
                    script.write(FILES[file].0, Holds::Whole(FILES[file].1, major, build));
                }
                Step::Tear(file) => drop(script.write(FILES[file].0, Holds::Torn)),
                Step::Delete(file) => drop(script.delete(FILES[file].0)),
                Step::Pass(ms) => drop(script.pass(ms)),
                Step::Look(settled) => {
                    let paths = if settled { &["a", "b", "c"][..] } else { &[] };
                    host.apply(script.changes(paths));
                }
            }
        }
        for _ in 0..8 {
            host.apply(script.changes(&[]));
            let now = script.start + script.world.clock;
            let Some(at) = script.tracker.next_deadline() else { break };
            script.world.clock += at.saturating_duration_since(now);
        }
        prop_assert!(script.tracker.next_deadline().is_none(), "it never comes to rest");

        for id in ["acme.one", "acme.two"] {
            let files = FILES.iter().filter(|file| file.1 == id).map(|file| script.world.files.get(file.0));
            let files: Vec<_> = files.flatten().map(|(holds, ..)| holds.clone()).collect();
            let served = host.0.values().find(|served| served.manifest.id.as_str() == id);
            let any_whole = files.iter().any(|holds| *holds != Holds::Torn);
            prop_assert!(served.is_some() || !any_whole, "{id} has a complete file and does not run");
            let Some(served) = served else { continue };
            let holds = script.world.files.get(served.source.to_str().expect("text"));
            let Some((holds, ..)) = holds else { return Err(TestCaseError::fail("runs without a file")) };
            let runs = Holds::Whole(id.to_owned().leak(), served.manifest.version.major, served.bytes[0]);
            // A torn file leaves the build before it running.
            prop_assert!(*holds == runs || *holds == Holds::Torn, "{holds:?} stands there, {runs:?} runs");
        }
    }
}
