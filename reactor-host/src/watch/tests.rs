//! Real folders and real events; every wait is for an event, with a deadline that only a failure reaches.

mod hostile;
mod model;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::discover::fixture::library;
use crate::discover::{Change, ContentHash, Known, ScanOptions, Settings, Tracker, scan_with};

const DEADLINE: Duration = Duration::from_secs(20);

struct Session {
    changes: Receiver<Vec<Change>>,
    ahead: Vec<String>,
    follow: Option<Follow>,
    root: TempDir,
}

/// `Kind name` of each change, in order, batches joined.
fn words(changes: Vec<Change>) -> Vec<String> {
    let word = |change: Change| {
        let name = change.source().file_name().expect("a name").to_string_lossy().into_owned();
        match change {
            Change::Appeared(candidate) => format!("appeared {name} {}", candidate.hash.short()),
            Change::Rebuilt(candidate) => format!("rebuilt {name} {}", candidate.hash.short()),
            Change::Restored { .. } => format!("restored {name}"),
            Change::Removed { .. } => format!("removed {name}"),
            Change::Refused { error, .. } => format!("refused {name} {}", error.code()),
            Change::Gone { .. } => format!("gone {name}"),
        }
    };
    changes.into_iter().map(word).collect()
}

fn start(root: TempDir, settings: Settings) -> Session {
    let (sender, changes) = channel();
    let follow = Follow::start(
        vec![root.path().join("plugins")],
        Tracker::new(settings),
        Known::new(),
        FollowSettings::default(),
        move |batch| drop(sender.send(batch)),
    );
    Session { changes, ahead: Vec::new(), follow: Some(follow.expect("a thread")), root }
}

fn session(settings: Settings) -> Session {
    let root = TempDir::new().expect("a folder");
    fs::create_dir(root.path().join("plugins")).expect("a folder");
    start(root, settings)
}

/// A grace that no test waits for.
fn patient() -> Settings {
    Settings { delete_grace: Some(DEADLINE * 10), ..Settings::default() }
}

impl Session {
    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("plugins").join(name)
    }

    /// The next change is this one.
    #[track_caller]
    fn expect(&mut self, expected: &str) {
        if self.ahead.is_empty() {
            let batch = self.changes.recv_timeout(DEADLINE);
            self.ahead = words(batch.unwrap_or_else(|_| panic!("waited in vain for {expected}")));
        }
        assert_eq!(self.ahead.remove(0), expected);
    }
}

fn short(bytes: &[u8]) -> String {
    ContentHash::of(bytes).short()
}

#[test]
fn a_library_is_copied_in_and_another_renamed_over_it() {
    let mut session = session(patient());
    let (one, two) = (library("acme.one", "1.0.0", 1), library("acme.one", "1.0.0", 2));
    fs::write(session.path("libone.so"), &one).expect("written");
    session.expect(&format!("appeared libone.so {}", short(&one)));
    fs::write(session.path(".libone.so.new"), &two).expect("written");
    fs::rename(session.path(".libone.so.new"), session.path("libone.so")).expect("renamed");
    session.expect(&format!("rebuilt libone.so {}", short(&two)));
}

#[test]
fn a_folder_is_moved_in_whole_and_filled_later() {
    let mut session = session(patient());
    let bytes = library("acme.one", "1.0.0", 1);
    let outside = session.root.path().join("outside");
    fs::create_dir(&outside).expect("a folder");
    fs::write(outside.join("libacme_one.so"), &bytes).expect("written");
    fs::rename(&outside, session.path("one")).expect("renamed");
    session.expect(&format!("appeared libacme_one.so {}", short(&bytes)));

    fs::create_dir(session.path("two")).expect("a folder");
    let bytes = library("acme.two", "1.0.0", 1);
    fs::write(session.path("two/libacme_two.so"), &bytes).expect("written");
    session.expect(&format!("appeared libacme_two.so {}", short(&bytes)));
    let bytes = library("acme.two", "1.0.0", 2);
    fs::write(session.path("two/libacme_two.so"), &bytes).expect("written");
    session.expect(&format!("rebuilt libacme_two.so {}", short(&bytes)));
}

