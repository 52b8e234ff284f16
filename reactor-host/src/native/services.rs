//! The table of host services: decodes what a plugin asks, passes it on, encodes what is answered.
//!
//! No function unwinds: a panic of the host's own code becomes a refusal.

pub(crate) mod interfaces;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::{RSlice, RStr};
use reactor_abi::Error;
use reactor_abi::ffi::services::OpaqueCell;
use reactor_abi::ffi::{
    HostServices, HostServicesRef, RawContext, RequestKind, Sink, Status, TaskBody, Time,
};
use reactor_abi::log::Level;

use super::context::Context;
use super::life::{Life, Stage};
use super::pool::Target;
use crate::manifest::PluginId;

const TABLE: &WithMetadata<HostServices> = &WithMetadata::new(HostServices {
    log,
    time,
    spawn,
    wait_cancelled,
    cancel,
    peer,
    output,
    request,
    provide: interfaces::provide,
    import: interfaces::import,
    provider: interfaces::provider,
    stream_open: interfaces::stream_open,
    stream_push: interfaces::stream_push,
    stream_close: interfaces::stream_close,
    stream_next: interfaces::stream_next,
    stream_cancel: interfaces::stream_cancel,
});

/// The table that every plugin of this program is given.
pub(super) const SERVICES: HostServicesRef = HostServicesRef(TABLE.static_as_prefix());

/// The host's own code has failed.
pub(crate) fn failed() -> Error {
    Error::new("RE0610", "the host failed while it served this request")
}

fn answered(answer: Sink, ask: impl FnOnce() -> Result<Vec<u8>, Error>) -> Status {
    let outcome = catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|_| Err(failed()));
    match outcome {
        Ok(bytes) => {
            answer.write(&bytes);
            Status::Done
        }
        Err(error) => {
            answer.write(&error.encode());
            Status::Failed
        }
    }
}

/// The id that a plugin has named.
pub(crate) fn plugin_id(text: &str) -> Result<PluginId, Error> {
    text.parse().map_err(|error| Error::new("RE0611", format!("`{text}` is no plugin id: {error}")))
}

/// The fields of a log line, encoded, may be this long.
const MOST_FIELD_BYTES: usize = 16 << 10;

unsafe extern "C" fn log(context: RawContext, level: u8, message: RStr<'_>, fields: RSlice<'_, u8>) {
    // SAFETY: the plugin passes its own context, and its library is open since it runs.
    let context = unsafe { Context::of(context) };
    let _ = catch_unwind(AssertUnwindSafe(|| log_line(context, level, message.as_str(), fields.as_slice())));
}

/// Passes a line for the log on. `fields`: an encoded list of names and values.
pub(crate) fn log_line(context: &Context, level: u8, message: &str, fields: &[u8]) {
    let Ok(desk) = context.desk() else { return };
    let fields: Vec<_> = if fields.len() > MOST_FIELD_BYTES {
        vec![("left-out".to_owned(), format!("fields of {} bytes", fields.len()).into())]
    } else {
        postcard::from_bytes(fields).unwrap_or_default()
    };
    desk.log(&context.life, Level::from_number(level), message, &fields);
}

unsafe extern "C" fn time(context: RawContext) -> Time {
    // SAFETY: as in `log`.
    let context = unsafe { Context::of(context) };
    let read = catch_unwind(AssertUnwindSafe(|| context.desk().map(|desk| desk.time())));
    read.ok().and_then(Result::ok).unwrap_or(Time { monotonic_ns: 0, unix_ns: 0 })
}

/// A task's body until it runs or is given up.
struct Body(Option<TaskBody>);

// SAFETY: the plugin's closure is `Send` (`Services::spawn` asks for it), and it runs or is dropped once.
unsafe impl Send for Body {}

impl Body {
    fn run(mut self, life: &Life, desk: &dyn super::context::Desk, task: u64) -> Result<(), Error> {
        let Some(body) = self.0.take() else { return Ok(()) };
        let mut answer = Vec::new();
        // SAFETY: run once, by the type; the sink is used during the call.
        let status = unsafe { (body.run)(body.data, task, Sink::of(&mut answer)) };
        if status == Status::Panicked {
            life.count_panic();
            desk.panicked(life);
        }
        reactor_abi::ffi::client::settle(status, answer).map(drop)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(body) = self.0.take() {
            // SAFETY: not run, and dropped once.
            unsafe { (body.discard)(body.data) }
        }
    }
}

