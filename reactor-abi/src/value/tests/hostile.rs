//! Input from somebody who means harm: it ends in an error, at once and without much memory.

use crate::value::{MAX_DEPTH, Value, ValueError};

#[track_caller]
fn malformed(bytes: &[u8], reason: &str) {
    match Value::decode(bytes) {
        Err(ValueError::Malformed { reason: found }) => assert!(found.contains(reason), "{found}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn depth_bombs_are_refused() {
    let lists = [7, 1].repeat(1_000_000);
    assert_eq!(Value::decode(&lists), Err(ValueError::TooDeep));
    let maps = [8, 1, 0].repeat(1_000_000);
    assert_eq!(Value::decode(&maps), Err(ValueError::TooDeep));
    assert!(postcard::from_bytes::<Value>(&lists).is_err());
    assert!(postcard::from_bytes::<Vec<Value>>(&[&[1], lists.as_slice()].concat()).is_err());

    assert!(serde_json::from_str::<Value>(&"[".repeat(1_000_000)).is_err());
    assert!(serde_json::from_str::<Value>(&"{\"a\":".repeat(1_000_000)).is_err());
    // A format without a limit of its own.
    let mut deep = serde_json::Value::Null;
    for _ in 0..MAX_DEPTH {
        deep = serde_json::Value::Array(vec![deep]);
    }
    let error = serde_json::from_value::<Value>(deep.clone()).unwrap_err();
    assert!(error.to_string().contains("128 levels"), "{error}");
    assert!(serde_json::from_value::<Value>(serde_json::json!({ "a": deep })).is_err());
    let mut deep = serde_json::Value::Null;
    for _ in 0..MAX_DEPTH {
        deep = serde_json::json!({ "a": deep });
    }
    assert!(serde_json::from_value::<Value>(deep).is_err());
}

#[test]
fn the_content_of_a_mark_is_no_level() {
    let mut value = Value::bytes([7]);
    for level in 1..MAX_DEPTH {
        value = if level % 2 == 0 { Value::List(vec![value]) } else { Value::from_iter([("a", value)]) };
    }
    let json = serde_json::to_value(&value).unwrap();
    assert_eq!(serde_json::from_value::<Value>(json).unwrap(), value);
    assert_eq!(Value::decode(&value.encode().unwrap()).unwrap(), value);
}

#[test]
fn claimed_lengths_allocate_nothing() {
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    for tag in [5, 6, 7, 8] {
        malformed(&[&[tag], huge.as_slice()].concat(), "");
        malformed(&[&[tag], huge.as_slice(), &[0; 300]].concat(), "");
    }
}

#[test]
fn only_the_canonical_form_is_read() {
    assert_eq!(Value::decode(&[2, 2]), Ok(Value::Int(1)));
    malformed(&[2, 0x82, 0], "more bytes than it needs");
    malformed(&[0x80, 0], "more bytes than it needs");
    malformed(&[7, 0x80, 0], "more bytes than it needs");
    malformed(&[3, 5], "tag of larger ones");
    malformed(&[9], "9 is no tag");
    malformed(&[1, 2], "");
    malformed(&[5, 1, 0xff], "");
    malformed(&[], "");
    malformed(&[8, 2, 1, b'b', 0, 1, b'a', 0], "`a` is out of order");
    malformed(&[8, 2, 1, b'a', 0, 1, b'a', 0], "`a` is out of order or appears twice");
    malformed(&[&[4], (f64::NAN.to_bits() | 1).to_le_bytes().as_slice()].concat(), "NaN");
    assert_eq!(Value::decode(&[0, 0, 0]), Err(ValueError::TrailingBytes { count: 2 }));
}

#[test]
fn wrong_marks_and_doubled_keys_are_refused() {
    for json in [
        r#"{"$bytes":5}"#,
        r#"{"$bytes":"0"}"#,
        r#"{"$bytes":"+f"}"#,
        r#"{"$bytes":"é0"}"#,
        r#"{"$float":"1.0"}"#,
        r#"{"a":1,"a":2}"#,
        r#"[{"a":{"$float":null}}]"#,
    ] {
        assert!(serde_json::from_str::<Value>(json).is_err(), "{json}");
    }
    let error = serde_json::from_str::<Value>(r#"{"$bytes":5}"#).unwrap_err().to_string();
    assert!(error.contains("double the `$`"), "{error}");
    assert_eq!(serde_json::from_str::<Value>(r#"{"$bytes":"0aFF"}"#).unwrap(), Value::bytes([10, 255]));
}
