//! A library that is torn at while it is called.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use reactor_host::{Host, OutcomeStatus, PluginInfo, Value};
use reactor_tests::folder::Folder;
use reactor_tests::{corpus, wait};

use super::poison::number;

fn which(host: &Host) -> (u64, u64) {
    let answer = host.invoke("answer", "which", &Value::Null);
    answer.expect("it is called all the time, and always there").read().expect("build and generation")
}

/// Waits for a point in time; only the attack has a pace, nothing is concluded from it.
fn until(at: Instant) {
    while let Some(left) = at.checked_duration_since(Instant::now()) {
        thread::park_timeout(left);
    }
}

#[test]
fn two_hundred_attacks_a_second_on_a_file_end_with_its_last_complete_version_serving() {
    const EACH: Duration = Duration::from_millis(5);
    let (one, two) = (corpus::bytes("answer-one"), corpus::bytes("answer-two"));
    let folder = Folder::new();
    let path = folder.put("libanswer.so", &one);
    let host = reactor_tests::host(folder.path());
    assert!(host.start().expect("the host starts").is_ok());
    let _watch = host.watch().expect("the folder is followed");
    let over = AtomicBool::new(false);
    let calls = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut newest = 0;
            while !over.load(Ordering::Relaxed) {
                let (build, generation) = which(&host);
                assert!([1, 2].contains(&build), "build {build}");
                assert!(generation >= newest, "generation {generation} after {newest}");
                newest = generation;
                calls.fetch_add(1, Ordering::Relaxed);
            }
        });
        let start = Instant::now();
        for round in 0..u32::try_from(number("REACTOR_TEST_ROUNDS", 1_000)).expect("small") {
            let bytes = if round % 2 == 0 { &one } else { &two };
            let is_folder = path.is_dir();
            match round % 7 {
                0 | 4 if !is_folder => std::fs::write(&path, bytes).expect("written in place"),
                1 if !is_folder => std::fs::write(&path, &bytes[..bytes.len() / 3]).expect("cut in place"),
                2 if !is_folder => std::fs::remove_file(&path).expect("removed"),
                5 if !is_folder => {
                    std::fs::remove_file(&path).expect("removed");
                    std::fs::create_dir(&path).expect("a folder of its name");
                }
                _ => {
                    if is_folder {
                        std::fs::remove_dir(&path).expect("removed");
                    }
                    folder.put("libanswer.so", bytes);
                }
            }
            until(start + EACH * round);
        }
        if path.is_dir() {
            std::fs::remove_dir(&path).expect("removed");
        }
        folder.put("libanswer.so", &two);
        wait::until("the last complete version serves", || which(&host).0 == 2);
        over.store(true, Ordering::Relaxed);
    });
    let hash = reactor_host::discover::ContentHash::of(&two).to_string();
    let is_it = |info: &PluginInfo| info.hash.as_deref() == Some(&hash) && info.refused_build.is_none();
    wait::until("the list says so", || host.list().iter().all(is_it));
    assert!(calls.load(Ordering::Relaxed) > 0);
}

/// Real loads. That reading, hashing and the private copy agree, a hundred thousand times over, is tested where they
/// are: reactor-host `discover::tests::agree`.
#[test]
fn what_runs_against_a_renaming_writer_is_the_build_that_was_hashed() {
    let versions = [corpus::bytes("answer-one"), corpus::bytes("answer-two")];
    let hashes =
        [1, 2].map(|build: usize| reactor_host::discover::ContentHash::of(&versions[build - 1]).to_string());
    let folder = Folder::new();
    folder.put("libanswer.so", &versions[0]);
    let host = reactor_tests::host(folder.path());
    assert!(host.start().expect("the host starts").is_ok());
    let over = AtomicBool::new(false);
    let mut loads = [0_u64; 2];
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                for bytes in &versions {
                    folder.put("libanswer.so", bytes);
                }
            }
        });
        for _ in 0..number("REACTOR_TEST_ROUNDS", 2_000) {
            let report = host.swap("answer").expect("the host runs");
            match report.get("answer").map(|outcome| &outcome.status) {
                Some(OutcomeStatus::Swapped { .. }) => {}
                Some(OutcomeStatus::Failed { code, .. }) if code == "RE0148" => continue,
                other => panic!("neither swapped nor refused as changing: {other:?}"),
            }
            let build = which(&host).0;
            let listed = host.list().remove(0).hash;
            let index = usize::try_from(build - 1).expect("small");
            assert_eq!(listed.as_deref(), Some(hashes[index].as_str()), "build {build} runs");
            loads[index] += 1;
        }
        over.store(true, Ordering::Relaxed);
    });
    println!("loads of either build: {loads:?}");
    assert!(loads.iter().all(|loads| *loads > 0), "the writer and the loader never met: {loads:?}");
}
