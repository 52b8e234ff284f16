//! Reading what a process says first, of which nothing is known yet: in a time, and of a length, that one small message needs.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use super::frame::{self, Torn};

/// The longest body of a greeting.
const LONGEST: usize = 128;

/// The body of a greeting, which is to be there at that time at the latest.
pub(super) fn read(from: &UnixStream, deadline: Instant) -> Result<Vec<u8>, Torn> {
    frame::read_at_most(&mut Until { stream: from, deadline }, LONGEST)
}

/// A stream that can be read up to a time, and no longer.
struct Until<'a> {
    stream: &'a UnixStream,
    deadline: Instant,
}

impl Read for Until<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(into).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            _ => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::time::Duration;

    use super::super::frame::Hello;
    use super::*;

    #[test]
    fn a_greeting_has_one_deadline_for_all_of_it_and_is_short() {
        let (stream, mut raw) = UnixStream::pair().expect("sockets");
        let later = || Instant::now() + Duration::from_mins(1);
        raw.write_all(&Hello::ours().encode()).expect("it is taken");
        let greeting = read(&stream, later()).expect("it is there");
        assert_eq!(Hello::decode(&greeting), Some(Hello::ours()));
        // Bytes that come one by one, each in time, do not put it off: also what is there already is not read any more.
        raw.write_all(&Hello::ours().encode()).expect("it is taken");
        let late = read(&stream, Instant::now());
        assert!(
            matches!(&late, Err(Torn::Read(error)) if error.kind() == io::ErrorKind::TimedOut),
            "{late:?}"
        );
        let (stream, mut raw) = UnixStream::pair().expect("sockets");
        raw.write_all(&129_u32.to_le_bytes()).expect("it is taken");
        let long = read(&stream, later());
        assert!(matches!(long, Err(Torn::TooLong { length: 129, most: 128 })), "{long:?}");
    }
}
