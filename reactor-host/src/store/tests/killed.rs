//! A process that stores without pause is killed, again and again, at random moments.
//!
//! The process is this very test, started once more. What it does follows from a seed, so that it needs only tell how
//! far it was acknowledged.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::model::{BUILDS, Model, PLUGINS, change};
use super::*;

const THIS: &str = "store::tests::killed::a_kill_at_any_moment_loses_nothing_that_was_acknowledged";
const FOLDER: &str = "REACTOR_TEST_STORE_FOLDER";
const SEED: &str = "REACTOR_TEST_STORE_SEED";
/// How many changes can be made without being acknowledged.
const MOST_WAITING: u64 = 8;

/// The changes that are made in one step; they follow from the seed of the round.
fn step(dice: &mut Dice) -> Vec<Change> {
    let count = if dice.roll(4) == 0 { 1 + dice.roll(4) } else { 1 };
    (0..count).map(|_| change(dice.roll(9), dice.roll(PLUGINS), dice.roll(BUILDS))).collect()
}

/// Stores until it is killed, and says on its output how many steps are durable.
fn store_until_killed(folder: &Path, seed: u64) {
    let (store, opened) = Store::open(folder, &holder()).expect("the store opens");
    assert!(opened.dropped.is_empty(), "{opened:?}");
    let (mut dice, mut pace) = (Dice(seed), Dice(!seed));
    for done in 1_u64.. {
        let ticket = store.apply(step(&mut dice));
        match pace.roll(MOST_WAITING) {
            0 => store.flush().expect("it can be written"),
            1..4 => ticket.wait().expect("it can be written"),
            _ if done.is_multiple_of(MOST_WAITING) => ticket.wait().expect("it can be written"),
            _ => continue,
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "\ndurable {done}").and_then(|()| out.flush()).expect("somebody reads");
    }
}

/// Starts the process, kills it, and answers how many steps it had acknowledged.
fn kill_one(folder: &Path, seed: u64, dice: &mut Dice) -> u64 {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", THIS, "--nocapture", "--test-threads", "1"])
        .env(FOLDER, folder)
        .env(SEED, seed.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("it starts");
    let (tell, told) = mpsc::channel();
    let out = BufReader::new(child.stdout.take().expect("piped"));
    let reader = std::thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            let durable = line.strip_prefix("durable ").and_then(|count| count.parse::<u64>().ok());
            // What is torn by the kill says nothing; nobody listens at the end.
            durable.map(|count| tell.send(count));
        }
    });
    // Some are killed while they open the folder, the others while they store.
    let enough = if dice.roll(4) == 0 { 0 } else { 1 + dice.roll(40) };
    let mut acknowledged = 0;
    while acknowledged < enough {
        acknowledged = told.recv_timeout(Duration::from_mins(1)).expect("it goes on storing");
    }
    // And then at a moment between two acknowledgements.
    let moment = Duration::from_micros(dice.roll(if enough == 0 { 30_000 } else { 3_000 }));
    match told.recv_timeout(moment) {
        Ok(count) => acknowledged = count,
        Err(RecvTimeoutError::Timeout) => {}
        Err(RecvTimeoutError::Disconnected) => panic!("it ended by itself: {:?}", child.wait()),
    }
    child.kill().expect("it runs");
    child.wait().expect("it is dead");
    reader.join().expect("the reader ends with the pipe");
    told.try_iter().last().unwrap_or(acknowledged)
}

#[test]
fn a_kill_at_any_moment_loses_nothing_that_was_acknowledged() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let seed = std::env::var(SEED).expect("set beside the folder").parse().expect("a number");
        return store_until_killed(Path::new(&folder), seed);
    }
    let rounds = std::env::var("REACTOR_TEST_KILLS").ok().and_then(|text| text.parse().ok());
    let rounds: u64 = rounds.unwrap_or(100);
    let seed = seed();
    println!("REACTOR_TEST_SEED={seed}");
    let mut dice = Dice(seed);
    let mut folder = tempfile::tempdir().expect("a folder");
    let mut model = Model::default();
    let (mut steps, mut swept) = (0, 0);
    for round in 0..rounds {
        if round % 8 == 0 {
            // So that the making of a database is killed as well.
            folder = tempfile::tempdir().expect("a folder");
            model = Model::default();
        }
        let seed = dice.roll(u64::MAX);
        let acknowledged = kill_one(folder.path(), seed, &mut dice);
        let (store, opened) = Store::open(folder.path(), &holder()).expect("it opens after a kill");
        assert!(opened.dropped.is_empty(), "{opened:?}");
        swept += opened.swept.len();
        // What is there is what was there after some step, and no earlier one than the last acknowledged.
        let found = Model::of(&store);
        let mut replay = Dice(seed);
        let mut agrees = acknowledged == 0 && model == found;
        for done in 1..=acknowledged + 2 * MOST_WAITING {
            if agrees {
                break;
            }
            for change in step(&mut replay) {
                model.apply(change);
            }
            agrees = done >= acknowledged && model == found;
        }
        assert!(agrees, "round {round}: {acknowledged} steps were acknowledged; found {found:#?}");
        assert_eq!(library_files(folder.path()), found.library_files());
        steps += acknowledged;
    }
    println!("{rounds} kills, {steps} steps acknowledged, {swept} files swept");
}
