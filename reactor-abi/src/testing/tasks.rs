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

impl Tasks {
    /// The thread of a task, for joining it; once, and not before it is known. `Some(None)`: there is none to join.
    #[expect(clippy::option_option, reason = "not known yet, and none, are two things")]
    fn take(&mut self, number: u64) -> Option<Option<JoinHandle<()>>> {
        let Some(task) = self.running.get_mut(&number) else { return Some(None) };
        match std::mem::replace(&mut task.thread, Thread::Taken) {
            Thread::Known(thread) => Some(Some(thread)),
            Thread::Taken => Some(None),
            Thread::Starting => {
                task.thread = Thread::Starting;
                None
            }
        }
    }
}

struct Running {
    generation: u64,
    cancelled: bool,
    /// It sleeps by the clock that the test moves, or has ended.
    rests: bool,
    thread: Thread,
}

/// What a task runs on.
enum Thread {
    /// It may run already, but whoever spawns it has not told yet.
    Starting,
    Known(JoinHandle<()>),
    /// Somebody joins it.
    Taken,
}

impl Seat {
    pub(crate) fn spawn(&'static self, name: &str, body: Body) -> Result<u64> {
        let world = self.world()?;
        if !self.started.load(Ordering::Acquire) {
            return Err(Error::new(code::NO_TASK, format!("{} spawns `{name}` before `start`", self.plugin)));
        }
        let number = world.change(|inner| {
            inner.tasks.last += 1;
            let task = Running {
                generation: self.generation,
                cancelled: false,
                rests: false,
                thread: Thread::Starting,
            };
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
        });
        world.change(|inner| match thread {
            Ok(thread) => {
                if let Some(task) = inner.tasks.running.get_mut(&number) {
                    task.thread = Thread::Known(thread);
                }
                Ok(number)
            }
            Err(error) => {
                inner.tasks.running.remove(&number);
                Err(error.into())
            }
        })
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
            if let Some(thread) = self.wait(|inner| inner.tasks.take(number)) {
                // What a task panics of is logged where it runs.
                let _ = thread.join();
            }
            self.change(|inner| inner.tasks.running.remove(&number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_of_a_task_is_waited_for_until_it_is_known_and_joined_once() {
        let mut tasks = Tasks::default();
        assert!(matches!(tasks.take(1), Some(None)), "no such task");
        let task = Running { generation: 1, cancelled: false, rests: false, thread: Thread::Starting };
        tasks.running.insert(1, task);
        for _ in 0..2 {
            assert!(tasks.take(1).is_none(), "not known yet");
        }
        tasks.running.get_mut(&1).expect("there").thread = Thread::Known(std::thread::spawn(|| {}));
        tasks.take(1).expect("known").expect("not taken").join().expect("no panic");
        assert!(matches!(tasks.take(1), Some(None)), "taken");
    }
}
