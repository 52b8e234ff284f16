//! Everything that an interface may have, under the strictest lints that its author may set.
#![forbid(unsafe_code)]
#![deny(missing_docs, unreachable_pub, unused, warnings)]

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use reactor_abi::prelude::*;
use serde::{Deserialize, Serialize};

/// Nested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
#[serde(rename_all = "kebab-case")]
pub enum Tree<T> {
    /// Nothing.
    Empty,
    /// Two more.
    Node {
        /// What is here.
        #[serde(rename = "value")]
        here: T,
        /// What is below.
        below: Vec<Tree<T>>,
        /// Not carried.
        #[serde(skip)]
        cache: Option<Duration>,
    },
    /// A pair.
    Pair(Box<Tree<T>>, u8),
}

/// Crosses as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
#[repr(u8)]
pub enum Side {
    /// Left.
    Left = 1,
    /// Right.
    Right = 7,
}

/// As above.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Schema)]
#[repr(C)]
pub struct Edge {
    /// Which.
    pub side: Side,
    /// Where.
    pub at: [f32; 3],
}

/// Is told.
#[interface(name = "every.listener", version = "0.3.1")]
pub trait Listener {
    /// Something was heard.
    ///
    /// # Errors
    ///
    /// To end it.
    fn heard(&self, what: &str) -> Result<()>;
}

/// Everything.
#[interface(name = "every.thing", version = "2.1.0")]
pub trait Everything {
    /// Scalars.
    fn scalars(&self, a: u8, b: i64, c: usize, d: bool, e: char, f: f32, g: u128) -> i128;
    /// Trees.
    fn trees(&self, tree: &Tree<String>, list: &[Tree<u8>], map: BTreeMap<String, Vec<u8>>) -> Tree<String>;
    /// Plain.
    fn plain(&self, edges: &[Edge], one: Edge, side: &Side) -> Edge;
    /// Names that the expansion might want for itself.
    fn clone(&self, link: u8, shape: u8, f: u8) -> (u8, String);
    /// A keyword.
    fn r#type(&self, r#fn: &str) -> Option<HashMap<u16, Value>>;
    /// Nothing at all.
    fn nothing(&self);
    /// Callbacks, several, and one that takes one itself.
    fn listen(&self, one: &dyn Listener, two: &dyn Listener, this: &dyn Recursive) -> Result<(), Error>;
    /// Streams.
    fn stream(&self, text: Option<&str>, bytes: Option<&[u8]>) -> Result<Stream<Edge>, String>;
    /// Old.
    #[deprecated(note = "take `nothing`")]
    fn old(&self) {}
    /// New.
    #[since("2.1")]
    fn new(&self, edge: Edge) -> Stream<Edge>;
}

/// Refers to itself.
#[interface(name = "every.loop", version = "1.0.0")]
pub trait Recursive {
    /// Again.
    ///
    /// # Errors
    ///
    /// To end it.
    fn again(&self, by: &dyn Recursive, listener: &dyn Listener) -> Result<u32>;
}

fn main() {
    use reactor_abi::interface::Interface;
    let descriptor = <dyn Everything as Interface>::descriptor();
    let signature = |name: &str| {
        let method = descriptor.methods.iter().find(|method| method.name == name);
        method.expect("there").signature.as_str()
    };
    assert_eq!(signature("type"), "fn type(&self, &str) -> Option<HashMap<u16, Value>>");
    assert_eq!(
        signature("trees"),
        "fn trees(&self, \
         &enum { empty | node { value: String, below: Vec<^1> } | pair(Box<^1>, u8) }, \
         &[enum { empty | node { value: u8, below: Vec<^1> } | pair(Box<^1>, u8) }], \
         BTreeMap<String, Vec<u8>>) \
         -> enum { empty | node { value: String, below: Vec<^1> } | pair(Box<^1>, u8) }"
    );
    let edge = "repr(C, 16/4) { side@0: repr(u8, 1/1) enum { Left = 1 | Right = 7 }, at@4: [f32; 3] }";
    assert_eq!(
        signature("plain"),
        format!("fn plain(&self, &[{edge}], {edge}, &repr(u8, 1/1) enum {{ Left = 1 | Right = 7 }}) -> {edge}")
    );
    assert_eq!(
        signature("listen"),
        "fn listen(&self, \
         &dyn every.listener@0.3 { fn heard(&self, &str) -> Result<(), reactor::Error> }, \
         &dyn every.listener@0.3 { fn heard(&self, &str) -> Result<(), reactor::Error> }, \
         &dyn every.loop@1 { fn again(&self, &dyn ^1, \
         &dyn every.listener@0.3 { fn heard(&self, &str) -> Result<(), reactor::Error> }) \
         -> Result<u32, reactor::Error> }) \
         -> Result<(), reactor::Error>"
    );
    assert_eq!(signature("nothing"), "fn nothing(&self)");
}
