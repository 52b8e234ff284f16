use std::fmt::Display;

use echo_api::{Echo, EchoHandle, Echoes, Mirror, Point, Scalars, Side, Tree};
use reactor_abi::prelude::*;

/// Gives back what it is given: by itself, or by the plugin that `to` in its configuration names.
pub(crate) struct Echoer;

impl Plugin for Echoer {
    fn init(_: &mut Init<'_>) -> Result<Self> {
        Ok(Self)
    }

    fn register(&self, cx: &mut Register<'_>) -> Result<()> {
        match cx.config().get("to").and_then(Value::as_str) {
            None => cx.provide::<dyn Echo>(Echoes),
            Some(to) => {
                let next = cx.interface_of::<dyn Echo>(to, "^1")?;
                cx.provide::<dyn Echo>(Relay(next))
            }
        }
    }
}

/// Passes on what it is given.
struct Relay(EchoHandle);

fn came<T>(answer: Result<T, CallError>) -> T {
    answer.unwrap_or_else(|error| panic!("{}: {}", error.code(), &error as &dyn Display))
}

impl Echo for Relay {
    fn scalars(
        &self,
        a: u8,
        b: u16,
        c: u32,
        d: u64,
        e: i8,
        f: i16,
        g: i32,
        h: i64,
        i: f32,
        j: f64,
        k: bool,
        l: char,
        m: usize,
        n: isize,
    ) -> Scalars {
        came(self.0.scalars(a, b, c, d, e, f, g, h, i, j, k, l, m, n))
    }

    fn real(&self, real: f64) -> f64 {
        came(self.0.real(real))
    }

    fn letter(&self, letter: char) -> char {
        came(self.0.letter(letter))
    }

    fn text(&self, text: &str) -> String {
        came(self.0.text(text))
    }

    fn owned_text(&self, text: String) -> String {
        came(self.0.owned_text(text))
    }

    fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        came(self.0.bytes(bytes))
    }

    fn owned_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        came(self.0.owned_bytes(bytes))
    }

    fn maybe(
        &self,
        text: Option<&str>,
        bytes: Option<&[u8]>,
        tree: Option<Tree>,
    ) -> Option<(String, Vec<u8>, Tree)> {
        came(self.0.maybe(text, bytes, tree))
    }

    fn tree(&self, tree: &Tree) -> Tree {
        came(self.0.tree(tree))
    }

    fn judged(&self, tree: Tree) -> Result<Tree, Tree> {
        came(self.0.judged(tree))
    }

    fn trees(&self, trees: &[Tree]) -> Vec<Tree> {
        came(self.0.trees(trees))
    }

    fn point(&self, point: Point, other: &Point) -> Point {
        came(self.0.point(point, other))
    }

    fn points(&self, points: &[Point], sides: &[Side]) -> Option<(Point, Side)> {
        came(self.0.points(points, sides))
    }

    fn reals(&self, reals: &[f64]) -> Vec<f64> {
        came(self.0.reals(reals))
    }

    fn value(&self, value: &Value) -> Value {
        came(self.0.value(value))
    }

    fn mirrored(&self, text: &str, tree: &Tree, mirror: &dyn Mirror) -> Result<(String, Tree)> {
        came(self.0.mirrored(text, tree, mirror))
    }
}
