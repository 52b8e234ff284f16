mod conversions;
mod hostile;
mod properties;

use super::{MAX_DEPTH, Value, ValueError};

/// `levels` levels: lists around a null.
fn nested(levels: usize) -> Value {
    let mut value = Value::Null;
    for _ in 1..levels {
        value = Value::List(vec![value]);
    }
    value
}

#[test]
fn integers_have_one_form() {
    assert_eq!(Value::from(5_u64), Value::Int(5));
    assert_eq!(Value::UInt(5), Value::Int(5));
    assert_eq!(Value::UInt(5).encode(), Value::Int(5).encode());
    assert_ne!(Value::from(u64::MAX), Value::Int(-1));
    assert_eq!(Value::from(u64::MAX), Value::UInt(u64::MAX));
    assert_ne!(Value::Int(1), Value::Float(1.0));
}

#[test]
fn floats_compare_as_they_are_encoded() {
    let odd_nan = Value::Float(f64::from_bits(f64::NAN.to_bits() | 1));
    assert_eq!(Value::Float(f64::NAN), odd_nan);
    assert_eq!(Value::Float(-f64::NAN).encode(), odd_nan.encode());
    assert_ne!(Value::Float(0.0), Value::Float(-0.0));
    assert_ne!(Value::Float(0.0).encode(), Value::Float(-0.0).encode());
}

#[test]
fn a_value_made_by_hand_is_safe_at_any_depth_and_refused_on_the_way_out() {
    let deep = nested(200_000);
    let copy = deep.clone();
    assert_eq!(deep, copy);
    assert_ne!(deep, nested(200_001));
    assert!(format!("{deep} {deep:?}").contains('…'));
    assert_eq!(deep.check_depth(), Err(ValueError::TooDeep));
    assert_eq!(deep.encode(), Err(ValueError::TooDeep));
    assert_eq!(deep.read::<Value>(), Err(ValueError::TooDeep));
    assert!(Value::of(&deep).unwrap_err().to_string().contains("128 levels"));
    assert!(serde_json::to_string(&deep).unwrap_err().to_string().contains("128 levels"));
    assert!(postcard::to_stdvec(&deep).is_err());

    let mut map = Value::Null;
    for _ in 0..200_000 {
        map = Value::Map([("key".to_owned(), map), ("other".to_owned(), Value::Int(1))].into());
    }
    assert_eq!(map.clone(), map);
    assert_eq!(map.encode(), Err(ValueError::TooDeep));
}

#[test]
fn the_deepest_value_goes_every_way() {
    let deepest = nested(MAX_DEPTH);
    assert_eq!(deepest.check_depth(), Ok(()));
    assert_eq!(Value::decode(&deepest.encode().unwrap()).unwrap(), deepest);
    assert_eq!(Value::of(&deepest).unwrap(), deepest);
    assert_eq!(deepest.read::<Value>().unwrap(), deepest);
    let json = serde_json::to_string(&deepest).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), deepest);
    assert_eq!(nested(MAX_DEPTH + 1).check_depth(), Err(ValueError::TooDeep));
}

#[test]
fn accessors_look_without_converting() {
    let value = crate::value!({
        "null": null, "bool": true, "int": -1, "uint": u64::MAX, "float": 0.5, "text": "t", "list": [1, 2],
        "bytes": Value::bytes([1, 2]),
    });
    let get = |key: &str| value.get(key).unwrap();
    assert!(get("null").is_null());
    assert_eq!(get("bool").as_bool(), Some(true));
    assert_eq!((get("int").as_i64(), get("int").as_u64(), get("int").as_f64()), (Some(-1), None, Some(-1.0)));
    assert_eq!((get("uint").as_i64(), get("uint").as_u64()), (None, Some(u64::MAX)));
    assert_eq!((get("float").as_f64(), get("float").as_i64()), (Some(0.5), None));
    assert_eq!(get("text").as_str(), Some("t"));
    assert_eq!(get("list").as_list().map(<[_]>::len), Some(2));
    assert_eq!(get("bytes").as_bytes(), Some(&[1, 2][..]));
    assert_eq!(value.as_map().map(std::collections::BTreeMap::len), Some(8));
    assert_eq!((value.get("absent"), get("text").get("x")), (None, None));
    let kinds = ["null", "bool", "int", "uint", "float", "text", "list", "bytes"].map(|key| get(key).kind());
    assert_eq!(kinds, ["null", "bool", "integer", "integer", "float", "text", "list", "bytes"]);
    assert_eq!(value.clone().into_map().unwrap().len(), 8);
    assert_eq!(get("text").clone().into_text().unwrap(), "t");
    assert_eq!(get("bytes").clone().into_bytes().unwrap(), [1, 2]);
    assert_eq!(get("list").clone().into_list().unwrap(), [Value::Int(1), Value::Int(2)]);
    assert_eq!(get("int").clone().into_text().unwrap_err(), Value::Int(-1));
}

#[test]
fn the_macro_takes_nested_data_and_expressions() {
    let name = "n".to_owned();
    let items = [1, 2];
    let value = crate::value!({
        "a": [null, {}, [], -1, items.len(), [1, 2].len()], (name): { "x": [1,], }, "e": Some(1),
    });
    assert_eq!(value.to_string(), r#"{"a":[null,{},[],-1,2,2],"e":1,"n":{"x":[1]}}"#);
    assert_eq!(crate::value!(null), Value::default());
    assert_eq!(crate::value!("a".to_owned() + "b"), Value::from("ab"));
    assert_eq!(crate::value!([]), Value::List(Vec::new()));
}

#[test]
fn prints_json() {
    let cases = [
        (crate::value!([1.0, 1e300, -0.0, u64::MAX]), "[1.0,1e300,-0.0,18446744073709551615]"),
        (Value::from("a\"\\\n\t\r\u{1}é"), r#""a\"\\\n\t\r\u0001é""#),
        (Value::bytes([0, 255]), r#"{"$bytes":"00ff"}"#),
        (Value::Float(f64::NEG_INFINITY), r#"{"$float":"-inf"}"#),
        (crate::value!({ "$bytes": 1 }), r#"{"$$bytes":1}"#),
        (crate::value!({ "$bytes": 1, "a": 2 }), r#"{"$bytes":1,"a":2}"#),
        (crate::value!({ "$ref": 1 }), r#"{"$ref":1}"#),
    ];
    for (value, text) in cases {
        assert_eq!(value.to_string(), text);
        assert_eq!(format!("{value:?}"), text);
        assert_eq!(serde_json::to_string(&value).unwrap(), text.replace("1e300", "1e+300"));
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), value);
    }
}
