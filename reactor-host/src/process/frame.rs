//! What goes over the socket, as bytes: a greeting in each direction, then frames.
//!
//! Pure. **No input makes it panic, loop, or allocate more than the bytes that were really sent**: a length that is
//! announced is checked against [`LONGEST`], and memory follows the bytes that arrive. Each frame is its length (four
//! bytes, little-endian) and its body in postcard; a greeting is a body of a shape of its own, which never changes, so
//! that two versions that have nothing else in common can still tell each other so.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::{self, Read};

use reactor_abi::ffi::Status;
use serde::{Deserialize, Serialize};

/// The longest body of a frame: what one call may bring or answer.
pub(crate) const LONGEST: usize = 128 << 20;

/// Which frames there are. Counted up whenever one of them changes.
pub(crate) const PROTOCOL: u32 = 1;

/// One message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Frame<'a> {
    /// A question. `number` is the asker's own; `within`, the question of the other side's on whose behalf it is asked:
    /// the thread that waits for that answer is to see to it.
    Ask { number: u64, within: Option<u64>, ask: Ask<'a> },
    /// The answer to the question of that number.
    Answer { number: u64, answer: Answer<'a> },
    /// Something that is told and not answered.
    Note(Note),
}

/// A question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Ask<'a> {
    /// To the process: open this library. `closable`: its file says nothing against closing it at the end.
    Open { path: Bytes<'a>, needed: Vec<String>, closable: bool },
    /// To the process: make the instance. `birth`: an encoded `Birth`; `provides`: the interfaces of the manifest.
    Create { birth: Bytes<'a>, provides: Vec<(String, String)> },
    /// To the process: an operation on the instance.
    Call { op: u8, name: Cow<'a, str>, input: Bytes<'a> },
    /// To the process: drop the instance.
    Destroy,
    /// To the process: close the library and end. That is the answer.
    Close,
    /// To the host: a line for the log. `fields`: an encoded list of names and values.
    Log { level: u8, message: Cow<'a, str>, fields: Bytes<'a> },
    /// To the host: both clocks. Eight bytes each, little-endian.
    Time,
    /// To the host: what a plugin's `build` made.
    Output { plugin: Cow<'a, str> },
    /// To the host: queue a request.
    Request { kind: u8, plugin: Cow<'a, str> },
    /// To the host: run an action of another plugin.
    Invoke { plugin: Cow<'a, str>, action: Cow<'a, str>, input: Bytes<'a> },
    /// To the host: this interface is offered, by an encoded descriptor. `export` numbers it from here on.
    Provide { export: u32, descriptor: Bytes<'a> },
    /// To the process: call a method of what it offers.
    Export { export: u32, call: Method<'a> },
    /// To the host: an encoded `Want`. Answer: four bytes, little-endian, by which it is known from here on.
    Want { want: Bytes<'a> },
    /// To the host: who provides what is wanted.
    Provider { want: u32 },
    /// To the host: call a method of whoever provides what is wanted.
    Import { want: u32, call: Method<'a> },
    /// Either way: call a method of an object that was lent to question `lent_to`, for which the thread waits that this one
    /// is on behalf of.
    Back { lent_to: u64, at: u32, call: Method<'a> },
    /// To the host: open a stream. Answer: eight bytes, little-endian.
    StreamOpen { capacity: u32 },
    /// To the host: add an item. Answer: what came of it, as one byte.
    StreamPush { stream: u64, item: Bytes<'a>, nanoseconds: u64 },
    /// To the host: take an item. Answer: what came of it, as one byte, and the item or the error.
    StreamNext { stream: u64, nanoseconds: u64 },
    /// To the host: end a stream.
    StreamClose { stream: u64, error: Bytes<'a> },
    /// To the host: take no more items.
    StreamCancel { stream: u64 },
}

/// A call of a method of an interface, by the encoded road.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Method<'a> {
    /// The method's place in the table.
    pub(crate) place: u32,
    pub(crate) input: Bytes<'a>,
    /// How many objects are lent for the time of the call. What methods they have, both sides know from the interface.
    pub(crate) lent: u32,
}

/// What a question came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer<'a> {
    outcome: Outcome,
    /// The answer, or an encoded error.
    pub(crate) bytes: Bytes<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Outcome {
    Done,
    Failed,
    Panicked,
    Missing,
    Blocked,
}

impl Answer<'_> {
    pub(crate) fn new(status: Status, bytes: Vec<u8>) -> Self {
        let outcome = match status {
            Status::Done => Outcome::Done,
            Status::Failed => Outcome::Failed,
            Status::Panicked => Outcome::Panicked,
            Status::Missing => Outcome::Missing,
            Status::Blocked => Outcome::Blocked,
        };
        Self { outcome, bytes: bytes.into() }
    }

    pub(crate) fn done(bytes: Vec<u8>) -> Self {
        Self::new(Status::Done, bytes)
    }

    pub(crate) fn failed(error: &reactor_abi::Error) -> Self {
        Self::new(Status::Failed, error.encode())
    }

    pub(crate) fn status(&self) -> Status {
        match self.outcome {
            Outcome::Done => Status::Done,
            Outcome::Failed => Status::Failed,
            Outcome::Panicked => Status::Panicked,
            Outcome::Missing => Status::Missing,
            Outcome::Blocked => Status::Blocked,
        }
    }
}

/// Something that is told and not answered. Notes of one side are taken in the order in which they were sent, and before
/// any question that was sent after them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Note {
    /// To the process: how far its generation has come.
    Stage(u8),
    /// To the process: cancel the tasks and admit no more. Answered by a `Tasks` of this round.
    CloseTasks { round: u64 },
    /// To the process: admit tasks again.
    ReopenTasks,
    /// To the host: which tasks run, as of now, and the last round of closing that was heard of.
    Tasks { round: u64, running: Vec<String> },
    /// To the host: a task has panicked.
    Panicked,
}

/// Bytes, which cross as they are and not one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bytes<'a>(pub(crate) Cow<'a, [u8]>);

impl From<Vec<u8>> for Bytes<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl<'a> From<&'a [u8]> for Bytes<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self(bytes.into())
    }
}

impl Serialize for Bytes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes<'_> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes<'static>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(bytes.to_vec().into())
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

/// Why bytes are no frame, or are none yet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Torn {
    #[error("the connection has ended")]
    Over,
    #[error("the connection ended within a frame, after {0} of its bytes")]
    Within(usize),
    #[error("a frame of {length} bytes is announced, and {most} is the most")]
    TooLong { length: usize, most: usize },
    #[error("a frame of {len} bytes can not be read: {message}")]
    Garbage { len: usize, message: String },
    #[error("reading failed: {0}")]
    Read(io::Error),
}

/// A body with its length before it. `Err`: it is longer than [`LONGEST`], by this many bytes in all.
fn framed(body: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Result<Vec<u8>, usize> {
    let mut frame = body(vec![0; 4]);
    let length = frame.len() - 4;
    match u32::try_from(length) {
        Ok(short) if length <= LONGEST => {
            frame[..4].copy_from_slice(&short.to_le_bytes());
            Ok(frame)
        }
        _ => Err(length),
    }
}

impl Frame<'_> {
    /// The frame as it goes over the socket. `Err`: its body is this long, which is too long.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, usize> {
        // Nothing in a frame has a length that is not known: encoding into memory does not fail.
        framed(|start| postcard::to_extend(self, start).unwrap_or_else(|_| vec![0; 4]))
    }

    /// A body, read whole.
    pub(crate) fn decode(body: &[u8]) -> Result<Frame<'static>, Torn> {
        let garbage = |message: String| Torn::Garbage { len: body.len(), message };
        match postcard::take_from_bytes(body) {
            Ok((frame, [])) => Ok(frame),
            Ok((_, rest)) => Err(garbage(format!("{} bytes are left over", rest.len()))),
            Err(error) => Err(garbage(error.to_string())),
        }
    }
}

/// The next body.
pub(crate) fn read(from: &mut impl Read) -> Result<Vec<u8>, Torn> {
    read_at_most(from, LONGEST)
}

/// The next body, which is this long at most.
pub(crate) fn read_at_most(from: &mut impl Read, most: usize) -> Result<Vec<u8>, Torn> {
    let mut length = [0; 4];
    let begun = fill(from, &mut length).map_err(Torn::Read)?;
    match begun {
        4 => {}
        0 => return Err(Torn::Over),
        part => return Err(Torn::Within(part)),
    }
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > most {
        return Err(Torn::TooLong { length, most });
    }
    // Not more at once than has arrived, give or take: an announcement costs the other side nothing.
    let mut body = Vec::with_capacity(length.min(64 << 10));
    from.take(length as u64).read_to_end(&mut body).map_err(Torn::Read)?;
    if body.len() == length { Ok(body) } else { Err(Torn::Within(4 + body.len())) }
}

/// Reads until `into` is full or nothing comes any more; how much came.
fn fill(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut at = 0;
    while at < into.len() {
        match from.read(&mut into[at..]) {
            Ok(0) => break,
            Ok(more) => at += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}

/// What each side says first. Its shape never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    /// Which frames it speaks.
    pub(crate) protocol: u32,
    /// What it links of `reactor-abi`.
    pub(crate) fingerprint: u64,
    /// The version of this crate.
    pub(crate) version: String,
}

const MAGIC: &[u8; 8] = b"reactor\n";

impl Hello {
    /// This program's.
    pub(crate) fn ours() -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { protocol: PROTOCOL, fingerprint: reactor_abi::facts::FINGERPRINT, version }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let body = |mut start: Vec<u8>| {
            start.extend_from_slice(MAGIC);
            start.extend_from_slice(&self.protocol.to_le_bytes());
            start.extend_from_slice(&self.fingerprint.to_le_bytes());
            start.extend_from_slice(self.version.as_bytes());
            start
        };
        framed(body).unwrap_or_default()
    }

    /// A body that was read; `None`: it is no greeting.
    pub(crate) fn decode(body: &[u8]) -> Option<Self> {
        let rest = body.strip_prefix(MAGIC)?;
        let (protocol, rest) = rest.split_first_chunk()?;
        let (fingerprint, version) = rest.split_first_chunk()?;
        Some(Self {
            protocol: u32::from_le_bytes(*protocol),
            fingerprint: u64::from_le_bytes(*fingerprint),
            version: std::str::from_utf8(version).ok().filter(|version| version.len() <= 64)?.to_owned(),
        })
    }

    /// What differs from `other`, with both values: first this one's.
    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        if self.protocol != other.protocol {
            Some(format!("protocol {} here, {} there", self.protocol, other.protocol))
        } else if self.fingerprint != other.fingerprint {
            Some(format!("ABI fingerprint {:016x} here, {:016x} there", self.fingerprint, other.fingerprint))
        } else if self.version != other.version {
            Some(format!("reactor-host {} here, {} there", self.version, other.version))
        } else {
            None
        }
    }
}