#[test]
fn a_slow_writer_is_not_loaded_before_it_is_done() {
    let mut session = session(patient());
    let bytes = library("acme.one", "1.0.0", 1);
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    let mut file = File::create(session.path("libone.so")).expect("created");
    file.write_all(first).expect("written");
    // Still open: only its rest tells, after the quiet time.
    session.expect("refused libone.so RE0121");
    file.write_all(rest).expect("written");
    drop(file);
    session.expect(&format!("appeared libone.so {}", short(&bytes)));
}

#[test]
fn deleted_and_written_again_within_the_grace_is_no_removal() {
    let mut session = session(patient());
    let (one, two) = (library("acme.one", "1.0.0", 1), library("acme.one", "1.0.0", 2));
    fs::write(session.path("libone.so"), &one).expect("written");
    session.expect(&format!("appeared libone.so {}", short(&one)));
    fs::remove_file(session.path("libone.so")).expect("removed");
    // Its neighbour's arrival proves that a look was taken while it was missing.
    let other = library("acme.two", "1.0.0", 1);
    fs::write(session.path("libtwo.so"), &other).expect("written");
    session.expect(&format!("appeared libtwo.so {}", short(&other)));
    fs::write(session.path("libone.so"), &one).expect("written");
    session.expect("restored libone.so");
    fs::remove_file(session.path("libone.so")).expect("removed");
    fs::write(session.path("libone.so"), &two).expect("written");
    session.expect(&format!("rebuilt libone.so {}", short(&two)));
}

#[test]
fn deleted_for_good_is_removed_after_the_grace_and_the_next_in_line_serves() {
    let grace = Duration::from_millis(50);
    let mut session = session(Settings { delete_grace: Some(grace), ..Settings::default() });
    let (old, new) = (library("acme.one", "1.0.0", 1), library("acme.one", "2.0.0", 1));
    fs::write(session.path("liba.so"), &new).expect("written");
    session.expect(&format!("appeared liba.so {}", short(&new)));
    fs::write(session.path("libb.so"), &old).expect("written");
    session.expect("refused libb.so RE0149");
    fs::remove_file(session.path("liba.so")).expect("removed");
    session.expect("removed liba.so");
    session.expect(&format!("appeared libb.so {}", short(&old)));
}

#[test]
fn a_plugin_folder_may_be_made_later_and_made_anew() {
    let root = TempDir::new().expect("a folder");
    let mut session = start(root, Settings { delete_grace: Some(Duration::ZERO), ..Settings::default() });
    session.expect("refused plugins RE0151");
    let bytes = library("acme.one", "1.0.0", 1);
    for _ in 0..3 {
        fs::create_dir(session.path("")).expect("a folder");
        fs::write(session.path("libone.so"), &bytes).expect("written");
        let mut seen = Vec::new();
        let appeared = format!("appeared libone.so {}", short(&bytes));
        while !seen.contains(&appeared) {
            seen.extend(words(session.changes.recv_timeout(DEADLINE).expect("it appears")));
        }
        fs::remove_dir_all(session.path("")).expect("removed");
        while !seen.contains(&"refused plugins RE0151".to_owned()) {
            seen.extend(words(session.changes.recv_timeout(DEADLINE).expect("it goes")));
        }
        assert!(seen.contains(&"removed libone.so".to_owned()), "{seen:?}");
    }
}

#[test]
fn a_host_that_has_scanned_hears_only_what_changed_since() {
    let root = TempDir::new().expect("a folder");
    let (one, two) = (library("acme.one", "1.0.0", 1), library("acme.two", "1.0.0", 1));
    fs::write(root.path().join("libone.so"), &one).expect("written");
    let dirs = vec![root.path().to_owned()];
    let (mut known, mut tracker) = (Known::new(), Tracker::new(patient()));
    let scan = scan_with(&dirs, &known, &ScanOptions::default());
    known.update(&scan);
    let first = words(tracker.adopt(scan, Instant::now()));
    assert_eq!(first, [format!("appeared libone.so {}", short(&one))]);
    fs::write(root.path().join("libtwo.so"), &two).expect("written");
    let (sender, changes) = channel();
    let receive = move |batch| drop(sender.send(batch));
    let _follow = Follow::start(dirs, tracker, known, FollowSettings::default(), receive).expect("a thread");
    let next = words(changes.recv_timeout(DEADLINE).expect("a change"));
    assert_eq!(next, [format!("appeared libtwo.so {}", short(&two))]);
}

