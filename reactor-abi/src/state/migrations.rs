//! A chain of steps between schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{State, code};
use crate::error::{Error, Result};

/// Reads a state and writes it under the schema given.
type Step = Box<dyn Fn(&State, u32) -> Result<State> + Send + Sync>;

/// How a plugin brings states of other builds to the schema that it reads, and back for an older build.
///
/// Each step leads to a neighbouring schema; longer ways are walked step by step.
///
/// ```
/// use reactor_abi::state::{Migrations, State};
///
/// let migrations = Migrations::to(3)
///     .step::<u32, u64>(1, |count| Ok(u64::from(count)))
///     .step::<u64, (u64, String)>(2, |count| Ok((count, "unnamed".to_owned())))
///     .down::<(u64, String), u64>(3, |(count, _)| Ok(count));
///
/// let old = State::of(1, &7_u32)?;
/// let new = migrations.apply(old, 3)?;
/// assert_eq!(new.read::<(u64, String)>()?, (7, "unnamed".to_owned()));
/// assert_eq!(migrations.apply(new, 2)?.read::<u64>()?, 7);
/// assert_eq!(migrations.reads(), [1, 2, 3]);
/// # Ok::<(), reactor_abi::error::Error>(())
/// ```
#[derive(Default)]
pub struct Migrations {
    target: Option<u32>,
    /// By the schema that a step starts from; it leads to the next one.
    up: BTreeMap<u32, Step>,
    /// By the schema that a step starts from; it leads to the one before.
    down: BTreeMap<u32, Step>,
}

impl Migrations {
    /// No steps: a state is only ever read under the schema that it has.
    pub fn none() -> Self {
        Self::default()
    }

    /// An empty chain for a plugin that reads and saves `target_schema`.
    pub fn to(target_schema: u32) -> Self {
        Self { target: Some(target_schema), ..Self::default() }
    }

    /// Adds the step from schema `from` to `from + 1`, in place of an earlier one.
    #[must_use]
    pub fn step<Old, New>(
        mut self,
        from: u32,
        step: impl Fn(Old) -> Result<New> + Send + Sync + 'static,
    ) -> Self
    where
        Old: DeserializeOwned,
        New: Serialize,
    {
        self.up.insert(from, boxed(step));
        self
    }

    /// Adds the step from schema `from` back to `from - 1`, in place of an earlier one.
    #[must_use]
    pub fn down<New, Old>(
        mut self,
        from: u32,
        step: impl Fn(New) -> Result<Old> + Send + Sync + 'static,
    ) -> Self
    where
        New: DeserializeOwned,
        Old: Serialize,
    {
        self.down.insert(from, boxed(step));
        self
    }

    /// The schema that the plugin itself reads; `None` for [`Migrations::none`].
    pub fn target(&self) -> Option<u32> {
        self.target
    }

    /// Brings `state` to `target_schema`. A state that has it already, and one in which nothing was saved, is
    /// given back as it is.
    ///
    /// A step that panics is not caught here.
    ///
    /// # Errors
    ///
    /// If a step on the way is missing, which is found out before any runs; or the error of a step, with the
    /// step as its context.
    pub fn apply(&self, mut state: State, target_schema: u32) -> Result<State> {
        if state.is_empty() || state.schema() == target_schema {
            return Ok(state);
        }
        for (from, to, step) in self.route(state.schema(), target_schema)? {
            state = step(&state, to)
                .map_err(|error| error.context(format!("migrating the state from schema {from} to {to}")))?;
        }
        Ok(state)
    }

    /// The schemas from which the target can be reached, itself included, ascending.
    pub fn reads(&self) -> Vec<u32> {
        let Some(target) = self.target else { return Vec::new() };
        let mut reads = BTreeSet::from([target]);
        let mut lowest = target;
        while let Some(before) = lowest.checked_sub(1).filter(|before| self.up.contains_key(before)) {
            reads.insert(before);
            lowest = before;
        }
        let mut highest = target;
        while let Some(after) = highest.checked_add(1).filter(|after| self.down.contains_key(after)) {
            reads.insert(after);
            highest = after;
        }
        reads.into_iter().collect()
    }

    /// The steps from one schema to another, each with where it starts and ends.
    fn route(&self, from: u32, to: u32) -> Result<Vec<(u32, u32, &Step)>> {
        let mut route = Vec::new();
        let mut at = from;
        while at != to {
            let (next, steps) = if at < to { (at + 1, &self.up) } else { (at - 1, &self.down) };
            let step = steps.get(&at).ok_or_else(|| self.missing(at, next))?;
            route.push((at, next, step));
            at = next;
        }
        Ok(route)
    }

    fn missing(&self, from: u32, to: u32) -> Error {
        let known = self.known();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Error::new(code::MISSING, format!("no migration from schema {from} to {to}; known: {known}"))
    }

    /// Every step, as `1→2`. A step from the last number there is, or down from 0, leads nowhere and is left
    /// out.
    fn known(&self) -> Vec<String> {
        let up = self.up.keys().filter_map(|from| Some((from, from.checked_add(1)?)));
        let down = self.down.keys().filter_map(|from| Some((from, from.checked_sub(1)?)));
        up.chain(down).map(|(from, to)| format!("{from}→{to}")).collect()
    }
}

impl fmt::Debug for Migrations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrations")
            .field("target", &self.target)
            .field("steps", &self.known())
            .finish_non_exhaustive()
    }
}

fn boxed<From, To>(step: impl Fn(From) -> Result<To> + Send + Sync + 'static) -> Step
where
    From: DeserializeOwned,
    To: Serialize,
{
    Box::new(move |state, to| State::of(to, &step(state.read()?)?))
}
