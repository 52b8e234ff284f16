//! How a generation that serves no more comes to its end: drained, stopped, dropped, closed, and a verdict.
//!
//! Owns the thread that waits for all of them at once, so that one that never becomes unused delays no other. It runs
//! no plugin code itself. Must never know why a generation was retired.

mod closer;

use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use reactor_abi::ffi::Op;

use self::closer::Closer;
use crate::event::{EventKind, Verdict, micros};
use crate::generation::{Generation, PhaseFailure};
use crate::manifest::Unload;
use crate::native::life::Stage;
use crate::native::open::Closed;
use crate::native::{Instance, Life};
use crate::report::Reason;
use crate::routes::Set;
use crate::shared::Shared;
use crate::swap::lives;

/// The thread that retires the generations of one host.
pub(crate) struct Reaper {
    inbox: Sender<Message>,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Message {
    /// A generation, and all that were swapped together, itself among them: none ends while a caller is inside another.
    Retire(Arc<Generation>, Set),
    /// Return when all are closed, or at this moment.
    Finish(Instant),
}

impl Reaper {
    pub(crate) fn new(shared: &Arc<Shared>) -> std::io::Result<Self> {
        let (inbox, messages) = mpsc::channel();
        let worker = Arc::clone(shared);
        let thread = std::thread::Builder::new()
            .name("reactor-retire".to_owned())
            .spawn(move || work(&worker, &messages))?;
        Ok(Self { inbox, shared: Arc::clone(shared), thread: Mutex::new(Some(thread)) })
    }

    /// Takes over a generation to which no route leads any more.
    pub(crate) fn retire(&self, generation: Arc<Generation>) {
        self.retire_set(vec![generation]);
    }

    /// Takes over generations that were swapped together, and to which no route leads any more but their own.
    pub(crate) fn retire_set(&self, generations: Vec<Arc<Generation>>) {
        let set = lives(&generations);
        for generation in generations {
            generation.life.announce_waiter();
            self.shared.end_work(&generation.life, "is retired");
            // After `finish` nobody receives: the generation is dropped with the message, and dropping retains it.
            let _ = self.inbox.send(Message::Retire(generation, Arc::clone(&set)));
        }
        self.shared.routes.signal().notify();
    }

    /// Waits until all are closed, at most until `deadline`, and ends. What is still in use then stays mapped.
    pub(crate) fn finish(&self, deadline: Instant) {
        let _ = self.inbox.send(Message::Finish(deadline));
        self.shared.routes.signal().notify();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // The thread catches nothing and panics over nothing; if it did, its generations were retained.
            let _ = thread.join();
        }
    }
}

fn work(shared: &Arc<Shared>, messages: &Receiver<Message>) {
    let signal = shared.routes.signal();
    let mut retiring: Vec<Retiring> = Vec::new();
    let mut closer = Closer::new(shared);
    let mut finish: Option<Instant> = None;
    loop {
        let seen = signal.count();
        loop {
            match messages.try_recv() {
                Ok(Message::Retire(generation, set)) => retiring.push(Retiring::new(generation, set)),
                Ok(Message::Finish(deadline)) => finish = Some(deadline),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    finish.get_or_insert_with(Instant::now);
                    break;
                }
            }
        }
        retiring.retain_mut(|one| !one.advance(shared, &mut closer));
        if let Some(deadline) = finish
            && (retiring.iter().all(|one| one.reported) || Instant::now() >= deadline)
        {
            for one in &mut retiring {
                if one.life.kill("the host has ended") && !one.reported {
                    one.reported = true;
                    let reason =
                        "its process was killed, since it did not end before the host did".to_owned();
                    one.report(shared, Verdict::Unloaded, vec![reason], true);
                }
                one.report_retained(shared, &["the host ended before it was unused".to_owned()], true);
            }
            closer.end(retiring.iter().any(|one| matches!(one.step, Step::Closing(_))));
            return;
        }
        let next = retiring.iter().filter_map(Retiring::next_deadline).chain(finish).min();
        signal.park(seen, next);
    }
}

/// One generation on its way out.
struct Retiring {
    life: Arc<Life>,
    /// Those that were swapped together with it; empty once they are on their own.
    set: Set,
    unload: Unload,
    limit: Duration,
    since: Instant,
    /// When patience with the present step ends and the generation counts as retained (for now).
    deadline: Instant,
    reported: bool,
    step: Step,
    /// Its process is to be ended by force; once is enough.
    forced: bool,
}

enum Step {
    /// Callers are inside, or tasks run.
    Draining(Arc<Generation>),
    /// `stop` and drop run on a thread of their own.
    Ending(Receiver<Instance>),
    /// The plugin is dropped; threads of its own still run.
    Threads(Instance),
    /// Its library is being closed, which runs the last of its code.
    Closing(Receiver<Closed>),
    /// It will stay.
    Over,
}

