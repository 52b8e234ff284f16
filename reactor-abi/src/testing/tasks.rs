//! Tasks on a bench: threads that are cancelled and joined.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use super::code;
use super::world::{Seat, World};
use crate::error::{Error, Result};
use crate::ffi::stand_in::Body;
use crate::log::Level;
use crate::value::Value;

/// The tasks of a world.
#[derive(Default)]
pub(super) struct Tasks {
    last: u64,
    running: BTreeMap<u64, Running>,
}

struct Running {
    generation: u64,
    cancelled: bool,
    /// It sleeps by the clock that the test moves, or has ended.
    rests: bool,
    thread: Option<JoinHandle<()>>,
}

impl Seat {
    pub(crate) fn spawn(&'static self, name: &str, body: Body) -> Result<u64> {
        let world = self.world()?;
        if !self.started.load(Ordering::Acquire) {
            return Err(Error::new(code::NO_TASK, format!("{} spawns `{name}` before `start`", self.plugin)));
        }
        let number = world.change(|inner| {
            inner.tasks.last += 1;
            let task = Running { generation: self.generation, cancelled: false, rests: false, thread: None };
            inner.tasks.running.insert(inner.tasks.last, task);
            inner.tasks.last
        });
        let label = name.to_owned();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            if let Err(error) = body.run(number) {
                let fields =
                    vec![("task".to_owned(), Value::from(label)), ("code".to_owned(), error.code().into())];
                self.log(Level::Error, &error.to_string(), fields);
            }
            self.rest(number, true);
        })?;
        world.change(|inner| {
            if let Some(task) = inner.tasks.running.get_mut(&number) {
                task.thread = Some(thread);
            }
        });
        Ok(number)
    }

    /// By the clock that the test moves.
    pub(crate) fn wait_cancelled(&self, task: u64, nanoseconds: u64) -> bool {
        let Some(world) = self.world.upgrade() else { return true };
        // In one step, or the clock might be moved in between.
        let until = world.change(|inner| {
            if let Some(task) = inner.tasks.running.get_mut(&task) {
                task.rests = nanoseconds > 0;
            }
            inner.monotonic + Duration::from_nanos(nanoseconds)
        });
        let cancelled = world.wait(|inner| match inner.tasks.running.get(&task) {
            Some(Running { cancelled: false, .. }) => (inner.monotonic >= until).then_some(false),
            _ => Some(true),
        });
        self.rest(task, false);
        cancelled
    }

    fn rest(&self, task: u64, rests: bool) {
        if let Some(world) = self.world.upgrade() {
            world.change(|inner| {
                if let Some(task) = inner.tasks.running.get_mut(&task) {
                    task.rests = rests;
                }
            });
        }
    }

    pub(crate) fn cancel(&self, task: u64) {
        if let Some(world) = self.world.upgrade() {
            world.change(|inner| {
                if let Some(task) = inner.tasks.running.get_mut(&task) {
                    task.cancelled = true;
                }
            });
        }
    }
}

/// How long tasks are waited for that neither sleep nor end.
const PATIENCE: Duration = Duration::from_secs(1);

impl World {
    /// Waits until every task sleeps or has ended, so that a moved clock is seen by all; not for long, since one may be
    /// busy with something else.
    pub(super) fn settle(&self) {
        self.wait_at_most(PATIENCE, |inner| {
            inner.tasks.running.values().all(|task| task.rests).then_some(())
        });
    }

    /// Cancels the tasks of a generation, and waits for each to end.
    pub(super) fn end_tasks(&self, generation: u64) {
        loop {
            let next = self.change(|inner| {
                let tasks = inner.tasks.running.iter_mut().filter(|(_, task)| task.generation == generation);
                let mut threads = None;
                for (number, task) in tasks {
                    task.cancelled = true;
                    threads = Some(*number);
                }
                threads
            });
            let Some(number) = next else { return };
            // Known as soon as whoever spawns it has told.
            let thread =
                self.wait(|inner| inner.tasks.running.get_mut(&number).map(|task| task.thread.take()));
            if let Some(thread) = thread {
                // What a task panics of is logged where it runs.
                let _ = thread.join();
            }
            self.change(|inner| inner.tasks.running.remove(&number));
        }
    }
}
