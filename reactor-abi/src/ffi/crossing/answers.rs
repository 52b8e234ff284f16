//! What a method may return.

use super::super::calling::Entered;
use super::super::client::KeptClient;
use super::super::interface::Reply;
use super::super::sink::Sink;
use super::{Crossing, read};
use crate::error::Result;
use crate::interface::{CallError, Schema, Shape, Stream, Subscription, crossing, put};

/// What a method of an interface may return.
///
/// # Safety
///
/// As [`Crossing`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` can not be the answer of an interface's method",
    label = "this does not cross",
    note = "return `()`, a scalar, `String`, `Vec<u8>`, `Option` or `Result` of these, a type that derives `Schema`, \
            `Serialize` and `Deserialize`, or a `Stream` of such"
)]
pub unsafe trait Answer: Sized {
    /// As [`Crossing::Reply`].
    type Raw: Copy;
    /// What a caller's handle answers.
    type Received;

    /// As [`Crossing::give`].
    fn give(self, answer: Sink) -> Result<Self::Raw>;
    /// Calls and receives an answer, and leaves. `carried`: how many bytes the arguments had, if any carry some.
    ///
    /// The error is boxed so that the answer stays in registers where there is none: whoever makes an error would write
    /// it to where the answer is wanted.
    unsafe fn receive<E: Entered>(
        entered: E,
        carried: Option<usize>,
        call: impl FnOnce(Sink) -> Reply<Self::Raw>,
    ) -> Result<Self::Received, Box<CallError>>;
    /// For the encoded road.
    fn put(self, output: &mut Vec<u8>) -> Result<()>;
    /// From the encoded road: all of `bytes`.
    fn get<E: Entered>(entered: &E, bytes: &[u8]) -> Result<Self::Received>;
    /// What was received, to be given again.
    fn pass_on(received: Self::Received) -> Self;
    /// What a caller's handle answers for it, where it was not called.
    fn keep(self) -> Self::Received;
    /// Adds the type to a signature.
    fn write(shape: &mut Shape);
}

// SAFETY: passes on what the type's own crossing does.
unsafe impl<T: Schema> Answer for T {
    type Raw = <T::Crosses as Crossing<T>>::Reply;
    type Received = T;

    #[inline]
    fn give(self, answer: Sink) -> Result<Self::Raw> {
        T::Crosses::give(self, answer)
    }

    #[expect(clippy::inline_always, reason = "as `Target::enter_briefly`")]
    #[inline(always)]
    unsafe fn receive<E: Entered>(
        entered: E,
        carried: Option<usize>,
        call: impl FnOnce(Sink) -> Reply<Self::Raw>,
    ) -> Result<T, Box<CallError>> {
        // SAFETY: as the caller promises.
        match unsafe { T::Crosses::receive(|sink| entered.timed(move || call(sink))) } {
            Ok((value, answered)) => {
                if <T::Crosses as Crossing<T>>::CARRIES {
                    entered.count(carried.unwrap_or(0), answered);
                } else if let Some(carried) = carried {
                    entered.count(carried, 0);
                }
                Ok(value)
            }
            Err(trouble) => {
                if trouble.is_panic() {
                    entered.count_panic();
                }
                // Then the pin is no concern of the rest, which may panic.
                drop(entered);
                Err(trouble.told())
            }
        }
    }

    fn put(self, output: &mut Vec<u8>) -> Result<()> {
        self.encode(output)
    }

    fn get<E: Entered>(_: &E, bytes: &[u8]) -> Result<T> {
        read(bytes)
    }

    fn pass_on(received: T) -> T {
        received
    }

    fn keep(self) -> T {
        self
    }

    fn write(shape: &mut Shape) {
        T::describe(shape);
    }
}

/// Reads a stream's number back.
fn subscription<T: Schema>(client: Option<KeptClient>, number: u64) -> Result<Subscription<T>> {
    let client = client.ok_or_else(|| crossing("a stream", &"a callback can not answer with one"))?;
    Ok(Subscription::new(client, number))
}

// SAFETY: crosses as its number.
unsafe impl<T: Schema> Answer for Stream<T> {
    type Raw = u64;
    type Received = Subscription<T>;

    fn give(self, _: Sink) -> Result<u64> {
        Ok(self.0.into_number())
    }

    unsafe fn receive<E: Entered>(
        entered: E,
        carried: Option<usize>,
        call: impl FnOnce(Sink) -> Reply<u64>,
    ) -> Result<Subscription<T>, Box<CallError>> {
        let client = entered.client();
        // SAFETY: as the caller promises.
        let number = unsafe { <u64 as Answer>::receive(entered, carried, call) }?;
        subscription(client, number).map_err(|error| Box::new(CallError::Failed(error)))
    }

    fn put(self, output: &mut Vec<u8>) -> Result<()> {
        put(&self.0.into_number(), output)
    }

    fn get<E: Entered>(entered: &E, bytes: &[u8]) -> Result<Subscription<T>> {
        subscription(entered.client(), read(bytes)?)
    }

    fn pass_on(received: Subscription<T>) -> Self {
        Self(received)
    }

    fn keep(self) -> Subscription<T> {
        self.0
    }

    fn write(shape: &mut Shape) {
        shape.text("Stream<");
        T::describe(shape);
        shape.text(">");
    }
}

// SAFETY: crosses encoded, the stream as its number.
unsafe impl<T: Schema, F: Schema> Answer for Result<Stream<T>, F> {
    type Raw = ();
    type Received = Result<Subscription<T>, F>;

    fn give(self, answer: Sink) -> Result<()> {
        Answer::give(self.map(|stream| stream.0.into_number()), answer)
    }

    unsafe fn receive<E: Entered>(
        entered: E,
        carried: Option<usize>,
        call: impl FnOnce(Sink) -> Reply<()>,
    ) -> Result<Self::Received, Box<CallError>> {
        let client = entered.client();
        // SAFETY: as the caller promises.
        match unsafe { <Result<u64, F> as Answer>::receive(entered, carried, call) }? {
            Ok(number) => {
                subscription(client, number).map(Ok).map_err(|error| Box::new(CallError::Failed(error)))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    fn put(self, output: &mut Vec<u8>) -> Result<()> {
        Answer::put(self.map(|stream| stream.0.into_number()), output)
    }

    fn get<E: Entered>(entered: &E, bytes: &[u8]) -> Result<Self::Received> {
        match read::<Result<u64, F>>(bytes)? {
            Ok(number) => subscription(entered.client(), number).map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }

    fn pass_on(received: Self::Received) -> Self {
        received.map(Stream)
    }

    fn keep(self) -> Self::Received {
        self.map(|stream| stream.0)
    }

    fn write(shape: &mut Shape) {
        shape.text("Result<");
        <Stream<T> as Answer>::write(shape);
        shape.text(", ");
        F::describe(shape);
        shape.text(">");
    }
}
