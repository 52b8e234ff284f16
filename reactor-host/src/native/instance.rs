//! One instance of a plugin behind its C functions, and the code that it runs from.

use std::sync::{Arc, Weak};

use abi_stable::std_types::{RSlice, RStr};
use reactor_abi::Error;
use reactor_abi::context::Birth;
use reactor_abi::ffi::{CallFn, Entry, HooksPtr, LibcHooks, Op, PluginRootRef, RawContext, Sink, Status};

use super::context::{Context, Desk};
use super::life::Life;
use super::open::{Closed, Image};
#[cfg(unix)]
use super::remote::{Lent, Outcome, Remote};
use super::services::SERVICES;

/// Why an operation did not come to an answer.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// What the plugin said, or the panic.
    pub(crate) error: Error,
    /// Whether it panicked.
    pub(crate) panicked: bool,
}

/// Where an instance's code comes from.
pub(crate) enum Code {
    /// Linked into this program: never closed, there is nothing to close.
    Linked(Entry),
    /// A library of its own.
    Loaded(Box<Image>),
    /// A process of its own.
    #[cfg(unix)]
    Remote(Arc<dyn Remote>),
}

impl Code {
    /// What is asked of whoever has the code.
    fn root(&self) -> PluginRootRef {
        match self {
            Self::Linked(entry) => entry.root(),
            Self::Loaded(image) => image.root(),
            #[cfg(unix)]
            Self::Remote(_) => super::remote::ROOT,
        }
    }
}

/// A plugin's instance. The functions behind it catch every panic of the plugin's.
pub(crate) struct Instance {
    root: PluginRootRef,
    object: *mut u8,
    /// What the plugin holds on to: its context and, for a library, the hooks. In boxes: the addresses are out there.
    context: Option<Arc<Context>>,
    hooks: Option<Box<LibcHooks>>,
    /// `None` once the code was closed or given up for good.
    code: Option<Code>,
    life: Arc<Life>,
    /// Why the library can not be closed, as far as that is known from its opening.
    unclosable: Vec<String>,
}

// SAFETY: the functions behind `root` may be called from any thread (`Plugin: Send + Sync`), `instance` is opaque.
unsafe impl Send for Instance {}
// SAFETY: as above; `restore` and `destroy`, which need to be alone, take `&mut self`.
unsafe impl Sync for Instance {}

