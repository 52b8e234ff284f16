//! Streams of items from one generation to whoever takes them.
//!
//! Owns the queues, which hold encoded items in the host's memory: nothing of a library is in them, so a stream holds no
//! generation. A generation that is suspended or ends has its streams ended with the reason; what is queued by then can
//! still be taken. Must never know what an item is.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reactor_abi::Error;
use reactor_abi::ffi::interface::StreamStatus;

/// The most items that a stream may hold.
const MOST_ITEMS: u32 = 1 << 16;
/// The most bytes that a stream may hold; one item is taken whatever its size.
const MOST_BYTES: usize = 64 << 20;
/// The most streams that one generation may have open.
const MOST_STREAMS: usize = 4_096;
/// The most streams that are kept for who has not begun to take from them when who added to them is gone.
const MOST_LEFT: usize = 64;
/// The code of the reason where it is the host that ended a stream.
pub(crate) const ENDED: &str = "RE0751";

/// The streams of one host.
#[derive(Default)]
pub(crate) struct Streams {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    open: HashMap<u64, Arc<Stream>>,
    /// Those whose generation had gone before anybody took from them, the oldest first. Who was given one of them may
    /// still come, or there may be nobody.
    left: VecDeque<u64>,
}

impl Inner {
    fn is_untaken(&self, number: u64) -> bool {
        self.open.get(&number).is_some_and(|stream| stream.lock().consumer.is_none())
    }
}

struct Stream {
    provider: u64,
    capacity: usize,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Vec<u8>>,
    bytes: usize,
    /// The generation that takes items, as soon as one was asked for.
    consumer: Option<u64>,
    /// No more items come: an encoded error, or nothing where it ended well.
    ended: Option<Vec<u8>>,
    /// No more items are taken.
    cancelled: bool,
}

