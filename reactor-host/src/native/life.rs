//! One generation, as the boundary sees it: who is inside, what it left in libc, which tasks it runs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use reactor_abi::ffi::meter::BUCKETS;
use reactor_abi::ffi::protocol::{self, Binding, TRACKED};

use super::exports::{Exports, Role};
use super::pool::{BindingLease, Guard, Lease, Pool, Target, Word};
use super::remote::Remote;
use super::shares;
use super::traces::Traces;
use crate::account::{Counts, Totals};
use crate::interfaces::{Misfit, Wanted};
use crate::manifest::PluginId;
use crate::routes::Routes;
use crate::tasks::Tasks;

/// How far a generation has come; decides what its services grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Its phases before `start` are running.
    Rising,
    /// It serves, or is about to.
    Live,
    /// It gave up what only one can hold; it may be resumed.
    Suspended,
    /// It is being taken down, or is gone: its services refuse.
    Ended,
}

impl Stage {
    /// The stage with this number; beyond the last, the last.
    pub(crate) fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Rising,
            1 => Self::Live,
            2 => Self::Suspended,
            _ => Self::Ended,
        }
    }
}

/// The part of a generation that foreign code holds on to. Freed when the generation is proved closed, else never.
pub(crate) struct Life {
    pub(crate) plugin: PluginId,
    pub(crate) version: semver::Version,
    pub(crate) number: u64,
    pub(crate) traces: Traces,
    pub(crate) tasks: Tasks,
    /// What it offers under its interfaces.
    pub(crate) exports: Exports,
    pool: Arc<Pool>,
    routes: Weak<Routes>,
    binding: BindingLease,
    /// Through this cell the host's own functions enter: destructors at thread exit, deletions of keys.
    own: Lease,
    stage: AtomicU8,
    phases: Mutex<Vec<&'static str>>,
    /// What the plugin's generations have counted that are gone.
    totals: Arc<Totals>,
    /// More panics than this are told to `alarm`.
    panic_budget: AtomicU64,
    alarm: Mutex<Option<Alarm>>,
    /// Where its code runs, if that is another process.
    remote: OnceLock<Arc<dyn Remote>>,
}

/// Whom to tell that a generation has panicked too often; called once, on the thread that saw the last panic.
pub(crate) type Alarm = Box<dyn FnOnce() + Send>;

/// A phase for as long as it runs.
pub(crate) struct Phase<'a>(&'a Life, &'static str);

impl Drop for Phase<'_> {
    fn drop(&mut self) {
        let mut phases = self.0.phases.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = phases.iter().rposition(|phase| *phase == self.1) {
            phases.remove(at);
        }
    }
}

impl Life {
    pub(crate) fn new(
        pool: &Arc<Pool>,
        routes: Weak<Routes>,
        plugin: PluginId,
        version: semver::Version,
        number: u64,
        provides: BTreeMap<String, semver::Version>,
        totals: Arc<Totals>,
    ) -> Arc<Self> {
        let binding = BindingLease::new(pool);
        let own = Lease::new(pool, routes.clone(), Target::Own, None);
        own.set(binding.word());
        Arc::new(Self {
            plugin,
            version,
            number,
            traces: Traces::default(),
            tasks: Tasks::default(),
            exports: Exports::new(provides),
            pool: Arc::clone(pool),
            routes,
            binding,
            own,
            stage: AtomicU8::new(Stage::Rising as u8),
            phases: Mutex::default(),
            totals,
            panic_budget: AtomicU64::new(u64::MAX),
            alarm: Mutex::default(),
            remote: OnceLock::new(),
        })
    }

