//! The table: where a plugin goes wrong, how, and what becomes of it.

use reactor_host::{EventKind, Subscription, Verdict};
use reactor_tests::{tell, wait};

use super::rounds;
use super::scene::{FAULTY, Scene, blocked, verdict};

/// In which situation a fault is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    /// A plugin that was not there comes up.
    Loading,
    /// A faulty build is to take over from a good one.
    Arriving,
    /// A good build is to take over from a faulty one.
    Leaving,
    /// The faulty one is switched off.
    Stopping,
}
use Met::{Arriving, Leaving, Loading, Stopping};

/// What the fault keeps from happening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Costs {
    /// The build that goes wrong does not run.
    TheBuild,
    /// The swap: who served goes on.
    TheSwap,
    /// Nothing: it is told, and everything goes on.
    Nothing,
}
use Costs::{Nothing, TheBuild, TheSwap};

/// A row of the table.
struct Fault {
    met: Met,
    /// The phase that goes wrong.
    at: &'static str,
    /// How: `error`, `panic`, `panic-with-bomb` (its payload panics when dropped), `hang`.
    how: &'static str,
    /// The manifest's `[state]` table.
    state: &'static str,
    /// The code of the event and of the report.
    code: &'static str,
    costs: Costs,
}

const OWN: &str = "acme.broken";
const PANICKED: &str = "RE0603";
const GIVEN_UP: &str = "RE0420";

const STATELESS: &str = "";
const PAUSE: &str = "[state]\nschema = 1\npause-deadline = \"5s\"";
const SHORT_PAUSE: &str = "[state]\nschema = 1\npause-deadline = \"100ms\"";
const SNAPSHOT: &str = "[state]\nschema = 1\nhandoff = \"snapshot\"";

