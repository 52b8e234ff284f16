//! The other side: finds a host by its data folder and asks it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reactor_abi::Value;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::connection::PATIENCE;
use super::lines::{Lines, NoLine};
use super::message::{End, Hello, QuarantinedBuild, Request};
use super::socket::Stream;
use super::{ControlError, PROTOCOL};
use crate::account::Account;
use crate::event::Event;
use crate::report::{PluginInfo, Report};
use crate::retained::RetainedList;

/// How long a host may take to say who it is.
const GREETING: Duration = Duration::from_secs(5);

/// The most bytes of an answer that are read.
const LONGEST_ANSWER: usize = 256 << 20;

/// A line of the host's, as far as it is the same for all requests.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Heard {
    Ok(serde_json::Value),
    Error { code: String, message: String },
    Event(serde_json::Value),
    Lost(u64),
}

/// A connection to a running host.
///
/// ```no_run
/// # fn main() -> Result<(), reactor_host::control::ControlError> {
/// use reactor_host::control::Client;
///
/// let mut host = Client::connect("/home/ada/.editor/plugins".as_ref())?;
/// println!("{}", host.hello().name());
/// println!("{}", host.call("greeting", "greet", &reactor_host::value!({"name": "Ada"}))?);
/// # Ok(())
/// # }
/// ```
pub struct Client {
    data: PathBuf,
    stream: Arc<Stream>,
    lines: Lines<Arc<Stream>>,
    hello: Hello,
}

impl Client {
    /// Connects to the host whose data folder this is.
    ///
    /// # Errors
    ///
    /// [`NotRunning`](ControlError::NotRunning) where nobody serves; it can not be reached, is another user's, or does not
    /// speak this protocol.
    pub fn connect(data: &Path) -> Result<Self, ControlError> {
        let unreachable = |source| ControlError::Unreachable { data: data.to_owned(), source };
        let stream = Stream::connect(data).map_err(|error| {
            if Stream::says_nobody(&error) {
                ControlError::NotRunning { data: data.to_owned() }
            } else {
                unreachable(error)
            }
        })?;
        stream.check_peer()?;
        let stream = Arc::new(stream);
        let mut lines = Lines::new(Arc::clone(&stream), LONGEST_ANSWER);
        let first = lines.next(Some(Instant::now() + GREETING)).map_err(|error| match error {
            NoLine::Ended => ControlError::Gone,
            NoLine::Failed(source) => unreachable(source),
            NoLine::TooSlow => unreachable(std::io::ErrorKind::TimedOut.into()),
            NoLine::TooLong => foreign(data, "sends a line without end"),
        })?;
        let hello: Hello = match serde_json::from_slice(&first) {
            Ok(hello) => hello,
            Err(error) => {
                return Err(match serde_json::from_slice(&first) {
                    Ok(Heard::Error { code, message }) => ControlError::Answer { code, message },
                    _ => foreign(data, format!("does not say who it is: {error}")),
                });
            }
        };
        if hello.protocol != PROTOCOL || hello.reactor != "control" {
            let Hello { reactor, protocol, .. } = &hello;
            return Err(foreign(
                data,
                format!("speaks `{reactor}` {protocol}, and this is `control` {PROTOCOL}"),
            ));
        }
        Ok(Self { data: data.to_owned(), stream, lines, hello })
    }

    /// Who answers.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Asks, and waits for the answer for as long as it takes. For feeds there is [`feed`](Self::feed).
    ///
    /// # Errors
    ///
    /// What the host answered, with its code; or that it is gone.
    pub fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, ControlError> {
        self.send(request)?;
        loop {
            match self.hear()? {
                Heard::Ok(answer) => {
                    let answer = serde_json::from_value(answer);
                    return answer
                        .map_err(|error| foreign(&self.data, format!("answers otherwise: {error}")));
                }
                Heard::Error { code, message } => return Err(ControlError::Answer { code, message }),
                Heard::Event(_) | Heard::Lost(_) => {}
            }
        }
    }

    /// Runs an action of a plugin.
    ///
    /// # Errors
    ///
    /// As [`Host::invoke`](crate::Host::invoke), by code; or as [`ask`](Self::ask).
    pub fn call(&mut self, plugin: &str, action: &str, value: &Value) -> Result<Value, ControlError> {
        let (plugin, action) = (plugin.to_owned(), action.to_owned());
        self.ask(&Request::Call { plugin, action, value: value.clone() })
    }