    /// What was counted of this generation so far.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.each_binding(|binding| {
            let (bytes_in, bytes_out) = binding.bytes();
            counts.calls += binding.calls();
            counts.panics += binding.meter().panics();
            counts.bytes_in += bytes_in;
            counts.bytes_out += bytes_out;
        });
        counts
    }

    fn each_binding(&self, mut of: impl FnMut(&Binding)) {
        of(self.binding.get());
        self.exports.each(of);
    }

    /// How long a sample of its calls took.
    pub(crate) fn latency(&self) -> [u32; BUCKETS] {
        let mut sum = [0; BUCKETS];
        self.each_binding(|binding| {
            for (sum, more) in sum.iter_mut().zip(binding.meter().buckets()) {
                *sum = more.saturating_add(*sum);
            }
        });
        sum
    }

    /// How often it panicked.
    pub(crate) fn panics(&self) -> u64 {
        let mut panics = 0;
        self.each_binding(|binding| panics += binding.meter().panics());
        panics
    }

    /// Has `alarm` called when it panics more than `budget` times.
    pub(crate) fn watch_panics(&self, budget: u64, alarm: Alarm) {
        *self.alarm.lock().unwrap_or_else(PoisonError::into_inner) = Some(alarm);
        self.panic_budget.store(budget, Ordering::SeqCst);
        self.look_at_panics();
    }

    /// Takes [`watch_panics`](Self::watch_panics) back.
    pub(crate) fn forgive_panics(&self) {
        self.panic_budget.store(u64::MAX, Ordering::SeqCst);
        *self.alarm.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A call into it panicked and was counted.
    pub(crate) fn look_at_panics(&self) {
        if self.panics() > self.panic_budget.load(Ordering::SeqCst) {
            let alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(alarm) = alarm {
                alarm();
            }
        }
    }

    /// Counts a panic that no caller saw: of a phase, of a task.
    pub(crate) fn count_panic(&self) {
        self.binding.get().meter().count_panic();
        self.look_at_panics();
    }

    /// Says what callers of this generation find. `tracked`: they can be made to wait.
    pub(super) fn assign(&self, object: *mut (), table: *mut (), tracked: bool) {
        let flags = if tracked { TRACKED } else { 0 };
        self.exports.assume(Role { generation: self.number, flags });
        self.binding.get().assign(object, table, self.number, flags);
    }

    /// What a cell holds through which `wanted` is called; `None`: it offers nothing of that name.
    pub(crate) fn facet(&self, wanted: &Arc<Wanted>) -> Option<Result<Word, Misfit>> {
        self.exports.facet(&self.pool, wanted)
    }

    /// Whether the binding is one of this generation's.
    pub(crate) fn owns(&self, binding: *const Binding) -> bool {
        self.binding.word().is(binding) || self.exports.own(binding)
    }

    /// Tells whoever waits that something about this generation has changed.
    pub(crate) fn ring(&self) {
        if let Some(routes) = self.routes.upgrade() {
            routes.signal().notify();
        }
    }

    /// Notes that a phase runs, until the answer is dropped.
    pub(crate) fn phase(&self, name: &'static str) -> Phase<'_> {
        self.phases.lock().unwrap_or_else(PoisonError::into_inner).push(name);
        Phase(self, name)
    }

    /// The phases that run, those that were given up among them. Each counts as one that is inside.
    pub(crate) fn phases(&self) -> Vec<&'static str> {
        self.phases.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a cell holds that leads to this generation.
    pub(crate) fn word(&self) -> Word {
        self.binding.word()
    }

    /// How many callers are inside, by whatever binding.
    pub(crate) fn inside(&self) -> u64 {
        protocol::inside(|of| self.each_binding(of), shares::barrier)
    }

    /// Asks for [`Routes::signal`] to be notified when callers leave.
    pub(crate) fn announce_waiter(&self) {
        self.binding.get().announce_waiter();
        self.exports.announce_waiter();
    }

    /// Takes [`announce_waiter`](Self::announce_waiter) back.
    pub(crate) fn retract_waiter(&self) {
        self.binding.get().retract_waiter();
        self.exports.retract_waiter();
    }

    /// Enters on behalf of the generation itself; `None` once [`shut`](Self::shut).
    pub(super) fn enter(&self) -> Option<Guard<'_>> {
        self.own.pin().ok()
    }

    /// Lets nobody in any more, not even the host's own functions.
    pub(crate) fn shut(&self) {
        self.own.set(Word::ABSENT);
    }

    /// Takes [`shut`](Self::shut) back: the code will stay, and what is left of it in the process may go on to ask.
    pub(crate) fn reopen(&self) {
        self.own.set(self.binding.word());
    }

    /// A frame on the current thread for code of this generation that no caller's pin accounts for.
    pub(super) fn frame(&self) -> super::frames::Frame {
        super::frames::Frame::new(self.binding.get())
    }

    pub(crate) fn stage(&self) -> Stage {
        Stage::from_number(self.stage.load(Ordering::Acquire))
    }

    pub(crate) fn set_stage(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Release);
        if let Some(remote) = self.remote.get() {
            remote.set_stage(stage);
        }
    }

    /// Its code runs in another process: that is told how far it has come, and asked for its tasks.
    pub(super) fn run_remotely(&self, remote: &Arc<dyn Remote>) {
        self.tasks.follow();
        // Set once, before any code of it runs.
        let _ = self.remote.set(Arc::clone(remote));
        remote.set_stage(self.stage());
    }

    pub(super) fn remote(&self) -> Option<&Arc<dyn Remote>> {
        self.remote.get()
    }

    /// Tells its tasks to end and admits no more.
    pub(crate) fn close_tasks(&self) {
        let round = self.tasks.close();
        if let Some(remote) = self.remote.get() {
            remote.close_tasks(round);
        }
    }

    /// Admits tasks again, after a suspension.
    pub(crate) fn reopen_tasks(&self) {
        self.tasks.reopen();
        if let Some(remote) = self.remote.get() {
            remote.reopen_tasks();
        }
    }

    /// Ends what runs of it by force, for this reason, where that can be done. `true`: it can. It is over soon.
    pub(crate) fn kill(&self, why: &str) -> bool {
        self.remote.get().is_some_and(|remote| {
            remote.kill(why);
            true
        })
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.totals.add(&self.counts());
    }
}
