use proptest::prelude::*;

use super::*;

fn text() -> impl Strategy<Value = Cow<'static, str>> {
    ".{0,12}".prop_map(Cow::Owned)
}

fn bytes() -> impl Strategy<Value = Bytes<'static>> {
    proptest::collection::vec(any::<u8>(), 0..64).prop_map(Bytes::from)
}

fn asks() -> impl Strategy<Value = Ask<'static>> {
    prop_oneof![
        (bytes(), proptest::collection::vec(".{0,8}", 0..3), any::<bool>())
            .prop_map(|(path, needed, closable)| Ask::Open { path, needed, closable }),
        (bytes(), proptest::collection::vec((".{0,8}", ".{0,8}"), 0..3))
            .prop_map(|(birth, provides)| Ask::Create { birth, provides }),
        (any::<u8>(), text(), bytes()).prop_map(|(op, name, input)| Ask::Call { op, name, input }),
        Just(Ask::Destroy),
        Just(Ask::Close),
        (any::<u8>(), text(), bytes()).prop_map(|(level, message, fields)| Ask::Log {
            level,
            message,
            fields
        }),
        Just(Ask::Time),
        text().prop_map(|plugin| Ask::Output { plugin }),
        (any::<u8>(), text()).prop_map(|(kind, plugin)| Ask::Request { kind, plugin }),
        (text(), text(), bytes()).prop_map(|(plugin, action, input)| Ask::Invoke { plugin, action, input }),
        (any::<u32>(), bytes()).prop_map(|(export, descriptor)| Ask::Provide { export, descriptor }),
        (any::<u32>(), calls()).prop_map(|(export, call)| Ask::Export { export, call }),
        bytes().prop_map(|want| Ask::Want { want }),
        any::<u32>().prop_map(|want| Ask::Provider { want }),
        (any::<u32>(), calls()).prop_map(|(want, call)| Ask::Import { want, call }),
        (any::<u64>(), any::<u32>(), calls()).prop_map(|(lent_to, at, call)| Ask::Back { lent_to, at, call }),
        streams(),
    ]
}

fn calls() -> impl Strategy<Value = Method<'static>> {
    (any::<u32>(), bytes(), any::<u32>()).prop_map(|(place, input, lent)| Method { place, input, lent })
}

fn streams() -> impl Strategy<Value = Ask<'static>> {
    let number = any::<u64>;
    prop_oneof![
        any::<u32>().prop_map(|capacity| Ask::StreamOpen { capacity }),
        (number(), bytes(), number()).prop_map(|(stream, item, nanoseconds)| Ask::StreamPush {
            stream,
            item,
            nanoseconds
        }),
        (number(), number()).prop_map(|(stream, nanoseconds)| Ask::StreamNext { stream, nanoseconds }),
        (number(), bytes()).prop_map(|(stream, error)| Ask::StreamClose { stream, error }),
        number().prop_map(|stream| Ask::StreamCancel { stream }),
    ]
}

fn notes() -> impl Strategy<Value = Note> {
    prop_oneof![
        any::<u8>().prop_map(Note::Stage),
        any::<u64>().prop_map(|round| Note::CloseTasks { round }),
        Just(Note::ReopenTasks),
        (any::<u64>(), proptest::collection::vec(".{0,8}", 0..3))
            .prop_map(|(round, running)| Note::Tasks { round, running }),
        Just(Note::Panicked),
    ]
}

fn frames() -> impl Strategy<Value = Frame<'static>> {
    let status = prop_oneof![
        Just(Status::Done),
        Just(Status::Failed),
        Just(Status::Panicked),
        Just(Status::Missing),
        Just(Status::Blocked)
    ];
    prop_oneof![
        (any::<u64>(), any::<Option<u64>>(), asks()).prop_map(|(number, within, ask)| Frame::Ask {
            number,
            within,
            ask
        }),
        (any::<u64>(), status, bytes()).prop_map(|(number, status, bytes)| Frame::Answer {
            number,
            answer: Answer::new(status, bytes.0.into_owned())
        }),
        notes().prop_map(Frame::Note),
    ]
}

