//! Guarantees: a host that is killed at any moment, while it swaps, saves and quarantines, has lost nothing that it said
//! was done, and leaves nothing behind that the next one does not know of.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reactor_host::store::{Holder, Store};
use reactor_host::{Host, OutcomeStatus, PluginId, Value};
use reactor_tests::folder::Folder;
use reactor_tests::{child, corpus, trusted, wait};

const TEST: &str = "killed::what_a_killed_host_acknowledged_is_there_and_nothing_else_is_left";
const FOLDERS: &str = "REACTOR_TEST_KILLED";
const ROUNDS: u64 = 500;

fn rounds() -> u64 {
    let asked = std::env::var("REACTOR_TEST_KILLS").ok();
    asked.map_or(ROUNDS, |text| text.parse().expect("REACTOR_TEST_KILLS is a number"))
}

/// A small generator of numbers that look random (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
/// 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

fn host(plugins: &Path, data: &Path) -> Host {
    let builder = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(plugins).data_dir(data);
    trusted(builder).build().expect("the data folder is as a host left it")
}

fn put(plugins: &Path, name: &str, bytes: &[u8]) {
    let aside = plugins.join(format!(".{name}.aside"));
    std::fs::write(&aside, bytes).expect("the folder is writable");
    std::fs::rename(aside, plugins.join(name)).expect("a rename in one folder");
}

/// A build whose bytes were never there before: what stands behind the last section is no part of the library.
fn fresh(name: &str, number: u64) -> Vec<u8> {
    [corpus::bytes(name).as_slice(), &number.to_le_bytes()].concat()
}

fn total(host: &Host) -> u64 {
    host.invoke("tally", "total", &Value::Null).expect("it serves").as_u64().expect("a number")
}

fn manifest(config: &str) -> String {
    format!("schema = 1\nid = \"any-fault\"\nversion = \"1.0.0\"\napi = \"^1\"\n[config]\n{config}\n")
}

/// Swaps, saves and quarantines until it is killed, and says so line by line once each is done.
fn work(plugins: &Path, data: &Path, seed: u64) {
    let mut random = Random(seed);
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{line}").and_then(|()| out.flush()).expect("the test reads");
    };
    let host = host(plugins, data);
    host.start().expect("the host starts");
    say(format!("ready {}", total(&host)));
    for number in 0.. {
        host.invoke("tally", "add", &Value::Null).expect("it serves");
        match random.below(3) {
            0 => {
                let report = host.save("tally").expect("the host runs");
                let saved = |one: &reactor_host::Outcome| matches!(one.status, OutcomeStatus::Saved { .. });
                assert!(report.outcomes.iter().any(saved), "{report:?}");
                say(format!("total {}", total(&host)));
            }
            1 => {
                let build = if random.below(2) == 0 { "tally-one" } else { "tally-two" };
                put(plugins, "libtally.so", &fresh(build, seed ^ number));
                let report = host.rescan().expect("the host runs");
                let swapped =
                    |one: &reactor_host::Outcome| matches!(one.status, OutcomeStatus::Swapped { .. });
                if report.outcomes.iter().any(swapped) {
                    say(format!("total {}", total(&host)));
                }
            }
            _ => {
                put(plugins, "any_fault.toml", manifest("in = \"init\"\nhow = \"error\"").as_bytes());
                put(plugins, "libany_fault.so", &fresh("any-fault", seed ^ number));
                host.rescan().expect("the host runs");
                for record in host.quarantined() {
                    say(format!("quarantined {}", record.build));
                }
                put(plugins, "any_fault.toml", manifest("").as_bytes());
                put(plugins, "libany_fault.so", &fresh("any-fault", !(seed ^ number)));
                host.rescan().expect("the host runs");
            }
        }
    }
}

/// What a host said before it was killed.
#[derive(Default)]
struct Said {
    ready: Option<u64>,
    total: u64,
    quarantined: BTreeSet<String>,
}

