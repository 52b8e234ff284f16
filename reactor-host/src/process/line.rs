//! A conversation over a socket: questions in both directions, many at once, each with its answer.
//!
//! One thread reads. Who asks waits for the answer, and meanwhile sees to what the other side asks *on behalf of that
//! very question*: so a chain of calls that goes back and forth between processes stays on one thread in each of them,
//! as it would in one process. What is asked on nobody's behalf is for the [`Crew`].
//!
//! Must never know what the questions are about. It holds no lock while anything of a plugin's runs. The reader never
//! waits for anybody, so no two sides can wait for each other to read.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use super::crew::Crew;
use super::failure_of_ours;
use super::frame::{self, Answer, Ask, Frame, Hello, Note, Torn};

/// Who sees to what the other side asks and tells.
pub(super) trait Servant: Send + Sync {
    /// Answers the question of that number. A panic counts as a failure of ours.
    fn serve(&self, number: u64, ask: Ask<'static>) -> Answer<'static>;
    /// Takes note, at once: the reader waits meanwhile.
    fn note(&self, note: Note);
}

/// One side of a conversation.
pub(super) struct Line {
    /// What the thread-local list of questions knows it by.
    id: u64,
    writer: Mutex<UnixStream>,
    inner: Mutex<Inner>,
    crew: Arc<Crew>,
    servant: OnceLock<Weak<dyn Servant>>,
}

#[derive(Default)]
struct Inner {
    asked: u64,
    waiting: HashMap<u64, Sender<Delivery>>,
    /// The conversation is over, and why.
    fallen: Option<Arc<str>>,
}

/// What who waits for an answer is given.
enum Delivery {
    Answer(Answer<'static>),
    Ask(u64, Ask<'static>),
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The conversation was over before the question was asked.
    Before(Arc<str>),
    /// It ended meanwhile.
    Meanwhile(Arc<str>),
    /// The question is this many bytes long, which is too long. Nothing else is disturbed.
    TooLong(usize),
}

/// What ends a conversation.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Torn(#[from] Torn),
    #[error("an answer to question {0}, which nobody asked")]
    Unasked(u64),
    #[error("a question on behalf of question {0}, which nobody asked")]
    OnNobodysBehalf(u64),
    #[error("more questions at once than are seen to")]
    Flood,
}

impl Broken {
    /// Whether nothing is wrong with what was sent: the other side is gone.
    pub(super) fn is_end(&self) -> bool {
        matches!(self, Self::Torn(Torn::Over | Torn::Within(_) | Torn::Read(_)))
    }
}

/// How long a side that does not read may keep one that writes, once the socket is full.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);

thread_local! {
    /// The questions that this thread sees to, by line, the innermost last.
    static SERVING: RefCell<Vec<(u64, u64)>> = const { RefCell::new(Vec::new()) };
}

/// A question that this thread sees to, until dropped.
struct Serving;

impl Serving {
    fn new(line: u64, number: u64) -> Option<Self> {
        // At the very end of a thread the list is gone: what is asked then is asked on nobody's behalf.
        SERVING.try_with(|list| list.borrow_mut().push((line, number))).ok().map(|()| Self)
    }