/// Hands out a few bytes at a time, as a socket may.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = self.1.min(into.len()).min(self.0.len());
        let (now, later) = self.0.split_at(most);
        into[..most].copy_from_slice(now);
        self.0 = later;
        Ok(most)
    }
}

proptest! {
    #[test]
    fn frames_come_back_as_they_were_however_they_are_cut(frames in proptest::collection::vec(frames(), 1..6), step in 1_usize..9) {
        let sent: Vec<u8> = frames.iter().flat_map(|frame| frame.encode().expect("short")).collect();
        let mut socket = Drip(&sent, step);
        for frame in &frames {
            let body = read(&mut socket).expect("a whole frame");
            prop_assert_eq!(&Frame::decode(&body).expect("a good one"), frame);
        }
        prop_assert!(matches!(read(&mut socket), Err(Torn::Over)));
    }

    #[test]
    fn a_frame_that_is_cut_off_is_torn(frame in frames(), part in any::<prop::sample::Index>()) {
        let whole = frame.encode().expect("short");
        let cut = part.index(whole.len());
        match read(&mut Drip(&whole[..cut], 7)) {
            Err(Torn::Over) => prop_assert_eq!(cut, 0),
            Err(Torn::Within(came)) => prop_assert_eq!(came, cut),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let mut socket = Drip(&bytes, 64);
        while let Ok(body) = read(&mut socket) {
            let _ = Frame::decode(&body);
            let _ = Hello::decode(&body);
        }
        let _ = Frame::decode(&bytes);
        let _ = Hello::decode(&bytes);
    }

    #[test]
    fn a_damaged_frame_is_another_frame_or_none(frame in frames(), at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut body = frame.encode().expect("short").split_off(4);
        let at = at.index(body.len());
        body[at] ^= flip;
        let _ = Frame::decode(&body);
    }

    #[test]
    fn greetings_come_back_as_they_were(protocol in any::<u32>(), fingerprint in any::<u64>(), version in "[0-9a-z.+-]{0,64}") {
        let hello = Hello { protocol, fingerprint, version };
        let body = read(&mut &*hello.encode()).expect("a frame");
        prop_assert_eq!(Hello::decode(&body), Some(hello));
    }
}

#[test]
fn an_announced_length_is_bounded_and_costs_no_memory() {
    let too_long = u32::try_from(LONGEST + 1).expect("it fits").to_le_bytes();
    assert!(matches!(read(&mut &too_long[..]), Err(Torn::TooLong { length, .. }) if length == LONGEST + 1));
    let long = u32::try_from(LONGEST).expect("it fits").to_le_bytes();
    assert!(matches!(read(&mut &long[..]), Err(Torn::Within(4))));
}

#[test]
fn a_frame_beyond_the_limit_is_not_made() {
    let input = Bytes::from(vec![0; LONGEST]);
    let ask = Ask::Call { op: 11, name: "".into(), input };
    let frame = Frame::Ask { number: 1, within: None, ask };
    assert!(frame.encode().is_err_and(|length| length > LONGEST));
}

#[test]
fn what_is_left_over_in_a_frame_is_garbage() {
    let mut body = Frame::Note(Note::ReopenTasks).encode().expect("short").split_off(4);
    body.push(0);
    assert!(matches!(Frame::decode(&body), Err(Torn::Garbage { .. })));
}

#[test]
fn greetings_say_what_differs_with_both_values() {
    let ours = Hello::ours();
    let differs = |other: Hello| ours.difference(&other).unwrap_or_default();
    assert_eq!(differs(ours.clone()), "");
    let found = differs(Hello { protocol: 7, ..ours.clone() });
    assert_eq!(found, format!("protocol {PROTOCOL} here, 7 there"));
    let found = differs(Hello { fingerprint: 0xab, ..ours.clone() });
    assert!(found.ends_with("here, 00000000000000ab there"), "{found}");
    let found = differs(Hello { version: "9.9.9".to_owned(), ..ours.clone() });
    assert!(found.ends_with("here, 9.9.9 there"), "{found}");
}
