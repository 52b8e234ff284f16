//! The root module: the functions that a plugin library exports, behind one versioned symbol.

#![expect(clippy::expl_impl_clone_on_copy, reason = "the StableAbi derive writes it so")]

use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RSlice, RStr};

use super::services::{HooksPtr, HostServicesRef, RawContext};
use super::sink::Sink;

/// What an operation came to. The answer or the error is in the sink.
#[repr(u8)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done; the sink holds the answer.
    Done,
    /// The plugin answered with an error; the sink holds it encoded.
    Failed,
    /// The plugin panicked; the sink holds an encoded error with the message and the place.
    Panicked,
    /// The provider of an interface has no such method; the sink holds nothing.
    Missing,
    /// Nobody could be asked; the sink holds an encoded error with the reason. Only where another process stands between:
    /// in one process a caller knows before it calls.
    Blocked,
}

/// Everything that can be asked of an instance. Numbers are part of the ABI: append, never renumber.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Make what dependants read. Answer: an encoded `Value`.
    Build = 1,
    /// Announce what the plugin provides.
    Register = 2,
    /// Look at the whole registry.
    AfterRegistration = 3,
    /// Begin to work.
    Start = 4,
    /// Give up what only one generation can hold; keep memory.
    Suspend = 5,
    /// Undo a suspension.
    Resume = 6,
    /// End the work.
    Stop = 7,
    /// Answer whether all is well.
    Health = 8,
    /// Give the state that no signal holds. Input: empty, or the schema it is wanted in (4 bytes, little-endian).
    /// Answer: an encoded `State`.
    Save = 9,
    /// Take a state over. Input: an encoded `State`.
    Restore = 10,
    /// Run an action. Name: the action. Input and answer: an encoded `Value`.
    Invoke = 11,
}

impl Op {
    /// Every operation, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::Build,
        Self::Register,
        Self::AfterRegistration,
        Self::Start,
        Self::Suspend,
        Self::Resume,
        Self::Stop,
        Self::Health,
        Self::Save,
        Self::Restore,
        Self::Invoke,
    ];

    /// The operation with this number, if this build knows it.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|op| *op as u8 == number)
    }

    /// The name by which messages and events call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Register => "register",
            Self::AfterRegistration => "after_registration",
            Self::Start => "start",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Stop => "stop",
            Self::Health => "health",
            Self::Save => "save",
            Self::Restore => "restore",
            Self::Invoke => "invoke",
        }
    }
}

/// What [`PluginRoot::create`] answers.
#[repr(C)]
#[derive(StableAbi)]
pub struct Created {
    /// How it went; anything but [`Status::Done`] means that there is no instance.
    pub status: Status,
    /// The instance, to be passed back to `call` and `destroy`; null when there is none.
    pub instance: *mut u8,
}

/// The function that carries every operation on an instance.
pub type CallFn = unsafe extern "C" fn(
    instance: *mut u8,
    op: u8,
    name: RStr<'_>,
    input: RSlice<'_, u8>,
    answer: Sink,
) -> Status;

/// The functions of a plugin library. No function unwinds; each catches the panics of the plugin.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRootRef, prefix_fields = PluginRootPrefix)))]
#[sabi(missing_field(panic))]
pub struct PluginRoot {
    /// Connects the planted libc definitions to the host; the first call after opening. `false`: this library has
    /// none, or its constructors used one before there was a host to ask. Such a library is never closed.
    pub connect: unsafe extern "C" fn(hooks: HooksPtr) -> bool,
    /// Runs `init`. `birth` is an encoded [`Birth`](crate::context::Birth).
    pub create: unsafe extern "C" fn(
        services: HostServicesRef,
        context: RawContext,
        birth: RSlice<'_, u8>,
        answer: Sink,
    ) -> Created,
    /// Runs one [`Op`] on an instance.
    pub call: unsafe extern "C" fn(
        instance: *mut u8,
        op: u8,
        name: RStr<'_>,
        input: RSlice<'_, u8>,
        answer: Sink,
    ) -> Status,
    /// Drops an instance. Afterwards its address means nothing.
    #[sabi(last_prefix_field)]
    pub destroy: unsafe extern "C" fn(instance: *mut u8, answer: Sink) -> Status,
}

impl RootModule for PluginRootRef {
    abi_stable::declare_root_module_statics! {PluginRootRef}
    const BASE_NAME: &'static str = "reactor_plugin";
    const NAME: &'static str = "reactor plugin";
    const VERSION_STRINGS: VersionStrings = VersionStrings::new(crate::facts::API_VERSION);
}

/// A plugin that is linked into the application instead of loaded: its root, to be given to the host together with
/// its manifest.
#[derive(Clone, Copy)]
pub struct Entry {
    root: PluginRootRef,
}

impl Entry {
    /// The entry of a plugin type. `export_plugin!` makes one under the `linked` feature; tests make their own.
    pub fn of<P: crate::Plugin>() -> Self {
        Self { root: super::adapter::root::<P>() }
    }

    /// The functions behind it.
    pub fn root(self) -> PluginRootRef {
        self.root
    }
}