/// Faults after which the library is closed at once. Every phase of a plugin is here, in each of the ways in which it
/// can fail by itself.
#[rustfmt::skip]
const FAILING: &[Fault] = &[
    Fault { met: Loading,  at: "init",               how: "error",           state: STATELESS, code: OWN,      costs: TheBuild },
    Fault { met: Loading,  at: "init",               how: "panic",           state: STATELESS, code: PANICKED, costs: TheBuild },
    Fault { met: Loading,  at: "init",               how: "panic-with-bomb", state: STATELESS, code: PANICKED, costs: TheBuild },
    Fault { met: Loading,  at: "build",              how: "error",           state: STATELESS, code: OWN,      costs: TheBuild },
    Fault { met: Loading,  at: "build",              how: "panic",           state: STATELESS, code: PANICKED, costs: TheBuild },
    Fault { met: Loading,  at: "build",              how: "panic-with-bomb", state: STATELESS, code: PANICKED, costs: TheBuild },
    Fault { met: Loading,  at: "register",           how: "error",           state: STATELESS, code: OWN,      costs: TheBuild },
    Fault { met: Loading,  at: "register",           how: "panic",           state: STATELESS, code: PANICKED, costs: TheBuild },
    Fault { met: Loading,  at: "register",           how: "panic-with-bomb", state: STATELESS, code: PANICKED, costs: TheBuild },
    Fault { met: Loading,  at: "after_registration", how: "error",           state: STATELESS, code: OWN,      costs: TheBuild },
    Fault { met: Loading,  at: "after_registration", how: "panic",           state: STATELESS, code: PANICKED, costs: TheBuild },
    Fault { met: Loading,  at: "after_registration", how: "panic-with-bomb", state: STATELESS, code: PANICKED, costs: TheBuild },
    Fault { met: Loading,  at: "start",              how: "error",           state: STATELESS, code: OWN,      costs: TheBuild },
    Fault { met: Loading,  at: "start",              how: "panic",           state: STATELESS, code: PANICKED, costs: TheBuild },
    Fault { met: Loading,  at: "start",              how: "panic-with-bomb", state: STATELESS, code: PANICKED, costs: TheBuild },
    Fault { met: Arriving, at: "init",               how: "panic",           state: STATELESS, code: PANICKED, costs: TheSwap },
    Fault { met: Arriving, at: "build",              how: "error",           state: PAUSE,     code: OWN,      costs: TheSwap },
    Fault { met: Arriving, at: "register",           how: "panic-with-bomb", state: SNAPSHOT,  code: PANICKED, costs: TheSwap },
    Fault { met: Arriving, at: "after_registration", how: "panic",           state: PAUSE,     code: PANICKED, costs: TheSwap },
    Fault { met: Arriving, at: "start",              how: "error",           state: STATELESS, code: OWN,      costs: TheSwap },
    Fault { met: Arriving, at: "start",              how: "panic",           state: PAUSE,     code: PANICKED, costs: TheSwap },
    Fault { met: Arriving, at: "start",              how: "panic-with-bomb", state: SNAPSHOT,  code: PANICKED, costs: TheSwap },
    Fault { met: Arriving, at: "restore",            how: "error",           state: PAUSE,     code: OWN,      costs: TheSwap },
    Fault { met: Arriving, at: "restore",            how: "panic",           state: SNAPSHOT,  code: PANICKED, costs: TheSwap },
    Fault { met: Arriving, at: "restore",            how: "panic-with-bomb", state: PAUSE,     code: PANICKED, costs: TheSwap },
    Fault { met: Leaving,  at: "suspend",            how: "error",           state: STATELESS, code: OWN,      costs: Nothing },
    Fault { met: Leaving,  at: "suspend",            how: "panic",           state: PAUSE,     code: PANICKED, costs: Nothing },
    Fault { met: Leaving,  at: "suspend",            how: "panic-with-bomb", state: SNAPSHOT,  code: PANICKED, costs: Nothing },
    Fault { met: Leaving,  at: "save",               how: "error",           state: PAUSE,     code: OWN,      costs: TheSwap },
    Fault { met: Leaving,  at: "save",               how: "panic",           state: SNAPSHOT,  code: PANICKED, costs: TheSwap },
    Fault { met: Leaving,  at: "save",               how: "panic-with-bomb", state: PAUSE,     code: PANICKED, costs: TheSwap },
    Fault { met: Leaving,  at: "stop",               how: "error",           state: STATELESS, code: OWN,      costs: Nothing },
    Fault { met: Leaving,  at: "stop",               how: "panic-with-bomb", state: PAUSE,     code: PANICKED, costs: Nothing },
    Fault { met: Leaving,  at: "drop",               how: "panic",           state: SNAPSHOT,  code: PANICKED, costs: Nothing },
    Fault { met: Stopping, at: "stop",               how: "error",           state: STATELESS, code: OWN,      costs: Nothing },
    Fault { met: Stopping, at: "stop",               how: "panic",           state: STATELESS, code: PANICKED, costs: Nothing },
    Fault { met: Stopping, at: "stop",               how: "panic-with-bomb", state: STATELESS, code: PANICKED, costs: Nothing },
    Fault { met: Stopping, at: "drop",               how: "panic",           state: STATELESS, code: PANICKED, costs: Nothing },
    Fault { met: Stopping, at: "drop",               how: "panic-with-bomb", state: STATELESS, code: PANICKED, costs: Nothing },
];

/// Phases that do not return: given up by a deadline, retained while they hang, closed when they return.
#[rustfmt::skip]
const HANGING: &[Fault] = &[
    Fault { met: Loading,  at: "init",               how: "hang", state: STATELESS,   code: "RE0205", costs: TheBuild },
    Fault { met: Loading,  at: "build",              how: "hang", state: STATELESS,   code: "RE0205", costs: TheBuild },
    Fault { met: Loading,  at: "register",           how: "hang", state: STATELESS,   code: GIVEN_UP, costs: TheBuild },
    Fault { met: Loading,  at: "after_registration", how: "hang", state: STATELESS,   code: GIVEN_UP, costs: TheBuild },
    Fault { met: Loading,  at: "start",              how: "hang", state: STATELESS,   code: GIVEN_UP, costs: TheBuild },
    Fault { met: Arriving, at: "init",               how: "hang", state: PAUSE,       code: "RE0205", costs: TheSwap },
    Fault { met: Arriving, at: "register",           how: "hang", state: STATELESS,   code: GIVEN_UP, costs: TheSwap },
    Fault { met: Arriving, at: "start",              how: "hang", state: STATELESS,   code: GIVEN_UP, costs: TheSwap },
    Fault { met: Arriving, at: "restore",            how: "hang", state: SHORT_PAUSE, code: GIVEN_UP, costs: TheSwap },
    Fault { met: Arriving, at: "restore",            how: "hang", state: SNAPSHOT,    code: GIVEN_UP, costs: TheSwap },
    Fault { met: Leaving,  at: "suspend",            how: "hang", state: STATELESS,   code: GIVEN_UP, costs: Nothing },
    Fault { met: Leaving,  at: "save",               how: "hang", state: SHORT_PAUSE, code: GIVEN_UP, costs: TheSwap },
    Fault { met: Leaving,  at: "save",               how: "hang", state: SNAPSHOT,    code: GIVEN_UP, costs: TheSwap },
    Fault { met: Leaving,  at: "stop",               how: "hang", state: STATELESS,   code: "",       costs: Nothing },
    Fault { met: Leaving,  at: "drop",               how: "hang", state: STATELESS,   code: "",       costs: Nothing },
    Fault { met: Stopping, at: "stop",               how: "hang", state: STATELESS,   code: GIVEN_UP, costs: Nothing },
    Fault { met: Stopping, at: "drop",               how: "hang", state: STATELESS,   code: "",       costs: Nothing },
];

