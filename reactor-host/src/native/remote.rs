//! A plugin in another process, as callers in this one find it: an instance behind the same C functions.
//!
//! Owns both ends of the crossing. On the host's side the process looks like a plugin's root ([`ROOT`]), so that bindings,
//! pins and phases know nothing of it. On the plugin's side another plugin looks like an instance behind a cell
//! ([`passage`]). Must never know how a message gets to the other side.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock, Weak};

use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::{RSlice, RStr};
use reactor_abi::Error;
use reactor_abi::ffi::interface::{Callback, Callbacks, Offer, TableHead};
use reactor_abi::ffi::root::Created;
use reactor_abi::ffi::services::HooksPtr;
use reactor_abi::ffi::{CallFn, HostServicesRef, Op, PluginRoot, PluginRootRef, RawContext, Sink, Status};

use super::context::Context;
use super::exports::FarTable;
use super::life::{Life, Stage};
use super::pool::{BindingLease, Lease, Pool, Target};
use crate::interfaces::{LONGEST_TEXT, OfferError, Offered, Wanted};
use crate::manifest::PluginId;
use crate::routes::Routes;

/// The code of what is told who calls when the process has ended already.
pub(crate) const ENDED_BEFORE: &str = "RE0641";

/// What an operation in another process came to.
pub(crate) struct Outcome {
    pub(crate) status: Status,
    /// The answer, or an encoded error.
    pub(crate) bytes: Vec<u8>,
}

impl Outcome {
    pub(crate) fn failed(error: &Error) -> Self {
        Self { status: Status::Failed, bytes: error.encode() }
    }

    /// There is no such method.
    pub(crate) fn missing() -> Self {
        Self { status: Status::Missing, bytes: Vec::new() }
    }

    fn into(self, answer: Sink) -> Status {
        answer.write(&self.bytes);
        self.status
    }
}

/// The process that one generation's code runs in. Every method may be called from any thread; none panics.
pub(crate) trait Remote: Send + Sync {
    /// Who answers what the process asks, from here on.
    fn attach(&self, context: &Arc<Context>);
    /// Runs `init`. `birth`: an encoded `Birth`; `provides`: the interfaces that the manifest says are provided.
    fn create(&self, birth: &[u8], provides: Vec<(String, String)>) -> Outcome;
    /// Runs an operation on the instance.
    fn call(&self, op: u8, name: &str, input: &[u8]) -> Outcome;
    /// Drops the instance.
    fn destroy(&self) -> Outcome;
    /// Says how far the generation has come.
    fn set_stage(&self, stage: Stage);
    /// Has the tasks cancelled, and no more of them admitted.
    fn close_tasks(&self, round: u64);
    /// Takes [`close_tasks`](Self::close_tasks) back.
    fn reopen_tasks(&self);
    /// Ends the process in good order, or else by force; returns when it has ended.
    fn close(&self);
    /// Ends the process by force, for this reason. Does not wait for that.
    fn kill(&self, why: &str);
}

/// What stands behind the instance pointer: a thin address for a fat one.
struct Far(Arc<dyn Remote>);

const TABLE: &WithMetadata<PluginRoot> = &WithMetadata::new(PluginRoot { connect, create, call, destroy });

/// The root of every plugin in another process. Its `create` is given a context whose life has a [`Remote`].
pub(super) const ROOT: PluginRootRef = PluginRootRef(TABLE.static_as_prefix());

unsafe extern "C" fn connect(_: HooksPtr) -> bool {
    false
}

unsafe extern "C" fn create(
    _: HostServicesRef,
    context: RawContext,
    birth: RSlice<'_, u8>,
    answer: Sink,
) -> Created {
    // SAFETY: an instance passes its own context, which it keeps.
    let context = unsafe { Context::of(context) };
    let Some(remote) = context.life.remote() else {
        let status = Outcome::failed(&super::services::failed()).into(answer);
        return Created { status, instance: std::ptr::null_mut() };
    };
    let provides = context.life.exports.declared();
    let provides = provides.map(|(name, version)| (name.clone(), version.to_string())).collect();
    let status = remote.create(birth.as_slice(), provides).into(answer);
    let instance = match status {
        Status::Done => Box::into_raw(Box::new(Far(Arc::clone(remote)))).cast(),
        _ => std::ptr::null_mut(),
    };
    Created { status, instance }
}