#[cfg(unix)]
#[test]
fn a_link_whose_target_changes_elsewhere_is_found_by_looking() {
    let root = TempDir::new().expect("a folder");
    let (plugins, target) = (root.path().join("plugins"), root.path().join("target"));
    fs::create_dir(&plugins).expect("a folder");
    fs::create_dir(&target).expect("a folder");
    let (one, two) = (library("acme.one", "1.0.0", 1), library("acme.one", "1.0.0", 2));
    fs::write(target.join("libone.so"), &one).expect("written");
    std::os::unix::fs::symlink(target.join("libone.so"), plugins.join("libone.so")).expect("linked");
    let (sender, changes) = channel();
    let settings = FollowSettings { fallback: Duration::from_millis(20), ..FollowSettings::default() };
    let receive = move |batch| drop(sender.send(batch));
    let _follow = Follow::start(vec![plugins], Tracker::new(patient()), Known::new(), settings, receive);
    let next = || words(changes.recv_timeout(DEADLINE).expect("a change"));
    assert_eq!(next(), [format!("appeared libone.so {}", short(&one))]);
    fs::write(root.path().join("new.so"), &two).expect("written");
    fs::rename(root.path().join("new.so"), target.join("libone.so")).expect("renamed");
    assert_eq!(next(), [format!("rebuilt libone.so {}", short(&two))]);
}

#[test]
fn dropped_it_says_no_more() {
    let mut session = session(patient());
    session.follow = None;
    let after = session.changes.recv_timeout(DEADLINE);
    assert_eq!(after.err(), Some(RecvTimeoutError::Disconnected), "the callback was dropped with its thread");
}

#[test]
fn dropped_from_within_its_own_callback_it_ends() {
    let root = TempDir::new().expect("a folder");
    fs::write(root.path().join("libone.so"), library("acme.one", "1.0.0", 1)).expect("written");
    let (sender, dropped) = channel();
    let holder: Arc<Mutex<Option<Follow>>> = Arc::default();
    let inner = holder.clone();
    let mut held = holder.lock().expect("the lock");
    let receive = move |_| {
        // Waits until the test has put the handle there.
        let follow = inner.lock().expect("the lock").take();
        drop(follow);
        sender.send(()).expect("the test waits");
    };
    let (settings, tracker) = (FollowSettings::default(), Tracker::new(patient()));
    let follow = Follow::start(vec![root.path().to_owned()], tracker, Known::new(), settings, receive);
    *held = Some(follow.expect("a thread"));
    drop(held);
    dropped.recv_timeout(DEADLINE).expect("dropped without a deadlock");
    let after = dropped.recv_timeout(DEADLINE);
    assert_eq!(after.err(), Some(RecvTimeoutError::Disconnected), "the thread ended");
}

#[test]
fn hints_name_paths_as_they_were_given() {
    let root = TempDir::new().expect("a folder");
    let plugins = root.path().join("plugins");
    fs::create_dir(&plugins).expect("a folder");
    let (sender, hints) = channel();
    let send = move |hint| drop(sender.send(hint));
    let watcher = Watcher::start(vec![plugins.join("../plugins")], send).expect("events");
    fs::write(plugins.join("libone.so"), b"x").expect("written");
    let settled = Hint::Settled(Path::new(&plugins).join("../plugins/libone.so"));
    while hints.recv_timeout(DEADLINE).expect("a hint") != settled {}
    drop(watcher);
    let end = std::iter::from_fn(|| Some(hints.recv_timeout(DEADLINE))).find_map(Result::err);
    assert_eq!(end, Some(RecvTimeoutError::Disconnected), "the watcher's thread ended");
}
