//! A call of a plugin in a process of its own, beside a message over a bare socket and back.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use reactor_host::Value;
use reactor_tests::roads::{Cast, Part, Road};

use crate::measure::percentile;
use crate::table::{Row, Unit};

const CALLS: usize = 20_000;

/// Two threads and a pair of sockets: what any such call costs at least.
struct Bare(UnixStream);

impl Bare {
    fn new() -> Self {
        let (ours, mut theirs) = UnixStream::pair().expect("sockets");
        std::thread::spawn(move || {
            let mut bytes = [0; 64];
            while theirs.read_exact(&mut bytes).is_ok() && theirs.write_all(&bytes).is_ok() {}
        });
        Self(ours)
    }

    fn call(&mut self) {
        let mut bytes = [7; 64];
        self.0.write_all(&bytes).expect("it is taken");
        self.0.read_exact(&mut bytes).expect("it comes back");
    }
}
