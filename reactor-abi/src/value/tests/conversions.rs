//! [`Value::of`] and [`Value::read`] over serde's data model, with `serde_json` as the model of the
//! conventions.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::net::IpAddr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::value::{MAX_DEPTH, Value, ValueError};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(u8),
    Tuple(u8, String),
    Struct { a: Option<bool>, b: Vec<Shape> },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
enum Plain {
    Left,
    Right,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
struct Id(u16);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Marker;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Mixed {
    shapes: Vec<Shape>,
    address: IpAddr,
    marker: Marker,
    anything: Value,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// Goes into a value and back, and looks like the JSON of the same data.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(data: &T) {
    let value = Value::of(data).unwrap();
    assert_eq!(value.read::<T>().unwrap(), *data);
    assert_eq!(serde_json::to_value(data).unwrap(), serde_json::to_value(&value).unwrap());
}

#[test]
fn data_goes_in_and_comes_back() {
    check(&(true, 'x', "text".to_owned(), 1.5_f32, ()));
    check(&(i8::MIN, i16::MIN, i32::MIN, i64::MIN, u8::MAX, u16::MAX, u32::MAX, u64::MAX));
    check(&(i128::from(u64::MAX), u128::from(u64::MAX), i128::from(i64::MIN)));
    check(&vec![Some(1), None]);
    check(&vec![
        Shape::Unit,
        Shape::Newtype(1),
        Shape::Tuple(2, "b".to_owned()),
        Shape::Struct { a: Some(true), b: vec![Shape::Struct { a: None, b: Vec::new() }] },
    ]);
    check(&BTreeMap::from([(-1_i64, 1), (7, 2)]));
    check(&HashMap::from([(true, 1), (false, 2)]));
    check(&BTreeMap::from([('a', 1), ('é', 2)]));
    check(&BTreeMap::from([(Plain::Left, 1), (Plain::Right, 2)]));
    check(&BTreeMap::from([(Id(3), Id(4))]));
    check(&BTreeMap::from([(u128::MAX, Some("wide".to_owned()))]));
    check(&Mixed {
        shapes: vec![Shape::Newtype(9)],
        address: "::1".parse().unwrap(),
        marker: Marker,
        anything: crate::value!({ "$bytes": [1, Value::bytes([1])], "f": f64::NAN }),
        rest: BTreeMap::from([("more".to_owned(), crate::value!([1, { "x": -0.5 }]))]),
    });
}

#[test]
fn a_value_inside_data_stays_as_it_is() {
    let values = [
        Value::bytes([1, 2, 3]),
        Value::Float(f64::INFINITY),
        crate::value!({ "$bytes": 5 }),
        crate::value!({ "$$float": { "$float": [Value::bytes([])] } }),
        crate::value!([{ "a": Value::Float(f64::NAN) }]),
    ];
    for value in values {
        assert_eq!(Value::of(&value).unwrap(), value);
        assert_eq!(value.read::<Value>().unwrap(), value);
        assert_eq!(Value::of(&Some((&value,))).unwrap(), Value::List(vec![value]));
    }
}

#[test]
fn bytes_and_lists_of_numbers_are_read_as_each_other() {
    assert_eq!(Value::bytes([1, 2]).read::<Vec<u8>>().unwrap(), [1, 2]);
    assert_eq!(Value::bytes([1, 2]).read::<[u16; 2]>().unwrap(), [1, 2]);
    assert_eq!(Value::bytes([1, 2]).read::<&[u8]>().unwrap(), [1, 2]);
    assert!(Value::bytes([1, 2, 3]).read::<[u16; 2]>().is_err());
}

#[test]
fn numbers_convert_where_nothing_is_lost() {
    assert_eq!(Value::Int(200).read::<u8>().unwrap(), 200);
    assert!((Value::Int(3).read::<f64>().unwrap() - 3.0).abs() < f64::EPSILON);
    assert_eq!(Value::Null.read::<Option<u8>>().unwrap(), None);
    assert!(Value::Float(3.0).read::<u8>().is_err());
}

type Servers = HashMap<String, Vec<HashMap<String, u16>>>;

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only read")]
struct On {
    on: bool,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only read")]
struct Keys {
    keys: BTreeMap<u8, u8>,
}

#[track_caller]
fn refused<T: DeserializeOwned + Debug>(value: &Value, code: &str, message: &str) {
    let error = value.read::<T>().unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (code, message));
}

#[test]
fn errors_name_the_path() {
    let value = crate::value!({
        "servers": [{ "port": 1 }, { "port": 70000 }], "on": "yes", "keys": { "1": 0, "x": 0 },
    });
    let servers = crate::value!({ "servers": value.get("servers").unwrap().clone() });
    refused::<Servers>(
        &servers,
        "RE0633",
        "at `servers[1].port`: expected u16, found integer `70000`, which does not fit",
    );
    refused::<On>(&value, "RE0632", "at `on`: expected a boolean, found string \"yes\"");
    refused::<On>(&crate::value!({}), "RE0638", "missing field `on`");
    refused::<Vec<On>>(&crate::value!([{}]), "RE0638", "at `[0]`: missing field `on`");

    refused::<Keys>(
        &value,
        "RE0633",
        "at `keys.x`: expected a u8 as a key, found string \"x\", which does not fit",
    );
    refused::<Shape>(
        &crate::value!({ "Struct": { "b": [{ "Tuple": [1, 2] }] } }),
        "RE0632",
        "at `Struct.b[0].Tuple[1]`: expected a string, found integer `2`",
    );
    refused::<Shape>(
        &crate::value!({ "Unit": null, "Newtype": 1 }),
        "RE0632",
        "expected a map of one entry, from the variant's name to its content, found a map of 2 entries",
    );
    refused::<(u8, u8)>(&crate::value!([1, 2, 3]), "RE0638", "invalid length 3, expected 2");
    let long = Value::from("x".repeat(5000)).read::<u8>().unwrap_err().to_string();
    assert!(long.len() < 200, "{long}");
}

#[derive(Serialize)]
struct Twice {
    a: u8,
    #[serde(flatten)]
    rest: BTreeMap<&'static str, u8>,
}

#[test]
fn what_has_no_value_is_refused_with_its_path() {
    let error = Value::of(&BTreeMap::from([("a", vec![0, i128::MAX])])).unwrap_err();
    assert_eq!(error.code(), "RE0633");
    assert_eq!(error.path(), Some("a[1]"));
    let error = Value::of(&BTreeMap::from([("a", BTreeMap::from([((1, 2), 3)]))])).unwrap_err();
    assert_eq!(error, ValueError::Key { path: "a".to_owned(), found: "a tuple".to_owned() });

    let error = Value::of(&[Twice { a: 1, rest: BTreeMap::from([("a", 2)]) }]).unwrap_err();
    assert_eq!(error.to_string(), "at `[0]`: the key `a` appears twice; keep one of the entries");
    let error = Value::of(&BTreeMap::from([("m", Shape::Tuple(1, String::new()))]));
    assert!(error.is_ok());
}

#[derive(Debug, Serialize, Deserialize)]
struct Chain {
    next: Option<Box<Chain>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Hidden(Option<Box<Hidden>>);

#[test]
fn data_that_is_too_deep_is_refused() {
    let chain = |len| (0..len).fold(Chain { next: None }, |next, _| Chain { next: Some(Box::new(next)) });
    // A chain of n links is n + 1 maps around a null.
    let deepest = Value::of(&chain(MAX_DEPTH - 2)).unwrap();
    deepest.check_depth().unwrap();
    deepest.read::<Chain>().unwrap();
    assert_eq!(Value::of(&chain(MAX_DEPTH - 1)).unwrap_err(), ValueError::TooDeep);
    assert_eq!(Value::of(&chain(2000)).unwrap_err(), ValueError::TooDeep);
    assert_eq!(super::nested(5000).read::<serde_json::Value>().unwrap_err(), ValueError::TooDeep);
}

#[test]
fn a_type_that_refers_to_itself_without_a_trace_in_the_value_is_refused() {
    let hidden = |len| (0..len).fold(Hidden(None), |next, _| Hidden(Some(Box::new(next))));
    assert_eq!(Value::of(&hidden(5)).unwrap(), Value::Null);
    assert_eq!(Value::of(&hidden(5000)).unwrap_err(), ValueError::TooDeep);
    assert_eq!(Value::Int(1).read::<Hidden>().unwrap_err(), ValueError::TooDeep);
}
