//! What is done all the while, one step after the other, each seen to its outcome.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use reactor_host::discover::Settings;
use reactor_host::{EventKind, Handle, Host, Subscription, Value, Verdict, Watch, value};

use super::Plan;
use crate::folder::Folder;
use crate::{corpus, tell, trusted, wait};

const FAULTY: &str = "any-fault";

/// How many different bytes each build comes in: a host remembers what it has checked.
const VARIETY: u64 = 40;

/// See the module.
pub(super) struct Work {
    host: Host,
    watch: Option<Watch>,
    events: Subscription,
    folder: Folder,
    data: Folder,
    libraries: BTreeMap<&'static str, Vec<u8>>,
    chance: u64,
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
    callers: Vec<JoinHandle<()>>,
    counts: BTreeMap<&'static str, u64>,
    /// Generations by what was heard of them last: true while they are retained.
    retained: BTreeMap<u64, bool>,
}

impl Work {
    pub(super) fn begin(plan: &Plan) -> Self {
        let (folder, data) = (Folder::new(), Folder::new());
        let load = |name: &'static str| {
            let path = if plan.release { corpus::release_library(name) } else { corpus::library(name) };
            (name, std::fs::read(path).expect("the library was just built"))
        };
        let names = ["answer-one", "answer-two", "tally-one", "tally-two", FAULTY];
        let libraries: BTreeMap<_, _> = names.into_iter().map(load).collect();
        folder.put("libanswer.so", &libraries["answer-one"]);
        folder.put("libtally.so", &libraries["tally-one"]);
        let builder = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder.path());
        let settings = Settings { delete_grace: Some(Duration::from_millis(200)), ..Settings::default() };
        let builder =
            builder.data_dir(data.path()).watching(settings).phase_deadline(Duration::from_secs(10));
        let host = trusted(builder).build().expect("a host");
        let events = host.events();
        assert!(host.start().expect("the host starts").is_ok());
        let watch = Some(host.watch().expect("the folder is watched"));
        let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut work = Self {
            host,
            watch,
            events,
            folder,
            data,
            libraries,
            chance: plan.seed.max(1),
            stop,
            calls,
            callers: Vec::new(),
            counts: BTreeMap::new(),
            retained: BTreeMap::new(),
        };
        work.mend();
        work.call("answer", |handle, _| drop(handle.invoke("which", &Value::Null).expect("no call fails")));
        work.call("tally", |handle, number| {
            let total = handle.invoke("add", &Value::Null).expect("no call fails");
            assert_eq!(total.as_u64(), Some(number), "no update is lost");
        });
        work
    }

    /// Calls a plugin all the while; `call` is given the number of the call, from 1.
    fn call(&mut self, plugin: &str, call: impl Fn(&Handle, u64) + Send + 'static) {
        let handle = self.host.plugin(plugin).expect("an id");
        let (stop, calls) = (Arc::clone(&self.stop), Arc::clone(&self.calls));
        self.callers.push(std::thread::spawn(move || {
            for number in 1.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                call(&handle, number);
                calls.fetch_add(1, Ordering::Relaxed);
                if number % 16 == 0 {
                    std::thread::park_timeout(Duration::from_micros(100));
                }
            }
        }));
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// A number below `limit`, by chance (xorshift64, Marsaglia 2003).
    fn chance(&mut self, limit: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % limit
    }

    /// Does something, and sees to its outcome.
    pub(super) fn step(&mut self) {
        match self.chance(20) {
            0..=6 => self.swap("answer", "libanswer.so", ["answer-one", "answer-two"]),
            7..=13 => self.swap("tally", "libtally.so", ["tally-one", "tally-two"]),
            14 | 15 => self.fault(),
            16 => self.calls_that_fail(),
            17 => self.storm(),
            18 => self.switch(),
            _ => self.outlive(),
        }
        self.hear();
        assert!(self.callers.iter().all(|caller| !caller.is_finished()), "a call failed: see above");
    }

    /// A build in bytes of its own: what stands behind the last section is no part of the library.
    fn bytes(&mut self, name: &'static str) -> Vec<u8> {
        let number = self.chance(VARIETY);
        [self.libraries[name].as_slice(), &number.to_le_bytes()].concat()
    }

    fn generation(&self, plugin: &str) -> u64 {
        self.host.plugin(plugin).expect("an id").generation().expect("it serves")
    }

    fn swap(&mut self, plugin: &'static str, file: &str, builds: [&'static str; 2]) {
        let before = self.generation(plugin);
        let build = builds[usize::from(self.chance(2) == 1)];
        let bytes = self.bytes(build);
        self.folder.put(file, &bytes);
        // Either the watch takes it up or this; the same bytes again are no new build, so a swap by hand is asked for.
        self.host.rescan().expect("the host runs");
        if self.generation(plugin) == before {
            self.host.swap(plugin).expect("the host runs");
        }
        let expected = if build.ends_with("-one") { 1 } else { 2 };
        // What the watch saw a moment before may come in between; the file has the last word.
        wait::until("the new build answers", || {
            let which = self.host.invoke(plugin, "which", &Value::Null).expect("it serves");
            let number = which.as_u64().or_else(|| which.read::<(u64, u64)>().ok().map(|(build, _)| build));
            self.generation(plugin) > before && number == Some(expected)
        });
        self.count("swaps");
    }

    fn put_faulty(&mut self, config: &str) -> reactor_host::Report {
        let manifest = format!(
            "schema = 1\nid = \"{FAULTY}\"\nversion = \"1.0.0\"\napi = \"^1\"\n[run]\nstop-deadline = \"100ms\"\n\
             [health]\ntrial = \"0s\"\n[config]\n{config}\n"
        );
        let bytes = self.bytes(FAULTY);
        self.folder.put("any_fault.toml", manifest.as_bytes());
        self.folder.put("libany_fault.so", &bytes);
        self.host.rescan().expect("the host runs")
    }

    /// The faulty one runs, in a build that does nothing wrong.
    fn mend(&mut self) {
        self.put_faulty("");
        // A file that is new to the host is taken up by the watch.
        wait::until("the mended one serves", || {
            self.host.invoke(FAULTY, "echo", &value!(7)) == Ok(value!(7))
        });
    }

    fn fault(&mut self) {
        let places = ["init", "build", "register", "after_registration", "start", "stop", "drop", "suspend"];
        let ways = ["error", "panic", "panic-with-bomb"];
        let place = places[usize::try_from(self.chance(8)).unwrap_or_default()];
        let way = ways[usize::try_from(self.chance(3)).unwrap_or_default()];
        self.put_faulty(&format!("in = {place:?}\nhow = {way:?}"));
        self.mend();
        self.count("faults");
    }

    fn calls_that_fail(&mut self) {
        for how in ["error", "panic", "panic-with-bomb"] {
            let (code, _) = tell::error(self.host.invoke(FAULTY, "fault", &value!([how, ""])));
            assert_eq!(code, if how == "error" { "acme.broken" } else { "RE0603" });
        }
        self.host.invoke(FAULTY, "log", &value!([20, 2_000, 10])).expect("it logs");
        self.host.invoke(FAULTY, "answer", &Value::from(1_u64 << 16)).expect("it answers");
        self.count("rounds of failing calls");
    }

    /// Files come, change and go faster than anybody follows; in the end everything is as it was.
    fn storm(&mut self) {
        let good = self.bytes(FAULTY);
        for round in 0..20_usize {
            match round % 5 {
                0 => drop(self.folder.put("libany_fault.so", &good[..good.len() * round / 25])),
                1 => drop(self.folder.put("libgarbage.so", &vec![7; 1 << 12])),
                2 => self.folder.remove("libgarbage.so"),
                3 => self.folder.remove("libany_fault.so"),
                _ => drop(self.folder.put("libany_fault.so", &good)),
            }
        }
        self.mend();
        self.count("storms of files");
    }

    fn switch(&mut self) {
        self.host.disable(FAULTY).expect("the host runs");
        assert_eq!(tell::error(self.host.invoke(FAULTY, "echo", &Value::Null)).0, "RE0601");
        self.host.enable(FAULTY).expect("the host runs");
        self.mend();
        self.count("switches");
    }

    /// A generation is retained by a thread of its own, and closed when that ends.
    fn outlive(&mut self) {
        let (until, told) = (self.data.path().join("release"), self.data.path().join("told"));
        let text = |path: &std::path::Path| path.to_str().expect("a path in UTF-8").to_owned();
        let (begin, end) = (text(&until), text(&told));
        self.host.invoke(FAULTY, "outlive", &value!([(begin), (end)])).expect("the thread starts");
        let generation = self.generation(FAULTY);
        self.host.swap(FAULTY).expect("the host runs");
        wait::until("it is retained", || {
            self.hear();
            self.retained.contains_key(&generation)
        });
        std::fs::write(&until, "").expect("the folder is writable");
        wait::until("it is closed", || {
            self.hear();
            !self.retained.contains_key(&generation)
        });
        std::fs::remove_file(&until).expect("it was just written");
        self.count("threads that outlived their plugin");
    }

    /// Takes in what happened.
    fn hear(&mut self) {
        while let Some(event) = self.events.try_next() {
            let (EventKind::Retired { verdict, .. }, Some(generation)) = (&event.kind, event.generation)
            else {
                continue;
            };
            if *verdict == Verdict::Unloaded {
                self.retained.remove(&generation);
                self.count("libraries closed");
            } else {
                self.retained.insert(generation, true);
            }
        }
        assert_eq!(self.events.lost(), 0, "nothing was missed");
    }

    /// Waits until whatever served is closed.
    pub(super) fn settle(&mut self) {
        wait::until("everything that served is closed", || {
            self.hear();
            let loaded = std::fs::read_to_string("/proc/self/maps").expect("Linux tells");
            let data = self.data.path().to_str().expect("a path in UTF-8");
            let files: std::collections::BTreeSet<_> =
                loaded.lines().filter_map(|line| line.split_once(data)).map(|(_, name)| name).collect();
            self.retained.is_empty() && files.len() == 3
        });
    }

    pub(super) fn counts(&self) -> Vec<(&'static str, u64)> {
        let calls = [("calls", self.calls.load(Ordering::Relaxed))];
        self.counts.iter().map(|(name, count)| (*name, *count)).chain(calls).collect()
    }

    /// Ends everything: every call came back, and nothing is left.
    pub(super) fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for caller in self.callers.drain(..) {
            caller.join().expect("no call failed");
        }
        drop(self.watch.take());
        drop(self.host);
        let left = self.data.path().read_dir().expect("the data folder");
        let left = left.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
        let private: Vec<_> = left.filter(|name| name.starts_with("reactor-")).collect();
        assert!(private.is_empty(), "private folders are removed: {private:?}");
    }
}
