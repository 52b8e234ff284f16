//! Calls that go wrong, never end, call back or answer too much.

use std::path::PathBuf;

use reactor_host::{EventKind, Host, Subscription, Value, Verdict, value};
use reactor_tests::puppet::Script;
use reactor_tests::{corpus, folder::Folder, tell, trusted, wait};

use super::rounds;
use super::scene::{FAULTY, Scene, verdict};

const STATELESS: &str = "";

/// A call that hangs until a file is there, on a thread of its own.
struct Endless {
    call: std::thread::JoinHandle<Result<Value, reactor_host::Error>>,
    release: PathBuf,
}

impl Endless {
    /// Begins one, and waits until it is inside.
    fn begin(scene: &Scene, round: usize) -> Self {
        let release = scene.path(&format!("release-{round}"));
        let until = release.to_str().expect("a path in UTF-8").to_owned();
        let begun = scene.path(&format!("release-{round}-begun"));
        let handle = scene.host.plugin(FAULTY).expect("an id");
        let call = std::thread::spawn(move || handle.invoke("fault", &value!(["hang-and-tell", (until)])));
        wait::until("the call is inside", || begun.exists());
        std::fs::remove_file(begun).expect("it is there");
        Self { call, release }
    }

    fn end(self) {
        std::fs::write(&self.release, "").expect("the folder is writable");
        assert_eq!(self.call.join().expect("no panic"), Ok(Value::Null), "it comes to its own end");
        std::fs::remove_file(&self.release).expect("it was just written");
    }
}

/// Waits for the verdict that a call is inside a generation.
#[track_caller]
fn retained(events: &Subscription, generation: u64) {
    assert_eq!(verdict(events, Some(generation)), (Verdict::Retained, vec!["1 call is inside".to_owned()]));
}

#[test]
fn a_call_that_errors_or_panics_is_an_error_to_its_caller_and_the_plugin_goes_on() {
    let scene = Scene::new();
    scene.mend(STATELESS);
    let expected = [("error", "acme.broken"), ("panic", "RE0603"), ("panic-with-bomb", "RE0603")];
    for (how, expected) in expected.into_iter().cycle().take(rounds(2_000)) {
        let (code, message) = tell::error(scene.host.invoke(FAULTY, "fault", &value!([how, ""])));
        assert_eq!(code, expected, "{message}");
        let through = value!([FAULTY, "total"]);
        assert!(scene.host.invoke("dependant", "call", &through).is_ok());
    }
    let events = scene.host.events();
    scene.remove();
    assert_eq!(verdict(&events, None), (Verdict::Unloaded, Vec::new()));
    scene.end();
}

#[test]
fn a_health_check_that_errors_or_panics_is_an_answer() {
    let scene = Scene::new();
    let expected = [("error", "acme.broken"), ("panic", "RE0603"), ("panic-with-bomb", "RE0603")];
    for (how, expected) in expected {
        let report = scene.put(&format!("in = \"health\"\nhow = {how:?}"), STATELESS);
        let handle = scene.host.plugin(FAULTY).expect("an id");
        // Whoever asks is told: the host, where a new build must be well to go on serving, or the caller.
        let code =
            if report.is_ok() { tell::error(handle.health()).0 } else { tell::failure(&report, FAULTY).0 };
        assert_eq!(code, expected, "{report:#?}");
        scene.mend(STATELESS);
        assert_eq!(handle.health(), Ok(()));
    }
    scene.end();
}

#[test]
fn an_endless_call_does_not_hold_up_a_swap_without_state_and_retains_its_generation_only() {
    let scene = Scene::new();
    for round in 0..rounds(60) {
        let old = scene.mend(STATELESS);
        let (events, by_old) = (scene.host.events(), scene.host.events());
        let endless = Endless::begin(&scene, round);
        let next = scene.mend(STATELESS);
        let last = scene.mend(STATELESS);
        assert!(old < next && next < last);
        assert_eq!(verdict(&events, Some(next)), (Verdict::Unloaded, Vec::new()), "it waits for nobody");
        // It hangs in the old generation until its stop-deadline has passed, and longer.
        retained(&by_old, old);
        endless.end();
        assert_eq!(verdict(&by_old, Some(old)), (Verdict::Unloaded, Vec::new()));
        scene.remove();
    }
    scene.end();
}

