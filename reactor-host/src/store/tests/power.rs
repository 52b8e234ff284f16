//! The power fails: of what was written and not synchronised, each sector may be there or not.

use std::fs;
use std::io;
use std::sync::{Mutex, MutexGuard};

use redb::{BackendError, StorageBackend};

use super::model::{BUILDS, Model, PLUGINS, change};
use super::*;

const SECTOR: usize = 512;

/// A disk with a cache that is lost with the power.
#[derive(Debug, Default)]
struct Platter {
    /// What is safe.
    safe: Vec<u8>,
    /// What a reader sees.
    seen: Vec<u8>,
    /// What was written since: a length, or bytes at an offset.
    cached: Vec<Cached>,
    /// How many writes there are until the power fails.
    left: u64,
    dice: u64,
}

#[derive(Debug)]
enum Cached {
    Length(usize),
    Bytes(usize, Vec<u8>),
}

fn apply(bytes: &mut Vec<u8>, cached: &Cached) {
    match cached {
        Cached::Length(length) => bytes.resize(*length, 0),
        Cached::Bytes(at, data) => {
            bytes.resize(bytes.len().max(at + data.len()), 0);
            bytes[*at..at + data.len()].copy_from_slice(data);
        }
    }
}

impl Platter {
    /// Counts a write; the power may fail just before it.
    fn powered(&mut self) -> io::Result<()> {
        if self.left == 0 {
            return Err(io::Error::other("there is no power"));
        }
        self.left -= 1;
        if self.left > 0 {
            return Ok(());
        }
        let mut dice = Dice(self.dice);
        for cached in std::mem::take(&mut self.cached) {
            match cached {
                Cached::Length(_) if dice.roll(2) == 0 => {}
                Cached::Bytes(at, data) => {
                    for (number, sector) in data.chunks(SECTOR).enumerate() {
                        if dice.roll(2) == 0 {
                            apply(&mut self.safe, &Cached::Bytes(at + number * SECTOR, sector.to_vec()));
                        }
                    }
                }
                length @ Cached::Length(_) => apply(&mut self.safe, &length),
            }
        }
        Err(io::Error::other("the power fails"))
    }
}

#[derive(Clone, Debug, Default)]
struct Drive(Arc<Mutex<Platter>>);

impl Drive {
    fn lock(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().expect("nobody panics here")
    }

    fn cache(&self, cached: Cached) -> io::Result<()> {
        let mut platter = self.lock();
        platter.powered()?;
        apply(&mut platter.seen, &cached);
        platter.cached.push(cached);
        Ok(())
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number).expect("a small file")
}

impl StorageBackend for Drive {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().seen.len() as u64)
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let from = place(offset);
        out.copy_from_slice(&self.lock().seen[from..from + out.len()]);
        Ok(())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.cache(Cached::Length(place(len)))
    }
    fn sync_data(&self) -> io::Result<()> {
        let mut platter = self.lock();
        platter.powered()?;
        platter.safe = platter.seen.clone();
        platter.cached.clear();
        Ok(())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.cache(Cached::Bytes(place(offset), data.to_vec()))
    }
    fn try_lock_range(&self, _: std::ops::Bound<u64>, _: std::ops::Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }
    fn unlock_range(&self, _: std::ops::Bound<u64>, _: std::ops::Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
}

#[test]
fn a_power_failure_at_any_write_loses_nothing_that_was_acknowledged() {
    let seed = seed();
    println!("REACTOR_TEST_SEED={seed}");
    let mut dice = Dice(seed);
    let folder = tempfile::tempdir().expect("a folder");
    drop(open(folder.path()));
    let drive = Drive::default();
    drive.lock().safe = fs::read(folder.path().join("store.redb")).expect("it is there");
    let through = |drive: &Drive| -> database::Opener {
        let drive = drive.clone();
        Arc::new(move |builder, _| builder.create_with_backend(drive.clone()))
    };
    let mut model = Model::default();
    let (mut steps, mut cut_while_opening) = (0, 0);
    for round in 0..200 {
        {
            let mut platter = drive.lock();
            platter.seen = platter.safe.clone();
            platter.cached.clear();
            platter.left = 1 + dice.roll(60);
            platter.dice = dice.roll(u64::MAX);
        }
        let mut possible = vec![model.clone()];
        match Store::open_with(folder.path(), &holder(), through(&drive)) {
            Err(_) => cut_while_opening += 1,
            Ok((store, _)) => {
                for _ in 0..200 {
                    let change = change(dice.roll(9), dice.roll(PLUGINS), dice.roll(BUILDS));
                    let waits = dice.roll(2) == 0;
                    model.apply(change.clone());
                    possible.push(model.clone());
                    let ticket = store.apply(vec![change]);
                    if waits {
                        if ticket.wait().is_err() {
                            break;
                        }
                        steps += 1;
                        // Nothing before this one may come back.
                        possible.drain(..possible.len() - 1);
                    }
                }
            }
        }
        {
            let mut platter = drive.lock();
            assert_eq!(platter.left, 0, "round {round}: the power failed");
            platter.seen = platter.safe.clone();
            platter.left = u64::MAX;
        }
        let (store, opened) = Store::open_with(folder.path(), &holder(), through(&drive))
            .expect("it opens when the power is back");
        assert!(opened.dropped.is_empty(), "round {round}: {opened:?}");
        let found = Model::of(&store);
        assert!(possible.contains(&found), "round {round}: {found:#?} is none of {possible:#?}");
        model = found;
        store.close().expect("there is power");
        let mut platter = drive.lock();
        platter.safe = platter.seen.clone();
    }
    assert!(
        steps > 100 && cut_while_opening > 5,
        "{steps} steps, cut {cut_while_opening} times while opening"
    );
}