impl Retiring {
    fn new(generation: Arc<Generation>, set: Set) -> Self {
        let (now, limit) = (Instant::now(), generation.stop_deadline());
        Self {
            life: Arc::clone(&generation.life),
            set,
            unload: generation.build.manifest.run.unload,
            limit,
            since: now,
            deadline: now + limit,
            reported: false,
            step: Step::Draining(generation),
            forced: false,
        }
    }

    /// When to look again though nothing was signalled.
    fn next_deadline(&self) -> Option<Instant> {
        (!self.reported).then_some(self.deadline)
    }

    /// Goes as far as it can. `true`: it is done with.
    fn advance(&mut self, shared: &Arc<Shared>, closer: &mut Closer) -> bool {
        loop {
            match std::mem::replace(&mut self.step, Step::Over) {
                Step::Draining(generation) => match self.drained(generation, shared) {
                    Ok(next) => self.step = next,
                    Err(back) => {
                        self.step = back;
                        return false;
                    }
                },
                Step::Ending(ended) => match ended.try_recv() {
                    Ok(instance) => {
                        self.deadline = Instant::now() + self.limit;
                        self.step = Step::Threads(instance);
                    }
                    Err(TryRecvError::Empty) => {
                        self.force("`stop` or drop did not return in time");
                        self.be_patient(shared, || vec!["`stop` or drop has not returned".to_owned()]);
                        self.step = Step::Ending(ended);
                        return false;
                    }
                    // The thread was never made, or lost the instance; dropping it retained the library.
                    Err(TryRecvError::Disconnected) => {
                        self.report_retained(shared, &["`stop` could not be run".to_owned()], true);
                        return true;
                    }
                },
                Step::Threads(instance) => {
                    if !self.is_free() {
                        let life = Arc::clone(&self.life);
                        self.be_patient(shared, || in_use(&life));
                        self.step = Step::Threads(instance);
                        return false;
                    }
                    self.life.shut();
                    // One of the host's own functions may have entered before it was shut: it leaves soon.
                    if !self.is_free() {
                        self.step = Step::Threads(instance);
                        return false;
                    }
                    match self.close(instance, shared, closer) {
                        Some(next) => self.step = next,
                        None => return true,
                    }
                }
                Step::Closing(verdict) => match verdict.try_recv() {
                    Ok(Closed::Gone) => {
                        self.report(shared, Verdict::Unloaded, Vec::new(), false);
                        return true;
                    }
                    Ok(Closed::Kept(reason)) => {
                        self.keep(shared, &[reason]);
                        return true;
                    }
                    Err(TryRecvError::Empty) => {
                        self.be_patient(shared, || {
                            vec![
                                "closing it has not returned: a function that it runs at its end hangs"
                                    .to_owned(),
                            ]
                        });
                        self.step = Step::Closing(verdict);
                        return false;
                    }
                    Err(TryRecvError::Disconnected) => {
                        self.keep(shared, &["it could not be closed: the system gives no thread".to_owned()]);
                        return true;
                    }
                },
                Step::Over => return true,
            }
        }
    }

    fn is_free(&self) -> bool {
        self.life.inside() == 0 && self.life.traces.is_threadless()
    }

    /// Begins the end once nobody is inside and no task runs.
    fn drained(&mut self, generation: Arc<Generation>, shared: &Arc<Shared>) -> Result<Step, Step> {
        // A caller that is inside one of a set is counted there for as long as it calls others of the set. When nobody
        // is inside any, nobody comes: they find what everybody finds from here on, and each is on its own.
        if self.set.iter().all(|life| life.inside() == 0) && !self.set.is_empty() {
            shared.routes.disband(&self.set);
            self.set = Set::from([]);
        }
        let (inside, tasks) = (self.life.inside(), self.life.tasks.running());
        if inside > 0 || !tasks.is_empty() || !self.set.is_empty() {
            // Callers may take as long as they like; what was told to end may not.
            if inside <= self.life.phases().len() as u64 && (inside > 0 || !tasks.is_empty()) {
                self.force("a phase or a task of it did not end in time");
            }
            let others: Vec<_> = self.set.iter().filter(|other| other.inside() > 0).cloned().collect();
            let life = Arc::clone(&self.life);
            self.be_patient(shared, || {
                let tasks = tasks.iter().map(|task| format!("task `{task}` has not ended"));
                let together = others.iter().filter(|other| other.number != life.number).map(|other| {
                    format!(
                        "{} generation {} of {}, with which it was swapped",
                        calls_inside(other.inside()),
                        other.number,
                        other.plugin
                    )
                });
                in_use(&life).into_iter().chain(tasks).chain(together).collect()
            });
            return Err(Step::Draining(generation));
        }
        let generation = match Arc::try_unwrap(generation) {
            Ok(generation) => generation,
            Err(shared_still) => {
                // A phase that was given up still holds it.
                self.be_patient(shared, || vec!["a phase has not returned".to_owned()]);
                return Err(Step::Draining(shared_still));
            }
        };
        self.deadline = Instant::now() + self.limit;
        Ok(Step::Ending(end(generation, &self.life, shared)))
    }

