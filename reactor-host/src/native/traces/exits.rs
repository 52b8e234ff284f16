//! What has to happen when a thread ends, thread by thread.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use crate::native::life::Life;

/// A destructor that glibc would have kept: of a thread-local, or of a key's value.
enum Duty {
    ThreadLocal { life: Weak<Life>, destructor: unsafe extern "C" fn(*mut u8), object: usize },
    Key { life: Weak<Life>, key: u32, destructor: unsafe extern "C" fn(*mut u8), value: usize },
}

impl Duty {
    fn life(&self) -> &Weak<Life> {
        match self {
            Self::ThreadLocal { life, .. } | Self::Key { life, .. } => life,
        }
    }
}

/// One thread's duties. The thread owns a share through its slot of the host's key; generations hold weak ones.
#[derive(Default)]
pub(super) struct ThreadExits {
    duties: Mutex<Vec<Duty>>,
    counted: Mutex<Vec<(Weak<Life>, u64)>>,
    on_exit: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
}

/// Destructors may store new values; glibc goes round four times (`PTHREAD_DESTRUCTOR_ITERATIONS`), and so do we.
const ROUNDS: usize = 4;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The host's own key: one for the process and never deleted, since the host's code is never unloaded. Its
/// destructor runs after every thread-local destructor of the thread.
fn key() -> Option<libc::pthread_key_t> {
    static KEY: OnceLock<Option<libc::pthread_key_t>> = OnceLock::new();
    *KEY.get_or_init(|| {
        let mut key = 0;
        // SAFETY: a valid place, and a destructor that is never unloaded.
        let status = unsafe { libc::pthread_key_create(&raw mut key, Some(run)) };
        (status == 0).then_some(key)
    })
}

impl ThreadExits {
    /// The current thread's, made at first use. `None`: the process has no thread key left for the host.
    pub(super) fn current() -> Option<Arc<Self>> {
        let key = key()?;
        // SAFETY: the host's own key.
        let held = unsafe { libc::pthread_getspecific(key) }.cast::<Self>().cast_const();
        if held.is_null() {
            let fresh = Arc::new(Self::default());
            // SAFETY: the host's own key; the share passed in is taken back by `run`.
            let status = unsafe { libc::pthread_setspecific(key, Arc::into_raw(Arc::clone(&fresh)).cast()) };
            return (status == 0).then_some(fresh);
        }
        // SAFETY: the slot holds a share made by `Arc::into_raw`, which stays there while a second one is made.
        unsafe {
            Arc::increment_strong_count(held);
            Some(Arc::from_raw(held))
        }
    }

    pub(super) fn thread_local(
        &self,
        life: &Arc<Life>,
        destructor: unsafe extern "C" fn(*mut u8),
        object: *mut u8,
    ) {
        let life = Arc::downgrade(life);
        lock(&self.duties).push(Duty::ThreadLocal { life, destructor, object: object.addr() });
    }

    /// Notes the value of a key that has a destructor; null takes the note back.
    pub(super) fn key_value(
        &self,
        life: &Arc<Life>,
        key: u32,
        destructor: unsafe extern "C" fn(*mut u8),
        value: *const u8,
    ) {
        let mut duties = lock(&self.duties);
        duties.retain(|duty| !matches!(duty, Duty::Key { key: known, .. } if *known == key));
        if !value.is_null() {
            duties.push(Duty::Key { life: Arc::downgrade(life), key, destructor, value: value.addr() });
        }
    }

    /// Forgets one key's values.
    pub(super) fn forget_key(&self, key: u32) {
        lock(&self.duties).retain(|duty| !matches!(duty, Duty::Key { key: known, .. } if *known == key));
    }

    /// Forgets everything of a generation that is about to be closed.
    pub(super) fn forget(&self, life: &Life) {
        lock(&self.duties).retain(|duty| !std::ptr::eq(duty.life().as_ptr(), life));
    }

    /// Counts the thread out of `life` after its last destructor.
    pub(super) fn count_out_at_exit(&self, life: &Arc<Life>, number: u64) {
        lock(&self.counted).push((Arc::downgrade(life), number));
    }

    /// Runs `last` after that, to tell who waits.
    pub(super) fn at_exit(&self, last: impl FnOnce() + Send + 'static) {
        lock(&self.on_exit).push(Box::new(last));
    }

    fn next(&self) -> Option<Duty> {
        let mut duties = lock(&self.duties);
        // Thread-locals first, the last one registered first; then key values, as glibc orders them.
        let at = duties
            .iter()
            .rposition(|duty| matches!(duty, Duty::ThreadLocal { .. }))
            .or(duties.len().checked_sub(1));
        at.map(|at| duties.remove(at))
    }

    fn discharge(&self) {
        // Each duty may add another; a bound on what is run keeps one that always does from holding the thread.
        let mut budget = ROUNDS * (lock(&self.duties).len() + 64);
        while let Some(duty) = self.next() {
            let (life, destructor, object) = match &duty {
                Duty::ThreadLocal { life, destructor, object } => (life, *destructor, *object),
                Duty::Key { life, destructor, value, .. } => (life, *destructor, *value),
            };
            if let Some(life) = life.upgrade()
                && let Some(_inside) = life.enter()
            {
                let _frame = life.frame();
                if let Duty::Key { key, .. } = &duty {
                    // As POSIX has it: the destructor finds the slot empty.
                    // SAFETY: the generation is pinned, so its key is not deleted.
                    unsafe { libc::pthread_setspecific(*key, std::ptr::null()) };
                }
                // SAFETY: the library gave destructor and object for exactly this, and it is pinned.
                unsafe { destructor(std::ptr::with_exposed_provenance_mut(object)) };
            }
            budget -= 1;
            if budget == 0 {
                break;
            }
        }
    }
}

/// Runs when a thread ends: its duties, then it is counted out, in code that is never unloaded.
unsafe extern "C" fn run(held: *mut libc::c_void) {
    // While destructors run, the slot is put back so that what they register is found here.
    if let Some(key) = key() {
        // SAFETY: the host's own key; the same share stands in the slot as before.
        unsafe { libc::pthread_setspecific(key, held) };
    }
    // SAFETY: the share that `current` left in the slot.
    let exits = unsafe { Arc::from_raw(held.cast::<ThreadExits>().cast_const()) };
    exits.discharge();
    if let Some(key) = key() {
        // SAFETY: the host's own key; the share is held by `exits` from here on.
        unsafe { libc::pthread_setspecific(key, std::ptr::null()) };
    }
    for (life, number) in lock(&exits.counted).drain(..) {
        if let Some(life) = life.upgrade() {
            life.traces.count_out(number);
            life.ring();
        }
    }
    for last in lock(&exits.on_exit).drain(..) {
        last();
    }
}
