//! Folders that somebody tears at: storms, lost events, folders that are swapped under the watcher.

use super::*;

/// A follower that asks where the folders are as often as it can.
fn alert(root: TempDir, dir: &str) -> Session {
    let (sender, changes) = channel();
    let settings = FollowSettings { fallback: Duration::from_millis(1), ..FollowSettings::default() };
    let tracker = Tracker::new(Settings { delete_grace: Some(Duration::ZERO), ..Settings::default() });
    let dirs = vec![root.path().join(dir)];
    let follow = Follow::start(dirs, tracker, Known::new(), settings, move |batch| drop(sender.send(batch)));
    Session { changes, ahead: Vec::new(), follow: Some(follow.expect("a thread")), root }
}

impl Session {
    fn effort(&self) -> Effort {
        self.follow.as_ref().expect("it follows").effort()
    }

    /// Takes what comes until this has come.
    #[track_caller]
    fn until(&mut self, expected: &str) {
        let mut seen = std::mem::take(&mut self.ahead);
        while !seen.iter().any(|word| word == expected) {
            let batch = self.changes.recv_timeout(DEADLINE);
            seen.extend(words(batch.unwrap_or_else(|_| panic!("waited in vain for {expected}: {seen:?}"))));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn lost_events_are_told_and_every_folder_is_watched_anew() {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("Linux tells");
    let limit: usize = limit.trim().parse().expect("a number");
    let root = TempDir::new().expect("a folder");
    let own = root.path().join("one");
    fs::create_dir(&own).expect("a folder");
    let (sender, hints) = channel();
    let gate = Arc::new(Mutex::new(()));
    let shut = gate.lock().expect("the lock");
    let waits = Arc::clone(&gate);
    let send = move |hint| {
        drop(waits.lock());
        drop(sender.send(hint));
    };
    let mut watcher = Watcher::start(vec![root.path().to_owned()], send).expect("events");
    // The watcher's thread is held up at the first event; the system's queue fills behind it.
    for number in 0..=limit {
        fs::write(root.path().join(format!("{}", number % 7)), b"").expect("written");
    }
    // Of this nothing is told: the folder that follows may well get the number of the one that went.
    fs::remove_dir(&own).expect("removed");
    fs::create_dir(&own).expect("a folder");
    drop(shut);
    while hints.recv_timeout(DEADLINE).expect("a hint") != Hint::Rescan {}
    watcher.refresh().expect("it is watched");
    fs::write(own.join("libone.so"), b"x").expect("written");
    let settled = Hint::Settled(own.join("libone.so"));
    while hints.recv_timeout(DEADLINE).expect("the new folder is watched") != settled {}
}

#[test]
fn a_storm_ends_in_the_right_state_and_costs_fewer_looks_than_events() {
    const WRITERS: usize = 4;
    const ROUNDS: usize = 1_000;
    let mut session = session(Settings { delete_grace: Some(Duration::ZERO), ..Settings::default() });
    let plugins = session.path("");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let plugins = &plugins;
            scope.spawn(move || {
                let id = format!("acme.w{writer}");
                let path = plugins.join(format!("lib{writer}.so"));
                let aside = plugins.join(format!(".{writer}"));
                for round in 0..ROUNDS {
                    let build = u32::try_from(round).expect("small");
                    match round % 4 {
                        0 => fs::write(&path, library(&id, "1.0.0", build)).expect("written"),
                        1 => fs::write(&path, b"no library").expect("written"),
                        2 => drop(fs::remove_file(&path)),
                        _ => {
                            fs::write(&aside, library(&id, "1.0.0", build)).expect("written");
                            fs::rename(&aside, &path).expect("renamed");
                        }
                    }
                }
            });
        }
    });
    // What the last round left: nobody writes any more.
    let last = |writer: usize| {
        short(&library(&format!("acme.w{writer}"), "1.0.0", u32::try_from(ROUNDS - 1).expect("small")))
    };
    let mut serving = std::collections::BTreeMap::new();
    let wanted: std::collections::BTreeMap<_, _> =
        (0..WRITERS).map(|writer| (format!("lib{writer}.so"), last(writer))).collect();
    while serving != wanted {
        let batch = session.changes.recv_timeout(DEADLINE);
        for word in words(batch.unwrap_or_else(|_| panic!("it ends elsewhere: {serving:?}"))) {
            let mut parts = word.split(' ');
            match (parts.next(), parts.next(), parts.next()) {
                (Some("appeared" | "rebuilt"), Some(name), Some(hash)) => {
                    serving.insert(name.to_owned(), hash.to_owned());
                }
                (Some("removed"), Some(name), None) => drop(serving.remove(name)),
                _ => {}
            }
        }
    }
    let looks = session.effort().looks;
    // Each round makes at least one event that calls for a look by itself.
    let rounds = u64::try_from(WRITERS * ROUNDS).expect("small");
    assert!(looks < rounds, "{looks} looks for {rounds} rounds");
    session.follow = None;
}

