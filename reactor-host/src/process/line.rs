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
use std::io::{BufReader, ErrorKind, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use reactor_abi::Error;

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
    waiting: HashMap<u64, Waiting>,
    /// The other side has not taken what was sent to it, for so long that nothing can follow.
    stuck: bool,
    /// The conversation is over, and why.
    fallen: Option<Arc<str>>,
}

/// Who waits for the answer to a question.
struct Waiting {
    inbox: Sender<Delivery>,
    /// Sees to a question on behalf of this one. There is one at a time: who asked it waits for the answer.
    busy: bool,
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
    #[error("it has read nothing for {} seconds of what it was sent", WRITE_DEADLINE.as_secs())]
    Stuck,
}

impl Broken {
    /// Whether nothing is wrong with what was sent: the other side is gone.
    pub(super) fn is_end(&self) -> bool {
        matches!(self, Self::Torn(Torn::Over | Torn::Within(_) | Torn::Read(_)))
    }

    /// What the other side has done wrong, in words.
    pub(super) fn told(&self) -> Option<String> {
        match self {
            _ if self.is_end() => None,
            Self::Stuck => Some(self.to_string()),
            _ => Some(format!("it sent what it must not: {self}")),
        }
    }
}

/// How long a side that does not read may keep one that writes, once the socket is full.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);

/// Writes a whole frame within the deadline, however little of it the other side takes at a time.
fn write_in_time(writer: &mut UnixStream, mut bytes: &[u8]) -> std::io::Result<()> {
    let deadline = Instant::now() + WRITE_DEADLINE;
    let mut shortened = false;
    while !bytes.is_empty() {
        match writer.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        // Nearly every frame goes out at once, and needs no other limit than the one that stands.
        if !bytes.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            writer.set_write_timeout(Some(left))?;
            shortened = true;
        }
    }
    if shortened { writer.set_write_timeout(Some(WRITE_DEADLINE)) } else { Ok(()) }
}

/// How many questions of other processes one thread sees to at once, each on behalf of the one before. How deep calls lead
/// back and forth is the plugins' to choose, and each level takes its part of the thread's stack.
const DEEPEST: usize = 64;

thread_local! {
    /// The questions that this thread sees to, by line, the innermost last.
    static SERVING: RefCell<Vec<(u64, u64)>> = const { RefCell::new(Vec::new()) };
}

/// A question that this thread sees to, until dropped.
struct Serving;

impl Serving {
    /// `Err`: there are as many as there can be.
    fn new(line: u64, number: u64) -> Result<Option<Self>, Error> {
        let push = |list: &RefCell<Vec<(u64, u64)>>| {
            let mut list = list.borrow_mut();
            if list.len() >= DEEPEST {
                return Err(too_deep());
            }
            list.push((line, number));
            Ok(Self)
        };
        // At the very end of a thread the list is gone: what is asked then is asked on nobody's behalf.
        SERVING.try_with(push).ok().transpose()
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
                Err(_) if self.lock().stuck => return Broken::Stuck,
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
                let _ = waiting.inbox.send(Delivery::Answer(answer));
            }
            Frame::Ask { number, within: Some(within), ask } => {
                let mut inner = self.lock();
                let waiting = inner.waiting.get_mut(&within).ok_or(Broken::OnNobodysBehalf(within))?;
                if std::mem::replace(&mut waiting.busy, true) {
                    return Err(Broken::Flood);
                }
                let _ = waiting.inbox.send(Delivery::Ask(number, ask));
            }
            Frame::Ask { number, within: None, ask } => {
                let line = Arc::clone(self);
                if !self.crew.hand(Box::new(move || line.serve(number, None, ask))) {
                    return Err(Broken::Flood);
                }
            }
        }
        Ok(())
    }

    fn serve(&self, number: u64, within: Option<u64>, ask: Ask<'static>) {
        let answer = match Serving::new(self.id, number) {
            Ok(serving) => {
                let servant = self.servant.get().and_then(Weak::upgrade);
                let run = || servant.map(|servant| servant.serve(number, ask));
                let answer = catch_unwind(AssertUnwindSafe(run)).ok().flatten();
                drop(serving);
                answer.unwrap_or_else(|| Answer::failed(&failure_of_ours()))
            }
            Err(error) => Answer::failed(&error),
        };
        // Before it is answered: the next question may come at once.
        let mut inner = self.lock();
        if let Some(waiting) = within.and_then(|within| inner.waiting.get_mut(&within)) {
            waiting.busy = false;
        }
        drop(inner);
        if let Err(length) = self.send(&Frame::Answer { number, answer }) {
            let answer = Answer::failed(&too_long("answer", length));
            let _ = self.send(&Frame::Answer { number, answer });
        }
    }

    /// Has a thread do something that the reader must not wait for. After the end of the conversation nothing is done.
    pub(super) fn later(&self, job: impl FnOnce() + Send + 'static) {
        let _ = self.crew.hand(Box::new(job));
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
            inner.waiting.insert(number, Waiting { inbox: sender, busy: false });
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
                Ok(Delivery::Ask(asked, ask)) => self.serve(asked, Some(number), ask),
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
        if let Err(error) = write_in_time(&mut writer, &bytes) {
            if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) {
                self.lock().stuck = true;
            }
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

/// Why a question is not seen to.
fn too_deep() -> Error {
    Error::new(
        "RE0644",
        format!(
            "calls lead back and forth between processes, {DEEPEST} of them deep on this thread, which is the most: \
             have them return before the next one is made"
        ),
    )
}

/// Why something did not cross.
pub(super) fn too_long(what: &str, length: usize) -> Error {
    Error::new(
        "RE0642",
        format!(
            "the {what} is {length} bytes long, and {} is the most between processes: pass it in parts",
            frame::LONGEST
        ),
    )
}
