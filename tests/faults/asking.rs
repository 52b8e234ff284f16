//! What plugins ask of the host too often, too much, or too late.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reactor_host::{EventKind, PluginStatus, Value, Verdict, value};
use reactor_tests::{tell, wait};

use super::rounds;
use super::scene::{FAULTY, Scene, verdict};

#[test]
fn a_plugin_that_logs_without_end_costs_a_bounded_amount_and_hides_nobody_elses_events() {
    const MIB: u64 = 1 << 20;
    let scene = Scene::new();
    scene.mend("");
    let events = scene.host.events();
    scene.host.disable("dependant").expect("the host runs");
    // Two gigabytes, were they kept.
    scene.host.invoke(FAULTY, "log", &value!([2_000, (MIB), 0])).expect("it logs");
    scene.host.invoke(FAULTY, "log", &value!([100_000, 10, 0])).expect("it logs");
    scene.host.invoke(FAULTY, "log", &value!([1, 20, (MIB)])).expect("it logs");
    assert!(events.lost() > 0, "the oldest lines are dropped");
    let (mut lines, mut bytes, mut last) = (0, 0, None);
    while let Some(event) = events.try_next() {
        match event.kind {
            EventKind::Log { message, fields, .. } => {
                assert!(message.len() < 20_000, "a line is cut: {} bytes", message.len());
                (lines, bytes) = (lines + 1, bytes + message.len());
                last = Some((message, fields));
            }
            EventKind::Stopped { .. } => {
                assert!(tell::is_about(&event, "dependant") && lines == 0, "in order, and not pushed out");
            }
            _ => {}
        }
    }
    assert!(lines > 1_000 && bytes < 17 << 20, "{lines} lines of {bytes} bytes");
    let (message, fields) = last.expect("a line");
    assert_eq!(message, "x".repeat(20), "the newest is there");
    let left_out =
        fields.get("left-out").and_then(Value::as_str).expect("fields that are too long are left out");
    assert!(left_out.contains("bytes"), "{left_out}");
    scene.end();
}

#[test]
fn a_log_line_that_is_cut_says_how_long_it_was() {
    let scene = Scene::new();
    scene.mend("");
    let events = scene.host.events();
    scene.host.invoke(FAULTY, "log", &value!([1, 100_000, 0])).expect("it logs");
    let message = wait::event(&events, |event| match &event.kind {
        EventKind::Log { message, .. } => Some(message.clone()),
        _ => None,
    });
    assert!(
        message.starts_with("xxx") && message.ends_with("(cut: it was 100000 bytes long)"),
        "{}",
        message.len()
    );
    scene.end();
}

