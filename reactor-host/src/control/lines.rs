//! Lines out of a stream of bytes: at most so long, complete by a deadline, whatever the other side sends.

use std::io;
use std::time::Instant;

/// Where bytes come from.
pub(super) trait Source {
    /// Reads what there is, waiting until `deadline` for the first byte; 0: the other side has ended.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](io::ErrorKind::TimedOut) when the deadline has passed.
    fn read_some(&self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize>;
}

/// What came instead of a line.
#[derive(Debug)]
pub(super) enum NoLine {
    /// The other side has ended, perhaps within a line.
    Ended,
    /// The line is longer than it may be; the rest of it was not read.
    TooLong,
    /// The deadline passed.
    TooSlow,
    /// The system's error.
    Failed(io::Error),
}

/// Reads lines.
pub(super) struct Lines<S> {
    source: S,
    /// What was read and not given out yet.
    rest: Vec<u8>,
    /// The most bytes of a line.
    most: usize,
}

/// How much is read at once, and kept for the next line.
const CHUNK: usize = 16 * 1024;

impl<S: Source> Lines<S> {
    pub(super) fn new(source: S, most: usize) -> Self {
        Self { source, rest: Vec::new(), most }
    }

    /// The next line, without its end.
    pub(super) fn next(&mut self, deadline: Option<Instant>) -> Result<Vec<u8>, NoLine> {
        let mut looked_at = 0;
        loop {
            if let Some(at) = self.rest[looked_at..].iter().position(|byte| *byte == b'\n') {
                let after = self.rest.split_off(looked_at + at + 1);
                let mut line = std::mem::replace(&mut self.rest, after);
                line.pop();
                return if line.len() > self.most { Err(NoLine::TooLong) } else { Ok(line) };
            }
            looked_at = self.rest.len();
            if looked_at > self.most {
                return Err(NoLine::TooLong);
            }
            let mut chunk = [0; CHUNK];
            let read = match self.source.read_some(&mut chunk, deadline) {
                Ok(0) => return Err(NoLine::Ended),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(NoLine::TooSlow),
                Err(error) => return Err(NoLine::Failed(error)),
            };
            // A trickle of bytes must not outlast the deadline either.
            self.rest.extend_from_slice(&chunk[..read]);
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) && !chunk[..read].contains(&b'\n')
            {
                return Err(NoLine::TooSlow);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    /// Pieces as they come; then the end.
    struct Pieces(RefCell<VecDeque<Vec<u8>>>);

    impl Source for Pieces {
        fn read_some(&self, buffer: &mut [u8], _: Option<Instant>) -> io::Result<usize> {
            let mut pieces = self.0.borrow_mut();
            let Some(mut piece) = pieces.pop_front() else { return Ok(0) };
            let read = piece.len().min(buffer.len());
            buffer[..read].copy_from_slice(&piece[..read]);
            let rest = piece.split_off(read);
            if !rest.is_empty() {
                pieces.push_front(rest);
            }
            Ok(read)
        }
    }

    fn lines(pieces: Vec<Vec<u8>>, most: usize) -> (Vec<Vec<u8>>, NoLine) {
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        let mut lines = Lines::new(Pieces(RefCell::new(pieces)), most);
        let mut got = Vec::new();
        loop {
            match lines.next(None) {
                Ok(line) => got.push(line),
                Err(end) => return (got, end),
            }
        }
    }

    #[test]
    fn a_line_is_never_longer_than_it_may_be() {
        let (got, end) = lines(vec![b"abc\nabcd\nabc".to_vec()], 3);
        assert_eq!(got, [b"abc"]);
        assert!(matches!(end, NoLine::TooLong));
        let endless = (0..100).map(|_| vec![b'x'; CHUNK]).collect();
        assert!(matches!(lines(endless, CHUNK).1, NoLine::TooLong), "without an end in sight");
    }

    #[test]
    fn a_deadline_that_passed_ends_a_trickle() {
        let pieces = Pieces(RefCell::new(VecDeque::from([b"a".to_vec(), b"b\n".to_vec()])));
        let mut lines = Lines::new(pieces, 10);
        assert!(matches!(lines.next(Some(Instant::now())), Err(NoLine::TooSlow)));
    }

    proptest! {
        #[test]
        fn lines_come_out_as_they_went_in_however_they_are_cut(
            texts in prop::collection::vec(prop::collection::vec(any::<u8>().prop_filter("no end", |b| *b != b'\n'), 0..50), 0..20),
            cuts in prop::collection::vec(1_usize..40, 1..60),
        ) {
            let mut stream: Vec<u8> = texts.iter().flat_map(|text| text.iter().copied().chain([b'\n'])).collect();
            let mut pieces = Vec::new();
            for cut in cuts {
                let after = stream.split_off(cut.min(stream.len()));
                pieces.push(std::mem::replace(&mut stream, after));
            }
            pieces.push(stream);
            let (got, end) = lines(pieces, 50);
            prop_assert_eq!(got, texts);
            prop_assert!(matches!(end, NoLine::Ended));
        }
    }
}