    /// Ends its process, if it has one, once the deadline has passed. Then there is as much time again for the end to be
    /// noticed.
    fn force(&mut self, why: &str) {
        if Instant::now() >= self.deadline && !self.forced && self.life.kill(why) {
            self.forced = true;
            self.deadline = Instant::now() + self.limit.max(Duration::from_secs(5));
        }
    }

    /// Reports the generation as retained once its deadline has passed; it may still be closed later.
    fn be_patient(&mut self, shared: &Shared, reasons: impl FnOnce() -> Vec<String>) {
        if Instant::now() >= self.deadline {
            self.report_retained(shared, &reasons(), false);
        }
    }

    fn report_retained(&mut self, shared: &Shared, reasons: &[String], is_final: bool) {
        if !std::mem::replace(&mut self.reported, true) {
            self.report(shared, Verdict::Retained, reasons.to_vec(), is_final);
        }
    }

    fn report(&self, shared: &Shared, verdict: Verdict, reasons: Vec<String>, is_final: bool) {
        let micros = micros(self.since.elapsed());
        let warning = if verdict == Verdict::Retained {
            shared.retained.enter(&self.life, &reasons, is_final, shared.events.now_us())
        } else {
            shared.retained.leave(self.life.number);
            None
        };
        shared.tell(&self.life, EventKind::Retired { verdict, reasons, is_final, micros });
        if let Some(Reason { code, message }) = warning {
            shared.tell(&self.life, EventKind::Warned { code, message });
        }
    }

    /// Closes what can be closed. `None`: it is over, and was reported.
    fn close(&mut self, instance: Instance, shared: &Shared, closer: &mut Closer) -> Option<Step> {
        if instance.is_linked() {
            self.life.retract_waiter();
            // There is nothing to close.
            let _ = instance.close();
            self.report(shared, Verdict::Linked, Vec::new(), false);
            return None;
        }
        let obstacles = obstacles(&instance, self.unload);
        if !obstacles.is_empty() {
            drop(instance);
            // A handler of a signal, say, is still called and has to find its thread keys.
            self.life.reopen();
            self.keep(shared, &obstacles);
            return None;
        }
        self.life.retract_waiter();
        self.deadline = Instant::now() + self.limit;
        Some(Step::Closing(closer.close(instance)))
    }

    fn keep(&mut self, shared: &Shared, reasons: &[String]) {
        self.reported = false;
        self.report_retained(shared, reasons, true);
    }
}

/// Why a library will never be closed, as far as is known; empty where it can be.
fn obstacles(instance: &Instance, unload: Unload) -> Vec<String> {
    let mut reasons = instance.obstacles();
    if instance.is_library() && unload == Unload::Never {
        reasons.push("its manifest says `unload = \"never\"`".to_owned());
    }
    reasons
}

/// Refuses to retire a generation by a swap, where the budget of retained ones has no room for it.
pub(crate) fn check_budget(shared: &Shared, serving: &Generation) -> Result<(), Reason> {
    let stays = || obstacles(&serving.instance, serving.build.manifest.run.unload);
    shared.retained.refusal(&serving.life.plugin, stays).map_or(Ok(()), Err)
}

fn calls_inside(inside: u64) -> String {
    if inside == 1 { "1 call is inside".to_owned() } else { format!("{inside} calls are inside") }
}

/// Who uses a generation, in words.
fn in_use(life: &Life) -> Vec<String> {
    let (phases, threads) = (life.phases(), life.traces.threads());
    let calls = life.inside().saturating_sub(phases.len() as u64);
    let calls = (calls > 0).then(|| calls_inside(calls));
    let phases = phases.iter().map(|phase| format!("`{phase}` has not returned"));
    calls.into_iter().chain(phases).chain(threads).collect()
}

/// Runs `stop`, if it is owed, and drops the plugin, on a thread that may hang.
fn end(generation: Generation, life: &Arc<Life>, shared: &Arc<Shared>) -> Receiver<Instance> {
    let (answer, ended) = mpsc::sync_channel(1);
    let (life, shared) = (Arc::clone(life), Arc::clone(shared));
    let body = move || {
        if generation.owes_stop()
            && let Err(failure) = generation.run(Op::Stop)
        {
            tell_failure(&shared, &life, &failure);
        }
        life.set_stage(Stage::Ended);
        generation.instance.cut_imports();
        shared.streams.forget(life.number);
        let Generation { mut instance, .. } = generation;
        if let Err(failure) = instance.destroy() {
            tell_failure(&shared, &life, &PhaseFailure::new("drop", &failure));
        }
        // Nobody listens when the host has ended; the instance is dropped then, which retains the library.
        let _ = answer.send(instance);
        shared.routes.signal().notify();
    };
    // Without a thread the closure is dropped, and so is the instance in it: retained.
    let _ = std::thread::Builder::new().name("reactor-stop".to_owned()).spawn(body);
    ended
}

/// A failed phase, as an event.
pub(crate) fn tell_failure(shared: &Shared, life: &Life, failure: &PhaseFailure) {
    let PhaseFailure { phase, code, message, .. } = failure.clone();
    shared.tell(life, EventKind::Failed { phase: phase.to_owned(), code, message });
}
