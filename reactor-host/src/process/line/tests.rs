use std::sync::OnceLock;
use std::thread;

use super::*;

/// The most threads of a side that see to questions.
const MOST: usize = 16;

/// Answers an `Invoke` of `plugin`: `deep` asks back as many levels down, the thread's id at each of them beside it.
#[derive(Default)]
struct Echo {
    line: OnceLock<Arc<Line>>,
    seen: Mutex<Vec<thread::ThreadId>>,
}

impl Echo {
    fn new(stream: UnixStream) -> (Arc<Self>, thread::JoinHandle<Broken>) {
        let echo = Arc::new(Self::default());
        let reader = stream.try_clone().expect("a descriptor");
        let line = Line::new(stream, "echo", MOST).expect("a line");
        let _ = echo.line.set(Arc::clone(&line));
        let servant: Arc<dyn Servant> = Arc::clone(&echo) as _;
        let listening = thread::spawn(move || {
            let broken = line.listen(reader, &servant);
            line.fall(&broken.to_string());
            broken
        });
        (echo, listening)
    }

    fn line(&self) -> &Line {
        self.line.get().expect("set at once")
    }

    fn ask(&self, action: &str, input: &[u8]) -> Result<Vec<u8>, Unanswered> {
        let ask = Ask::Invoke { plugin: "".into(), action: action.into(), input: input.into() };
        self.line().ask(ask).map(|answer| answer.bytes.0.into_owned())
    }
}

impl Servant for Echo {
    fn serve(&self, _: u64, ask: Ask<'static>) -> Answer<'static> {
        let Ask::Invoke { action, input, .. } = ask else { panic!("told to panic") };
        let input = input.0.into_owned();
        match (&*action, input.first()) {
            ("echo", _) => Answer::done(input),
            ("deep", Some(0)) => Answer::done(vec![0]),
            ("deep", Some(levels)) => {
                self.seen.lock().expect("whole").push(thread::current().id());
                let below = self.ask("deep", &[levels - 1]).expect("an answer");
                Answer::done(vec![below[0] + 1])
            }
            ("hang", _) => {
                thread::park();
                Answer::done(Vec::new())
            }
            _ => panic!("told to panic"),
        }
    }

    fn note(&self, _: Note) {}
}

fn pair() -> [(Arc<Echo>, thread::JoinHandle<Broken>); 2] {
    let (one, other) = UnixStream::pair().expect("sockets");
    [Echo::new(one), Echo::new(other)]
}

#[test]
fn many_ask_at_once_and_each_gets_its_own_answer() {
    let [(one, _), (other, _)] = pair();
    thread::scope(|scope| {
        for side in [&one, &other] {
            for asker in 0..8_u8 {
                scope.spawn(move || {
                    for round in 0..100_u8 {
                        assert_eq!(side.ask("echo", &[asker, round]).expect("an answer"), [asker, round]);
                    }
                });
            }
        }
    });
}

#[test]
fn a_chain_of_questions_stays_on_one_thread_of_each_side() {
    let [(one, _), (other, _)] = pair();
    assert_eq!(one.ask("deep", &[9]).expect("an answer"), [9]);
    let mine = one.seen.lock().expect("whole");
    assert!(mine.len() == 4 && mine.iter().all(|id| *id == thread::current().id()), "{mine:?}");
    let theirs = other.seen.lock().expect("whole");
    assert!(theirs.len() == 5 && theirs.iter().all(|id| *id == theirs[0]), "{theirs:?}");
}

#[test]
fn a_servant_that_panics_answers_so() {
    let [(one, _), _other] = pair();
    let answer = one.line().ask(Ask::Time).expect("an answer");
    assert_eq!(reactor_abi::Error::decode(&answer.bytes.0).code(), failure_of_ours().code());
    assert_eq!(one.ask("echo", b"still there").expect("an answer"), b"still there");
}

#[test]
fn who_waits_is_told_when_the_conversation_ends_and_so_is_who_asks_later() {
    let [(one, listening), (other, _)] = pair();
    let asking = Arc::clone(&one);
    let asker = thread::spawn(move || asking.ask("hang", &[]));
    while one.line().lock().waiting.is_empty() {
        thread::yield_now();
    }
    other.line().fall("told to");
    assert!(matches!(asker.join().expect("no panic"), Err(Unanswered::Meanwhile(_))));
    assert!(listening.join().expect("no panic").is_end());
    assert!(matches!(one.ask("echo", &[]), Err(Unanswered::Before(_))));
}

#[track_caller]
fn breaks(bytes: &[u8]) -> Broken {
    let (stream, mut raw) = UnixStream::pair().expect("sockets");
    let (_echo, listening) = Echo::new(stream);
    raw.write_all(bytes).expect("it is taken");
    listening.join().expect("no panic")
}

#[test]
fn what_must_not_be_sent_ends_the_conversation() {
    let encode = |frame: Frame<'_>| frame.encode().expect("short");
    let answer = encode(Frame::Answer { number: 7, answer: Answer::done(Vec::new()) });
    assert!(matches!(breaks(&answer), Broken::Unasked(7)));
    let ask = encode(Frame::Ask { number: 1, within: Some(9), ask: Ask::Time });
    assert!(matches!(breaks(&ask), Broken::OnNobodysBehalf(9)));
    assert!(matches!(breaks(&[255; 8]), Broken::Torn(Torn::TooLong { .. })));
    let garbage = breaks(&[3, 0, 0, 0, 200, 200, 200]);
    assert!(matches!(garbage, Broken::Torn(Torn::Garbage { .. })) && !garbage.is_end());
}

#[test]
fn a_flood_of_questions_ends_the_conversation() {
    let ask = Ask::Invoke { plugin: "".into(), action: "hang".into(), input: b"".as_slice().into() };
    let frame = Frame::Ask { number: 1, within: None, ask }.encode().expect("short");
    assert!(matches!(breaks(&frame.repeat(20 * MOST)), Broken::Flood));
}

/// The other side of a line, by hand: it says and hears frames.
struct Raw(UnixStream);

impl Raw {
    fn say(&mut self, frame: &Frame<'_>) {
        self.0.write_all(&frame.encode().expect("short")).expect("it is taken");
    }

