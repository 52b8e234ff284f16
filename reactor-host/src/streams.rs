//! Streams of items from one generation to whoever takes them.
//!
//! Owns the queues, which hold encoded items in the host's memory: nothing of a library is in them, so a stream holds no
//! generation. A generation that is suspended or ends has its streams ended with the reason; what is queued by then can
//! still be taken. Must never know what an item is.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use reactor_abi::Error;
use reactor_abi::ffi::interface::StreamStatus;

/// The most items that a stream may hold.
const MOST_ITEMS: u32 = 1 << 16;
/// The most bytes that all streams of one generation may hold; when they hold nothing, one item is taken whatever its size.
const MOST_BYTES: usize = 64 << 20;
/// The most streams that one generation may have open.
const MOST_STREAMS: usize = 4_096;
/// The most streams that are kept for who has not begun to take from them when who added to them is gone.
const MOST_LEFT: usize = 64;
/// The code of the reason where it is the host that ended a stream.
pub(crate) const ENDED: &str = reactor_abi::interface::STREAM_CUT;

/// The streams of one host.
#[derive(Default)]
pub(crate) struct Streams {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    opened: u64,
    /// Makes numbers that nobody guesses: who knows one was told it.
    numbers: RandomState,
    open: HashMap<u64, Arc<Stream>>,
    /// By the generation that adds; there is room as long as a stream of it is open.
    rooms: HashMap<u64, Weak<Room>>,
    /// Those whose generation had gone before anybody took from them, the oldest first. Who was given one of them may
    /// still come, or there may be nobody.
    left: VecDeque<u64>,
}

/// How much the streams of one generation hold.
#[derive(Default)]
struct Room {
    bytes: Mutex<usize>,
    /// Rung when there is more room, or somebody who waits for some is to look again.
    changed: Condvar,
}

struct Stream {
    provider: u64,
    /// Which one it is of all that were opened.
    age: u64,
    room: Arc<Room>,
    capacity: usize,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Vec<u8>>,
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

    fn end(&self, error: &[u8]) {
        let mut queue = self.lock();
        queue.ended.get_or_insert_with(|| error.to_vec());
        drop(queue);
        self.ring();
    }

    /// Wakes all who wait for this stream.
    fn ring(&self) {
        self.changed.notify_all();
        let _held = self.room.lock();
        self.room.changed.notify_all();
    }

    fn push(&self, item: &[u8], wait: Duration) -> StreamStatus {
        let deadline = Instant::now().checked_add(wait);
        loop {
            let left =
                deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            let (mut queue, _) =
                self.wait(left, |queue| queue.is_over() || queue.items.len() < self.capacity);
            if queue.is_over() {
                return StreamStatus::Closed;
            }
            if queue.items.len() >= self.capacity {
                return StreamStatus::Waiting;
            }
            // The room is looked at while the queue is held: who frees some holds neither for long.
            let mut bytes = self.room.lock();
            if *bytes == 0 || bytes.saturating_add(item.len()) <= MOST_BYTES {
                *bytes += item.len();
                drop(bytes);
                queue.items.push_back(item.to_vec());
                drop(queue);
                self.changed.notify_all();
                return StreamStatus::Done;
            }
            drop(queue);
            if left.is_zero() {
                return StreamStatus::Waiting;
            }
            // What ends the stream rings here too, under the room's lock, which has been held since the queue was.
            let waited = left.min(LONGEST_NAP);
            drop(self.room.changed.wait_timeout(bytes, waited).unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// A wait without a deadline is made of such: a condition variable takes no endless one.
const LONGEST_NAP: Duration = Duration::from_hours(1);

impl Queue {
    fn is_over(&self) -> bool {
        self.cancelled || self.ended.is_some()
    }
}

impl Room {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn free(&self, bytes: usize) {
        *self.lock() -= bytes;
        self.changed.notify_all();
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let queue = self.queue.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.room.free(queue.items.iter().map(Vec::len).sum());
    }
}

impl Inner {
    fn is_untaken(&self, number: u64) -> bool {
        self.open.get(&number).is_some_and(|stream| stream.lock().consumer.is_none())
    }

    /// A number that no open stream has; never 0.
    fn number(&mut self) -> u64 {
        loop {
            self.opened += 1;
            let number = self.numbers.hash_one(self.opened);
            if number != 0 && !self.open.contains_key(&number) {
                return number;
            }
        }
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
        inner.rooms.retain(|_, room| room.strong_count() > 0);
        let room = inner.rooms.get(&provider).and_then(Weak::upgrade).unwrap_or_default();
        inner.rooms.insert(provider, Arc::downgrade(&room));
        let number = inner.number();
        let capacity = capacity as usize;
        let age = inner.opened;
        let stream =
            Stream { provider, age, room, capacity, queue: Mutex::default(), changed: Condvar::new() };
        inner.open.insert(number, Arc::new(stream));
        Ok(number)
    }

    /// Adds an item to a stream of generation `provider`.
    pub(crate) fn push(&self, provider: u64, stream: u64, item: &[u8], wait: Duration) -> StreamStatus {
        let Some(stream) = self.find(stream).filter(|stream| stream.provider == provider) else {
            return StreamStatus::Closed;
        };
        stream.push(item, wait)
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
        let (mut queue, _) = stream.wait(wait, |queue| queue.is_over() || !queue.items.is_empty());
        if let Some(item) = queue.items.pop_front() {
            drop(queue);
            stream.room.free(item.len());
            stream.changed.notify_all();
            return (StreamStatus::Done, item);
        }
        if !queue.is_over() {
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
        let dropped = std::mem::take(&mut queue.items);
        drop(queue);
        stream.room.free(dropped.iter().map(Vec::len).sum());
        stream.ring();
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
                left.push((stream.age, *at));
            }
        }
        left.sort_unstable();
        inner.left.extend(left.into_iter().map(|(_, number)| number));
        let surplus = inner.left.len().saturating_sub(MOST_LEFT);
        let oldest: Vec<_> = inner.left.drain(..surplus).collect();
        gone.extend(oldest.into_iter().filter(|at| inner.is_untaken(*at)));
        drop(inner);
        for stream in gone {
            self.cancel(stream);
        }
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