impl Stream {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `done`, at most `wait`; answers with the queue, and whether it came to that.
    fn wait(&self, wait: Duration, done: impl Fn(&Queue) -> bool) -> (MutexGuard<'_, Queue>, bool) {
        let deadline = Instant::now().checked_add(wait);
        let mut queue = self.lock();
        loop {
            if done(&queue) {
                return (queue, true);
            }
            let left = match deadline {
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
                None => Duration::MAX,
            };
            if left.is_zero() {
                return (queue, false);
            }
            queue = match deadline {
                Some(_) => self.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn is_full(&self, queue: &Queue, more: usize) -> bool {
        queue.items.len() >= self.capacity
            || (!queue.items.is_empty() && queue.bytes.saturating_add(more) > MOST_BYTES)
    }

    fn end(&self, error: &[u8]) {
        let mut queue = self.lock();
        queue.ended.get_or_insert_with(|| error.to_vec());
        drop(queue);
        self.changed.notify_all();
    }
}

impl Streams {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, stream: u64) -> Option<Arc<Stream>> {
        self.lock().open.get(&stream).cloned()
    }

    /// Opens a stream of generation `provider`.
    ///
    /// # Errors
    ///
    /// A capacity of nothing or of too much; too many streams.
    pub(crate) fn open(&self, provider: u64, capacity: u32) -> Result<u64, Error> {
        if !(1..=MOST_ITEMS).contains(&capacity) {
            return Err(Error::new(
                "RE0752",
                format!("a stream for {capacity} items: between 1 and {MOST_ITEMS} can be asked for"),
            ));
        }
        let mut inner = self.lock();
        if inner.open.values().filter(|stream| stream.provider == provider).count() >= MOST_STREAMS {
            return Err(Error::new(
                "RE0753",
                format!("this plugin has {MOST_STREAMS} streams open, which are the most; end some of them"),
            ));
        }
        inner.next += 1;
        let number = inner.next;
        let capacity = capacity as usize;
        let stream = Stream { provider, capacity, queue: Mutex::default(), changed: Condvar::new() };
        inner.open.insert(number, Arc::new(stream));
        Ok(number)
    }

    /// Adds an item to a stream of generation `provider`.
    pub(crate) fn push(&self, provider: u64, stream: u64, item: &[u8], wait: Duration) -> StreamStatus {
        let Some(stream) = self.find(stream).filter(|stream| stream.provider == provider) else {
            return StreamStatus::Closed;
        };
        let over = |queue: &Queue| queue.cancelled || queue.ended.is_some();
        let (mut queue, _) = stream.wait(wait, |queue| over(queue) || !stream.is_full(queue, item.len()));
        if over(&queue) {
            return StreamStatus::Closed;
        }
        if stream.is_full(&queue, item.len()) {
            return StreamStatus::Waiting;
        }
        queue.bytes += item.len();
        queue.items.push_back(item.to_vec());
        drop(queue);
        stream.changed.notify_all();
        StreamStatus::Done
    }

    /// Ends a stream of generation `provider`. `error`: an encoded one, or nothing.
    pub(crate) fn close(&self, provider: u64, stream: u64, error: &[u8]) {
        if let Some(stream) = self.find(stream).filter(|stream| stream.provider == provider) {
            stream.end(error);
        }
    }

    /// Takes an item for generation `consumer`.
    pub(crate) fn next(&self, consumer: u64, stream: u64, wait: Duration) -> (StreamStatus, Vec<u8>) {
        let number = stream;
        let Some(stream) = self.find(number) else {
            // Who has seen the end does not ask again.
            return (StreamStatus::Closed, forgotten());
        };
        stream.lock().consumer = Some(consumer);
        let over = |queue: &Queue| queue.cancelled || queue.ended.is_some();
        let (mut queue, _) = stream.wait(wait, |queue| over(queue) || !queue.items.is_empty());
        if let Some(item) = queue.items.pop_front() {
            queue.bytes -= item.len();
            drop(queue);
            stream.changed.notify_all();
            return (StreamStatus::Done, item);
        }
        if !over(&queue) {
            return (StreamStatus::Waiting, Vec::new());
        }
        let reason = queue.ended.clone().unwrap_or_default();
        drop(queue);
        self.lock().open.remove(&number);
        (StreamStatus::Closed, reason)
    }

    /// Takes no more items of a stream.
    pub(crate) fn cancel(&self, stream: u64) {
        let Some(stream) = self.lock().open.remove(&stream) else { return };
        let mut queue = stream.lock();
        queue.cancelled = true;
        queue.items.clear();
        queue.bytes = 0;
        drop(queue);
        stream.changed.notify_all();
    }

    /// Ends every stream that generation `number` adds to, for this reason.
    pub(crate) fn end_of(&self, number: u64, why: &Error) {
        let ending: Vec<_> =
            self.lock().open.values().filter(|stream| stream.provider == number).cloned().collect();
        let why = why.encode();
        for stream in ending {
            stream.end(&why);
        }
    }

    /// Cancels every stream that generation `number` takes from, and ends those that it added to and nobody has taken from
    /// yet. Some of these are kept for who may still come.
    pub(crate) fn forget(&self, number: u64) {
        let mut inner = self.lock();
        let (mut gone, mut left) = (Vec::new(), Vec::new());
        for (at, stream) in &inner.open {
            let mut queue = stream.lock();
            if queue.consumer == Some(number) {
                gone.push(*at);
            } else if stream.provider == number && queue.consumer.is_none() {
                queue.ended.get_or_insert_with(forgotten);
                left.push(*at);
            }
        }
        left.sort_unstable();
        inner.left.extend(left);
        let surplus = inner.left.len().saturating_sub(MOST_LEFT);
        let oldest: Vec<_> = inner.left.drain(..surplus).collect();
        gone.extend(oldest.into_iter().filter(|at| inner.is_untaken(*at)));
        drop(inner);
        gone.into_iter().for_each(|stream| self.cancel(stream));
    }
}

fn forgotten() -> Vec<u8> {
    Error::new(
        ENDED,
        "who added to this stream has gone, and nobody had taken from it by then: ask for a new one",
    )
    .encode()
}

#[cfg(test)]
mod tests;