    fn hear(&mut self) -> Frame<'static> {
        Frame::decode(&frame::read(&mut self.0).expect("a frame")).expect("it can be read")
    }
}

fn raw() -> (Arc<Echo>, thread::JoinHandle<Broken>, Raw) {
    let (stream, raw) = UnixStream::pair().expect("sockets");
    let (echo, listening) = Echo::new(stream);
    (echo, listening, Raw(raw))
}

fn invoke(action: &'static str, input: &'static [u8]) -> Ask<'static> {
    Ask::Invoke { plugin: "".into(), action: action.into(), input: input.into() }
}

#[test]
fn questions_on_behalf_of_questions_without_end_are_refused_at_some_depth() {
    let (echo, _listening, mut raw) = raw();
    // Whatever it is asked, it asks on behalf of that.
    let asks_on = thread::spawn(move || {
        let (mut refused, mut open) = (None, Vec::new());
        loop {
            match raw.hear() {
                Frame::Ask { number, .. } if refused.is_none() => {
                    open.push(number);
                    raw.say(&Frame::Ask { number, within: Some(number), ask: invoke("deep", &[255]) });
                }
                Frame::Answer { answer, .. } => {
                    refused = refused.or(Some(reactor_abi::Error::decode(&answer.bytes.0)));
                    let Some(number) = open.pop() else { panic!("an answer to nothing") };
                    raw.say(&Frame::Answer { number, answer: Answer::done(vec![0]) });
                    if open.is_empty() {
                        return refused;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    });
    assert_eq!(echo.ask("deep", &[1]).expect("an answer"), [0]);
    let refused = asks_on.join().expect("no panic").expect("refused");
    assert_eq!(refused.code(), "RE0644", "{refused}");
    assert_eq!(echo.seen.lock().expect("whole").len(), DEEPEST);
}

#[test]
fn two_questions_at_once_on_behalf_of_one_end_the_conversation() {
    let (echo, listening, mut raw) = raw();
    let asker = thread::spawn(move || echo.ask("echo", &[]));
    let Frame::Ask { number: within, .. } = raw.hear() else { panic!("it asks") };
    // One after the other is as it should be.
    for number in 1..9 {
        raw.say(&Frame::Ask { number, within: Some(within), ask: invoke("echo", &[7]) });
        assert_eq!(raw.hear(), Frame::Answer { number, answer: Answer::done(vec![7]) });
    }
    for number in 10..12 {
        raw.say(&Frame::Ask { number, within: Some(within), ask: invoke("hang", &[]) });
    }
    assert!(matches!(listening.join().expect("no panic"), Broken::Flood));
    drop(asker);
}

#[test]
fn who_does_not_read_is_told_to_be_so() {
    let (stream, _unread) = UnixStream::pair().expect("sockets");
    let (echo, listening) = Echo::new(stream);
    // The deadline is the socket's: it is shortened here.
    let writer = echo.line().writer.lock().expect("whole").try_clone().expect("a descriptor");
    writer.set_write_timeout(Some(Duration::from_millis(1))).expect("a deadline");
    let answer = echo.ask("echo", &vec![0; 8 << 20]);
    assert!(matches!(answer, Err(Unanswered::Meanwhile(_))), "{answer:?}");
    let broken = listening.join().expect("no panic");
    assert!(matches!(broken, Broken::Stuck) && broken.told().is_some_and(|why| why.contains("10 seconds")));
}
