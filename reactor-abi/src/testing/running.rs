//! A plugin on the bench, from `start` to `stop`.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::bench::{About, Bench};
use super::code;
use super::world::{LogLine, Seat, World};
use crate::context::Birth;
use crate::error::{Error, Result};
use crate::ffi::stand_in::{self, Instance};
use crate::ffi::{Op, RequestKind};
use crate::interface::{self, Interface, ProvidedAs, Schema, Sender, Stream};
use crate::plugin::Plugin;
use crate::state::State;
use crate::value::Value;

/// A plugin that runs on a bench. Dropped, it is stopped.
pub struct Running<P> {
    about: About,
    world: Arc<World>,
    /// Nothing after it has stopped.
    generation: Option<Generation>,
    last: u64,
    /// Who asks where the test itself calls.
    test: &'static Seat,
    plugin: PhantomData<fn() -> P>,
}

struct Generation {
    seat: &'static Seat,
    instance: Instance,
    output: Value,
}

impl<P: Plugin> Running<P> {
    pub(super) fn start(bench: Bench<P>) -> Result<Self> {
        let test = Seat::new(&bench.world, "application", 0);
        let Bench { about, world, .. } = bench;
        let mut running = Self { about, world, generation: None, last: 0, test, plugin: PhantomData };
        let generation = running.bring_up()?;
        running.begin(generation)?;
        Ok(running)
    }

    /// A new generation, up to `after_registration`.
    fn bring_up(&mut self) -> Result<Generation> {
        self.last += 1;
        let About { id, version, config, plugin_dir, state_schema } = self.about.clone();
        let seat = Seat::new(&self.world, &id, self.last);
        let birth = Birth { id, version, generation: self.last, plugin_dir, config, state_schema };
        let made = Instance::create::<P>(seat, &birth).and_then(|instance| {
            let output = Value::decode(&instance.call(Op::Build, "", &[])?)?;
            seat.registers.store(true, Ordering::Release);
            let registered = instance.call(Op::Register, "", &[]);
            seat.registers.store(false, Ordering::Release);
            let made = registered.and_then(|_| instance.call(Op::AfterRegistration, "", &[]));
            if made.is_err() {
                // Before the instance goes, and its objects with it.
                self.world.withdraw(self.last);
            }
            made.map(|_| Generation { seat, instance, output })
        });
        if made.is_err() {
            seat.stopped.store(true, Ordering::Release);
        }
        made
    }

    /// Its `start`.
    fn begin(&mut self, generation: Generation) -> Result<()> {
        generation.seat.started.store(true, Ordering::Release);
        let started = generation.instance.call(Op::Start, "", &[]);
        match started {
            Ok(_) => self.generation = Some(generation),
            Err(_) => self.retire(generation),
        }
        started.map(drop)
    }

    /// Ends a generation without another word to it.
    fn retire(&self, generation: Generation) {
        let Generation { seat, instance, .. } = generation;
        self.quieten(seat);
        self.world.withdraw(seat.generation);
        seat.stopped.store(true, Ordering::Release);
        drop(instance);
    }

    fn quieten(&self, seat: &Seat) {
        seat.started.store(false, Ordering::Release);
        self.world.end_tasks(seat.generation);
        self.world.end_streams(seat.generation);
    }

    fn serving(&self) -> Result<&Generation> {
        self.generation
            .as_ref()
            .ok_or_else(|| Error::new(code::ENDED, format!("{} has been stopped", self.about.id)))
    }

    fn run(&self, op: Op) -> Result<()> {
        self.serving()?.instance.call(op, "", &[]).map(drop)
    }

    /// Runs an action.
    ///
    /// # Errors
    ///
    /// The plugin's own; or its panic, `RE0603`.
    pub fn invoke(&self, action: &str, value: impl Into<Value>) -> Result<Value> {
        let input = value.into().encode()?;
        Ok(Value::decode(&self.serving()?.instance.call(Op::Invoke, action, &input)?)?)
    }

    /// What its `build` made.
    ///
    /// # Errors
    ///
    /// It has been stopped.
    pub fn output(&self) -> Result<Value> {
        Ok(self.serving()?.output.clone())
    }

    /// A handle to an interface that it, or the test, provides; of any version.
    ///
    /// # Errors
    ///
    /// It does not fit.
    pub fn interface<I: Interface + ?Sized>(&self) -> Result<I::Handle> {
        interface::import::<I>(stand_in::client(self.test), "*", None)
    }

    /// Provides an interface from now on, in the name of the application.
    ///
    /// # Errors
    ///
    /// It is provided already.
    pub fn provide<I: Interface + ?Sized>(&self, provider: impl ProvidedAs<I>) -> Result<()> {
        stand_in::offered(&self.world, "application", interface::offer::<I>(provider))
    }

