//! Random samples, and the test that they come back.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, btree_set, hash_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::result;
use reactor_abi::interface::{CallError, Schema};
use reactor_abi::value::Value;

use crate::{EchoHandle, Echoes, Others, Point, Scalars, Side, Tree, Unit};

/// One of everything.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Scalars.
    pub scalars: Scalars,
    /// Text.
    pub text: String,
    /// Bytes.
    pub bytes: Vec<u8>,
    /// Encoded types.
    pub trees: Vec<Tree>,
    /// Types that cross as they are.
    pub points: Vec<Point>,
    /// The same.
    pub sides: Vec<Side>,
    /// A value.
    pub value: Value,
    /// Whether what may be missing is missing.
    pub missing: bool,
}

/// Samples of every shape.
pub fn samples() -> impl Strategy<Value = Sample> {
    let scalars = (
        any::<(u8, u16, u32, u64)>(),
        any::<(i8, i16, i32, i64)>(),
        (any_f32(), any_f64(), any::<bool>(), any::<char>()),
        any::<(usize, isize)>(),
    )
        .prop_map(|((a, b, c, d), e, f, g)| (a, b, c, d, e, f, g));
    let bytes = vec(any::<u8>(), 0..64);
    let sides = vec(sides(), 0..4);
    (scalars, ".*", bytes, vec(trees(), 0..4), vec(points(), 0..4), sides, values(), any::<bool>()).prop_map(
        |(scalars, text, bytes, trees, points, sides, value, missing)| Sample {
            scalars,
            text,
            bytes,
            trees,
            points,
            sides,
            value,
            missing,
        },
    )
}

/// What lies at the edges: nothing, much, deep, and the numbers where kinds of numbers end.
pub fn edges() -> Vec<Sample> {
    const MUCH: usize = 1 << 20;
    let least = Sample {
        scalars: (
            0,
            0,
            0,
            0,
            (i8::MIN, i16::MIN, i32::MIN, i64::MIN),
            (f32::MIN, f64::MIN, false, char::MIN),
            (usize::MIN, isize::MIN),
        ),
        text: String::new(),
        bytes: Vec::new(),
        trees: vec![Tree::Empty, Tree::List(Vec::new()), Tree::Map(BTreeMap::new()), Tree::Maybe(None)],
        points: Vec::new(),
        sides: Vec::new(),
        value: Value::Null,
        missing: true,
    };
    let text = "ä€🔢\u{0}".chars().cycle().take(MUCH / 10 * 4).collect::<String>();
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(MUCH).collect();
    let real = |real| Tree::Leaf { text: text.clone(), bytes: bytes.clone(), real };
    let most = Sample {
        scalars: (
            u8::MAX,
            u16::MAX,
            u32::MAX,
            u64::MAX,
            (i8::MAX, i16::MAX, i32::MAX, i64::MAX),
            (f32::MAX, f64::MAX, true, char::MAX),
            (usize::MAX, isize::MAX),
        ),
        trees: vec![real(f64::INFINITY)],
        value: Value::Bytes(bytes.clone()),
        missing: false,
        text: text.clone(),
        bytes: bytes.clone(),
        ..least.clone()
    };
    let deep = (0..100).fold(Tree::Done(Err(String::new())), |tree, level| match level % 3 {
        0 => Tree::Pair(Box::new(tree), (level, '\u{10ffff}', true, f32::MIN_POSITIVE)),
        1 => Tree::Map(BTreeMap::from([(String::new(), tree)])),
        _ => Tree::Maybe(Some(Box::new(Tree::List(vec![tree, Tree::Number(i64::MIN)])))),
    });
    let nearest = [0.0, -0.0, f64::MIN_POSITIVE, f64::from_bits(1), f64::EPSILON, f64::NEG_INFINITY];
    let fine = Sample {
        scalars: (1, 1, 1, 1, (-1, -1, -1, -1), (-0.0, f64::from_bits(1), true, '\u{d7ff}'), (1, -1)),
        trees: vec![deep],
        points: nearest.map(|real| Point { side: Side::Right, at: [real, -real], last: u16::MAX }).into(),
        sides: vec![Side::Left],
        ..least.clone()
    };
    vec![least, most, fine]
}

/// Floats by their bits: also those that are no numbers.
fn any_f64() -> impl Strategy<Value = f64> + Clone {
    any::<u64>().prop_map(f64::from_bits)
}

fn any_f32() -> impl Strategy<Value = f32> + Clone {
    any::<u32>().prop_map(f32::from_bits)
}

fn sides() -> impl Strategy<Value = Side> {
    any::<bool>().prop_map(|left| if left { Side::Left } else { Side::Right })
}

fn points() -> impl Strategy<Value = Point> {
    (sides(), any_f64(), any_f64(), any::<u16>()).prop_map(|(side, x, y, last)| Point {
        side,
        at: [x, y],
        last,
    })
}

