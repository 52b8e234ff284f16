//! Calling another plugin: a status line that shows, if it can, how many words the plugin `word-count` has counted.
//!
//! A [`Peer`] names a plugin and owns nothing of it. It may be taken before that plugin is there, and goes on working
//! when that plugin is swapped; each call reaches whatever generation serves at that moment. When none does, the call
//! fails with the code `RE0601`, and the banner simply shows less.
//!
//! Actions: `set` with `{"text": "Saving", "level": "info"}` (or `"warning"`, `"error"`; info when left out) answers
//! the new status; `view` answers the tree to draw. The status begins anew with each generation; `word-count` shows
//! how to keep something.

#![forbid(unsafe_code)]

use std::sync::{Mutex, MutexGuard, PoisonError};

use reactor_abi::prelude::*;
use serde::{Deserialize, Serialize};

/// The code of a call to a plugin that is not there.
const NOT_THERE: &str = "RE0601";

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    #[default]
    Info,
    Warning,
    Error,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Status {
    text: String,
    #[serde(default)]
    level: Severity,
}

/// Asks `word-count` for its total. A function, so that tests can stand in for the other plugin.
type AskTotal = Box<dyn Fn() -> Result<Value> + Send + Sync>;

struct StatusBanner {
    status: Mutex<Status>,
    ask_total: AskTotal,
}

impl StatusBanner {
    fn new(ask_total: AskTotal) -> Self {
        let status = Status { text: "Ready".to_owned(), level: Severity::Info };
        Self { status: Mutex::new(status), ask_total }
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        // It is replaced as a whole, so it is whole also after a panic.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> Result<Value> {
        // Copied, so that no lock is held while another plugin's code runs: it might call back.
        let status = self.status().clone();
        let mut children = vec![value!({ "kind": "text", "text": status.text })];
        children.extend(self.detail().map(|text| value!({ "kind": "text", "text": text })));
        Ok(value!({ "kind": "banner", "level": (Value::of(&status.level)?), "children": children }))
    }

    /// A decoration must not take the banner down: whatever fails becomes words, and absence becomes nothing.
    fn detail(&self) -> Option<String> {
        let total = (self.ask_total)().and_then(|answer| {
            answer.get("total").and_then(Value::as_u64).context("the answer has no `total`")
        });
        match total {
            Ok(total) => Some(format!("words counted: {total}")),
            Err(error) if error.code() == NOT_THERE => None,
            Err(error) => Some(format!("no word count: {error}")),
        }
    }
}

impl Plugin for StatusBanner {
    fn init(cx: &mut Init<'_>) -> Result<Self> {
        let word_count = cx.peer("word-count")?;
        Ok(Self::new(Box::new(move || word_count.invoke("total", &Value::Null))))
    }

    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        match action {
            "view" => self.view(),
            "set" => {
                let status: Status = value.read().context(r#"`set` takes {"text": …, "level": …}"#)?;
                let answer = Value::of(&status)?;
                *self.status() = status;
                Ok(answer)
            }
            _ => Err(Error::unknown_action(action)),
        }
    }
}

export_plugin!(StatusBanner);

#[cfg(test)]
mod tests {
    use super::*;

    fn banner(answer: Result<Value>) -> StatusBanner {
        StatusBanner::new(Box::new(move || answer.clone()))
    }

    fn texts(banner: &StatusBanner) -> Vec<String> {
        let view = banner.invoke("view", Value::Null).unwrap();
        let children = view.get("children").and_then(Value::as_list).unwrap();
        children.iter().map(|child| child.get("text").unwrap().read().unwrap()).collect()
    }

    #[test]
    fn shows_the_status_that_was_set() {
        let banner = banner(Err(Error::new(NOT_THERE, "no such plugin")));
        assert_eq!(texts(&banner), ["Ready"]);
        let status = value!({ "text": "Disk full", "level": "error" });
        assert_eq!(banner.invoke("set", status.clone()).unwrap(), status);
        assert_eq!(
            banner.invoke("view", Value::Null).unwrap(),
            value!({ "kind": "banner", "level": "error", "children": [{ "kind": "text", "text": "Disk full" }] })
        );
    }

    #[test]
    fn refuses_a_status_that_it_can_not_show_and_keeps_the_old_one() {
        let banner = banner(Ok(value!({ "total": 12 })));
        for status in [value!({ "level": "info" }), value!({ "text": "t", "level": "loud" }), value!("text")]
        {
            let error = banner.invoke("set", status).unwrap_err().to_string();
            assert!(error.contains(r#"takes {"text""#), "{error}");
        }
        assert_eq!(texts(&banner)[0], "Ready");
    }

    #[test]
    fn the_other_plugin_adds_a_line_or_says_why_not() {
        for (answer, line) in [
            (Ok(value!({ "total": 12 })), "words counted: 12"),
            (Ok(value!({ "sum": 12 })), "no word count: the answer has no `total`"),
            (Err(Error::new("RE0603", "panicked")), "no word count: panicked"),
        ] {
            assert_eq!(texts(&banner(answer)), ["Ready", line]);
        }
    }
}
