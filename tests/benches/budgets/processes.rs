//! A call of a plugin in a process of its own, beside a message over a bare socket and back.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

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

/// A host with one plugin in a process of its own, which answers what it is given.
fn plugin() -> Cast {
    Cast::on(Road::Subprocess, &[Part::new("a")])
}

pub(crate) fn rows() -> Vec<Row> {
    let (mut bare, cast) = (Bare::new(), plugin());
    let handle = cast.host.plugin("a").expect("an id");
    let value = Value::bytes(vec![7; 64]);
    let call = || drop(handle.invoke("echo", &value).expect("it answers"));
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..CALLS {
        // In turn, so that whatever else the machine does meets both alike.
        let begun = Instant::now();
        call();
        let between = Instant::now();
        bare.call();
        times[0].push((between - begun).as_secs_f64());
        times[1].push(between.elapsed().as_secs_f64());
    }
    let [mut ours, mut raw] = times;
    let row = |name, percent, ours: &mut Vec<f64>, raw: &mut Vec<f64>| {
        Row::new(name, Unit::Seconds, percentile(ours, percent)).beside(percentile(raw, percent))
    };
    vec![
        row(
            "action of 64 B in a process of its own, beside a socket round trip, p50",
            50,
            &mut ours,
            &mut raw,
        ),
        row("the same, p99", 99, &mut ours, &mut raw),
    ]
}