unsafe extern "C" fn spawn(context: RawContext, name: RStr<'_>, body: TaskBody, answer: Sink) -> Status {
    let body = Body(Some(body));
    // SAFETY: as in `log`.
    let context = unsafe { Context::of(context) };
    answered(answer, || {
        let desk = context.desk()?;
        let life = &context.life;
        if life.stage() != Stage::Live {
            return Err(Error::new(
                "RE0607",
                format!("{} can spawn tasks from `start` on, and not while it is suspended", life.plugin),
            ));
        }
        let name = name.as_str().to_owned();
        if name.contains('\0') {
            return Err(Error::new("RE0614", "a task's name holds no NUL character"));
        }
        let number = life.tasks.admit(&name)?;
        let (runner, title) = (Arc::clone(life), format!("{}:{name}", life.plugin));
        let spawned = std::thread::Builder::new().name(title.clone()).spawn(move || {
            run_task(&runner, &desk, number, &title, body);
        });
        match spawned {
            Ok(_) => Ok(number.to_le_bytes().to_vec()),
            Err(error) => {
                life.tasks.retire(number);
                Err(Error::new("RE0612", format!("the system gives no thread for task `{name}`: {error}")))
            }
        }
    })
}

fn run_task(life: &Arc<Life>, desk: &Arc<dyn super::context::Desk>, number: u64, title: &str, body: Body) {
    let told = Arc::downgrade(desk);
    let ended = move || {
        if let Some(desk) = told.upgrade() {
            desk.notify();
        }
    };
    count_host_thread(life, title.to_owned(), ended);
    {
        let _frame = life.frame();
        if let Err(error) = body.run(life, &**desk, number) {
            // A subscriber of the application's that panics must not leave the task running for ever.
            let told = || desk.log(life, Level::Error, &format!("task `{title}` failed: {error}"), &[]);
            let _ = catch_unwind(AssertUnwindSafe(told));
        }
    }
    life.tasks.retire(number);
    desk.notify();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn count_host_thread(life: &Arc<Life>, name: String, ended: impl FnOnce() + Send + 'static) {
    super::traces::linux::count_host_thread(life, name, ended);
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn count_host_thread(_: &Arc<Life>, _: String, _: impl FnOnce() + Send + 'static) {
    // Without planted definitions no library is closed, and no thread needs to be followed to its end.
}

unsafe extern "C" fn wait_cancelled(context: RawContext, task: u64, nanoseconds: u64) -> bool {
    // SAFETY: as in `log`.
    let context = unsafe { Context::of(context) };
    catch_unwind(AssertUnwindSafe(|| {
        context.life.tasks.wait_cancelled(task, Duration::from_nanos(nanoseconds))
    }))
    .unwrap_or(true)
}

unsafe extern "C" fn cancel(context: RawContext, task: u64) {
    // SAFETY: as in `log`.
    let context = unsafe { Context::of(context) };
    let _ = catch_unwind(AssertUnwindSafe(|| context.life.tasks.cancel(task)));
}

unsafe extern "C" fn peer(
    context: RawContext,
    plugin: RStr<'_>,
    answer: Sink,
) -> Option<&'static OpaqueCell> {
    // SAFETY: as in `log`.
    let context = unsafe { Context::of(context) };
    let mut cell = None;
    answered(answer, || {
        let lease = context.import(&Target::Plugin(plugin_id(plugin.as_str())?))?;
        // SAFETY: the context holds the lease until the library is closed.
        cell = Some(unsafe { OpaqueCell::from_cell(lease.as_ptr()) });
        Ok(Vec::new())
    });
    cell
}

unsafe extern "C" fn output(context: RawContext, plugin: RStr<'_>, answer: Sink) -> Status {
    // SAFETY: as in `log`.
    let context = unsafe { Context::of(context) };
    answered(answer, || context.desk()?.output(&context.life, &plugin_id(plugin.as_str())?))
}

unsafe extern "C" fn request(
    context: RawContext,
    kind: RequestKind,
    plugin: RStr<'_>,
    answer: Sink,
) -> Status {
    // SAFETY: as in `log`.
    let context = unsafe { Context::of(context) };
    answered(answer, || {
        context.desk()?.request(&context.life, kind, plugin_id(plugin.as_str())?)?;
        Ok(Vec::new())
    })
}
