//! State that can not be read, lies or is huge.

use reactor_host::{EventKind, Value, Verdict, value};
use reactor_tests::{tell, wait};

use super::rounds;
use super::scene::{FAULTY, Scene, verdict};

const PAUSE: &str = "[state]\nschema = 1\npause-deadline = \"5s\"";

fn add(scene: &Scene) -> u64 {
    let answer = scene.host.invoke(FAULTY, "add", &Value::Null).expect("it serves");
    answer.as_u64().expect("a number")
}

#[test]
fn a_state_that_lies_about_its_schema_is_refused_and_its_owner_goes_on_with_it() {
    let scene = Scene::new();
    for _ in 0..rounds(200) {
        scene.all_well(&scene.put("schema = 7", PAUSE));
        let liar = scene.generation();
        assert_eq!(add(&scene), 1);
        let events = scene.host.events();
        let (code, message, serving) = tell::failure(&scene.put("", PAUSE), FAULTY);
        assert_eq!((code.as_str(), serving), ("RE0510", Some(liar)), "{message}");
        assert!(message.contains("schema 7") && message.contains("says 1"), "{message}");
        assert_eq!(tell::failed_phase(&events, FAULTY).0, "save");
        assert_eq!(verdict(&events, None), (Verdict::Unloaded, Vec::new()), "the new build is closed");
        assert_eq!(add(&scene), 2, "nothing is lost");
        scene.remove();
        assert_eq!(verdict(&events, Some(liar)), (Verdict::Unloaded, Vec::new()));
    }
    scene.end();
}

#[test]
fn a_state_of_a_schema_that_the_new_build_does_not_read_is_refused_before_it_runs() {
    let scene = Scene::new();
    scene.mend(PAUSE);
    let old = scene.generation();
    assert_eq!(add(&scene), 1);
    for (tables, expected) in [("[state]\nschema = 2", "RE0502"), ("", "RE0501")] {
        let (code, message, serving) =
            tell::failure(&scene.put("in = \"init\"\nhow = \"panic\"", tables), FAULTY);
        assert_eq!((code.as_str(), serving), (expected, Some(old)), "{message}");
    }
    assert_eq!(add(&scene), 2);
    scene.end();
}

#[test]
fn a_state_of_64_mib_is_handed_over_whole_and_one_that_takes_too_long_stays_where_it_is() {
    const PADDING: u64 = 64 << 20;
    let config = format!("padding = {PADDING}");
    let scene = Scene::new();
    scene.all_well(&scene.put(&config, PAUSE));
    for round in 1..=2 {
        assert_eq!(add(&scene), round);
        let report = scene.put("", PAUSE);
        scene.all_well(&report);
        assert!(tell::swapped(&report, FAULTY), "{report:#?}");
    }
    // In a millisecond it can not be copied even once.
    let short = "[state]\nschema = 1\npause-deadline = \"1ms\"";
    scene.put("", short);
    let serving = scene.generation();
    let events = scene.host.events();
    let report = scene.put("", short);
    let (code, message, still) = tell::failure(&report, FAULTY);
    assert_eq!((code.as_str(), still), ("RE0420", Some(serving)), "{message}");
    wait::event(&events, |event| {
        let given_up = matches!(&event.kind, EventKind::Failed { code, .. } if code == "RE0420");
        (given_up && tell::is_about(event, FAULTY)).then_some(())
    });
    assert_eq!(add(&scene), 3, "the state is where it was");
    assert_eq!(scene.host.invoke(FAULTY, "echo", &value!(1)).expect("it serves"), value!(1));
    scene.end();
}

#[test]
fn a_generation_whose_resume_fails_goes_on_answering() {
    let scene = Scene::new();
    for how in ["error", "panic", "panic-with-bomb"].into_iter().cycle().take(rounds(120).max(3)) {
        scene.all_well(&scene.put(&format!("in = \"resume\"\nhow = {how:?}"), PAUSE));
        let old = scene.generation();
        assert_eq!(add(&scene), 1);
        let events = scene.host.events();
        let (code, message, serving) =
            tell::failure(&scene.put("in = \"start\"\nhow = \"error\"", PAUSE), FAULTY);
        assert_eq!((code.as_str(), serving), ("acme.broken", Some(old)), "{message}");
        let expected = if how == "error" { "acme.broken" } else { "RE0603" };
        let told = wait::event(&events, |event| match &event.kind {
            EventKind::Failed { phase, code, .. } if phase == "resume" => {
                Some((event.generation, code.clone()))
            }
            _ => None,
        });
        assert_eq!(told, (Some(old), expected.to_owned()));
        assert_eq!(add(&scene), 2);
        scene.mend(PAUSE);
        assert_eq!(verdict(&events, Some(old)), (Verdict::Unloaded, Vec::new()));
        scene.remove();
    }
    scene.end();
}
