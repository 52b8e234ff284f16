//! Calls of interfaces over a line, with the objects that are lent for their time: both directions, both sides.

use std::sync::Arc;

use reactor_abi::ffi::Status;

use super::frame::{Answer, Ask, Method};
use super::line::{Line, Unanswered};
use crate::native::remote::{Borrowed, Lent, Outcome, Road};

/// Puts a method's call into a question.
pub(super) fn call<'a>(method: u32, input: &'a [u8], lent: &Lent<'_>) -> Method<'a> {
    Method { place: method, input: input.into(), lent: lent.count() }
}

impl From<Outcome> for Answer<'_> {
    fn from(Outcome { status, bytes }: Outcome) -> Self {
        Self::new(status, bytes)
    }
}

impl From<Answer<'_>> for Outcome {
    fn from(answer: Answer<'_>) -> Self {
        Self { status: answer.status(), bytes: answer.bytes.0.into_owned() }
    }
}

impl Line {
    /// Asks something that objects are lent to.
    pub(super) fn ask_lending(&self, ask: Ask<'_>, lent: &Lent<'_>) -> Result<Outcome, Unanswered> {
        let number = self.number();
        lent.during(self.id(), number, || self.ask_as(number, ask)).map(Outcome::from)
    }

    /// Runs a call that the other side has made by question `number`, with what it lends.
    pub(super) fn lend(
        self: &Arc<Self>,
        number: u64,
        call: &Method<'_>,
        run: impl FnOnce(&[u8], &Lent<'_>) -> Outcome,
    ) -> Answer<'static> {
        let road = |at| Box::new(Back { line: Arc::clone(self), lent_to: number, at }) as Box<dyn Road>;
        match Borrowed::new(call.lent, road) {
            Some(borrowed) => run(&call.input.0, &borrowed.lent()).into(),
            None => Answer::failed(&super::failure_of_ours()),
        }
    }

    /// Calls a method of an object that this thread has lent to a question of its own.
    pub(super) fn call_back(
        self: &Arc<Self>,
        number: u64,
        lent_to: u64,
        at: u32,
        call: &Method<'_>,
    ) -> Answer<'static> {
        self.lend(number, call, |input, borrowed| {
            Lent::to(self.id(), lent_to, |lent| lent.call(at, call.place, input, borrowed))
                .unwrap_or_else(|| Outcome::failed(&super::failure_of_ours()))
        })
    }
}

/// An object that the other side lends to one of its questions.
struct Back {
    line: Arc<Line>,
    lent_to: u64,
    at: u32,
}

impl Road for Back {
    fn call(&self, method: u32, input: &[u8], lent: &Lent<'_>) -> Outcome {
        let ask = Ask::Back { lent_to: self.lent_to, at: self.at, call: call(method, input, lent) };
        self.line.ask_lending(ask, lent).unwrap_or_else(unanswered)
    }
}

/// What is said where nobody knows the process by name.
pub(super) fn unanswered(why: Unanswered) -> Outcome {
    let error = match why {
        Unanswered::TooLong(length) => super::line::too_long("call", length),
        Unanswered::Before(end) | Unanswered::Meanwhile(end) => reactor_abi::Error::new(
            reactor_abi::interface::PROCESS_GONE,
            format!("the other process has ended: {end}"),
        ),
    };
    Outcome { status: Status::Failed, bytes: error.encode() }
}
