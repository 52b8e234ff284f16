//! A plugin in another process, as callers in this one find it: an instance behind the same C functions.
//!
//! Owns both ends of the crossing. On the host's side the process looks like a plugin's root ([`ROOT`]), so that bindings,
//! pins and phases know nothing of it. On the plugin's side another plugin looks like an instance behind a cell
//! ([`passage`]). Must never know how a message gets to the other side.

use std::sync::{Arc, Weak};

use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::{RSlice, RStr};
use reactor_abi::Error;
use reactor_abi::ffi::root::Created;
use reactor_abi::ffi::services::HooksPtr;
use reactor_abi::ffi::{CallFn, HostServicesRef, Op, PluginRoot, PluginRootRef, RawContext, Sink, Status};

use super::context::Context;
use super::life::Stage;
use super::pool::{BindingLease, Lease, Pool, Target};
use crate::manifest::PluginId;
use crate::routes::Routes;

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

    fn into(self, answer: Sink) -> Status {
        answer.write(&self.bytes);
        self.status
    }
}

/// The process that one generation's code runs in. Every method may be called from any thread; none panics.
pub(crate) trait Remote: Send + Sync {
    /// Who answers what the process asks, from here on.
    fn attach(&self, context: &Arc<Context>);
    /// Runs `init`. `birth`: an encoded `Birth`.
    fn create(&self, birth: &[u8]) -> Outcome;
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
    let status = remote.create(birth.as_slice()).into(answer);
    let instance = match status {
        Status::Done => Box::into_raw(Box::new(Far(Arc::clone(remote)))).cast(),
        _ => std::ptr::null_mut(),
    };
    Created { status, instance }
}

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

/// Closes what this process was given beside the streams for input, output and errors: it has opened nothing of its own.
#[cfg(target_os = "linux")]
pub(crate) fn close_inherited() {
    // SAFETY: called at the top of `main`, when nobody holds a descriptor of these numbers. Where the system does not
    // know this call, what was not to be inherited was marked so by who opened it.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
}

#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn close_inherited() {
    // There is no one call for it; what was not to be inherited was marked so by who opened it.
}
