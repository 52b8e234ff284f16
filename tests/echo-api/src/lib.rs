//! An interface that gives back what it is given, one method for each way in which something can be written in a
//! signature, and random samples for them. What comes back over one road has to come back over every other.

#![forbid(unsafe_code)]
#![expect(
    clippy::many_single_char_names,
    clippy::result_large_err,
    reason = "whatever can be written in a signature is"
)]

#[cfg(feature = "samples")]
mod samples;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use reactor_abi::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "samples")]
pub use samples::{Sample, comes_back, edges, samples, trees};

/// Data of every shape that serde has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub enum Tree {
    /// Nothing.
    Empty,
    /// A newtype.
    Number(i64),
    /// Fields.
    Leaf {
        /// Text.
        text: String,
        /// Bytes.
        bytes: Vec<u8>,
        /// A float.
        real: f64,
    },
    /// A tuple, and one inside.
    Pair(Box<Tree>, (u8, char, bool, f32)),
    /// A list.
    List(Vec<Tree>),
    /// A map.
    Map(BTreeMap<String, Tree>),
    /// An option.
    Maybe(Option<Box<Tree>>),
    /// A result.
    Done(Result<u32, String>),
    /// What the standard library has.
    Others(Others),
}

/// Types of the standard library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub struct Others {
    /// The longest integers.
    pub wide: (u128, i128),
    /// A time.
    pub time: Duration,
    /// A set.
    pub set: BTreeSet<u16>,
    /// A map without an order, of lists of optional bytes.
    pub hash: HashMap<i8, Vec<Option<Vec<u8>>>>,
    /// An array.
    pub array: [u16; 3],
    /// A type without fields.
    pub unit: Unit,
}

/// A type without fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Unit;

/// Crosses as it is, where the road allows it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Schema)]
#[repr(C)]
pub struct Point {
    /// With a gap behind it.
    pub side: Side,
    /// Not a number, perhaps.
    pub at: [f64; 2],
    /// With a gap behind it.
    pub last: u16,
}

/// Crosses as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
#[repr(u8)]
pub enum Side {
    /// The one.
    Left = 3,
    /// The other.
    Right = 200,
}

/// All scalars there are.
pub type Scalars = (u8, u16, u32, u64, (i8, i16, i32, i64), (f32, f64, bool, char), (usize, isize));

/// Is given what was sent there, and gives it back.
#[interface(name = "test.mirror", version = "1.0.0")]
pub trait Mirror {
    /// Gives both back.
    ///
    /// # Errors
    ///
    /// The call came to nothing.
    fn show(&self, text: &str, tree: &Tree) -> Result<(String, Tree)>;
}

/// Gives back what it is given.
#[interface(name = "test.echo", version = "1.0.0")]
pub trait Echo {
    /// One scalar of each kind.
    #[expect(clippy::too_many_arguments, reason = "there are so many")]
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
    ) -> Scalars;
    /// A scalar alone.
    fn real(&self, real: f64) -> f64;
    /// A character alone.
    fn letter(&self, letter: char) -> char;
    /// Borrowed text.
    fn text(&self, text: &str) -> String;
    /// Owned text.
    fn owned_text(&self, text: String) -> String;
    /// Borrowed bytes.
    fn bytes(&self, bytes: &[u8]) -> Vec<u8>;
    /// Owned bytes.
    fn owned_bytes(&self, bytes: Vec<u8>) -> Vec<u8>;
    /// What may be missing.
    fn maybe(
        &self,
        text: Option<&str>,
        bytes: Option<&[u8]>,
        tree: Option<Tree>,
    ) -> Option<(String, Vec<u8>, Tree)>;
    /// An encoded type, borrowed.
    fn tree(&self, tree: &Tree) -> Tree;
    /// The same, owned: an error if it is a list.
    ///
    /// # Errors
    ///
    /// It is a list.
    fn judged(&self, tree: Tree) -> Result<Tree, Tree>;
    /// A list of them.
    fn trees(&self, trees: &[Tree]) -> Vec<Tree>;
    /// A type that crosses as it is.
    fn point(&self, point: Point, other: &Point) -> Point;
    /// A list of those: the last.
    fn points(&self, points: &[Point], sides: &[Side]) -> Option<(Point, Side)>;
    /// A list of scalars.
    fn reals(&self, reals: &[f64]) -> Vec<f64>;
    /// A value of any shape.
    fn value(&self, value: &Value) -> Value;
    /// By way of the caller's own mirror.
    ///
    /// # Errors
    ///
    /// The mirror's.
    fn mirrored(&self, text: &str, tree: &Tree, mirror: &dyn Mirror) -> Result<(String, Tree)>;
}

/// Provides both.
#[derive(Clone, Copy, Debug, Default)]
pub struct Echoes;

impl Mirror for Echoes {
    fn show(&self, text: &str, tree: &Tree) -> Result<(String, Tree)> {
        Ok((text.to_owned(), tree.clone()))
    }
}

impl Echo for Echoes {
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
        (a, b, c, d, (e, f, g, h), (i, j, k, l), (m, n))
    }

    fn real(&self, real: f64) -> f64 {
        real
    }

    fn letter(&self, letter: char) -> char {
        letter
    }

    fn text(&self, text: &str) -> String {
        text.to_owned()
    }

    fn owned_text(&self, text: String) -> String {
        text
    }

    fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }

    fn owned_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    fn maybe(
        &self,
        text: Option<&str>,
        bytes: Option<&[u8]>,
        tree: Option<Tree>,
    ) -> Option<(String, Vec<u8>, Tree)> {
        Some((text?.to_owned(), bytes?.to_vec(), tree?))
    }

    fn tree(&self, tree: &Tree) -> Tree {
        tree.clone()
    }

    fn judged(&self, tree: Tree) -> Result<Tree, Tree> {
        if matches!(tree, Tree::List(_)) { Err(tree) } else { Ok(tree) }
    }

    fn trees(&self, trees: &[Tree]) -> Vec<Tree> {
        trees.to_vec()
    }

    fn point(&self, point: Point, other: &Point) -> Point {
        Point { last: other.last, ..point }
    }

    fn points(&self, points: &[Point], sides: &[Side]) -> Option<(Point, Side)> {
        Some((*points.last()?, *sides.last()?))
    }

    fn reals(&self, reals: &[f64]) -> Vec<f64> {
        reals.to_vec()
    }

    fn value(&self, value: &Value) -> Value {
        value.clone()
    }

    fn mirrored(&self, text: &str, tree: &Tree, mirror: &dyn Mirror) -> Result<(String, Tree)> {
        mirror.show(text, tree)
    }
}
