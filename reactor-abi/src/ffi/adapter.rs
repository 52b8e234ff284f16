//! From a safe [`Plugin`] to C functions: decodes what comes, encodes what goes, catches every panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use abi_stable::library::{CheckTypeLayout, LibHeader};
use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::{RSlice, RStr};

use super::client::Client;
use super::panics;
use super::root::{Created, Op, PluginRoot, PluginRootRef, Status};
use super::services::{HooksPtr, HostServicesRef, LibcHooks, RawContext};
use super::sink::Sink;
use crate::Plugin;
use crate::context::{Birth, Build, Init, Offers, Register, Registered, Services, Start};
use crate::error::{Error, Result};
use crate::state::State;
use crate::value::Value;

/// One instance: the plugin and what it was born with. Dropped in this order.
struct Instance<P> {
    /// What it offers goes before the plugin, as what is made last goes first: a plugin that is dropped is the last to
    /// hold what it shares with these.
    offers: Offers,
    plugin: P,
    services: Services,
}

struct Table<P>(std::marker::PhantomData<P>);

impl<P: Plugin> Table<P> {
    const ROOT: &'static WithMetadata<PluginRoot> = &WithMetadata::new(PluginRoot {
        connect,
        create: create::<P>,
        call: call::<P>,
        destroy: destroy::<P>,
    });
}

/// The root of a plugin type, in static memory.
pub(super) fn root<P: Plugin>() -> PluginRootRef {
    PluginRootRef(Table::<P>::ROOT.static_as_prefix())
}

/// What the entry's constructor answers: the erased root.
pub type Construction = abi_stable::library::RootModuleResult;

/// What stands behind the entry symbol.
pub type Header = LibHeader;

/// The body of the constructor that `export_plugin!` writes.
pub fn construct<P: Plugin>() -> Construction {
    abi_stable::library::__call_root_module_loader(root::<P>)
}

/// The entry of a library whose constructor is `constructor`: it must answer [`construct`] of the library's plugin.
pub const fn header(constructor: extern "C" fn() -> Construction) -> Header {
    // SAFETY: `construct` is the only safe way to a `Construction`, and it erases a `PluginRootRef`.
    unsafe { LibHeader::from_constructor::<PluginRootRef>(constructor, CheckTypeLayout::Yes) }
}

unsafe extern "C" fn connect(hooks: HooksPtr) -> bool {
    std::panic::set_hook(Box::new(panics::note));
    connect_plants(hooks.as_ptr())
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn connect_plants(hooks: *const LibcHooks) -> bool {
    // SAFETY: the host passes a table that it keeps until the library is closed.
    unsafe { super::plants::connect(hooks) && crate::facts::PLANTED }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn connect_plants(_: *const LibcHooks) -> bool {
    false
}

unsafe extern "C" fn create<P: Plugin>(
    services: HostServicesRef,
    context: RawContext,
    birth: RSlice<'_, u8>,
    answer: Sink,
) -> Created {
    let mut made = std::ptr::null_mut();
    let status = guarded(answer, || {
        let birth: Birth = postcard::from_bytes(birth.as_slice()).map_err(|error| {
            Error::new("RE0308", format!("the host's birth record is unreadable: {error}"))
        })?;
        // SAFETY: the host gives a context that belongs to its services.
        let services = Services::new(unsafe { Client::new(services, context) }, birth);
        let plugin = P::init(&mut Init::new(&services))?;
        made = Box::into_raw(Box::new(Instance { offers: Offers::default(), plugin, services })).cast();
        Ok(Vec::new())
    });
    Created { status, instance: made }
}

unsafe extern "C" fn call<P: Plugin>(
    instance: *mut u8,
    op: u8,
    name: RStr<'_>,
    input: RSlice<'_, u8>,
    answer: Sink,
) -> Status {
    guarded(answer, || {
        let op = Op::from_number(op).ok_or_else(|| {
            Error::new(
                "RE0309",
                format!("this plugin's API {} has no operation {op}", crate::facts::API_VERSION),
            )
        })?;
        if op == Op::Restore {
            // SAFETY: `create` made it, and the host calls `Restore` while nobody else is inside.
            let instance = unsafe { &mut *instance.cast::<Instance<P>>() };
            return instance.restore(input.as_slice());
        }
        // SAFETY: `create` made it, it is not yet destroyed, and nobody is inside `Restore`.
        let instance = unsafe { &*instance.cast::<Instance<P>>() };
        instance.run(op, name.as_str(), input.as_slice())
    })
}

unsafe extern "C" fn destroy<P: Plugin>(instance: *mut u8, answer: Sink) -> Status {
    guarded(answer, || {
        // SAFETY: `create` made it, and the host destroys it once, when nobody is inside.
        drop(unsafe { Box::from_raw(instance.cast::<Instance<P>>()) });
        Ok(Vec::new())
    })
}

impl<P: Plugin> Instance<P> {
    fn run(&self, op: Op, name: &str, input: &[u8]) -> Result<Vec<u8>> {
        let Self { offers, plugin, services } = self;
        match op {
            Op::Invoke => return Ok(plugin.invoke(name, Value::decode(input)?)?.encode()?),
            Op::Build => return Ok(plugin.build(&mut Build::new(services))?.encode()?),
            Op::Save => return self.save(input),
            Op::Register => plugin.register(&mut Register::new(services, offers))?,
            Op::AfterRegistration => plugin.after_registration(&mut Registered::new(services))?,
            Op::Start => plugin.start(&mut Start::new(services))?,
            Op::Resume => plugin.resume(&mut Start::new(services))?,
            Op::Suspend => plugin.suspend()?,
            Op::Stop => plugin.stop()?,
            Op::Health => plugin.health()?,
            Op::Restore => unreachable!("taken care of before, with exclusive access"),
        }
        Ok(Vec::new())
    }

    fn save(&self, wanted: &[u8]) -> Result<Vec<u8>> {
        let state = self.plugin.save()?;
        match self.services.birth().state_schema {
            Some(schema) if schema != state.schema() => Err(Error::new(
                "RE0510",
                format!("`save` gave schema {}, but the manifest says {schema}", state.schema()),
            )),
            _ => match wanted.try_into() {
                Ok(schema) => {
                    Ok(postcard::to_stdvec(&P::migrations().apply(state, u32::from_le_bytes(schema))?)?)
                }
                Err(_) => Ok(postcard::to_stdvec(&state)?),
            },
        }
    }

    fn restore(&mut self, input: &[u8]) -> Result<Vec<u8>> {
        let state: State = postcard::from_bytes(input)?;
        let target = self.services.birth().state_schema.unwrap_or_else(|| state.schema());
        let state = P::migrations().apply(state, target)?;
        self.plugin.restore(state)?;
        Ok(Vec::new())
    }
}

/// Runs plugin code; whatever comes of it is in the sink and the status, and nothing unwinds.
pub(super) fn guarded(answer: Sink, run: impl FnOnce() -> Result<Vec<u8>>) -> Status {
    let before = panics::so_far();
    let (status, bytes) = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(bytes)) => (Status::Done, bytes),
        Ok(Err(error)) => (Status::Failed, error.encode()),
        Err(payload) => (Status::Panicked, panics::error(payload, before).encode()),
    };
    answer.write(&bytes);
    status
}
