//! What is said of types: two that cross in different ways never read the same.
#![forbid(unsafe_code)]

use reactor_abi::interface::{Schema, Shape};
use serde::{Deserialize, Serialize};

fn text<T: Schema>() -> String {
    let mut shape = Shape::new();
    T::describe(&mut shape);
    shape.finish()
}

#[derive(Serialize, Deserialize, Schema)]
struct Pair {
    a: (u8, Option<Box<Pair>>),
    z: u64,
}

#[derive(Serialize, Deserialize, Schema)]
struct Around {
    a: Inside,
    z: u64,
}

#[derive(Serialize, Deserialize, Schema)]
struct Inside(u8, Option<Box<Inside>>);

#[test]
fn what_leads_back_past_a_tuple_and_past_a_tuple_struct_is_told_apart() {
    assert_eq!(text::<Pair>(), "{ a: (u8, Option<Box<^2>>), z: u64 }");
    assert_eq!(text::<Around>(), "{ a: (u8, Option<Box<^1>>), z: u64 }");
}

#[derive(Clone, Copy, Serialize, Deserialize, Schema)]
#[repr(u8)]
enum Narrow {
    Left,
    Right,
}

#[derive(Clone, Copy, Serialize, Deserialize, Schema)]
#[repr(u8, align(8))]
enum Wide {
    Left,
    Right,
}

#[derive(Clone, Copy, Serialize, Deserialize, Schema)]
#[repr(u8)]
#[repr(align(8))]
enum TwiceSaid {
    Left,
    Right,
}

#[test]
fn an_enum_crosses_as_it_is_if_nothing_but_its_integer_is_said_of_its_layout() {
    assert_eq!(text::<Narrow>(), "repr(u8, 1/1) enum { Left = 0 | Right = 1 }");
    for encoded in [text::<Wide>(), text::<TwiceSaid>()] {
        assert_eq!(encoded, "enum { Left | Right }");
    }
}
