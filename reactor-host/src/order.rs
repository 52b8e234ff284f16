//! What can be asked of the conductor.
//!
//! Orders are data: who sends one knows nothing of how it is carried out.

use std::sync::mpsc::{Sender, SyncSender};

use reactor_abi::ffi::RequestKind;

use crate::backend::Build;
use crate::discover::{Known, Tracker};
use crate::generation::PhaseFailure;
use crate::manifest::PluginId;
use crate::report::{Reason, Report};

/// Something to be done, and whom to tell.
pub(crate) enum Order {
    /// Bring up everything that is to run.
    Start(SyncSender<Report>),
    /// Look at the folders now.
    Rescan(SyncSender<Report>),
    /// A scan found something: see [`Shared::take_changes`](crate::shared::Shared::take_changes).
    Changes,
    /// Take over a build that is linked in.
    Install(Box<Build>, SyncSender<Report>),
    /// Read a plugin's files again and swap it, whether or not they changed.
    Swap(PluginId, SyncSender<Report>),
    /// As `Swap`, for several plugins in one step.
    SwapTogether(Vec<PluginId>, SyncSender<Report>),
    /// Go back to the build that served before.
    RollBack(PluginId, SyncSender<Report>),
    /// Let what is quarantined of a plugin be tried again.
    Lift(PluginId, SyncSender<Report>),
    /// Save a plugin's state, while it runs.
    Save(PluginId, SyncSender<Report>),
    /// A generation was asked whether all is well.
    Examined {
        /// Its number.
        generation: u64,
        /// What it answered.
        answer: Result<(), PhaseFailure>,
    },
    /// A generation on trial has failed, and why.
    Misbehaved {
        /// Its number.
        generation: u64,
        /// What it did.
        reason: Reason,
    },
    /// The process of a generation has ended by itself.
    Died {
        /// The generation's number.
        generation: u64,
        /// How.
        reason: Reason,
    },
    /// Switch a plugin off, or on again.
    Switch(PluginId, bool, SyncSender<Report>),
    /// Give what is known of the folders to who watches them from here on. `None`: somebody does already.
    Watch(SyncSender<Option<(Tracker, Known)>>),
    /// Nobody watches any more: look at the folders afresh when asked.
    Unwatch(Tracker),
    /// A plugin asks.
    Request {
        /// The plugin that asks.
        by: PluginId,
        /// For what.
        kind: RequestKind,
        /// About whom.
        target: PluginId,
    },
    /// Stop every plugin; the host stays.
    Stop(SyncSender<Report>),
    /// Stop every plugin and end.
    Shutdown(Sender<()>),
}
