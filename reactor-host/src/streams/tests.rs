use std::time::Duration;

use reactor_abi::Error;
use reactor_abi::ffi::interface::StreamStatus::{self, Closed, Done, Waiting};

use super::{ENDED, MOST_BYTES, MOST_LEFT, MOST_STREAMS, Streams};

const NOW: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(20);

#[test]
fn items_come_in_order_and_no_more_than_the_capacity_wait() {
    let streams = Streams::default();
    let stream = streams.open(1, 2).expect("opened");
    assert_eq!(streams.next(2, stream, NOW).0, Waiting);
    assert_eq!([b"a", b"b", b"c"].map(|item| streams.push(1, stream, item, NOW)), [Done, Done, Waiting]);
    assert_eq!(streams.next(2, stream, NOW), (Done, b"a".to_vec()));
    assert_eq!(streams.push(1, stream, b"c", NOW), Done);
    assert_eq!(streams.next(2, stream, NOW), (Done, b"b".to_vec()));
    assert_eq!(streams.next(2, stream, NOW), (Done, b"c".to_vec()));
}

#[test]
fn what_waits_is_bounded_in_bytes_too_and_one_item_always_goes_in() {
    let streams = Streams::default();
    let stream = streams.open(1, 10).expect("opened");
    let large = vec![0; MOST_BYTES + 1];
    assert_eq!(streams.push(1, stream, &large, NOW), Done);
    assert_eq!(streams.push(1, stream, b"x", NOW), Waiting);
    let other = streams.open(1, 10).expect("opened");
    assert_eq!(streams.push(1, other, b"x", NOW), Waiting, "all streams of a generation share the room");
    let elsewhere = streams.open(2, 10).expect("opened");
    assert_eq!(streams.push(2, elsewhere, b"x", NOW), Done);
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| streams.push(1, other, b"x", LONG));
        assert_eq!(streams.next(2, stream, NOW).0, Done);
        assert_eq!(sender.join().expect("no panic"), Done);
    });
    assert_eq!(streams.push(1, stream, b"x", NOW), Done);
    assert_eq!(streams.push(1, stream, &large, NOW), Waiting);
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| streams.push(1, stream, &large, LONG));
        streams.cancel(stream);
        assert_eq!(sender.join().expect("no panic"), Closed);
    });
}

#[test]
fn what_was_sent_before_the_end_still_arrives_and_then_the_reason() {
    let streams = Streams::default();
    let stream = streams.open(1, 4).expect("opened");
    assert_eq!(streams.push(1, stream, b"a", NOW), Done);
    let why = Error::new("RE0751", "suspended");
    streams.end_of(1, &why);
    streams.close(1, stream, &[]);
    assert_eq!(streams.push(1, stream, b"b", NOW), Closed);
    assert_eq!(streams.next(2, stream, NOW), (Done, b"a".to_vec()));
    assert_eq!(streams.next(2, stream, NOW), (Closed, why.encode()));
    let again = streams.next(2, stream, NOW);
    assert_eq!((again.0, Error::decode(&again.1).code()), (Closed, ENDED), "forgotten");
}

#[test]
fn who_waits_is_woken_by_an_item_by_the_end_and_by_the_consumer_that_goes() {
    let streams = Streams::default();
    let stream = streams.open(1, 1).expect("opened");
    std::thread::scope(|scope| {
        let taker = scope.spawn(|| streams.next(2, stream, LONG));
        assert_eq!(streams.push(1, stream, b"a", NOW), Done);
        assert_eq!(taker.join().expect("no panic"), (Done, b"a".to_vec()));
        assert_eq!(streams.push(1, stream, b"b", NOW), Done);
        let sender = scope.spawn(|| streams.push(1, stream, b"c", LONG));
        streams.cancel(stream);
        assert_eq!(sender.join().expect("no panic"), Closed);
        let stream = streams.open(1, 1).expect("opened");
        let streams = &streams;
        let waiting = scope.spawn(move || streams.next(2, stream, LONG));
        streams.close(1, stream, &[]);
        assert_eq!(waiting.join().expect("no panic"), (Closed, Vec::new()));
    });
}

#[test]
fn a_generation_that_has_gone_leaves_no_stream() {
    let streams = Streams::default();
    let [taken, untaken, other] = [1, 1, 3].map(|number| streams.open(number, 1).expect("opened"));
    assert_eq!(streams.next(2, taken, NOW).0, Waiting);
    assert_eq!(streams.next(1, other, NOW).0, Waiting);
    streams.forget(2);
    assert_eq!(streams.push(1, taken, b"", NOW), Closed, "its consumer has gone");
    assert_eq!(streams.push(1, untaken, b"", NOW), Done);
    streams.forget(1);
    assert_eq!(streams.push(3, other, b"", NOW), Closed);
    let why = |answer: (StreamStatus, Vec<u8>)| (answer.0, Error::decode(&answer.1).code().to_owned());
    let ended = (Closed, ENDED.to_owned());
    assert_eq!(streams.next(4, untaken, NOW), (Done, Vec::new()), "who comes late is given what there is");
    assert_eq!(why(streams.next(4, untaken, NOW)), ended, "and then told");
    assert_eq!(why(streams.next(4, 99, NOW)), ended, "nothing looks as if it had ended well");
}

#[test]
fn streams_that_nobody_comes_for_are_not_kept_without_end() {
    let streams = Streams::default();
    let left: Vec<_> =
        (0..MOST_LEFT as u64 + 2).map(|number| streams.open(number, 1).expect("opened")).collect();
    streams.forget(0);
    assert_eq!(streams.next(1_000, left[0], NOW).0, Closed);
    (1..left.len() as u64).for_each(|number| streams.forget(number));
    assert_eq!(streams.lock().open.len(), MOST_LEFT);
}

#[test]
fn who_came_late_is_not_sent_away_for_those_who_do_not_come() {
    let streams = Streams::default();
    let late = streams.open(1, 4).expect("opened");
    for item in [b"1", b"2"] {
        assert_eq!(streams.push(1, late, item, NOW), Done);
    }
    streams.forget(1);
    assert_eq!(streams.next(1_000, late, NOW), (Done, b"1".to_vec()));
    for number in 2..MOST_LEFT as u64 + 10 {
        streams.open(number, 1).expect("opened");
        streams.forget(number);
    }
    assert_eq!(streams.next(1_000, late, NOW), (Done, b"2".to_vec()));
}

#[test]
fn nobody_adds_to_a_stream_of_another_and_none_opens_without_end() {
    let streams = Streams::default();
    let stream = streams.open(1, 1).expect("opened");
    assert_eq!(streams.push(2, stream, b"", NOW), Closed);
    streams.close(2, stream, b"");
    assert_eq!(streams.push(1, stream, b"", NOW), Done);
    assert_eq!(
        [0, 1 << 20].map(|capacity| streams.open(1, capacity).expect_err("refused").code().to_owned()),
        ["RE0752"; 2]
    );
    for _ in 1..MOST_STREAMS {
        streams.open(1, 1).expect("opened");
    }
    assert_eq!(streams.open(1, 1).expect_err("too many").code(), "RE0753");
    assert!(streams.open(2, 1).is_ok());
}
