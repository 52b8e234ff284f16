//! Dropping, cloning and comparing without recursion, since a value made by hand has no bound on its depth.

use std::collections::{BTreeMap, btree_map};
use std::mem;
use std::slice;

use super::Value;

impl Value {
    fn is_container(&self) -> bool {
        matches!(self, Self::List(_) | Self::Map(_))
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        let mut waiting = Vec::new();
        take_containers(self, &mut waiting);
        // Each of these is left without containers inside, so its own drop goes no deeper.
        while let Some(mut value) = waiting.pop() {
            take_containers(&mut value, &mut waiting);
        }
    }
}

fn take_containers(value: &mut Value, into: &mut Vec<Value>) {
    match value {
        Value::List(items) => into.extend(items.iter_mut().filter(|item| item.is_container()).map(mem::take)),
        Value::Map(entries) => {
            into.extend(entries.values_mut().filter(|item| item.is_container()).map(mem::take));
        }
        _ => {}
    }
}

/// A list or map being copied, and what of it is still to be copied.
enum Copying<'a> {
    List { rest: slice::Iter<'a, Value>, done: Vec<Value> },
    Map { rest: btree_map::Iter<'a, String, Value>, key: Option<&'a String>, done: BTreeMap<String, Value> },
}

impl<'a> Copying<'a> {
    /// `Err` with the copy if there is nothing inside to wait for.
    fn begin(value: &'a Value) -> Result<Self, Value> {
        match value {
            Value::List(items) => {
                Ok(Self::List { rest: items.iter(), done: Vec::with_capacity(items.len()) })
            }
            Value::Map(entries) => Ok(Self::Map { rest: entries.iter(), key: None, done: BTreeMap::new() }),
            Value::Null => Err(Value::Null),
            Value::Bool(value) => Err(Value::Bool(*value)),
            Value::Int(value) => Err(Value::Int(*value)),
            Value::UInt(value) => Err(Value::UInt(*value)),
            Value::Float(value) => Err(Value::Float(*value)),
            Value::Text(text) => Err(Value::Text(text.clone())),
            Value::Bytes(bytes) => Err(Value::Bytes(bytes.clone())),
        }
    }

    fn next(&mut self) -> Option<&'a Value> {
        match self {
            Self::List { rest, .. } => rest.next(),
            Self::Map { rest, key, .. } => rest.next().map(|(name, value)| {
                *key = Some(name);
                value
            }),
        }
    }

    fn put(&mut self, copy: Value) {
        match self {
            Self::List { done, .. } => done.push(copy),
            Self::Map { key, done, .. } => {
                if let Some(key) = key.take() {
                    done.insert(key.clone(), copy);
                }
            }
        }
    }

    fn finish(self) -> Value {
        match self {
            Self::List { done, .. } => Value::List(done),
            Self::Map { done, .. } => Value::Map(done),
        }
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        let mut current = match Copying::begin(self) {
            Ok(copying) => copying,
            Err(copy) => return copy,
        };
        let mut outer = Vec::new();
        loop {
            match current.next().map(Copying::begin) {
                Some(Ok(inner)) => outer.push(mem::replace(&mut current, inner)),
                Some(Err(copy)) => current.put(copy),
                None => {
                    let copy = current.finish();
                    let Some(parent) = outer.pop() else { return copy };
                    current = parent;
                    current.put(copy);
                }
            }
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        let mut waiting = Vec::new();
        let mut pair = Some((self, other));
        while let Some((left, right)) = pair {
            if !equal_here(left, right, &mut waiting) {
                return false;
            }
            pair = waiting.pop();
        }
        true
    }
}

impl Eq for Value {}

/// Compares all but the containers inside, which it puts on `waiting`.
fn equal_here<'a>(left: &'a Value, right: &'a Value, waiting: &mut Vec<(&'a Value, &'a Value)>) -> bool {
    let mut inside = |left: &'a Value, right: &'a Value| {
        if left.is_container() && right.is_container() {
            waiting.push((left, right));
            true
        } else {
            equal_leaves(left, right)
        }
    };
    match (left, right) {
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| inside(left, right))
        }
        (Value::Map(left), Value::Map(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|((left_key, left), (right_key, right))| {
                    left_key == right_key && inside(left, right)
                })
        }
        _ => equal_leaves(left, right),
    }
}

fn equal_leaves(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left), Value::Int(right)) => left == right,
        (Value::UInt(left), Value::UInt(right)) => left == right,
        (Value::Int(int), Value::UInt(uint)) | (Value::UInt(uint), Value::Int(int)) => {
            i64::try_from(*uint) == Ok(*int)
        }
        (Value::Float(left), Value::Float(right)) => canonical_bits(*left) == canonical_bits(*right),
        (Value::Text(left), Value::Text(right)) => left == right,
        (Value::Bytes(left), Value::Bytes(right)) => left == right,
        _ => false,
    }
}

/// The bits under which a float is encoded and compared: one NaN stands for all, the same on every target.
pub(super) fn canonical_bits(value: f64) -> u64 {
    const NAN: u64 = 0x7ff8_0000_0000_0000;
    if value.is_nan() { NAN } else { value.to_bits() }
}