/// Meets every fault of `table`, one after the other, until `cycles` were run.
fn meet_all(table: &[Fault], met: Met, cycles: usize) {
    let scene = Scene::new();
    let rows: Vec<_> = table.iter().filter(|fault| fault.met == met).collect();
    // Each at least once.
    for round in 0..rounds(cycles).max(rows.len()) {
        let fault = rows[round % rows.len()];
        fault.meet(&scene, round);
    }
    scene.end();
}

impl Fault {
    fn name(&self) -> String {
        let Self { met, at, how, state, .. } = self;
        format!("{met:?} {at} {how} {state:?}")
    }

    fn hangs(&self) -> bool {
        self.how == "hang"
    }

    fn meet(&self, scene: &Scene, round: usize) {
        println!("round {round}: {}", self.name());
        let release = scene.path(&format!("release-{round}"));
        let until = release.to_str().expect("a path in UTF-8");
        let config = format!("in = {:?}\nhow = {:?}\nuntil = {until:?}", self.at, self.how);
        let events = scene.host.events();
        match self.met {
            Loading => self.load(scene, &config, &events, &release),
            Arriving => self.arrive(scene, &config, &events, &release),
            Leaving => self.leave(scene, &config, &events, &release),
            Stopping => self.stop(scene, &config, &events, &release),
        }
        drop(std::fs::remove_file(&release));
        scene.remove();
    }

    fn load(&self, scene: &Scene, config: &str, events: &Subscription, release: &std::path::Path) {
        assert_eq!(self.costs, TheBuild);
        let report = scene.put(config, self.state);
        let (code, message, serving) = tell::failure(&report, FAULTY);
        assert_eq!((code.as_str(), serving), (self.code, None), "{message}");
        blocked(&report);
        self.told(events);
        self.ends(None, events, release);
        scene.mend(self.state);
    }

    fn arrive(&self, scene: &Scene, config: &str, events: &Subscription, release: &std::path::Path) {
        assert_eq!(self.costs, TheSwap);
        let good = scene.mend(self.state);
        let rolled_back = scene.host.events();
        let report = scene.put(config, self.state);
        let (code, message, serving) = tell::failure(&report, FAULTY);
        assert_eq!((code.as_str(), serving), (self.code, Some(good)), "{message}");
        assert_eq!(report.failures().count(), 1, "a swap that fails blocks nobody: {report:#?}");
        assert_eq!(scene.generation(), good);
        self.told(events);
        if self.at == "start" {
            wait::event(&rolled_back, |event| {
                matches!(event.kind, EventKind::RolledBack { .. }).then_some(event.generation)
            });
        }
        self.ends(None, events, release);
        assert!(scene.mend(self.state) > good, "the mended build takes over");
        assert_eq!(verdict(events, Some(good)), (Verdict::Unloaded, Vec::new()));
    }

