//! Configuration: a card whose title and text come from `[config]` in `plugin.toml`.
//!
//! The host gives the table to `init`. The plugin's own type
//! decides what is valid; refusing here means that the plugin never runs with a setting that it can not use, and
//! that the host lists it with this message.
//!
//! Action `view` answers a tree of plain data, which any user interface can draw:
//! `{"kind": "card", "title": …, "children": [{"kind": "text", "text": …}]}`.

#![forbid(unsafe_code)]

use reactor_abi::prelude::*;
use serde::Deserialize;

/// A misspelt key is an error, not a setting that silently does nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    title: String,
    body: String,
}

impl Config {
    fn read(config: &Value) -> Result<Self> {
        let config: Self = config.read().context("reading [config] of welcome-card")?;
        for (key, text) in [("title", &config.title), ("body", &config.body)] {
            if text.trim().is_empty() {
                return Err(Error::msg(format!("`{key}` in [config] is empty: give the card some text")));
            }
        }
        Ok(config)
    }
}

struct WelcomeCard {
    config: Config,
}

impl Plugin for WelcomeCard {
    fn init(cx: &mut Init<'_>) -> Result<Self> {
        Ok(Self { config: Config::read(cx.config())? })
    }

    fn invoke(&self, action: &str, _: Value) -> Result<Value> {
        let Config { title, body } = &self.config;
        match action {
            "view" => Ok(value!({
                "kind": "card",
                "title": title,
                "children": [{ "kind": "text", "text": body }],
            })),
            _ => Err(Error::unknown_action(action)),
        }
    }
}

export_plugin!(WelcomeCard);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_it_was_configured_with() {
        let config = Config::read(&value!({ "title": "Hi", "body": "Come in" })).unwrap();
        let card = WelcomeCard { config };
        assert_eq!(
            card.invoke("view", Value::Null).unwrap(),
            value!({ "kind": "card", "title": "Hi", "children": [{ "kind": "text", "text": "Come in" }] })
        );
        assert_eq!(card.invoke("hide", Value::Null).unwrap_err().code(), "RE0602");
    }

    #[test]
    fn an_error_names_the_key() {
        for (config, key) in [
            (value!({ "title": " ", "body": "b" }), "title"),
            (value!({ "title": "t", "body": "" }), "body"),
            (value!({ "title": 7, "body": "b" }), "title"),
            (value!({ "title": "t" }), "body"),
            (value!({ "title": "t", "body": "b", "tilte": "x" }), "tilte"),
        ] {
            let error = Config::read(&config).err().expect("refused").to_string();
            assert!(error.contains(key) && error.contains("[config]"), "{error}");
        }
    }
}