#[expect(clippy::cast_ptr_alignment, reason = "it is the address of a `Far`")]
unsafe extern "C" fn call(
    instance: *mut u8,
    op: u8,
    name: RStr<'_>,
    input: RSlice<'_, u8>,
    answer: Sink,
) -> Status {
    // SAFETY: `create` made it, and it is not yet destroyed: callers hold pins.
    let far = unsafe { &*instance.cast::<Far>() };
    far.0.call(op, name.as_str(), input.as_slice()).into(answer)
}

#[expect(clippy::cast_ptr_alignment, reason = "it is the address of a `Far`")]
unsafe extern "C" fn destroy(instance: *mut u8, answer: Sink) -> Status {
    // SAFETY: `create` made it, and it is destroyed once, when nobody is inside.
    let far = unsafe { Box::from_raw(instance.cast::<Far>()) };
    far.0.destroy().into(answer)
}

/// Where a plugin's calls of other plugins go that are not in its process.
pub(crate) trait Beyond: Send + Sync {
    /// Runs an action of `target`'s.
    fn invoke(&self, target: &PluginId, action: &str, input: &[u8]) -> Outcome;
}

/// What stands behind such a cell.
struct Absentee {
    target: PluginId,
    beyond: Arc<dyn Beyond>,
}

/// A cell for calls to `target`, which is beyond this process. It always holds an address: whether somebody serves there
/// is found out by the call. What is behind it stays for as long as this process does, which has one plugin.
pub(crate) fn passage(
    pool: &Arc<Pool>,
    routes: Weak<Routes>,
    target: &PluginId,
    importer: u64,
    beyond: Arc<dyn Beyond>,
) -> Arc<Lease> {
    let absentee = Box::leak(Box::new(Absentee { target: target.clone(), beyond }));
    let binding = BindingLease::new(pool);
    let table: CallFn = call_beyond;
    binding.get().assign(std::ptr::from_ref(absentee).cast_mut().cast(), table as *mut (), 0, 0);
    let lease = Lease::new(pool, routes, Target::Plugin(target.clone()), Some(importer));
    lease.set(binding.word());
    std::mem::forget(binding);
    Arc::new(lease)
}

#[expect(clippy::cast_ptr_alignment, reason = "it is the address of an `Absentee`")]
unsafe extern "C" fn call_beyond(
    instance: *mut u8,
    op: u8,
    action: RStr<'_>,
    input: RSlice<'_, u8>,
    answer: Sink,
) -> Status {
    // SAFETY: `passage` made it, and it is never freed.
    let absentee = unsafe { &*instance.cast_const().cast::<Absentee>() };
    let outcome = if op == Op::Invoke as u8 {
        absentee.beyond.invoke(&absentee.target, action.as_str(), input.as_slice())
    } else {
        // What else an instance can be asked is the host's to ask.
        Outcome::failed(&super::services::failed())
    };
    outcome.into(answer)
}

