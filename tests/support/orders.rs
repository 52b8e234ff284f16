//! Every order that waits for the host, and what comes of it.

use reactor_host::{Host, HostError};

use crate::puppet::Script;

/// Gives them all, one after the other: the code of each that is refused, else `done`.
pub fn tried(host: &Host) -> Vec<&'static str> {
    let (manifest, entry) = Script::new("another").build();
    let answers = [
        host.start().map(drop),
        host.rescan().map(drop),
        host.swap("one").map(drop),
        host.enable("one").map(drop),
        host.install(&manifest, entry).map(drop),
        host.watch().map(drop),
        host.disable("one").map(drop),
        host.stop().map(drop),
    ];
    answers.iter().map(|answer| answer.as_ref().map_or_else(HostError::code, |()| "done")).collect()
}
