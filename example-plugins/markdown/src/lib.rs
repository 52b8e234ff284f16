//! Wrapping an ordinary crate: `pulldown-cmark` as a plugin.
//!
//! Nothing had to be done to it. It is compiled into this library and only this library; its types stay inside, and
//! what crosses to the host is a [`Value`] that owns nothing over there. So two plugins can use two versions of it,
//! and when this library is closed it is gone with it. What would make trouble is code that outlives its library:
//! threads of its own and signal handlers, which the host notices, and for whose sake it keeps the library open.
//!
//! Action `render` with `{"text": "*hi*"}` answers `{"html": "<p><em>hi</em></p>\n"}`. As `CommonMark` has it, HTML
//! in the text passes through as it is: sanitise the answer before showing text of people you do not trust.

#![forbid(unsafe_code)]

use pulldown_cmark::{Parser, html};
use reactor_abi::prelude::*;

fn render(text: &str) -> String {
    // A guess: tags add about half as much again.
    let mut html = String::with_capacity(text.len() / 2 * 3);
    html::push_html(&mut html, Parser::new(text));
    html
}

#[derive(Default)]
struct Markdown;

impl Invoke for Markdown {
    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        match action {
            "render" => {
                let text = value.get("text").and_then(Value::as_str);
                let text = text.context(r#"`render` needs a text: send {"text": "*hi*"}"#)?;
                Ok(value!({ "html": (render(text)) }))
            }
            _ => Err(Error::unknown_action(action)),
        }
    }
}

export_plugin!(Markdown);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders() {
        for (text, html) in [
            ("", ""),
            ("# Title", "<h1>Title</h1>\n"),
            ("*hi* & `x < y`", "<p><em>hi</em> &amp; <code>x &lt; y</code></p>\n"),
            ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ] {
            let answer = Plugin::invoke(&Markdown, "render", value!({ "text": text })).unwrap();
            assert_eq!(answer, value!({ "html": html }), "{text}");
        }
    }

    #[test]
    fn says_what_to_send() {
        let error = Plugin::invoke(&Markdown, "render", value!({ "html": "" })).unwrap_err();
        assert!(error.message().contains("send {\"text\""), "{error}");
        assert_eq!(Plugin::invoke(&Markdown, "print", Value::Null).unwrap_err().code(), "RE0602");
    }
}