    /// Every plugin.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn list(&mut self) -> Result<Vec<PluginInfo>, ControlError> {
        self.ask(&Request::List {})
    }

    /// As [`Host::swap`](crate::Host::swap).
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn swap(&mut self, plugin: &str) -> Result<Report, ControlError> {
        self.ask(&Request::Swap { plugin: plugin.to_owned() })
    }

    /// As [`Host::rollback`](crate::Host::rollback).
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn rollback(&mut self, plugin: &str) -> Result<Report, ControlError> {
        self.ask(&Request::Rollback { plugin: plugin.to_owned() })
    }

    /// What is quarantined.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn quarantined(&mut self) -> Result<Vec<QuarantinedBuild>, ControlError> {
        self.ask(&Request::Quarantined {})
    }

    /// As [`Host::lift_quarantine`](crate::Host::lift_quarantine).
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn lift_quarantine(&mut self, plugin: &str) -> Result<Report, ControlError> {
        self.ask(&Request::Lift { plugin: plugin.to_owned() })
    }

    /// What was counted of each plugin.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn accounts(&mut self) -> Result<Vec<Account>, ControlError> {
        self.ask(&Request::Accounts {})
    }

    /// What is retained, and how much may be.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn retained(&mut self) -> Result<RetainedList, ControlError> {
        self.ask(&Request::Retained {})
    }

    /// As [`Host::enable`](crate::Host::enable).
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn enable(&mut self, plugin: &str) -> Result<Report, ControlError> {
        self.ask(&Request::Enable { plugin: plugin.to_owned() })
    }

    /// As [`Host::disable`](crate::Host::disable).
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn disable(&mut self, plugin: &str) -> Result<Report, ControlError> {
        self.ask(&Request::Disable { plugin: plugin.to_owned() })
    }

    /// As [`Host::rescan`](crate::Host::rescan).
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn rescan(&mut self) -> Result<Report, ControlError> {
        self.ask(&Request::Rescan {})
    }

    /// Events, for [`Request::Events`] or [`Request::Logs`].
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn feed(self, request: &Request) -> Result<Feed, ControlError> {
        self.send(request)?;
        Ok(Feed { client: self, end: None })
    }

    fn send(&self, request: &Request) -> Result<(), ControlError> {
        let text = serde_json::to_string(request);
        let text = text.map_err(|error| ControlError::BadRequest { why: error.to_string() })? + "\n";
        self.stream.send(text.as_bytes(), PATIENCE).map_err(|_| ControlError::Gone)
    }

    fn hear(&mut self) -> Result<Heard, ControlError> {
        let line = self.lines.next(None).map_err(|error| match error {
            NoLine::Failed(source) => ControlError::Unreachable { data: self.data.clone(), source },
            NoLine::TooLong => foreign(&self.data, "sends a line without end"),
            NoLine::Ended | NoLine::TooSlow => ControlError::Gone,
        })?;
        serde_json::from_slice(&line)
            .map_err(|error| foreign(&self.data, format!("answers otherwise: {error}")))
    }
}

fn foreign(data: &Path, why: impl Into<String>) -> ControlError {
    ControlError::Foreign { data: data.to_owned(), why: why.into() }
}

/// What a feed brings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum News {
    /// An event.
    Event(Box<Event>),
    /// An event of a kind that is younger than this client, in the host's words.
    Other(serde_json::Value),
    /// So many events were dropped here, since they were not read in time.
    Lost(u64),
}

/// Events from a running host, until it ends or has told all.
pub struct Feed {
    client: Client,
    end: Option<End>,
}

impl Feed {
    /// Why it ended; `None` as long as it goes on.
    pub fn end(&self) -> Option<End> {
        self.end
    }
}

impl Iterator for Feed {
    type Item = Result<News, ControlError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.end.is_some() {
            return None;
        }
        let told = match self.client.hear() {
            Ok(Heard::Event(event)) => {
                return Some(Ok(match serde_json::from_value(event.clone()) {
                    Ok(event) => News::Event(event),
                    Err(_) => News::Other(event),
                }));
            }
            Ok(Heard::Lost(lost)) => return Some(Ok(News::Lost(lost))),
            Ok(Heard::Ok(end)) => {
                self.end = Some(serde_json::from_value(end).unwrap_or(End::Host));
                return None;
            }
            Ok(Heard::Error { code, message }) => ControlError::Answer { code, message },
            // A host that was killed says no more.
            Err(ControlError::Gone) => {
                self.end = Some(End::Host);
                return None;
            }
            Err(error) => error,
        };
        self.end = Some(End::Host);
        Some(Err(told))
    }
}