    /// The question of this line's that this thread sees to.
    fn innermost(line: u64) -> Option<u64> {
        let find = |list: &RefCell<Vec<(u64, u64)>>| {
            list.borrow().iter().rev().find(|(of, _)| *of == line).map(|(_, number)| *number)
        };
        SERVING.try_with(find).ok().flatten()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = SERVING.try_with(|list| list.borrow_mut().pop());
    }
}

impl Line {
    /// `name`: of the threads that see to questions; `most`: so many of them.
    pub(super) fn new(writer: UnixStream, name: &str, most: usize) -> std::io::Result<Arc<Self>> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        writer.set_write_timeout(Some(WRITE_DEADLINE))?;
        Ok(Arc::new(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            writer: Mutex::new(writer),
            inner: Mutex::default(),
            crew: Crew::new(name.to_owned(), most),
            servant: OnceLock::new(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says who this is, before anything else is said.
    pub(super) fn greet(&self, hello: &Hello) -> std::io::Result<()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).write_all(&hello.encode())
    }

    /// Reads until the conversation breaks, and says by what. `servant` sees to what is asked, as long as it lives.
    pub(super) fn listen(self: &Arc<Self>, reader: UnixStream, servant: &Arc<dyn Servant>) -> Broken {
        // Once for each line: there is one reader.
        let _ = self.servant.set(Arc::downgrade(servant));
        let mut reader = BufReader::new(reader);
        loop {
            let body = match frame::read(&mut reader) {
                Ok(body) => body,
                Err(torn) => return torn.into(),
            };
            let taken =
                Frame::decode(&body).map_err(Broken::from).and_then(|frame| self.take(frame, servant));
            if let Err(broken) = taken {
                return broken;
            }
        }
    }

    fn take(self: &Arc<Self>, frame: Frame<'static>, servant: &Arc<dyn Servant>) -> Result<(), Broken> {
        match frame {
            Frame::Note(note) => servant.note(note),
            Frame::Answer { number, answer } => {
                let waiting = self.lock().waiting.remove(&number).ok_or(Broken::Unasked(number))?;
                // It waits, or the conversation has just ended for it.
                let _ = waiting.send(Delivery::Answer(answer));
            }
            Frame::Ask { number, within: Some(within), ask } => {
                let inner = self.lock();
                let waiting = inner.waiting.get(&within).ok_or(Broken::OnNobodysBehalf(within))?;
                let _ = waiting.send(Delivery::Ask(number, ask));
            }
            Frame::Ask { number, within: None, ask } => {
                let line = Arc::clone(self);
                if !self.crew.hand(Box::new(move || line.serve(number, ask))) {
                    return Err(Broken::Flood);
                }
            }
        }
        Ok(())
    }

    fn serve(&self, number: u64, ask: Ask<'static>) {
        let serving = Serving::new(self.id, number);
        let servant = self.servant.get().and_then(Weak::upgrade);
        let answer = catch_unwind(AssertUnwindSafe(|| servant.map(|servant| servant.serve(number, ask))));
        drop(serving);
        let answer = answer.ok().flatten().unwrap_or_else(|| Answer::failed(&failure_of_ours()));
        if let Err(length) = self.send(&Frame::Answer { number, answer }) {
            let answer = Answer::failed(&too_long("answer", length));
            let _ = self.send(&Frame::Answer { number, answer });
        }
    }

    /// Asks, and waits for the answer; meanwhile sees to what is asked on its behalf.
    pub(super) fn ask(&self, ask: Ask<'_>) -> Result<Answer<'static>, Unanswered> {
        self.ask_as(self.number(), ask)
    }

    /// What this line is known by in this process.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The number of a question that is yet to be asked.
    pub(super) fn number(&self) -> u64 {
        let mut inner = self.lock();
        inner.asked += 1;
        inner.asked
    }

    /// As [`ask`](Self::ask), by a [number](Self::number) of this line's.
    pub(super) fn ask_as(&self, number: u64, ask: Ask<'_>) -> Result<Answer<'static>, Unanswered> {
        let (sender, inbox) = mpsc::channel();
        {
            let mut inner = self.lock();
            if let Some(why) = &inner.fallen {
                return Err(Unanswered::Before(Arc::clone(why)));
            }
            inner.waiting.insert(number, sender);
        }
        // On behalf of the innermost: the other side's thread waits for exactly this one's answer.
        let within = Serving::innermost(self.id);
        if let Err(length) = self.send(&Frame::Ask { number, within, ask }) {
            self.lock().waiting.remove(&number);
            return Err(Unanswered::TooLong(length));
        }
        loop {
            match inbox.recv() {
                Ok(Delivery::Answer(answer)) => return Ok(answer),
                Ok(Delivery::Ask(number, ask)) => self.serve(number, ask),
                Err(_) => {
                    let why = self.lock().fallen.clone();
                    return Err(Unanswered::Meanwhile(why.unwrap_or_else(|| "it is over".into())));
                }
            }
        }
    }

    /// Tells something that is not answered.
    pub(super) fn tell(&self, note: Note) {
        // A note is never too long to be sent but for a list of tasks' names, and what is told there is repeated.
        let _ = self.send(&Frame::Note(note));
    }

    /// `Err`: it is too long. A socket that does not take it is noticed by who reads: its other end is shut.
    fn send(&self, frame: &Frame<'_>) -> Result<(), usize> {
        let bytes = frame.encode()?;
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.write_all(&bytes).is_err() {
            // Part of a frame may be out: nothing can follow.
            let _ = writer.shutdown(Shutdown::Both);
        }
        Ok(())
    }

    /// Ends the conversation for who waits and who will ask.
    pub(super) fn fall(&self, why: &str) {
        let waiting = {
            let mut inner = self.lock();
            if inner.fallen.is_none() {
                inner.fallen = Some(why.into());
            }
            std::mem::take(&mut inner.waiting)
        };
        drop(waiting);
        self.crew.close();
        // A writer may hold the lock, and be waiting for a reader that is no more; its own deadline ends that.
        if let Ok(writer) = self.writer.try_lock() {
            let _ = writer.shutdown(Shutdown::Both);
        }
    }
}

/// Why something did not cross.
pub(super) fn too_long(what: &str, length: usize) -> reactor_abi::Error {
    reactor_abi::Error::new(
        "RE0642",
        format!(
            "the {what} is {length} bytes long, and {} is the most between processes: pass it in parts",
            frame::LONGEST
        ),
    )
}