/// Where calls of an object's methods go that is in another process.
pub(crate) trait Road: Send + Sync {
    /// Calls a method with encoded arguments.
    fn call(&self, method: u32, input: &[u8], lent: &Lent<'_>) -> Outcome;
}

/// What stands behind the object pointer: a thin address for a fat one.
struct FarObject(Box<dyn Road>);

impl FarObject {
    fn as_ptr(&self) -> *const () {
        std::ptr::from_ref(self).cast()
    }
}

unsafe extern "C" fn call_object(
    object: *const (),
    method: u32,
    input: RSlice<'_, u8>,
    callbacks: Callbacks,
    answer: Sink,
) -> Status {
    // SAFETY: whoever gave this table out gave a `FarObject` with it, and keeps it while it can be called.
    let object = unsafe { &*object.cast::<FarObject>() };
    // SAFETY: the caller's callbacks are lent for the time of this call.
    let lent = unsafe { Lent::new(callbacks) };
    object.0.call(method, input.as_slice(), &lent).into(answer)
}

/// Takes in an object that is in the generation's process.
///
/// # Errors
///
/// The manifest does not say so, or the interface is provided already.
pub(crate) fn export(life: &Life, offered: Offered, road: Box<dyn Road>) -> Result<(), OfferError> {
    let count = u32::try_from(offered.methods()).unwrap_or_default();
    let (object, table) = (Box::new(FarObject(road)), FarTable::new(call_object, count));
    let offer = Offer::new(object.as_ptr(), table.as_ptr());
    let keep = Some(Box::new((object, table)) as Box<dyn std::any::Any + Send + Sync>);
    // SAFETY: the table has as many methods as the descriptor, each with its own number; the object is kept with them.
    unsafe { life.exports.add(life.plugin.as_str(), offered, offer, keep) }
}

/// A cell for calls of an interface by whoever provides it beyond this process, as [`passage`].
pub(crate) fn passage_to(
    pool: &Arc<Pool>,
    routes: Weak<Routes>,
    wanted: &Arc<Wanted>,
    importer: u64,
    road: Box<dyn Road>,
) -> Arc<Lease> {
    let object: &FarObject = Box::leak(Box::new(FarObject(road)));
    let count = u32::try_from(wanted.methods()).unwrap_or_default();
    let table: &FarTable = Box::leak(Box::new(FarTable::new(call_object, count)));
    let binding = BindingLease::new(pool);
    binding.get().assign(object.as_ptr().cast_mut(), table.as_ptr().cast_mut().cast(), 0, 0);
    let lease = Lease::new(pool, routes, Target::Interface(Arc::clone(wanted)), Some(importer));
    lease.set(binding.word());
    std::mem::forget(binding);
    Arc::new(lease)
}

thread_local! {
    /// What this thread has lent, by line and question, the innermost last.
    static LENDING: RefCell<Vec<(u64, u64, Callbacks)>> = const { RefCell::new(Vec::new()) };
}

/// The objects that are lent for the time of one call.
#[derive(Clone, Copy)]
pub(crate) struct Lent<'a> {
    callbacks: Callbacks,
    // Neither kept nor given to another thread.
    call: PhantomData<(&'a (), *const ())>,
}

impl Lent<'_> {
    /// # Safety
    ///
    /// They live for as long as the answer is used.
    unsafe fn new(callbacks: Callbacks) -> Self {
        Self { callbacks, call: PhantomData }
    }

    pub(super) fn callbacks(&self) -> Callbacks {
        self.callbacks
    }

    fn at(&self, at: u32) -> Option<Callback> {
        // SAFETY: they live (`new`).
        unsafe { self.callbacks.get(at) }
    }

    /// Runs `call`, in which they are lent to question `number` of `line`, on this thread.
    pub(crate) fn during<R>(&self, line: u64, number: u64, call: impl FnOnce() -> R) -> R {
        /// Takes the entry back whatever happens.
        struct Lending;
        impl Drop for Lending {
            fn drop(&mut self) {
                let _ = LENDING.try_with(|lending| lending.borrow_mut().pop());
            }
        }
        if self.callbacks.count == 0 {
            return call();
        }
        let entry = (line, number, self.callbacks);
        let noted = LENDING.try_with(|lending| lending.borrow_mut().push(entry)).is_ok();
        let _lending = noted.then_some(Lending);
        call()
    }

    /// Runs `of` with what this thread has lent to question `number` of `line`.
    pub(crate) fn to<R>(line: u64, number: u64, of: impl FnOnce(&Lent<'_>) -> R) -> Option<R> {
        let find = |lending: &RefCell<Vec<(u64, u64, Callbacks)>>| {
            let lending = lending.borrow();
            lending.iter().rev().find(|entry| (entry.0, entry.1) == (line, number)).map(|entry| entry.2)
        };
        let callbacks = LENDING.try_with(find).ok().flatten()?;
        // SAFETY: `during` is further out on this very thread, so its objects are still borrowed.
        Some(of(&unsafe { Lent::new(callbacks) }))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.callbacks.count).unwrap_or(u32::MAX)
    }

