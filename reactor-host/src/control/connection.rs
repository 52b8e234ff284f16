//! One client: a line in, an answer out, until either side ends.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reactor_abi::Value;
use serde::Serialize;

use super::lines::{Lines, NoLine};
use super::message::{QuarantinedBuild, Reply, Request};
use super::server::Server;
use super::socket::Stream;
use super::{ControlError, feed};
use crate::event::Event;
use crate::host::{Host, HostError};

/// How long the other side may take for a request, and for taking some of an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Serves one client to its end.
pub(super) fn serve(server: &Server, stream: &Arc<Stream>) {
    if let Err(error) = stream.check_peer() {
        return say(stream, &Reply::refuse(&error), server.limits.patience);
    }
    // Whatever fails in here means that the client is gone, or takes nothing: there is nobody to tell.
    let _ = converse(server, stream);
}

/// Says something to a client that may or may not hear it.
pub(super) fn say<T: Serialize>(stream: &Stream, what: &T, patience: Duration) {
    let patience = patience.max(Duration::from_millis(1));
    // As in `serve`.
    let _ = stream.send(line(what).as_bytes(), patience);
}

/// One line of JSON.
pub(super) fn line<T: Serialize>(what: &T) -> String {
    let text = serde_json::to_string(what).unwrap_or_else(|error| {
        let why = format!("its answer can not be written as JSON: {error}");
        // This one has nothing that could fail.
        serde_json::to_string(&Reply::refuse(&ControlError::BadRequest { why })).unwrap_or_default()
    });
    text + "\n"
}

fn converse(server: &Server, stream: &Arc<Stream>) -> io::Result<()> {
    let limits = server.limits;
    stream.send(line(&server.hello).as_bytes(), limits.patience)?;
    let mut lines = Lines::new(Arc::clone(stream), limits.request);
    while !server.has_ended() {
        let request = match lines.next(Some(Instant::now() + limits.patience)) {
            Ok(request) => request,
            Err(NoLine::Ended) => return Ok(()),
            Err(NoLine::Failed(error)) => return Err(error),
            Err(end) => {
                let error = match end {
                    NoLine::TooLong => ControlError::TooLong { most: limits.request },
                    _ => ControlError::TooSlow { seconds: limits.patience.as_secs() },
                };
                return stream.send(line(&Reply::refuse(&error)).as_bytes(), limits.patience);
            }
        };
        let answer = match read(&request) {
            Ok(request) => answer(server, stream, request)?,
            Err(error) => line(&Reply::refuse(&error)),
        };
        stream.send(answer.as_bytes(), limits.patience)?;
    }
    Ok(())
}

/// Understands a request.
pub(super) fn read(request: &[u8]) -> Result<Request, ControlError> {
    serde_json::from_slice(request).map_err(|error| ControlError::BadRequest { why: error.to_string() })
}

/// Does what is asked, on this thread, and says what came of it.
///
/// # Errors
///
/// The client is gone, or takes nothing.
fn answer(server: &Server, stream: &Arc<Stream>, request: Request) -> io::Result<String> {
    let answer = match request {
        // Feeds are more than an answer: it comes at their end.
        Request::Events { follow, since } => Ok(ok(feed::send(server, stream, follow, since, |_| true)?)),
        Request::Logs { follow, since, plugin } => {
            let wanted = |event: &Event| feed::is_log(event, plugin.as_deref());
            Ok(ok(feed::send(server, stream, follow, since, wanted)?))
        }
        Request::Call { plugin, action, value } => call(server, &plugin, &action, &value),
        Request::List {} => ask(server, |host| Ok(host.list())),
        Request::Swap { plugin } => ask(server, |host| host.swap(&plugin)),
        Request::Rollback { plugin } => ask(server, |host| host.rollback(&plugin)),
        Request::Quarantined {} => ask(server, |host| {
            Ok(host.quarantined().into_iter().map(QuarantinedBuild::from).collect::<Vec<_>>())
        }),
        Request::Lift { plugin } => ask(server, |host| host.lift_quarantine(&plugin)),
        Request::Accounts {} => ask(server, |host| Ok(host.accounts())),
        Request::Retained {} => ask(server, |host| Ok(host.retained_list())),
        Request::Enable { plugin } => ask(server, |host| host.enable(&plugin)),
        Request::Disable { plugin } => ask(server, |host| host.disable(&plugin)),
        Request::Rescan {} => ask(server, Host::rescan),
    };
    Ok(answer.unwrap_or_else(|error| line(&Reply::refuse(&error))))
}

fn ok<T: Serialize>(answer: T) -> String {
    line(&Reply::Ok(answer))
}

fn ask<T: Serialize>(
    server: &Server,
    what: impl FnOnce(&Host) -> Result<T, HostError>,
) -> Result<String, ControlError> {
    Ok(ok(what(&*server.host()?)?))
}

fn call(server: &Server, plugin: &str, action: &str, value: &Value) -> Result<String, ControlError> {
    // The host is let go before the plugin runs.
    let handle = server.host()?.plugin(plugin)?;
    Ok(ok(handle.invoke(action, value)?))
}