#[test]
fn an_endless_call_keeps_a_state_where_it_is_and_the_swap_is_done_once_it_has_ended() {
    let scene = Scene::new();
    let state = "[state]\nschema = 1\npause-deadline = \"5ms\"";
    for round in 0..rounds(20) {
        let old = scene.mend(state);
        let add = || scene.host.invoke(FAULTY, "add", &Value::Null).expect("it serves").as_u64();
        let endless = Endless::begin(&scene, round);
        assert_eq!(add(), Some(1));
        let events = scene.host.events();
        let (code, message, serving) = tell::failure(&scene.put("", state), FAULTY);
        assert_eq!((code.as_str(), serving), ("RE0503", Some(old)), "{message}");
        let (phase, code, _) = tell::failed_phase(&events, FAULTY);
        assert_eq!((phase.as_str(), code.as_str()), ("handoff", "RE0503"));
        assert_eq!(add(), Some(2), "calls go on, and nothing is lost");
        endless.end();
        assert!(scene.mend(state) > old);
        assert_eq!(add(), Some(3));
        scene.remove();
    }
    scene.end();
}

/// A puppet that calls deeper, as the faulty one does.
fn deep(id: &str) -> Script {
    Script::new(id).answer(|cue| {
        if cue.action != "deep" {
            return Ok(Value::Null);
        }
        let (mut plugins, levels): (Vec<String>, u64) = cue.value.read()?;
        if levels == 0 {
            return Ok(0.into());
        }
        plugins.rotate_left(1);
        let next = plugins.last().cloned().unwrap_or_default();
        let rest: Vec<_> = plugins.iter().map(String::as_str).collect();
        let below: u64 = cue.services.peer(&next)?.invoke("deep", &value!([(rest), (levels - 1)]))?.read()?;
        Ok((below + 1).into())
    })
}

#[test]
fn plugins_call_themselves_and_each_other_a_thousand_levels_deep() {
    const LEVELS: u64 = 1_000;
    let folder = Folder::new();
    folder.put("libany_fault.so", &corpus::bytes(FAULTY));
    let builder = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder.path());
    let (first, second) =
        (deep("other").build(), deep("stately").state(1, "pause-deadline = \"20s\"").build());
    let host = trusted(builder).plugin(first.0, first.1).plugin(second.0, second.1).build().expect("a host");
    assert!(host.start().expect("the host starts").is_ok());
    let events = host.events();
    let circles: [&[&str]; 4] =
        [&[FAULTY], &[FAULTY, "other"], &["other", FAULTY, "stately"], &["stately", FAULTY, FAULTY]];
    // The stack is the caller's: as large as it chooses.
    std::thread::scope(|scope| {
        for circle in circles {
            let host = &host;
            let call = move || host.invoke(FAULTY, "deep", &value!([(circle.to_vec()), LEVELS]));
            let big = std::thread::Builder::new().stack_size(256 << 20);
            let called = big.spawn_scoped(scope, call).expect("a thread");
            assert_eq!(called.join().expect("no panic"), Ok(LEVELS.into()), "{circle:?}");
        }
    });
    for plugin in ["stately", "other", FAULTY] {
        assert!(tell::swapped(&host.swap(plugin).expect("the host runs"), plugin), "nobody is left inside");
    }
    let unloaded = wait::event(&events, |event| match &event.kind {
        EventKind::Retired { verdict, reasons, .. } if tell::is_about(event, FAULTY) => {
            Some((*verdict, reasons.clone()))
        }
        _ => None,
    });
    assert_eq!(unloaded, (Verdict::Unloaded, Vec::new()));
}

#[test]
fn an_answer_of_64_mib_comes_back_whole() {
    let scene = Scene::new();
    scene.mend(STATELESS);
    let answer = scene.host.invoke(FAULTY, "answer", &Value::from(64_u64 << 20)).expect("it serves");
    assert!(
        matches!(&answer, Value::Bytes(bytes) if bytes.len() == 64 << 20 && bytes.iter().all(|byte| *byte == 7))
    );
    scene.end();
}