#[test]
fn ten_thousand_files_are_read_once_and_then_nothing_is_done() {
    const FILES: u64 = 10_000;
    let root = TempDir::new().expect("a folder");
    let plugins = root.path().join("plugins");
    fs::create_dir(&plugins).expect("a folder");
    for number in 1..FILES {
        fs::write(plugins.join(format!("lib{number}.so")), format!("{number} is no library, however long"))
            .expect("written");
    }
    fs::write(plugins.join("lib0.so"), library("acme.one", "1.0.0", 1)).expect("written");
    let mut session = alert(root, "plugins");
    let mut told = Vec::new();
    while told.len() < usize::try_from(FILES).expect("small") {
        told.extend(words(session.changes.recv_timeout(DEADLINE).expect("all are told")));
    }
    let appeared: Vec<&String> = told.iter().filter(|word| word.starts_with("appeared lib0.so")).collect();
    let refused = told.iter().filter(|word| word.starts_with("refused")).count();
    assert_eq!((appeared.len(), refused), (1, told.len() - 1));
    // Idle: time goes by in pulses, and none of them looks.
    let settled = session.effort();
    let mut effort = settled;
    let begun = Instant::now();
    while effort.pulses < settled.pulses + 300 {
        assert!(begun.elapsed() < DEADLINE, "the pulse stands still");
        std::thread::yield_now();
        effort = session.effort();
    }
    let quiet = Effort { pulses: effort.pulses, ..settled };
    assert_eq!(effort, quiet, "nothing was looked at while nothing happened");
    // One more file is one look more, or two: one when it is touched, one when it is whole.
    fs::write(session.path("lib10000.so"), "this is no library either, however long").expect("written");
    session.until("refused lib10000.so RE0120");
    let looks = session.effort().looks - quiet.looks;
    assert!((1..=3).contains(&looks), "{looks} looks for one file");
}

#[test]
fn a_folder_that_is_renamed_away_and_replaced_is_followed_where_it_was() {
    let root = TempDir::new().expect("a folder");
    fs::create_dir_all(root.path().join("app/plugins")).expect("folders");
    let mut session = alert(root, "app/plugins");
    let at = |session: &Session, place: &str| session.root.path().join(place);
    let bytes = |build| library("acme.one", "1.0.0", build);
    fs::write(at(&session, "app/plugins/libone.so"), bytes(1)).expect("written");
    session.until(&format!("appeared libone.so {}", short(&bytes(1))));
    // Of a new name of the folder above there is no event.
    for (number, moved) in (2..).zip(["app/plugins", "app", "app/plugins", "app"]) {
        fs::rename(at(&session, moved), at(&session, &format!("old{number}"))).expect("renamed");
        session.until("refused plugins RE0151");
        fs::create_dir_all(at(&session, "app/plugins")).expect("folders");
        fs::write(at(&session, "app/plugins/libone.so"), bytes(number)).expect("written");
        session.until(&format!("appeared libone.so {}", short(&bytes(number))));
        // What happens in the one that was moved away is nobody's concern; in the new one it is.
        fs::write(at(&session, "app/plugins/libone.so"), bytes(number + 100)).expect("written");
        session.until(&format!("rebuilt libone.so {}", short(&bytes(number + 100))));
    }
}

#[cfg(unix)]
#[test]
fn rights_that_are_put_right_further_up_are_noticed() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = TempDir::new().expect("a folder");
    fs::create_dir_all(root.path().join("app/plugins")).expect("folders");
    let set = |root: &Path, mode| {
        fs::set_permissions(root.join("app"), fs::Permissions::from_mode(mode)).expect("its own");
    };
    set(root.path(), 0o777);
    let bytes = library("acme.one", "1.0.0", 1);
    fs::write(root.path().join("app/plugins/libone.so"), &bytes).expect("written");
    let mut session = alert(root, "app/plugins");
    session.expect("refused plugins RE0164");
    set(session.root.path(), 0o755);
    session.until(&format!("appeared libone.so {}", short(&bytes)));
}

#[test]
fn a_folder_without_events_is_polled() {
    let interval = Duration::from_millis(5);
    let mut session = session(Settings { poll_every: Some(interval), ..patient() });
    for build in 1..4 {
        let bytes = library("acme.one", "1.0.0", build);
        fs::write(session.path(".new"), &bytes).expect("written");
        fs::rename(session.path(".new"), session.path("libone.so")).expect("renamed");
        let word = if build == 1 { "appeared" } else { "rebuilt" };
        session.expect(&format!("{word} libone.so {}", short(&bytes)));
    }
    assert_eq!(session.effort().pulses, 0, "each turn is a look");
}