impl Instance {
    /// Connects the code and runs `init`.
    ///
    /// `tracked`: callers can be made to wait.
    ///
    /// # Errors
    ///
    /// What `init` answered, together with what is left: the code, to be closed.
    pub(crate) fn create(
        code: Code,
        life: &Arc<Life>,
        desk: Weak<dyn Desk>,
        birth: &Birth,
        tracked: bool,
    ) -> Result<Self, (Box<Self>, Failure)> {
        let root = code.root();
        let context = Arc::new(Context::new(Arc::clone(life), desk));
        let raw = context.raw();
        #[cfg(unix)]
        if let Code::Remote(remote) = &code {
            life.run_remotely(remote);
            remote.attach(&context);
        }
        let mut this = Self {
            root,
            object: std::ptr::null_mut(),
            context: Some(context),
            hooks: None,
            code: Some(code),
            life: Arc::clone(life),
            unclosable: Vec::new(),
        };
        this.connect(raw);
        let birth = match postcard::to_stdvec(birth) {
            Ok(birth) => birth,
            Err(error) => {
                let folder = birth.plugin_dir.display();
                let text = format!("the plugin's folder {folder} can not be told to it, rename it: {error}");
                return Err((Box::new(this), Failure { error: Error::new("RE0313", text), panicked: false }));
            }
        };
        let mut answer = Vec::new();
        let (_inside, _frame) = (life.enter(), life.frame());
        // SAFETY: the context belongs to the services and lives until the library is closed.
        let created =
            unsafe { (root.create())(SERVICES, raw, RSlice::from_slice(&birth), Sink::of(&mut answer)) };
        if let Err(failure) = read(created.status, answer) {
            return Err((Box::new(this), failure));
        }
        this.object = created.instance;
        let table: CallFn = root.call();
        life.assign(this.object.cast(), table as *mut (), tracked);
        Ok(this)
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn connect(&mut self, raw: RawContext) {
        if let Some(Code::Loaded(image)) = &self.code {
            let hooks = Box::new(super::traces::linux::hooks(raw));
            // SAFETY: the table lives until the library is closed.
            let clean = unsafe { (self.root.connect())(HooksPtr::new(&hooks)) };
            self.hooks = Some(hooks);
            self.unclosable = image.obstacles();
            if !clean {
                let reason = "a constructor asked libc for something before the host could be asked";
                self.unclosable.push(reason.to_owned());
            }
        }
    }

    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    fn connect(&mut self, _: RawContext) {
        if let Some(Code::Loaded(image)) = &self.code {
            let reason = "on this platform libraries are kept: their traces can not be taken back";
            self.unclosable = image.obstacles();
            self.unclosable.insert(0, reason.to_owned());
        }
    }

    /// Runs an operation other than `Restore`.
    ///
    /// # Errors
    ///
    /// The plugin's error or panic.
    pub(crate) fn call(&self, op: Op, name: &str, input: &[u8]) -> Result<Vec<u8>, Failure> {
        debug_assert_ne!(op, Op::Restore, "`restore` needs the instance for itself");
        // SAFETY: shared operations may run beside each other.
        unsafe { self.call_raw(op, name, input) }
    }

    /// Hands a saved state over.
    ///
    /// # Errors
    ///
    /// The plugin's error or panic.
    ///
    /// # Panics
    ///
    /// When callers are inside: the host pauses and drains first.
    pub(crate) fn restore(&self, alone: &Alone<'_>, state: &[u8]) -> Result<Vec<u8>, Failure> {
        assert!(std::ptr::eq(alone.0, Arc::as_ptr(&self.life)), "the proof is another generation's");
        // SAFETY: `Alone` proves that no caller is inside and none can enter.
        unsafe { self.call_raw(Op::Restore, "", state) }
    }

    /// # Safety
    ///
    /// For `Restore`, nobody else is inside the instance.
    unsafe fn call_raw(&self, op: Op, name: &str, input: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut answer = Vec::new();
        let (_inside, _frame) = (self.life.enter(), self.life.frame());
        // SAFETY: the instance is created and not destroyed; the sink is used during the call.
        let status = unsafe {
            (self.root.call())(
                self.object,
                op as u8,
                RStr::from_str(name),
                RSlice::from_slice(input),
                Sink::of(&mut answer),
            )
        };
        if status == Status::Panicked {
            self.life.count_panic();
        }
        read(status, answer)
    }

    /// Calls a method of what it offers, by the encoded road.
    #[cfg(unix)]
    pub(crate) fn call_export(&self, export: u32, method: u32, input: &[u8], lent: &Lent<'_>) -> Outcome {
        let (_inside, _frame) = (self.life.enter(), self.life.frame());
        // SAFETY: the instance, and with it what it offers, lives for `&self`: `destroy` takes it whole.
        unsafe { self.life.exports.call(export, method, input, lent) }
    }

    /// Ends what it may ask for: its handles to other plugins refuse from here on.
    pub(crate) fn cut_imports(&self) {
        if let Some(context) = &self.context {
            context.cut_imports();
        }
    }

    /// Drops the plugin.
    ///
    /// # Errors
    ///
    /// Its panic; the plugin is gone all the same.
    pub(crate) fn destroy(&mut self) -> Result<(), Failure> {
        let instance = std::mem::replace(&mut self.object, std::ptr::null_mut());
        if instance.is_null() {
            return Ok(());
        }
        let mut answer = Vec::new();
        let (_inside, _frame) = (self.life.enter(), self.life.frame());
        // SAFETY: destroyed once; `&mut self` keeps other operations out, and callers were drained.
        let status = unsafe { (self.root.destroy())(instance, Sink::of(&mut answer)) };
        read(status, answer).map(drop)
    }

    /// Whether the plugin was dropped, or never made.
    #[cfg(unix)]
    pub(crate) fn is_destroyed(&self) -> bool {
        self.object.is_null()
    }

    /// Whether it has a library in this process, which may have to stay.
    pub(crate) fn is_library(&self) -> bool {
        matches!(self.code, Some(Code::Loaded(_)))
    }

    /// Whether its code is part of the program: there is nothing to close.
    pub(crate) fn is_linked(&self) -> bool {
        matches!(self.code, Some(Code::Linked(_)))
    }

    /// Why the library can not be closed and never will be, as far as is known already; empty where there is none.
    pub(crate) fn obstacles(&self) -> Vec<String> {
        let Some(Code::Loaded(image)) = &self.code else { return Vec::new() };
        let mut obstacles = self.life.traces.indelible(&image.mapped());
        obstacles.extend(self.unclosable.iter().cloned());
        obstacles
    }

    /// Closes the library and asks the loader whether it is gone, or ends the process. For a destroyed instance of a generation that is
    /// shut and unused, has no threads and left nothing indelible.
    pub(crate) fn close(mut self) -> Closed {
        assert!(self.object.is_null(), "destroyed before it is closed");
        match self.code.take() {
            None | Some(Code::Linked(_)) => {
                // A plugin that is linked in may keep its services anywhere: what they point at stays.
                std::mem::forget(self.context.take());
                Closed::Gone
            }
            #[cfg(unix)]
            Some(Code::Remote(remote)) => {
                remote.close();
                Closed::Gone
            }
            Some(Code::Loaded(image)) => {
                // Until it is gone its own last functions run, and use its keys. No destructor of it runs at a thread's
                // end any more, since nobody can enter the generation.
                let closed = image.close();
                if closed == Closed::Gone {
                    #[cfg(all(target_os = "linux", target_env = "gnu"))]
                    self.life.traces.erase(&self.life);
                } else {
                    self.life.reopen();
                    self.leak();
                }
                closed
            }
        }
    }

    fn give_up(&mut self) {
        match self.code.take() {
            Some(Code::Loaded(image)) => {
                image.retain();
                self.leak();
            }
            // Code of it may still run, and ask for things.
            Some(Code::Linked(_)) => self.leak(),
            // Calls that are inside come back with an error.
            #[cfg(unix)]
            Some(Code::Remote(remote)) => remote.kill("the host has ended"),
            None => {}
        }
    }

    /// Never frees what the plugin's code may look at.
    fn leak(&mut self) {
        std::mem::forget(self.context.take());
        std::mem::forget(self.hooks.take());
        std::mem::forget(Arc::clone(&self.life));
    }
}

/// An instance that is dropped unclosed keeps its library open for good, with everything that it might still touch; a
/// process is killed.
impl Drop for Instance {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// Proof that nobody is inside a generation and nobody can enter it.
pub(crate) struct Alone<'a>(*const Life, std::marker::PhantomData<&'a Life>);

impl<'a> Alone<'a> {
    /// Looks whether nobody is inside. The caller has seen to it that no cell leads there: it was never switched to,
    /// or its callers wait. A caller that comes too late counts itself in and out again without running anything;
    /// such a one is waited for.
    pub(crate) fn check(life: &'a Life) -> Option<Self> {
        const LOOKS: u32 = 10_000;
        for _ in 0..LOOKS {
            if life.inside() == 0 {
                return Some(Self(life, std::marker::PhantomData));
            }
            std::thread::yield_now();
        }
        None
    }
}

fn read(status: Status, answer: Vec<u8>) -> Result<Vec<u8>, Failure> {
    match status {
        Status::Done => Ok(answer),
        Status::Failed | Status::Missing | Status::Blocked => {
            Err(Failure { error: Error::decode(&answer), panicked: false })
        }
        Status::Panicked => Err(Failure { error: Error::decode(&answer), panicked: true }),
    }
}
