//! What holds for any value and any bytes.

use proptest::prelude::*;

use crate::value::{Value, wire};

fn float() -> impl Strategy<Value = f64> {
    // `serde_json` reads most decimals a last bit off unless told otherwise, but these exactly.
    let short = (-1_000_000_i32..1_000_000).prop_map(|n| f64::from(n) / 64.0);
    let special = prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0]);
    prop_oneof![short, special]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![".{0,6}", "\\$\\$?(bytes|float)"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-3_i64..3).prop_map(Value::Int),
        any::<u64>().prop_map(Value::UInt),
        float().prop_map(Value::Float),
        ".{0,12}".prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..12).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::btree_map(key(), inner, 0..4).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn comes_back_from_everywhere(value in value()) {
        let bytes = value.encode().unwrap();
        prop_assert_eq!(&Value::decode(&bytes).unwrap(), &value);
        prop_assert_eq!(&postcard::to_stdvec(&value).unwrap(), &bytes);
        prop_assert_eq!(&postcard::from_bytes::<Value>(&bytes).unwrap(), &value);
        let json = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Value>(&json).unwrap(), &value);
        prop_assert_eq!(&serde_json::from_str::<Value>(&value.to_string()).unwrap(), &value);
        let tree = serde_json::to_value(&value).unwrap();
        prop_assert_eq!(&serde_json::from_value::<Value>(tree).unwrap(), &value);
        prop_assert_eq!(&Value::of(&value).unwrap(), &value);
        prop_assert_eq!(&value.read::<Value>().unwrap(), &value);
        prop_assert_eq!(&value.clone(), &value);
    }

    #[test]
    fn any_float_comes_back(bits: u64) {
        let value = Value::Float(f64::from_bits(bits));
        prop_assert_eq!(&Value::decode(&value.encode().unwrap()).unwrap(), &value);
        prop_assert_eq!(&Value::of(&value).unwrap(), &value);
    }

    #[test]
    fn equal_exactly_when_the_bytes_are(left in value(), right in value()) {
        prop_assert_eq!(left == right, left.encode().unwrap() == right.encode().unwrap());
    }

    #[test]
    fn equality_of_near_values_is_that_of_bytes(left in -2_i64..3, right in -2_i64..3, kinds in 0..9) {
        let make = |n: i64, kind: i32| match kind % 3 {
            0 => Value::Int(n),
            1 => Value::UInt(n.unsigned_abs()),
            _ => Value::Float(f64::from(i32::try_from(n).unwrap())),
        };
        let (left, right) = (make(left, kinds), make(right, kinds / 3));
        prop_assert_eq!(left == right, left.encode().unwrap() == right.encode().unwrap());
    }

    #[test]
    fn random_bytes_are_refused_or_canonical(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(value) = Value::decode(&bytes) {
            prop_assert_eq!(value.encode().unwrap(), bytes);
        }
    }

    #[test]
    fn near_encodings_are_refused_or_canonical(
        value in value(),
        at: prop::sample::Index,
        byte: u8,
        cut: bool,
    ) {
        let mut bytes = value.encode().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut {
            bytes.truncate(at + 1);
        }
        if let Ok(value) = Value::decode(&bytes) {
            prop_assert_eq!(value.encode().unwrap(), bytes);
        }
    }

    #[test]
    fn random_text_never_panics(text in "[\\[\\]{}:,\"$a-z0-9.]{0,40}") {
        let _ = serde_json::from_str::<Value>(&text);
    }

    #[test]
    fn the_length_is_known_beforehand(value in value()) {
        prop_assert_eq!(wire::encoded_len(&value), value.encode().unwrap().len());
    }
}