#[test]
fn a_plugin_that_asks_without_end_fills_a_bounded_queue_and_the_host_goes_on() {
    let scene = Scene::new();
    scene.mend("");
    let ask = |kind: &str, target: &str, times: u64| {
        let answer = scene.host.invoke(FAULTY, "ask", &value!([kind, target, (times)])).expect("it is asked");
        let Value::List(refused) = &answer else { panic!("{answer:?}") };
        refused.iter().filter_map(|code| code.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    // The same again takes no new place.
    let generation = scene.generation();
    assert_eq!(ask("swap", FAULTY, 20_000), [""; 0]);
    wait::until("it is swapped", || scene.generation() > generation);
    scene.host.rescan().expect("the host runs");
    // Far fewer than were asked for: those that came while one waited were that one.
    assert!(scene.generation() - generation < 5_000, "{} swaps", scene.generation() - generation);
    // Different things do, and some are refused when they come faster than they are carried out.
    let refused = ask("stop", "nobody-{n}", 50_000);
    assert!(refused.iter().all(|code| code == "RE0425"), "{refused:?}");
    assert!(!refused.is_empty(), "asking costs less than carrying out");
    assert!(
        scene.host.rescan().expect("the host runs").is_ok(),
        "an order of our own is carried out in its turn"
    );
    assert_eq!(ask("swap", FAULTY, 1), [""; 0], "there is room again");
    scene.end();
}

#[test]
fn a_plugin_that_asks_for_its_own_swap_in_every_start_is_swapped_on_and_on_and_keeps_nobody_from_his_turn() {
    let scene = Scene::new();
    let events = scene.host.events();
    scene.all_well(&scene.put("in = \"ask\"", ""));
    for _ in 0..rounds(50) {
        let mut unloaded = 0;
        wait::event(&events, |event| {
            if let EventKind::Retired { verdict, reasons, .. } = &event.kind {
                assert_eq!(*verdict, Verdict::Unloaded, "{reasons:?}");
                unloaded += 1;
            }
            (unloaded > 3).then_some(())
        });
        assert!(scene.host.rescan().expect("the host runs").is_ok());
    }
    scene.host.disable(FAULTY).expect("the host runs");
    scene.host.rescan().expect("the host runs");
    assert_eq!(tell::status(&scene.host, FAULTY), PluginStatus::Disabled, "who switches it off ends that");
    scene.end();
}

#[test]
fn a_thread_that_outlives_its_plugin_asks_in_vain_and_retains_its_library_until_it_ends() {
    let scene = Scene::new();
    for round in 0..rounds(50) {
        scene.mend("");
        let generation = scene.generation();
        let (until, told) = (scene.path(&format!("release-{round}")), scene.path(&format!("told-{round}")));
        let text = |path: &std::path::Path| path.to_str().expect("a path in UTF-8").to_owned();
        let (begin, end) = (text(&until), text(&told));
        scene.host.invoke(FAULTY, "outlive", &value!([(begin), (end)])).expect("the thread starts");
        let events = scene.host.events();
        scene.remove();
        let (verdict_now, reasons) = verdict(&events, Some(generation));
        assert_eq!(verdict_now, Verdict::Retained);
        assert!(reasons.iter().all(|reason| reason.contains("of its own still runs")), "{reasons:?}");
        // Beside it a new generation serves, and goes.
        let next = scene.mend("");
        scene.remove();
        assert_eq!(verdict(&events, Some(next)), (Verdict::Unloaded, Vec::new()));
        std::fs::write(&until, "").expect("the folder is writable");
        assert_eq!(verdict(&events, Some(generation)), (Verdict::Unloaded, Vec::new()));
        let answers = std::fs::read_to_string(&told).expect("it wrote what it was told");
        assert_eq!(answers, "RE0606 RE0606 RE0606 RE0606");
    }
    scene.end();
}

#[test]
fn a_task_or_a_thread_that_goes_wrong_leaves_its_plugin_running_and_its_library_closable() {
    let scene = Scene::new();
    // A thread's own panic with a payload that panics when it is dropped ends the process: std's word.
    let ways = [
        ("task", "error"),
        ("task", "panic"),
        ("task", "panic-with-bomb"),
        ("thread", "error"),
        ("thread", "panic"),
    ];
    let ways = ways.into_iter();
    for (place, how) in ways.cycle().take(rounds(600).max(5)) {
        let events = scene.host.events();
        scene.all_well(&scene.put(&format!("in = {place:?}\nhow = {how:?}"), ""));
        if place == "task" {
            let message = wait::event(&events, |event| match &event.kind {
                EventKind::Log { level: "error", message, .. } => Some(message.clone()),
                _ => None,
            });
            assert!(message.contains("`any-fault:faulty` failed"), "{message}");
        }
        scene.remove();
        let (mut found, mut reasons) = verdict(&events, None);
        if place == "thread" && found == Verdict::Retained {
            // It had not ended yet.
            (found, reasons) = verdict(&events, None);
        }
        assert_eq!((found, reasons), (Verdict::Unloaded, Vec::new()), "{place} {how}");
    }
    scene.end();
}

#[test]
fn a_task_deaf_to_cancellation_retains_its_generation_and_nothing_else() {
    let scene = Scene::new();
    for round in 0..rounds(30) {
        let release = scene.path(&format!("release-{round}"));
        let until = release.to_str().expect("a path in UTF-8");
        scene.all_well(&scene.put(&format!("in = \"task\"\nhow = \"hang\"\nuntil = {until:?}"), ""));
        let deaf = scene.generation();
        let events = scene.host.events();
        assert!(scene.mend("") > deaf, "the swap is not held up");
        let (found, reasons) = verdict(&events, Some(deaf));
        assert_eq!(found, Verdict::Retained);
        assert!(reasons.contains(&"task `faulty` has not ended".to_owned()), "{reasons:?}");
        std::fs::write(&release, "").expect("the folder is writable");
        assert_eq!(verdict(&events, Some(deaf)), (Verdict::Unloaded, Vec::new()));
        scene.remove();
    }
    scene.end();
}

#[test]
fn events_nobody_reads_keep_nobody_waiting() {
    let scene = Scene::new();
    scene.mend("");
    let (_unread, stop) = (scene.host.events(), Arc::new(AtomicBool::new(false)));
    let (handle, over) = (scene.host.plugin(FAULTY).expect("an id"), Arc::clone(&stop));
    let logging = std::thread::spawn(move || {
        while !over.load(Ordering::Relaxed) {
            handle.invoke("log", &value!([10, 100, 0])).expect("it logs");
        }
    });
    for _ in 0..rounds(100) {
        scene.mend("");
    }
    stop.store(true, Ordering::Relaxed);
    logging.join().expect("no call failed");
    scene.end();
}
