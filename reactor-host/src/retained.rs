//! Generations that serve no more and could not be closed: which, why, and how many there may be.
//!
//! Owns the list and its budget. Pure bookkeeping under a lock; must never know how a generation is closed, nor what
//! a swap does when it is refused.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::manifest::PluginId;
use crate::native::Life;
use crate::report::Reason;

/// A generation that serves no more and is still in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Retained {
    /// The plugin.
    pub plugin: PluginId,
    /// The version of that build.
    pub version: Version,
    /// The generation.
    pub generation: u64,
    /// Why it could not be closed, one sentence each.
    pub reasons: Vec<String>,
    /// Whether it stays for good. Else something still uses it: it is closed when that ends, and leaves this list.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Since when it counts as retained, in microseconds since the host was built, as events have it.
    pub since_us: u64,
}

/// What is retained, and how much may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RetainedList {
    /// How many may be retained before swaps of plugins whose library stays are refused.
    pub budget: usize,
    /// Those that are, the oldest first.
    pub generations: Vec<Retained>,
}

/// How many generations may be retained, unless the embedder says otherwise. Each costs some 22 KiB of private memory
/// and four mappings, of which Linux allows a process 65,530.
pub(crate) const DEFAULT_BUDGET: usize = 64;

/// How far a budget is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    #[default]
    Ample,
    /// Three quarters are used.
    Near,
    Reached,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Retention {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    budget: usize,
    held: BTreeMap<u64, Retained>,
    /// What was told last.
    told: Level,
}

impl Inner {
    fn level(&self) -> Level {
        let count = self.held.len();
        if count >= self.budget {
            Level::Reached
        } else if 4 * count >= 3 * self.budget {
            Level::Near
        } else {
            Level::Ample
        }
    }

    /// What is to be told now, once for each level that is come to from below.
    fn warning(&mut self) -> Option<Reason> {
        let level = self.level();
        let rises = level > std::mem::replace(&mut self.told, level);
        let (count, budget) = (self.held.len(), self.budget);
        match level {
            Level::Near if rises => Some(Reason::new(
                "RE0315",
                format!(
                    "{count} generations are retained, of a budget of {budget}; once it is reached, no plugin is \
                     swapped whose library stays. See `Host::retained` for the reasons; restart the program or raise \
                     the budget in time"
                ),
            )),
            Level::Reached if rises => Some(Reason::new(
                "RE0316",
                format!(
                    "{count} generations are retained, and the budget is {budget}: from here on no plugin is swapped \
                     whose library stays; all the others are. See `Host::retained` for the reasons; restart the \
                     program or raise the budget"
                ),
            )),
            _ => None,
        }
    }
}

impl Retention {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how many may be retained. Those that are, stay. What is to be told, if that is too few for them.
    pub(crate) fn set_budget(&self, budget: usize) -> Option<Reason> {
        let mut inner = self.lock();
        inner.budget = budget;
        if inner.held.is_empty() { None } else { inner.warning() }
    }

    /// Takes a generation in, or its new reasons. What is to be told of the budget.
    pub(crate) fn enter(
        &self,
        life: &Life,
        reasons: &[String],
        is_final: bool,
        now_us: u64,
    ) -> Option<Reason> {
        let mut inner = self.lock();
        let since_us = inner.held.get(&life.number).map_or(now_us, |known| known.since_us);
        let retained = Retained {
            plugin: life.plugin.clone(),
            version: life.version.clone(),
            generation: life.number,
            reasons: reasons.to_vec(),
            is_final,
            since_us,
        };
        inner.held.insert(life.number, retained);
        inner.warning()
    }

    /// Strikes a generation: it was closed after all.
    pub(crate) fn leave(&self, generation: u64) {
        let mut inner = self.lock();
        inner.held.remove(&generation);
        inner.told = inner.told.min(inner.level());
    }

    /// All of them, the oldest generation first, and the budget.
    pub(crate) fn list(&self) -> RetainedList {
        let inner = self.lock();
        RetainedList { budget: inner.budget, generations: inner.held.values().cloned().collect() }
    }