fn others() -> impl Strategy<Value = Others> {
    (
        any::<(u128, i128)>(),
        any::<std::time::Duration>(),
        btree_set(any::<u16>(), 0..4),
        hash_map(any::<i8>(), vec(option::of(vec(any::<u8>(), 0..4)), 0..3), 0..2),
        any::<[u16; 3]>(),
    )
        .prop_map(|(wide, time, set, hash, array)| Others { wide, time, set, hash, array, unit: Unit })
}

/// Nested up to five deep.
pub fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Empty),
        any::<i64>().prop_map(Tree::Number),
        (".*", vec(any::<u8>(), 0..16), any_f64()).prop_map(|(text, bytes, real)| Tree::Leaf {
            text,
            bytes,
            real
        }),
        result::maybe_ok(any::<u32>(), ".*").prop_map(Tree::Done),
        others().prop_map(Tree::Others),
    ];
    leaf.prop_recursive(5, 64, 4, |inner| {
        prop_oneof![
            (inner.clone(), any::<(u8, char, bool)>(), any_f32())
                .prop_map(|(tree, (a, b, c), d)| Tree::Pair(Box::new(tree), (a, b, c, d))),
            vec(inner.clone(), 0..4).prop_map(Tree::List),
            btree_map(".{0,3}", inner.clone(), 0..4).prop_map(Tree::Map),
            option::of(inner).prop_map(|tree| Tree::Maybe(tree.map(Box::new))),
        ]
    })
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any_f64().prop_map(Value::Float),
        ".*".prop_map(Value::Text),
        vec(any::<u8>(), 0..8).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::List),
            btree_map(".{0,3}", inner, 0..4).prop_map(|map: BTreeMap<_, _>| Value::Map(map)),
        ]
    })
}

/// The bytes by which two of a type are told apart, also where they hold floats that equal nothing.
fn bits<T: Schema>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes).expect("it can be encoded");
    bytes
}

fn same<T: Schema + std::fmt::Debug>(came: &T, sent: &T) -> Result<(), TestCaseError> {
    prop_assert_eq!(bits(came), bits(sent), "{:?} came back for {:?}", came, sent);
    Ok(())
}

fn failed(error: &CallError) -> TestCaseError {
    TestCaseError::fail(format!("{error}"))
}

/// Whether all of the sample comes back through the handle as it was sent.
///
/// # Errors
///
/// What did not.
pub fn comes_back(echo: &EchoHandle, sample: &Sample) -> Result<(), TestCaseError> {
    scalars(echo, sample)?;
    let call = |error: CallError| failed(&error);
    let Sample { text, bytes, trees, points, sides, value, .. } = sample;
    same(&echo.text(text).map_err(call)?, text)?;
    same(&echo.owned_text(text.clone()).map_err(call)?, text)?;
    same(&echo.bytes(bytes).map_err(call)?, bytes)?;
    same(&echo.owned_bytes(bytes.clone()).map_err(call)?, bytes)?;
    same(&echo.trees(trees).map_err(call)?, trees)?;
    for tree in trees {
        same(&echo.tree(tree).map_err(call)?, tree)?;
        match echo.judged(tree.clone()).map_err(call)? {
            Ok(fine) => prop_assert!(!matches!(fine, Tree::List(_))),
            Err(list) => same(&list, tree)?,
        }
        let mirrored = echo.mirrored(text, tree, &Echoes).map_err(call)?;
        let mirrored = mirrored.map_err(|error| TestCaseError::fail(error.to_string()))?;
        same(&mirrored, &(text.clone(), tree.clone()))?;
        let (text_sent, tree_sent) = (Some(text.as_str()), (!sample.missing).then(|| tree.clone()));
        let maybe = echo.maybe(text_sent, Some(bytes), tree_sent.clone()).map_err(call)?;
        same(&maybe, &tree_sent.map(|tree| (text.clone(), bytes.clone(), tree)))?;
    }
    same(&echo.maybe(None, None, None).map_err(call)?, &None)?;
    for point in points {
        same(&echo.point(*point, &points[0]).map_err(call)?, &Point { last: points[0].last, ..*point })?;
    }
    let last = points.last().copied().zip(sides.last().copied());
    same(&echo.points(points, sides).map_err(call)?, &last)?;
    let reals: Vec<f64> = points.iter().flat_map(|point| point.at).collect();
    same(&echo.reals(&reals).map_err(call)?, &reals)?;
    same(&echo.value(value).map_err(call)?, value)
}

fn scalars(echo: &EchoHandle, sample: &Sample) -> Result<(), TestCaseError> {
    let call = |error: CallError| failed(&error);
    let (a, b, c, d, (e, f, g, h), (i, j, k, l), (m, n)) = sample.scalars;
    let came = echo.scalars(a, b, c, d, e, f, g, h, i, j, k, l, m, n).map_err(call)?;
    same(&came, &sample.scalars)?;
    same(&echo.real(j).map_err(call)?, &j)?;
    same(&echo.letter(l).map_err(call)?, &l)
}
