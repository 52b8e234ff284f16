//! The trait that a plugin implements, and its short form.

use crate::context::{Build, Init, Register, Registered, Start};
use crate::error::{Error, Result};
use crate::state::{Migrations, State};
use crate::value::Value;

/// A plugin, from its first phase to its last.
///
/// The host runs `init`, `build`, `register`, `after_registration`, `start` in this order, then calls `invoke` from
/// any thread, and ends with `stop` and drop. When a new build takes over, this generation is suspended, asked to
/// `save`, and either resumed (the new one failed) or stopped. Every method may fail or panic: the host keeps the
/// message and goes on without the plugin.
///
/// ```
/// use reactor_abi::prelude::*;
///
/// struct Greeter {
///     greeting: String,
/// }
///
/// impl Plugin for Greeter {
///     fn init(cx: &mut Init<'_>) -> Result<Self> {
///         Ok(Self { greeting: cx.config().get("greeting").and_then(Value::as_str).unwrap_or("Hello").to_owned() })
///     }
///
///     fn invoke(&self, action: &str, value: Value) -> Result<Value> {
///         match action {
///             "greet" => Ok(Value::from(format!("{} {}", self.greeting, value.read::<String>()?))),
///             _ => Err(Error::unknown_action(action)),
///         }
///     }
/// }
/// ```
pub trait Plugin: Send + Sync + Sized + 'static {
    /// Makes the plugin. Dependencies have run `init` and `build` by now.
    ///
    /// # Errors
    ///
    /// Whatever keeps the plugin from existing; it is listed as failed with this message, as are its dependants.
    fn init(cx: &mut Init<'_>) -> Result<Self>;

    /// Makes what dependants read through [`Services::output`](crate::Services::output). Default: null.
    ///
    /// # Errors
    ///
    /// As [`init`](Self::init).
    fn build(&self, cx: &mut Build<'_>) -> Result<Value> {
        let _ = cx;
        Ok(Value::Null)
    }

    /// Announces what the plugin provides.
    ///
    /// # Errors
    ///
    /// As [`init`](Self::init); what had been registered is taken back.
    fn register(&self, cx: &mut Register<'_>) -> Result<()> {
        let _ = cx;
        Ok(())
    }

    /// Runs when every plugin has registered.
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register).
    fn after_registration(&self, cx: &mut Registered<'_>) -> Result<()> {
        let _ = cx;
        Ok(())
    }

    /// Begins to work: take what only one generation can hold (a port, a device), spawn tasks.
    ///
    /// # Errors
    ///
    /// The plugin is taken back; during a swap the old generation is resumed.
    fn start(&self, cx: &mut Start<'_>) -> Result<()> {
        let _ = cx;
        Ok(())
    }

    /// Gives up what only one generation can hold, and keeps memory: the next call is `resume`, `save`, `restore` or
    /// `stop`. The host has cancelled and joined the tasks.
    ///
    /// # Errors
    ///
    /// Reported; the swap goes on.
    fn suspend(&self) -> Result<()> {
        Ok(())
    }

    /// Undoes a suspension, because the new generation failed. Default: `start` again.
    ///
    /// # Errors
    ///
    /// Reported; the plugin goes on answering calls.
    fn resume(&self, cx: &mut Start<'_>) -> Result<()> {
        self.start(cx)
    }

    /// Ends the work. The host has cancelled and joined the tasks; drop follows.
    ///
    /// # Errors
    ///
    /// Reported; the plugin is taken back all the same.
    fn stop(&self) -> Result<()> {
        Ok(())
    }

    /// Answers whether all is well. Default: yes.
    ///
    /// # Errors
    ///
    /// What is wrong, in words for an operator.
    fn health(&self) -> Result<()> {
        Ok(())
    }

    /// Runs an action. Called from any thread, also from several at once. Default: knows no action.
    ///
    /// # Errors
    ///
    /// Passed to the caller as it is; for an unknown action [`Error::unknown_action`].
    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        let _ = value;
        Err(Error::unknown_action(action))
    }

    /// Gives the state that the next generation takes over. Called only if the manifest has a `[state]` table, whose
    /// schema number the answer must carry. Default: nothing.
    ///
    /// # Errors
    ///
    /// The swap is refused and this generation goes on.
    fn save(&self) -> Result<State> {
        Ok(State::empty())
    }

    /// Takes over a state, after `after_registration` and before `start`, with nobody else inside. It has been
    /// brought to the manifest's schema by [`migrations`](Self::migrations). Default: ignores it.
    ///
    /// # Errors
    ///
    /// The state can not be taken over: the swap is refused and the old generation goes on.
    fn restore(&mut self, old: State) -> Result<()> {
        let _ = old;
        Ok(())
    }

    /// How states of other schemas become states of this one. Default: not at all.
    fn migrations() -> Migrations {
        Migrations::none()
    }
}

/// The short form of a plugin: one method, no phases.
///
/// Everything that implements it is a [`Plugin`].
pub trait Invoke: Default + Send + Sync + 'static {
    /// Runs an action; see [`Plugin::invoke`].
    ///
    /// # Errors
    ///
    /// As [`Plugin::invoke`].
    fn invoke(&self, action: &str, value: Value) -> Result<Value>;
}

impl<T: Invoke> Plugin for T {
    fn init(_: &mut Init<'_>) -> Result<Self> {
        Ok(Self::default())
    }

    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        Invoke::invoke(self, action, value)
    }
}

impl Error {
    /// The answer to an action that the plugin does not have.
    pub fn unknown_action(action: &str) -> Self {
        Self::new("RE0602", format!("unknown action `{action}`"))
    }
}
