//! The smallest plugin: one type, one method, one line that exports it.
//!
//! Action `greet` with `{"name": "Ada"}` answers `{"message": "Hello Ada"}`. `reactor build` puts the plugin into a
//! folder, and `reactor call` asks it there. To see a swap under `reactor dev`, change what the plugin `clock` logs.

#![forbid(unsafe_code)]

use reactor_abi::prelude::*;

#[derive(Default)]
struct Greeting;

impl Invoke for Greeting {
    fn invoke(&self, action: &str, value: Value) -> Result<Value> {
        match action {
            "greet" => {
                let name = value.get("name").and_then(Value::as_str).unwrap_or_default().trim();
                if name.is_empty() {
                    return Err(Error::msg(r#"`greet` needs to know whom: send {"name": "Ada"}"#));
                }
                Ok(value!({ "message": format!("Hello {name}") }))
            }
            _ => Err(Error::unknown_action(action)),
        }
    }
}

export_plugin!(Greeting);

#[cfg(test)]
mod tests {
    use super::*;

    /// As the host sees it: whatever implements `Invoke` is a `Plugin`.
    fn invoke(action: &str, value: Value) -> Result<Value> {
        Plugin::invoke(&Greeting, action, value)
    }

    #[test]
    fn greets_by_name() {
        for name in ["Ada", " Ada\n"] {
            let answer = invoke("greet", value!({ "name": name })).unwrap();
            assert_eq!(answer, value!({ "message": "Hello Ada" }));
        }
    }

    #[test]
    fn says_what_to_send_when_there_is_no_name() {
        for value in [value!(null), value!({}), value!({ "name": "  " }), value!({ "name": 7 })] {
            let error = invoke("greet", value).unwrap_err();
            assert!(error.message().contains(r#"send {"name": "Ada"}"#), "{error}");
        }
    }

    #[test]
    fn names_an_action_that_it_does_not_have() {
        let error = invoke("wave", Value::Null).unwrap_err();
        assert_eq!((error.code(), error.message()), ("RE0602", "unknown action `wave`"));
    }
}
