//! One client: a line in, an answer out, until either side ends.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::lines::{Lines, NoLine};
use super::message::{End, QuarantinedBuild, Reply, Request};
use super::server::Server;
use super::socket::Stream;
use super::{ControlError, feed};

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
            Ok(Request::Events { follow, since }) => {
                let end = feed::send(server, stream, follow, since, |_| true)?;
                line(&Reply::Ok(end))
            }
            Ok(Request::Logs { follow, since, plugin }) => {
                let end = feed::send(server, stream, follow, since, |event| {
                    feed::is_log(event, plugin.as_deref())
                })?;
                line(&Reply::Ok(end))
            }
            Ok(request) => answer(server, request).unwrap_or_else(|error| line(&Reply::refuse(&error))),
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

/// Asks the host, on this thread.
fn answer(server: &Server, request: Request) -> Result<String, ControlError> {
    fn ok<T: Serialize>(answer: T) -> String {
        line(&Reply::Ok(answer))
    }
    let host = server.host()?;
    Ok(match request {
        Request::List => ok(host.list()),
        Request::Call { plugin, action, value } => {
            let handle = host.plugin(&plugin)?;
            drop(host);
            ok(handle.invoke(&action, &value)?)
        }
        Request::Swap { plugin } => ok(host.swap(&plugin)?),
        Request::Rollback { plugin } => ok(host.rollback(&plugin)?),
        Request::Quarantined => {
            ok(host.quarantined().into_iter().map(QuarantinedBuild::from).collect::<Vec<_>>())
        }
        Request::Lift { plugin } => ok(host.lift_quarantine(&plugin)?),
        Request::Accounts => ok(host.accounts()),
        Request::Retained => ok(host.retained_list()),
        Request::Enable { plugin } => ok(host.enable(&plugin)?),
        Request::Disable { plugin } => ok(host.disable(&plugin)?),
        Request::Rescan => ok(host.rescan()?),
        // Feeds are more than an answer: see `converse`.
        Request::Events { .. } | Request::Logs { .. } => ok(End::CaughtUp),
    })
}