    /// Calls a method of one of them.
    pub(crate) fn call(&self, at: u32, method: u32, input: &[u8], lent: &Lent<'_>) -> Outcome {
        let Some(Callback { object, table }) = self.at(at) else { return Outcome::missing() };
        // SAFETY: a callback's table lives as long as the callback.
        let slot = unsafe { TableHead::slot(table, method) };
        if slot.number == reactor_abi::ffi::interface::MISSING {
            return Outcome::missing();
        }
        let mut bytes = Vec::new();
        // SAFETY: object and table belong together and live; so does what is lent; the sink is used during the call.
        let status = unsafe {
            let input = RSlice::from_slice(input);
            ((*table).encoded)(object, slot.number, input, lent.callbacks, Sink::of(&mut bytes))
        };
        Outcome { status, bytes }
    }
}

/// What stands for the objects that the other side lends, for the time of its call.
pub(crate) struct Borrowed {
    list: Vec<Callback>,
    _objects: Vec<FarObject>,
}

/// How many objects may be lent to one call.
const MOST_LENT: u32 = 256;

/// The most methods of an object that is lent.
const MOST_CALLED_BACK: u32 = 16 << 10;

// All of them are part of the signature of the method that it is lent to, with four bytes each at least (`; ()`).
const _: () = assert!(MOST_CALLED_BACK as usize * 4 >= LONGEST_TEXT);

/// The one table of all objects that are borrowed from the other side.
///
/// Who calls one of them knows from its own interface how many methods there are, and may read as many slots. The other
/// side is not asked: it could say fewer, or lend a small object where a large one belongs. So every table has as many as
/// any interface can have; which of them there are is found out by the call.
fn borrowed_table() -> *const TableHead {
    static TABLE: OnceLock<FarTable> = OnceLock::new();
    TABLE.get_or_init(|| FarTable::new(call_object, MOST_CALLED_BACK)).as_ptr()
}

impl Borrowed {
    /// `count`: how many there are; `road`: where calls of each go. `None`: more than there can be.
    pub(crate) fn new(count: u32, road: impl Fn(u32) -> Box<dyn Road>) -> Option<Self> {
        (count <= MOST_LENT).then(|| {
            // Where they are from here on: nothing is added.
            let objects: Vec<_> = (0..count).map(|at| FarObject(road(at))).collect();
            let table = if objects.is_empty() { std::ptr::null() } else { borrowed_table() };
            let list = objects.iter().map(|object| Callback { object: object.as_ptr(), table }).collect();
            Self { list, _objects: objects }
        })
    }

    pub(crate) fn lent(&self) -> Lent<'_> {
        Lent { callbacks: Callbacks::of(&self.list), call: PhantomData }
    }
}

/// Closes what this process was given beside the streams for input, output and errors, and nothing that it has opened by
/// itself since: what is inherited is not marked to be closed when another program starts, as Rust marks all that it opens.
///
/// # Errors
///
/// There is another thread, which may open something at this moment: nothing is closed.
#[cfg(target_os = "linux")]
pub(crate) fn close_inherited() -> std::io::Result<()> {
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    if threads != 1 {
        let why = format!("it has {threads} threads already: the call belongs at the top of `main`");
        return Err(std::io::Error::other(why));
    }
    let number = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse::<i32>().ok();
    let open: Vec<_> = std::fs::read_dir("/proc/self/fd")?.flatten().filter_map(number).collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // SAFETY: it only asks; of one that is closed by now, in vain.
        let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFD) };
        if flags >= 0 && flags & libc::FD_CLOEXEC == 0 {
            // SAFETY: it was inherited, so nothing in this process knows its number, and no other thread opens another
            // one of it meanwhile.
            unsafe { libc::close(descriptor) };
        }
    }
    Ok(())
}

#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn close_inherited() -> std::io::Result<()> {
    // They can not be listed; what was not to be inherited was marked so by who opened it.
    Ok(())
}

/// Ends this process in good order as far as others see it, and runs nothing of what was to run at its end: threads of the
/// plugin's may still be at work with what that would take away.
#[cfg(unix)]
pub(crate) fn exit_at_once() -> ! {
    // SAFETY: it may be called at any time, on any thread.
    unsafe { libc::_exit(0) }
}
