//! Tasks: work on a thread of the host's, which the host can cancel and join.

use std::time::Duration;

use crate::ffi::client::Client;

/// The task that is running: its cancellation token.
pub struct Task {
    client: Client,
    number: u64,
}

impl Task {
    pub(crate) fn new(client: Client, number: u64) -> Self {
        Self { client, number }
    }

    /// Whether the host or somebody with the [`TaskHandle`] wants the task to end.
    pub fn is_cancelled(&self) -> bool {
        self.client.wait_cancelled(self.number, Duration::ZERO)
    }

    /// Waits for `duration` or until the task is cancelled. `false`: cancelled, end now.
    #[must_use]
    pub fn sleep(&self, duration: Duration) -> bool {
        !self.client.wait_cancelled(self.number, duration)
    }
}

/// A running task, seen from outside. Dropping it changes nothing: the host joins the task.
pub struct TaskHandle {
    client: Client,
    number: u64,
}

impl TaskHandle {
    pub(crate) fn new(client: Client, number: u64) -> Self {
        Self { client, number }
    }

    /// Asks the task to end; does not wait for it.
    pub fn cancel(&self) {
        self.client.cancel(self.number);
    }
}
