//! Whatever is done to a folder, in whatever order and however often it is looked at meanwhile: once it rests, what is
//! known of it is what a fresh look says.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::SystemTime;

use proptest::prelude::*;

use super::*;
use crate::discover::FileStamp;
use crate::discover::fixture::manifest;

/// The deeds, and all of them as a list.
macro_rules! deeds {
    ($($(#[$doc:meta])* $deed:ident,)*) => {
        /// What is done to one of the plugins.
        #[derive(Clone, Copy, Debug)]
        enum Deed {
            $($(#[$doc])* $deed,)*
        }

        use Deed::*;

        const DEEDS: &[Deed] = &[$($deed,)*];
    };
}

deeds! {
    /// The whole library, in place.
    Write,
    /// The first half of it, in place.
    WriteHalf,
    /// The whole library under another name, then renamed.
    RenameOver,
    Delete,
    BecomeFolder,
    BecomeCircle,
    BecomeLink,
    Expose,
    Protect,
    /// For a plugin in a folder of its own: a manifest, good or with a slip, or none.
    Manifest,
    Slip,
    NoManifest,
    RemoveFolder,
    ExposeFolder,
    ProtectFolder,
}

/// One deed: what, to which plugin, with which build, and whether the folder is looked at afterwards.
type Step = (Deed, usize, u32, bool);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (prop::sample::select(DEEDS), 0..4_usize, 1..4_u32, any::<bool>());
    prop::collection::vec(step, 1..25)
}

struct World {
    root: TempDir,
}

impl World {
    fn new() -> Self {
        let root = TempDir::new().expect("a folder");
        fs::create_dir(root.path().join("plugins")).expect("a folder");
        fs::write(root.path().join("outside.so"), library("acme.outside", "1.0.0", 9)).expect("written");
        Self { root }
    }

    fn plugins(&self) -> PathBuf {
        self.root.path().join("plugins")
    }

    /// Plugins 0 and 1 are lone libraries, the others have folders of their own.
    fn folder(&self, plugin: usize) -> Option<PathBuf> {
        (plugin >= 2).then(|| self.plugins().join(format!("own{plugin}")))
    }

    fn library(&self, plugin: usize) -> PathBuf {
        self.folder(plugin).unwrap_or_else(|| self.plugins()).join(format!("libacme_p{plugin}.so"))
    }

    fn apply(&self, (deed, plugin, build, _): Step) {
        let id = format!("acme.p{plugin}");
        let (path, folder) = (self.library(plugin), self.folder(plugin));
        let whole = library(&id, "1.0.0", build);
        if let Some(folder) = folder.as_ref().filter(|_| !matches!(deed, RemoveFolder)) {
            fs::create_dir_all(folder).expect("a folder");
        }
        let clear = || match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(_) => Ok(()),
        };
        let mode = |path: &Path, mode| {
            if path.symlink_metadata().is_ok_and(|metadata| !metadata.is_symlink()) {
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its own");
            }
        };
        let text = folder.as_ref().map(|folder| folder.join("plugin.toml"));
        match deed {
            Write | WriteHalf => {
                if !path.is_file() || path.is_symlink() {
                    clear().expect("removed");
                }
                let part = if matches!(deed, Write) { &whole[..] } else { &whole[..whole.len() / 2] };
                fs::write(&path, part).expect("written");
            }
            RenameOver => {
                let aside = path.with_file_name(".aside");
                fs::write(&aside, &whole).expect("written");
                if path.is_dir() {
                    clear().expect("removed");
                }
                fs::rename(aside, &path).expect("renamed");
            }
            Delete => clear().expect("removed"),
            BecomeFolder => {
                clear().expect("removed");
                fs::create_dir(&path).expect("a folder");
            }
            BecomeCircle => {
                clear().expect("removed");
                symlink(&path, &path).expect("linked");
            }
            BecomeLink => {
                clear().expect("removed");
                // Each has an id of its own: which of two equals serves is a matter of who came first.
                let target = self.root.path().join(format!("target{plugin}.so"));
                fs::write(&target, &whole).expect("written");
                symlink(target, &path).expect("linked");
            }
            Expose => mode(&path, 0o666),
            Protect => mode(&path, 0o644),
            Manifest | Slip | NoManifest => {
                let Some(text) = text else { return };
                match deed {
                    Manifest => fs::write(text, manifest(&id, "1.0.0")).expect("written"),
                    Slip => fs::write(text, "schema = 1\nid = ").expect("written"),
                    _ => drop(fs::remove_file(text)),
                }
            }
            RemoveFolder => {
                if let Some(folder) = folder {
                    let _ = fs::remove_dir_all(folder);
                }
            }
            ExposeFolder => mode(&folder.unwrap_or_else(|| self.plugins()), 0o777),
            ProtectFolder => mode(&folder.unwrap_or_else(|| self.plugins()), 0o755),
        }
    }

    /// Lets the file system's clock go on, so that what comes has another time: the trackers' clock here is not the
    /// system's, and times are trusted only when they are a second old.
    fn tick(&self) {
        let probe = self.root.path().join("probe");
        let stamp = || {
            fs::write(&probe, "").expect("written");
            FileStamp::of(&probe.metadata().expect("it is there")).changed_ns
        };
        let (first, begun) = (stamp(), Instant::now());
        while stamp() == first {
            assert!(begun.elapsed() < DEADLINE, "the file system's clock stands still");
        }
    }
}

/// What was told, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    serving: BTreeMap<PathBuf, String>,
    refused: BTreeMap<PathBuf, &'static str>,
}

impl State {
    fn take(&mut self, changes: Vec<Change>) {
        for change in changes {
            let source = change.source().to_owned();
            match change {
                Change::Appeared(candidate) | Change::Rebuilt(candidate) => {
                    self.serving.insert(source.clone(), candidate.hash.short());
                    self.refused.remove(&source);
                }
                Change::Restored { .. } | Change::Gone { .. } => drop(self.refused.remove(&source)),
                Change::Removed { .. } => {
                    self.serving.remove(&source);
                    self.refused.remove(&source);
                }
                Change::Refused { error, .. } => drop(self.refused.insert(source, error.code())),
            }
        }
    }

    /// What a look by somebody says who never looked before.
    fn fresh(plugins: &Path, now: SystemTime) -> Self {
        let options = ScanOptions { now, ..ScanOptions::default() };
        let scan = scan_with(&[plugins.to_owned()], &Known::new(), &options);
        let mut state = Self::default();
        state.take(Tracker::new(Settings::default()).adopt(scan, Instant::now()));
        state
    }

    /// Whether this is the same, but for builds that go on where the file was refused since, and for what was known of
    /// a folder before it was no longer looked into.
    fn agrees_with(&self, fresh: &Self) -> bool {
        let refused = |path: &Path| self.refused.contains_key(path);
        let hidden = |path: &Path| path.ancestors().skip(1).any(refused);
        let serving = self.serving.iter().filter(|(path, _)| !refused(path) && !hidden(path));
        let told = self.refused.iter().filter(|(path, _)| !hidden(path));
        told.eq(fresh.refused.iter()) && serving.eq(fresh.serving.iter())
    }
}

fn settings() -> Settings {
    Settings { delete_grace: Some(Duration::ZERO), ..Settings::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// With a clock of its own, so that no case waits.
    #[test]
    fn a_folder_that_rests_is_known_as_a_fresh_look_finds_it(steps in steps()) {
        let world = World::new();
        let dirs = [world.plugins()];
        let (mut known, mut tracker, mut state) = (Known::new(), Tracker::new(settings()), State::default());
        let (start, began) = (SystemTime::now(), Instant::now());
        let mut turns = 0;
        let mut look = || {
            turns += 1;
            let passed = Duration::from_secs(10) * turns;
            let options = ScanOptions { now: start + passed, ..ScanOptions::default() };
            for source in tracker.wanted().map(ToOwned::to_owned).collect::<Vec<_>>() {
                known.forget(&source);
            }
            let scan = scan_with(&dirs, &known, &options);
            known.update(&scan);
            state.take(tracker.observe(scan, &HashSet::new(), began + passed));
            (state.clone(), tracker.next_deadline().is_some())
        };
        for step in &steps {
            world.apply(*step);
            world.tick();
            if step.3 {
                look();
            }
        }
        // As a follower does: one look for the last event, and then those that the tracker asks for.
        let (mut state, mut asks) = look();
        for _ in 0..5 {
            if !asks {
                break;
            }
            (state, asks) = look();
        }
        prop_assert!(!asks, "it never comes to rest");
        let fresh = State::fresh(&world.plugins(), start + Duration::from_hours(1));
        prop_assert!(state.agrees_with(&fresh), "after {steps:#?}\nknown: {state:#?}\nfresh: {fresh:#?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 20, ..ProptestConfig::default() })]

    /// With the system's own events.
    #[test]
    fn a_folder_that_is_followed_is_known_as_a_fresh_look_finds_it(steps in steps()) {
        let world = World::new();
        let (sender, changes) = channel();
        let fallback = FollowSettings { fallback: Duration::from_millis(5), ..FollowSettings::default() };
        let dirs = vec![world.plugins()];
        let tell = move |batch| drop(sender.send(batch));
        let _follow =
            Follow::start(dirs, Tracker::new(settings()), Known::new(), fallback, tell).expect("a thread");
        let mut state = State::default();
        for step in &steps {
            world.apply(*step);
            if step.3 {
                for batch in changes.try_iter() {
                    state.take(batch);
                }
            }
        }
        let fresh = State::fresh(&world.plugins(), SystemTime::now());
        let begun = Instant::now();
        while !state.agrees_with(&fresh) {
            let left = DEADLINE.saturating_sub(begun.elapsed());
            let Ok(batch) = changes.recv_timeout(left) else {
                return Err(TestCaseError::fail(format!(
                    "after {steps:#?}\nknown: {state:#?}\nfresh: {fresh:#?}"
                )));
            };
            state.take(batch);
        }
    }
}
