//! Streams: items that come one after the other, through a queue of bounded length in the host's memory.
//!
//! Items wait there encoded, so nothing of a library is in them: the side that sends may be swapped and closed while the
//! other still reads what was queued. Must never pin anything.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::{CallError, Input, Schema};
use crate::error::{Error, Result};
use crate::ffi::client::KeptClient;
use crate::ffi::interface::StreamStatus;

/// How long one question to the host lasts where there is no deadline.
const FOR_EVER: Duration = Duration::MAX;

/// Opens a stream that holds at most `capacity` items that nobody has taken yet.
///
/// # Errors
///
/// The host opens no more for this generation.
pub fn stream<T: Schema>(client: KeptClient, capacity: usize) -> Result<(Sender<T>, Stream<T>)> {
    let capacity = u32::try_from(capacity.max(1)).unwrap_or(u32::MAX);
    let number = client.stream_open(capacity)?;
    let sender = Sender { open: Arc::new(Open { client: client.clone(), number }), items: PhantomData };
    Ok((sender, Stream(Subscription::new(client, number))))
}

/// The end of a stream that a method returns; a caller's handle makes a [`Subscription`] of it.
///
/// Dropped before it was returned, it cancels the stream.
pub struct Stream<T: Schema>(pub(crate) Subscription<T>);

impl<T: Schema> fmt::Debug for Stream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stream").field(&self.0.number).finish()
    }
}

/// What a handle's method answers where the trait's method returns `O`: `O` itself, but for streams the
/// [`Subscription`].
pub type Received<O> = <O as super::Answer>::Received;

/// The end of a stream that sends. Clones send into the same stream, which ends when the last of them is dropped.
pub struct Sender<T> {
    open: Arc<Open>,
    items: PhantomData<fn(T)>,
}

struct Open {
    client: KeptClient,
    number: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        // What is closed already stays as it was closed.
        self.client.stream_close(self.number, None);
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { open: Arc::clone(&self.open), items: PhantomData }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&self.open.number).finish()
    }
}

/// Why an item was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The stream holds as many items as it may.
    Full,
    /// Nobody takes items any more: the subscription was dropped, or this generation is being suspended or has ended.
    Closed,
    /// The item could not be encoded.
    Failed(Error),
}

impl SendError {
    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Full => "RE0722",
            Self::Closed => "RE0723",
            Self::Failed(error) => error.code(),
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the stream is full; wait with `send`, or leave the item out"),
            Self::Closed => f.write_str("nobody takes items of the stream any more; stop sending"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SendError {}

impl<T: Schema> Sender<T> {
    /// Sends an item; waits while the stream is full.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], or [`SendError::Failed`].
    pub fn send(&self, item: &T) -> Result<(), SendError> {
        loop {
            match self.push(item, FOR_EVER) {
                Err(SendError::Full) => {}
                other => return other,
            }
        }
    }

    /// Sends an item; waits while the stream is full, but no longer than `wait`.
    ///
    /// # Errors
    ///
    /// Any [`SendError`].
    pub fn send_timeout(&self, item: &T, wait: Duration) -> Result<(), SendError> {
        self.push(item, wait)
    }

    /// Sends an item if there is room for it now.
    ///
    /// # Errors
    ///
    /// Any [`SendError`].
    pub fn try_send(&self, item: &T) -> Result<(), SendError> {
        self.push(item, Duration::ZERO)
    }

    fn push(&self, item: &T, wait: Duration) -> Result<(), SendError> {
        let mut bytes = Vec::new();
        item.encode(&mut bytes).map_err(SendError::Failed)?;
        match self.open.client.stream_push(self.open.number, &bytes, wait) {
            StreamStatus::Done => Ok(()),
            StreamStatus::Waiting => Err(SendError::Full),
            StreamStatus::Closed => Err(SendError::Closed),
        }
    }
}

impl<T> Sender<T> {
    /// Ends the stream with an error: who reads gets it after the items that are queued, as [`CallError::Ended`]. For other
    /// clones it is closed.
    pub fn fail(self, error: impl Into<Error>) {
        self.open.client.stream_close(self.open.number, Some(&error.into()));
    }
}

/// The end of a stream that reads. Dropped, it tells the sender that nobody reads any more.
///
/// As an iterator it waits for each item, and ends when the stream does; a stream that ended with an error gives that
/// last.
pub struct Subscription<T> {
    client: KeptClient,
    number: u64,
    /// What was queued is read, and the end was seen.
    ended: bool,
    items: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subscription").field(&self.number).finish()
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        if !self.ended {
            self.client.stream_cancel(self.number);
        }
    }
}

/// What [`Subscription::next_timeout`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next<T> {
    /// An item.
    Item(T),
    /// None came in that time.
    Waiting,
    /// No more items come.
    End,
}

impl<T> Subscription<T> {
    pub(crate) fn new(client: KeptClient, number: u64) -> Self {
        Self { client, number, ended: false, items: PhantomData }
    }

    /// The number by which it crosses; whoever gets it reads from here on.
    pub(crate) fn into_number(mut self) -> u64 {
        self.ended = true;
        self.number
    }
}

impl<T: Schema> Subscription<T> {
    /// Waits for the next item, but no longer than `wait`.
    ///
    /// # Errors
    ///
    /// The one that the stream ended with, once: [`CallError::Ended`] is the sender's own, and [`CallError::Unavailable`] the
    /// host's, which has ended the stream since its sender was suspended or stopped, or [`CallError::Gone`] where that one's
    /// process has ended; or [`CallError::Failed`] when an item can not be read.
    pub fn next_timeout(&mut self, wait: Duration) -> Result<Next<T>, CallError> {
        if self.ended {
            return Ok(Next::End);
        }
        let (status, bytes) = self.client.stream_next(self.number, wait);
        match status {
            StreamStatus::Waiting => Ok(Next::Waiting),
            StreamStatus::Done => read(&bytes).map(Next::Item).map_err(CallError::Failed),
            StreamStatus::Closed => {
                self.ended = true;
                if bytes.is_empty() { Ok(Next::End) } else { Err(CallError::ended(Error::decode(&bytes))) }
            }
        }
    }
}

fn read<T: Schema>(bytes: &[u8]) -> Result<T> {
    let mut input = Input::new(bytes);
    let item = T::decode(&mut input)?;
    input.end()?;
    Ok(item)
}

impl<T: Schema> Iterator for Subscription<T> {
    type Item = Result<T, CallError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_timeout(FOR_EVER) {
                Ok(Next::Item(item)) => return Some(Ok(item)),
                Ok(Next::Waiting) => {}
                Ok(Next::End) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
