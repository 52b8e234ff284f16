//! Events to a client that may read slowly, or not at all.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::connection::line;
use super::message::{End, Reply};
use super::server::Server;
use super::socket::Stream;
use crate::event::{Event, EventKind};

/// How far a client may be behind; then it loses the oldest.
const BEHIND: usize = 4096;

/// How often it is seen whether the client is still there, while nothing happens.
const LOOK: Duration = Duration::from_millis(250);

/// How much is sent at once.
const BATCH_BYTES: usize = 64 * 1024;

/// Whether a plugin logged this: any, or this one.
pub(super) fn is_log(event: &Event, plugin: Option<&str>) -> bool {
    let by = event.plugin.as_ref().map(crate::PluginId::as_str);
    matches!(event.kind, EventKind::Log { .. }) && plugin.is_none_or(|plugin| by == Some(plugin))
}

/// Sends the events after `since` that are wanted: those that the host has kept, and those that come if they are to be
/// followed.
///
/// # Errors
///
/// The client is gone, or takes nothing.
pub(super) fn send(
    server: &Server,
    stream: &Arc<Stream>,
    follow: bool,
    since: u64,
    wanted: impl Fn(&Event) -> bool,
) -> io::Result<End> {
    let Ok(host) = server.host() else { return Ok(End::Host) };
    let (kept, events) = host.catch_up(since, BEHIND);
    drop(host);
    let mut batch = String::new();
    let mut told_lost = 0;
    let put = |event: Event, batch: &mut String| {
        if wanted(&event) {
            batch.push_str(&line(&Reply::<()>::Event(Box::new(event))));
        }
        if batch.len() >= BATCH_BYTES { flush(server, stream, batch) } else { Ok(()) }
    };
    for event in kept {
        put(event, &mut batch)?;
    }
    if !follow {
        flush(server, stream, &mut batch)?;
        return Ok(End::CaughtUp);
    }
    loop {
        flush(server, stream, &mut batch)?;
        let ending = server.has_ended();
        let first = if ending { events.try_next() } else { events.next_timeout(LOOK) };
        let lost = events.lost();
        if lost > told_lost {
            batch.push_str(&line(&Reply::<()>::Lost(lost - told_lost)));
            told_lost = lost;
        }
        let came = first.is_some();
        // What is there goes out together, but no more than that: others may come faster than they are written.
        let rest = std::iter::from_fn(|| events.try_next()).take(BEHIND);
        for event in first.into_iter().chain(rest) {
            put(event, &mut batch)?;
        }
        if ending || (!came && events.is_over()) {
            flush(server, stream, &mut batch)?;
            return Ok(End::Host);
        }
        if stream.is_gone() && !server.has_ended() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
    }
}

fn flush(server: &Server, stream: &Stream, batch: &mut String) -> io::Result<()> {
    let text = std::mem::take(batch);
    if text.is_empty() { Ok(()) } else { stream.send(text.as_bytes(), server.limits.patience) }
}
