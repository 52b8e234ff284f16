//! Where faults are met: a faulty plugin, one that depends on it, and a neighbour that is called all the while.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use reactor_host::discover::Settings;
use reactor_host::{EventKind, Host, Report, Subscription, Value, Verdict, value};
use reactor_tests::folder::Folder;
use reactor_tests::puppet::Script;
use reactor_tests::{corpus, tell, trusted, wait};

pub(super) const FAULTY: &str = "any-fault";
pub(super) const DEPENDANT: &str = "dependant";
const NEIGHBOUR: &str = "answer";

/// How long a phase may take here. What hangs is given up; everything else takes far less.
pub(super) const PHASE_DEADLINE: Duration = Duration::from_millis(400);

/// See the module.
pub(super) struct Scene {
    pub(super) host: Host,
    folder: Folder,
    library: Vec<u8>,
    builds: AtomicU64,
    stop: Arc<AtomicBool>,
    caller: Option<JoinHandle<u64>>,
}

impl Scene {
    /// The neighbour and the dependant are there, the faulty one is not.
    pub(super) fn new() -> Self {
        let folder = Folder::new();
        folder.put("libanswer.so", &corpus::bytes("answer-one"));
        let (manifest, entry) = Script::new(DEPENDANT).needs(&[FAULTY]).build();
        let builder = Host::builder("dev.reactor.tests", "1.0.0")
            .plugins_dir(folder.path())
            .plugin(manifest, entry)
            .watching(Settings { delete_grace: Some(Duration::ZERO), ..Settings::default() })
            .phase_deadline(PHASE_DEADLINE);
        let host = trusted(builder).build().expect("a host");
        host.start().expect("the host starts");
        let neighbour = host.plugin(NEIGHBOUR).expect("an id");
        let generation = neighbour.generation().expect("it serves");
        let stop = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&stop);
        let caller = std::thread::spawn(move || {
            let mut calls = 0;
            loop {
                let answer = neighbour.invoke("which", &Value::Null).expect("the neighbour answers");
                assert_eq!(answer, value!([1, (generation)]), "it is the very same generation");
                calls += 1;
                if over.load(Ordering::Relaxed) {
                    return calls;
                }
                std::thread::park_timeout(Duration::from_micros(500));
            }
        });
        let library = corpus::bytes(FAULTY);
        Self { host, folder, library, builds: AtomicU64::new(0), stop, caller: Some(caller) }
    }

    /// A path in the folder that is no plugin's.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a build in place whose bytes were never there before. `config`: lines of its `[config]`; `tables`: what
    /// follows them.
    pub(super) fn put(&self, config: &str, tables: &str) -> Report {
        let manifest = format!(
            "schema = 1\nid = \"{FAULTY}\"\nversion = \"1.0.0\"\napi = \"^1\"\n[run]\nstop-deadline = \"100ms\"\n\
             [config]\n{config}\n{tables}\n"
        );
        self.folder.put("any_fault.toml", manifest.as_bytes());
        // What stands behind the last section is no part of the library: it loads as before.
        let number = self.builds.fetch_add(1, Ordering::Relaxed);
        let bytes = [self.library.as_slice(), &number.to_le_bytes()].concat();
        self.folder.put("libany_fault.so", &bytes);
        self.host.rescan().expect("the host runs")
    }

    /// Puts a build in place that does nothing wrong, and sees to it that everybody runs.
    #[track_caller]
    pub(super) fn mend(&self, tables: &str) -> u64 {
        let report = self.put("", tables);
        self.all_well(&report);
        self.generation()
    }

    /// Everybody runs, and the dependant reaches the faulty one.
    #[track_caller]
    pub(super) fn all_well(&self, report: &Report) {
        assert!(report.is_ok(), "{report:#?}");
        let through = self.host.invoke(DEPENDANT, "call", &value!([FAULTY, "total"]));
        assert!(through.is_ok(), "{through:?} {report:#?}");
    }

    #[track_caller]
    pub(super) fn generation(&self) -> u64 {
        self.host.plugin(FAULTY).expect("an id").generation().expect("it serves")
    }

    /// Takes the faulty plugin's files away.
    #[track_caller]
    pub(super) fn remove(&self) {
        self.folder.remove("libany_fault.so");
        self.folder.remove("any_fault.toml");
        // The first look sees that it is gone, the next that it stays away.
        self.host.rescan().expect("the host runs");
        self.host.rescan().expect("the host runs");
        assert_eq!(tell::error(self.host.invoke(FAULTY, "total", &Value::Null)).0, "RE0601");
    }

    /// Ends the neighbour's calls: there were some, and none failed.
    pub(super) fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let calls = self.caller.take().expect("it runs until now").join().expect("the neighbour answered");
        assert!(calls > 0, "it answered all the while");
    }
}

/// The dependant does not run, and says because of whom.
#[track_caller]
pub(super) fn blocked(report: &Report) {
    let (code, message, serving) = tell::failure(report, DEPENDANT);
    assert_eq!((code.as_str(), serving), ("RE0417", None), "{message}");
    assert!(message.contains(FAULTY), "{message}");
}

/// A test that fails tells of itself only.
impl Drop for Scene {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.caller.take().map(JoinHandle::join));
    }
}

/// Waits for the verdicts about a generation of the faulty one, in order.
#[track_caller]
pub(super) fn verdict(events: &Subscription, generation: Option<u64>) -> (Verdict, Vec<String>) {
    wait::event(events, |event| match &event.kind {
        EventKind::Retired { verdict, reasons, .. }
            if tell::is_about(event, FAULTY) && (generation.is_none() || event.generation == generation) =>
        {
            Some((*verdict, reasons.clone()))
        }
        _ => None,
    })
}
