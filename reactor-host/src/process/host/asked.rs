//! What a plugin's process asks of the host, and what is answered. Nothing that it says is believed: what is encoded is read
//! by the same functions as what a library in this process passes, with the same limits.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use reactor_abi::Error;
use reactor_abi::ffi::{Op, RequestKind};

use super::super::frame::{Answer, Ask, Note};
use super::super::line::Servant;
use super::super::{failure_of_ours, lending};
use super::Process;
use crate::interfaces::Wanted;
use crate::manifest::PluginId;
use crate::native::context::{Context, MOST_IMPORTS};
use crate::native::pool::Target;
use crate::native::remote::{self, Lent, Outcome, Road};
use crate::native::services::interfaces::{take_offer, take_want};
use crate::native::services::log_line;

impl Process {
    /// What the process asks of the host, in the name of its generation.
    fn asked(&self, number: u64, ask: Ask<'static>) -> Result<Answer<'static>, Error> {
        let context = self.context().clone();
        let context =
            context.ok_or_else(|| Error::new("RE0643", "it has no instance, and nothing to ask"))?;
        let (desk, life) = (context.desk()?, &context.life);
        let answer = match ask {
            Ask::Log { level, message, fields } => {
                log_line(&context, level, &message, &fields.0);
                Ok(Vec::new())
            }
            Ask::Time => {
                let time = desk.time();
                Ok([time.monotonic_ns.to_le_bytes(), time.unix_ns.to_le_bytes()].concat())
            }
            Ask::Output { plugin } => desk.output(life, &named(&plugin)?),
            Ask::Request { kind, plugin } => {
                let kinds = [RequestKind::Swap, RequestKind::Disable, RequestKind::Stop];
                let kind =
                    kinds.into_iter().find(|known| *known as u8 == kind).ok_or_else(failure_of_ours)?;
                desk.request(life, kind, named(&plugin)?).map(|()| Vec::new())
            }
            Ask::Invoke { plugin, action, input } => {
                let target = Target::Plugin(named(&plugin)?);
                context.import(&target)?.call(Op::Invoke, &action, &input.0)
            }
            Ask::Provide { export, descriptor } => self.provide(&context, export, &descriptor.0),
            Ask::Want { want } => {
                let at = self.wants().number(take_want(&context, &want.0)?);
                at.map(|at| at.to_le_bytes().to_vec()).ok_or_else(|| context.imports_too_much())
            }
            Ask::Provider { want } => Ok(postcard::to_stdvec(&desk.provider(life, &self.wanted(want)?)?)?),
            Ask::Import { want, call } => {
                let lease = context.import(&Target::Interface(self.wanted(want)?))?;
                let run = |input: &[u8], lent: &Lent<'_>| lease.call_method(call.place, input, lent);
                return Ok(self.line.lend(number, &call, run));
            }
            Ask::Back { lent_to, at, call } => return Ok(self.line.call_back(number, lent_to, at, &call)),
            Ask::StreamOpen { capacity } => {
                desk.stream_open(life, capacity).map(|number| number.to_le_bytes().to_vec())
            }
            Ask::StreamPush { stream, item, nanoseconds } => {
                Ok(vec![desk.stream_push(life, stream, &item.0, patience(nanoseconds)) as u8])
            }
            Ask::StreamNext { stream, nanoseconds } => {
                let (status, mut bytes) = desk.stream_next(life, stream, patience(nanoseconds));
                bytes.insert(0, status as u8);
                Ok(bytes)
            }
            Ask::StreamClose { stream, error } => {
                desk.stream_close(life, stream, &error.0);
                Ok(Vec::new())
            }
            Ask::StreamCancel { stream } => {
                desk.stream_cancel(stream);
                Ok(Vec::new())
            }
            Ask::Open { .. }
            | Ask::Create { .. }
            | Ask::Call { .. }
            | Ask::Export { .. }
            | Ask::Destroy
            | Ask::Close => Err(failure_of_ours()),
        };
        answer.map(Answer::done)
    }

    fn provide(&self, context: &Context, export: u32, descriptor: &[u8]) -> Result<Vec<u8>, Error> {
        let process = self.me.upgrade().ok_or_else(failure_of_ours)?;
        let road = Box::new(Exported { process, export });
        take_offer(context, descriptor, |life, offered| remote::export(life, offered, road))?;
        Ok(Vec::new())
    }

    fn wants(&self) -> MutexGuard<'_, Wants> {
        self.wants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wanted(&self, want: u32) -> Result<Arc<Wanted>, Error> {
        self.wants().0.get(want as usize).cloned().ok_or_else(failure_of_ours)
    }
}

/// What a process wants of others' interfaces, by the numbers that it knows them by.
#[derive(Default)]
pub(super) struct Wants(Vec<Arc<Wanted>>);

impl Wants {
    /// The number of a question for an interface; `None`: there are as many as there can be.
    fn number(&mut self, wanted: Arc<Wanted>) -> Option<u32> {
        let known = self.0.iter().position(|known| Arc::ptr_eq(known, &wanted));
        if known.is_none() {
            if self.0.len() >= MOST_IMPORTS {
                return None;
            }
            self.0.push(wanted);
        }
        u32::try_from(known.unwrap_or(self.0.len() - 1)).ok()
    }
}

fn named(plugin: &str) -> Result<PluginId, Error> {
    crate::native::services::plugin_id(plugin)
}

/// How long a thread of the host's waits for a stream at once; who wants to wait for longer asks again.
const STREAM_PATIENCE: Duration = Duration::from_secs(1);

fn patience(nanoseconds: u64) -> Duration {
    Duration::from_nanos(nanoseconds).min(STREAM_PATIENCE)
}

/// An object that the process offers.
struct Exported {
    process: Arc<Process>,
    export: u32,
}

impl Road for Exported {
    fn call(&self, method: u32, input: &[u8], lent: &Lent<'_>) -> Outcome {
        let ask = Ask::Export { export: self.export, call: lending::call(method, input, lent) };
        let answer = self.process.line.ask_lending(ask, lent);
        answer.unwrap_or_else(|why| self.process.unanswered(why))
    }
}

impl Servant for Process {
    fn serve(&self, number: u64, ask: Ask<'static>) -> Answer<'static> {
        self.asked(number, ask).unwrap_or_else(|error| Answer::failed(&error))
    }

    fn note(&self, note: Note) {
        let Some(context) = self.context().clone() else { return };
        match note {
            Note::Tasks { round, running } => {
                context.life.tasks.hear(round, running);
                context.life.ring();
            }
            Note::Panicked => context.life.count_panic(),
            // Only the host says these.
            Note::Stage(_) | Note::CloseTasks { .. } | Note::ReopenTasks => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use reactor_abi::interface::{Descriptor, Want};

    use super::*;

    #[test]
    fn a_process_wants_so_many_interfaces_and_no_more() {
        let want = || {
            let descriptor =
                Descriptor { name: "tests.any".to_owned(), version: "1.0.0".to_owned(), methods: Vec::new() };
            Arc::new(
                Wanted::new(Want { descriptor, range: "^1".to_owned(), provider: None }).expect("a question"),
            )
        };
        let (first, mut wants) = (want(), Wants::default());
        assert_eq!(wants.number(Arc::clone(&first)), Some(0));
        assert!((1..4_096).all(|at| wants.number(want()) == Some(at)));
        assert_eq!(wants.number(want()), None);
        assert_eq!(wants.number(first), Some(0));
    }
}
