//! The events that wake a plugin and stand it down.

use std::fmt;

use serde::{Serialize, Serializer};

use super::rules;

/// An event that makes the host open a plugin's library.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Activation {
    /// `on-startup`: with the host. What a plugin that names no event gets.
    OnStartup,
    /// `on-command:ID`: the first time somebody runs that command.
    OnCommand(String),
    /// `on-contribution-point:ID`: the first time somebody reads that contribution point.
    OnContributionPoint(String),
    /// `on-interface:NAME`: the first time somebody asks for that interface.
    OnInterface(String),
    /// Any other text: an event that the application fires.
    Application(String),
}

const STARTUP: &str = "on-startup";
const COMMAND: &str = "on-command";
const POINT: &str = "on-contribution-point";
const INTERFACE: &str = "on-interface";

impl Activation {
    /// Reads an event; the error says what to write instead.
    ///
    /// A text one letter away from a built-in event is refused: taken for an application's event it would
    /// leave the plugin asleep for ever.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text == STARTUP {
            return Ok(Self::OnStartup);
        }
        if text == "*" {
            return Err(format!("`*` stands for any event in `deactivation` only; write `{STARTUP}`"));
        }
        let (head, subject) = match text.split_once(':') {
            Some((head, subject)) => (head, Some(subject)),
            None => (text, None),
        };
        let known = [STARTUP, COMMAND, POINT, INTERFACE];
        if !known.contains(&head) {
            if let Some(near) = known.iter().find(|name| rules::distance(head, name) == 1) {
                return Err(format!("did you mean `{near}`?"));
            }
            if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
                return Err("an event holds no white space".to_owned());
            }
            return Ok(Self::Application(text.to_owned()));
        }
        if head == STARTUP {
            return Err(format!("`{STARTUP}` takes no `:`"));
        }
        let Some(subject) = subject.filter(|subject| !subject.is_empty()) else {
            return Err(format!("say which one, as in `{head}:NAME`"));
        };
        rules::name(subject)?;
        let subject = subject.to_owned();
        Ok(match head {
            COMMAND => Self::OnCommand(subject),
            POINT => Self::OnContributionPoint(subject),
            _ => Self::OnInterface(subject),
        })
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnStartup => f.write_str(STARTUP),
            Self::OnCommand(id) => write!(f, "{COMMAND}:{id}"),
            Self::OnContributionPoint(id) => write!(f, "{POINT}:{id}"),
            Self::OnInterface(name) => write!(f, "{INTERFACE}:{name}"),
            Self::Application(event) => f.write_str(event),
        }
    }
}

impl Serialize for Activation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An event that stands a plugin down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Deactivation {
    /// `*`: any event.
    Any,
    /// This event.
    On(Activation),
}

impl Deactivation {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text == "*" { Ok(Self::Any) } else { Activation::read(text).map(Self::On) }
    }

    /// Whether `event` stands the plugin down.
    pub fn matches(&self, event: &Activation) -> bool {
        match self {
            Self::Any => true,
            Self::On(own) => own == event,
        }
    }
}

impl fmt::Display for Deactivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::On(event) => event.fmt(f),
        }
    }
}

impl Serialize for Deactivation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