    /// Why a swap of `plugin` would go over the budget. `stays`: why the generation that serves will be retained, as
    /// far as is known; asked only once the budget is reached.
    pub(crate) fn refusal(&self, plugin: &PluginId, stays: impl FnOnce() -> Vec<String>) -> Option<Reason> {
        let inner = self.lock();
        if inner.level() != Level::Reached {
            return None;
        }
        let (count, budget) = (inner.held.len(), inner.budget);
        let earlier = inner.held.values().rev().find(|retained| retained.plugin == *plugin).cloned();
        drop(inner);
        let why = if let Some(earlier) = earlier {
            format!("its generation {} is one of them: {}", earlier.generation, earlier.reasons.join("; "))
        } else {
            let reasons = stays();
            if reasons.is_empty() {
                return None;
            }
            format!("the generation that serves would be another: {}", reasons.join("; "))
        };
        Some(Reason::new(
            "RE0317",
            format!(
                "not swapped, what serves goes on: {count} generations are retained, the budget is {budget}, and {why}. \
                 Restart the program, or raise the budget with `Host::set_retained_budget`, then swap it again"
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::routes::Routes;

    fn life(plugin: &str, number: u64) -> Arc<Life> {
        let routes = Routes::new();
        let id = PluginId::new(plugin).expect("an id");
        Life::new(routes.pool(), routes.weak(), id, Version::new(1, 0, 0), number, [].into(), Arc::default())
    }

    fn ledger(budget: usize) -> Retention {
        let ledger = Retention::default();
        assert_eq!(ledger.set_budget(budget), None);
        ledger
    }

    fn enter(ledger: &Retention, number: u64) -> Option<String> {
        let reasons = [format!("reason {number}")];
        ledger.enter(&life("a", number), &reasons, true, number).map(|reason| reason.code)
    }

    #[test]
    fn each_level_is_told_once_and_again_when_it_is_come_to_again() {
        let ledger = ledger(4);
        assert_eq!(enter(&ledger, 1), None);
        assert_eq!(enter(&ledger, 2), None);
        assert_eq!(enter(&ledger, 3).as_deref(), Some("RE0315"));
        assert_eq!(enter(&ledger, 3), None, "the same generation again");
        assert_eq!(enter(&ledger, 4).as_deref(), Some("RE0316"));
        assert_eq!(enter(&ledger, 5), None);
        ledger.leave(5);
        ledger.leave(4);
        assert_eq!(enter(&ledger, 6).as_deref(), Some("RE0316"));
    }

    #[test]
    fn a_swap_is_refused_only_at_the_budget_and_only_of_what_stays() {
        let ledger = ledger(2);
        let stays = || vec!["it is linked so".to_owned()];
        let (a, b) = (PluginId::new("a").expect("an id"), PluginId::new("b").expect("an id"));
        enter(&ledger, 1);
        assert_eq!(ledger.refusal(&a, stays), None, "there is room for one more");
        enter(&ledger, 2);
        let refused = ledger.refusal(&a, Vec::new).expect("an earlier generation of it stayed");
        assert_eq!(refused.code, "RE0317");
        assert!(refused.message.contains("generation 2 is one of them: reason 2"), "{}", refused.message);
        assert!(ledger.refusal(&b, stays).expect("it stays").message.contains("it is linked so"));
        assert_eq!(ledger.refusal(&b, Vec::new), None, "what can be closed is swapped as ever");
        ledger.leave(1);
        assert_eq!(ledger.refusal(&a, stays), None, "one was collected");
        assert_eq!(ledger.set_budget(1).map(|reason| reason.code).as_deref(), Some("RE0316"));
        ledger.set_budget(9);
        assert_eq!(ledger.refusal(&a, stays), None, "the budget was raised");
    }

    #[test]
    fn new_reasons_keep_the_time_of_the_first() {
        let ledger = ledger(9);
        let life = life("a", 7);
        ledger.enter(&life, &["a call is inside".to_owned()], false, 100);
        ledger.enter(&life, &["it installed a handler".to_owned()], true, 200);
        let listed = ledger.list().generations;
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].since_us, listed[0].is_final), (100, true));
        assert_eq!(listed[0].reasons, ["it installed a handler"]);
    }
}