    /// Opens a stream, for a provider of the test's own to return.
    ///
    /// # Errors
    ///
    /// None that can come.
    pub fn stream<T: Schema>(&self, capacity: usize) -> Result<(Sender<T>, Stream<T>)> {
        interface::stream(stand_in::client(self.test), capacity)
    }

    /// What it saves.
    ///
    /// # Errors
    ///
    /// Of its `save`.
    pub fn save(&self) -> Result<State> {
        Ok(postcard::from_bytes(&self.serving()?.instance.call(Op::Save, "", &[])?)?)
    }

    /// Swaps the plugin for a new generation of itself, as a host does for a plugin whose state is handed over: the old
    /// one goes on until the new one has registered, is suspended and saves; the new one restores and starts; handles lead
    /// to it.
    ///
    /// # Errors
    ///
    /// Of the phase that failed. Up to the hand-over the old generation serves again then; after it nobody does.
    pub fn swap(&mut self) -> Result<()> {
        self.swap_with(None)
    }

    /// As [`swap`](Self::swap), as if the old generation had saved `state`: one of an older build, for instance.
    ///
    /// # Errors
    ///
    /// As [`swap`](Self::swap).
    pub fn swap_from(&mut self, state: &State) -> Result<()> {
        self.swap_with(Some(state))
    }

    fn swap_with(&mut self, state: Option<&State>) -> Result<()> {
        self.serving()?;
        let new = self.bring_up()?;
        let handed = self.hand_over(&new, state);
        if let Err(error) = handed {
            self.retire(new);
            self.resume()?;
            return Err(error);
        }
        if let Some(old) = self.generation.take() {
            let stopped = old.instance.call(Op::Stop, "", &[]);
            self.retire(old);
            stopped?;
        }
        self.begin(new)
    }

    fn hand_over(&self, new: &Generation, state: Option<&State>) -> Result<()> {
        let old = self.serving()?;
        self.quieten(old.seat);
        old.instance.call(Op::Suspend, "", &[])?;
        let state = match state {
            Some(state) => postcard::to_stdvec(state)?,
            None if self.about.state_schema.is_some() => old.instance.call(Op::Save, "", &[])?,
            None => return Ok(()),
        };
        new.instance.call(Op::Restore, "", &state).map(drop)
    }

    /// Suspends it: tasks are cancelled and joined, streams end.
    ///
    /// # Errors
    ///
    /// Of its `suspend`.
    pub fn suspend(&self) -> Result<()> {
        self.quieten(self.serving()?.seat);
        self.run(Op::Suspend)
    }

    /// Undoes a suspension.
    ///
    /// # Errors
    ///
    /// Of its `resume`.
    pub fn resume(&self) -> Result<()> {
        self.serving()?.seat.started.store(true, Ordering::Release);
        self.run(Op::Resume)
    }

    /// Whether all is well with it.
    ///
    /// # Errors
    ///
    /// What is not.
    pub fn health(&self) -> Result<()> {
        self.run(Op::Health)
    }

    /// Stops it. Handles say from now on that nobody is there.
    ///
    /// # Errors
    ///
    /// Of its `stop`; it is gone all the same.
    pub fn stop(&mut self) -> Result<()> {
        let Some(generation) = self.generation.take() else { return Ok(()) };
        self.quieten(generation.seat);
        let stopped = generation.instance.call(Op::Stop, "", &[]);
        self.retire(generation);
        stopped.map(drop)
    }

    /// Moves the clocks; tasks that sleep for so long go on. Tasks that are about to sleep are let do so first, for a
    /// second at most.
    pub fn advance(&self, duration: Duration) {
        self.world.settle();
        self.world.change(|inner| {
            inner.monotonic += duration;
            inner.unix += duration;
        });
    }

    /// What was logged so far.
    pub fn logs(&self) -> Vec<LogLine> {
        self.world.lock().log.clone()
    }

    /// Waits until a line was logged for which `wanted` holds, and answers with the first.
    pub fn wait_for_log(&self, wanted: impl Fn(&LogLine) -> bool) -> LogLine {
        self.world.wait(|inner| inner.log.iter().find(|line| wanted(line)).cloned())
    }

    /// What was asked to be done to plugins, in order.
    pub fn requests(&self) -> Vec<(RequestKind, String)> {
        self.world.lock().requests.clone()
    }
}

impl<P> Drop for Running<P> {
    fn drop(&mut self) {
        if let Some(Generation { seat, instance, .. }) = self.generation.take() {
            seat.started.store(false, Ordering::Release);
            self.world.end_tasks(seat.generation);
            self.world.end_streams(seat.generation);
            // It may fail; nobody is there to be told.
            let _ = instance.call(Op::Stop, "", &[]);
            self.world.withdraw(seat.generation);
            seat.stopped.store(true, Ordering::Release);
        }
    }
}