/// Runs a host in a process of its own and kills it, about `after` the moment when it is ready.
fn kill_one(plugins: &Path, data: &Path, seed: u64, after: Duration) -> Said {
    let this = std::env::current_exe().expect("a test binary has a path");
    let folders = format!("{}\n{}\n{seed}", plugins.display(), data.display());
    let mut process = Command::new(this)
        .args(["--exact", TEST, "--test-threads=1", "--nocapture"])
        .env(FOLDERS, folders)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test binary starts");
    let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
    let mut said = Said::default();
    let mut kill_at = None;
    for line in lines.by_ref() {
        let line = line.expect("text");
        match line.split_once(' ') {
            Some(("ready", number)) => {
                said.ready = number.parse().ok();
                kill_at = Some(Instant::now() + after);
            }
            Some(("total", number)) => said.total = number.parse().expect("a number"),
            Some(("quarantined", build)) => drop(said.quarantined.insert(build.to_owned())),
            _ => {}
        }
        if kill_at.is_some_and(|at| Instant::now() >= at) {
            process.kill().expect("it runs");
            break;
        }
    }
    // What it said until the signal reached it counts too, as far as it is whole.
    for line in lines.map_while(Result::ok) {
        if let Some(("total", number)) = line.split_once(' ') {
            said.total = number.parse().unwrap_or(said.total);
        }
    }
    process.wait().expect("it was started here");
    said
}

#[test]
fn what_a_killed_host_acknowledged_is_there_and_nothing_else_is_left() {
    if let Ok(folders) = std::env::var(FOLDERS) {
        let mut parts = folders.lines();
        let mut next = || parts.next().expect("three lines");
        let (plugins, data, seed) = (next(), next(), next());
        return work(plugins.as_ref(), data.as_ref(), seed.parse().expect("a number"));
    }
    assert!(!child::is_for(TEST), "it is started by its folders");
    let seed = std::env::var("REACTOR_TEST_SEED").ok().map_or(1, |text| text.parse().expect("a number"));
    println!("seed {seed}");
    let (plugins, data) = (Folder::new(), Folder::new());
    plugins.put("libtally.so", &corpus::bytes("tally-one"));
    plugins.put("any_fault.toml", manifest("").as_bytes());
    plugins.put("libany_fault.so", &corpus::bytes("any-fault"));
    let mut random = Random(seed);
    let (mut total_before, mut quarantined) = (0, BTreeSet::new());
    let plugin = PluginId::new("tally").expect("an id");
    for round in 0..rounds() {
        let after = Duration::from_micros(random.below(60_000));
        let said = kill_one(plugins.path(), data.path(), random.below(u64::MAX), after);
        let ready = said.ready.unwrap_or_else(|| panic!("round {round}: it did not come up"));
        assert!(ready >= total_before, "round {round}: {ready} after {total_before} was acknowledged");
        total_before = said.total.max(ready);
        quarantined.extend(said.quarantined);
        // Opened as the next host will: whole, and nothing in it that does not belong there.
        let (store, _) = Store::open(data.path(), &Holder::new("dev.reactor.tests.look", "1.0.0"))
            .unwrap_or_else(|error| panic!("round {round}: {error}"));
        let there: BTreeSet<_> = store.quarantine_list().iter().map(|one| one.build.to_string()).collect();
        assert!(quarantined.is_subset(&there), "round {round}: {quarantined:?} but {there:?}");
        for (plugin, point) in store.rollback_list() {
            let library = store.library(&point.build).expect("its bytes are those that were stored");
            assert!(library.is_some(), "round {round}: the library that {plugin} goes back to");
        }
        let named: BTreeSet<_> =
            store.rollback_list().iter().map(|(_, point)| point.build.to_string()).collect();
        for entry in data.path().join("builds").read_dir().expect("the store made it").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            assert!(named.contains(&name), "round {round}: nobody names {name}");
        }
        assert!(round == 0 || said.total == 0 || store.state(&plugin).is_some(), "round {round}: no state");
    }
    let last = host(plugins.path(), data.path());
    last.start().expect("it starts");
    assert!(total(&last) >= total_before);
    let private = || {
        let entries = data.path().read_dir().expect("it is there").flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("reactor-")).count()
    };
    wait::until("only this host's private folder is there", || private() == 1);
    drop(last);
    assert_eq!(private(), 0, "and none when it has ended");
    println!("{} kills, {} quarantined, {total_before} added", rounds(), quarantined.len());
}