    fn leave(&self, scene: &Scene, config: &str, events: &Subscription, release: &std::path::Path) {
        let report = scene.put(config, self.state);
        scene.all_well(&report);
        let faulty = scene.generation();
        let report = scene.put("", self.state);
        if self.costs == Nothing {
            scene.all_well(&report);
            assert!(scene.generation() > faulty);
        } else {
            let (code, message, serving) = tell::failure(&report, FAULTY);
            assert_eq!((code.as_str(), serving), (self.code, Some(faulty)), "{message}");
            assert_eq!(scene.generation(), faulty);
            std::fs::write(release, "").expect("the folder is writable");
            scene.host.disable(FAULTY).expect("the host runs");
            scene.all_well(&scene.host.enable(FAULTY).expect("the host runs"));
        }
        self.told(events);
        self.ends(Some(faulty), events, release);
    }

    fn stop(&self, scene: &Scene, config: &str, events: &Subscription, release: &std::path::Path) {
        scene.all_well(&scene.put(config, self.state));
        let faulty = scene.generation();
        let report = scene.host.disable(FAULTY).expect("the host runs");
        assert_eq!(&tell::stopped(&report)[1..], [FAULTY], "dependants first: {report:#?}");
        self.told(events);
        self.ends(Some(faulty), events, release);
        scene.host.enable(FAULTY).expect("the host runs");
        scene.mend(self.state);
    }

    /// The event that tells of the phase. What hangs until it is given up by the one who retires it is told by the
    /// verdict alone.
    fn told(&self, events: &Subscription) {
        if self.code == "RE0205" {
            let refused = wait::event(events, |event| match &event.kind {
                EventKind::Refused { code, message, .. } if tell::is_about(event, FAULTY) => {
                    Some((code.clone(), message.clone()))
                }
                _ => None,
            });
            assert_eq!(refused.0, self.code, "{}", refused.1);
        } else if !self.code.is_empty() {
            let (phase, code, message) = tell::failed_phase(events, FAULTY);
            assert_eq!((phase.as_str(), code.as_str()), (self.at, self.code), "{message}");
            match self.how {
                "error" => assert!(message.ends_with("reading the index: it went wrong"), "{message}"),
                "panic" => assert!(message.ends_with("it went wrong"), "{message}"),
                "panic-with-bomb" => assert!(message.contains("no text"), "{message}"),
                _ => assert!(message.contains("did not return"), "{message}"),
            }
        }
    }

    /// The faulty generation's library is closed; while a phase of it hangs it is retained for that.
    fn ends(&self, generation: Option<u64>, events: &Subscription, release: &std::path::Path) {
        if self.code == "RE0205" {
            // Nobody has hold of it before it comes back.
            std::fs::write(release, "").expect("the folder is writable");
        } else if self.hangs() && !release.exists() {
            let (found, reasons) = verdict(events, generation);
            assert_eq!(found, Verdict::Retained);
            assert!(reasons.iter().any(|reason| reason.contains("has not returned")), "{reasons:?}");
            std::fs::write(release, "").expect("the folder is writable");
        }
        assert_eq!(verdict(events, generation), (Verdict::Unloaded, Vec::new()));
    }
}

#[test]
fn a_fault_while_a_plugin_comes_up_fails_it_alone_blocks_its_dependants_and_leaves_nothing() {
    meet_all(FAILING, Loading, 600);
}

#[test]
fn a_fault_in_a_new_build_leaves_the_old_one_serving_and_its_dependants_running() {
    meet_all(FAILING, Arriving, 600);
}

#[test]
fn a_fault_in_what_leaves_is_told_and_costs_the_swap_only_where_the_state_would_be_lost() {
    meet_all(FAILING, Leaving, 500);
}

#[test]
fn a_fault_while_a_plugin_is_stopped_is_told_and_keeps_it_from_nothing() {
    meet_all(FAILING, Stopping, 300);
}

#[test]
fn a_phase_that_hangs_while_a_plugin_comes_up_is_given_up_and_its_library_closed_when_it_returns() {
    meet_all(HANGING, Loading, 50);
}

#[test]
fn a_phase_of_a_new_build_that_hangs_leaves_the_old_one_serving() {
    meet_all(HANGING, Arriving, 50);
}

#[test]
fn a_phase_that_hangs_in_what_leaves_retains_its_generation_and_no_other() {
    meet_all(HANGING, Leaving, 50);
}

#[test]
fn a_phase_that_hangs_while_a_plugin_is_stopped_delays_the_host_by_its_deadline_only() {
    meet_all(HANGING, Stopping, 50);
}
