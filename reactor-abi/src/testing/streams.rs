//! Streams on a bench.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::world::{Seat, World};
use crate::error::{Error, Result};
use crate::ffi::interface::StreamStatus;
use crate::interface::STREAM_CUT;

/// The streams of a world.
#[derive(Default)]
pub(super) struct Streams {
    last: u64,
    open: BTreeMap<u64, Queue>,
}

struct Queue {
    generation: u64,
    capacity: usize,
    items: VecDeque<Vec<u8>>,
    /// No more are added: an encoded error, or nothing.
    closed: Option<Vec<u8>>,
}

impl Seat {
    pub(crate) fn stream_open(&self, capacity: u32) -> Result<u64> {
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
        Ok(self.world()?.change(|inner| {
            inner.streams.last += 1;
            let queue = Queue { generation: self.generation, capacity, items: VecDeque::new(), closed: None };
            inner.streams.open.insert(inner.streams.last, queue);
            inner.streams.last
        }))
    }

    pub(crate) fn stream_push(&self, stream: u64, item: &[u8], nanoseconds: u64) -> StreamStatus {
        let Ok(world) = self.world() else { return StreamStatus::Closed };
        let pushed =
            world.wait_at_most(wait(nanoseconds), |inner| match inner.streams.open.get_mut(&stream) {
                Some(queue) if queue.closed.is_none() => (queue.items.len() < queue.capacity).then(|| {
                    queue.items.push_back(item.to_vec());
                    StreamStatus::Done
                }),
                _ => Some(StreamStatus::Closed),
            });
        pushed.unwrap_or(StreamStatus::Waiting)
    }

    pub(crate) fn stream_close(&self, stream: u64, error: &[u8]) {
        if let Some(world) = self.world.upgrade() {
            world.change(|inner| {
                if let Some(queue) = inner.streams.open.get_mut(&stream) {
                    queue.closed.get_or_insert_with(|| error.to_vec());
                }
            });
        }
    }

    pub(crate) fn stream_next(&self, stream: u64, nanoseconds: u64) -> (StreamStatus, Vec<u8>) {
        let Some(world) = self.world.upgrade() else { return (StreamStatus::Closed, Vec::new()) };
        let next = world.wait_at_most(wait(nanoseconds), |inner| {
            let Some(queue) = inner.streams.open.get_mut(&stream) else {
                return Some((StreamStatus::Closed, Vec::new()));
            };
            if let Some(item) = queue.items.pop_front() {
                return Some((StreamStatus::Done, item));
            }
            let error = queue.closed.take()?;
            inner.streams.open.remove(&stream);
            Some((StreamStatus::Closed, error))
        });
        next.unwrap_or((StreamStatus::Waiting, Vec::new()))
    }

    pub(crate) fn stream_cancel(&self, stream: u64) {
        if let Some(world) = self.world.upgrade() {
            world.change(|inner| inner.streams.open.remove(&stream));
        }
    }
}

fn wait(nanoseconds: u64) -> Duration {
    if nanoseconds == u64::MAX { Duration::MAX } else { Duration::from_nanos(nanoseconds) }
}

impl World {
    /// Ends the streams that a generation sends, as a host does when it suspends one.
    pub(super) fn end_streams(&self, generation: u64) {
        let error =
            Error::new(STREAM_CUT, format!("generation {generation}, which sends this stream, has ended"));
        self.change(|inner| {
            for queue in inner.streams.open.values_mut().filter(|queue| queue.generation == generation) {
                queue.closed.get_or_insert_with(|| error.encode());
            }
        });
    }
}
