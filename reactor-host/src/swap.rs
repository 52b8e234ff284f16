//! New builds take over: built beside the old ones, handed the state, switched to in one step, started; and the old
//! ones go on after any failure.
//!
//! One plugin or several: those that are swapped together swap together or not at all, and what they call among each
//! other stays among the old ones, or among the new ones. Owns the order of these steps. Must never know where a build
//! came from, why it is swapped, nor what becomes of the old generations afterwards.

mod back;
mod handover;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reactor_abi::ffi::Op;

use crate::backend::Build;
use crate::event::StateOutcome;
use crate::generation::{Generation, PhaseFailure, Stillborn};
use crate::manifest::{Handoff, Manifest, PluginId, StateRules};
use crate::native::Life;
use crate::report::Reason;
use crate::retire::{check_budget, tell_failure};
use crate::routes::Set;
use crate::stagehand::Stagehand;

/// A plugin whose new build is to take over.
pub(crate) struct Change {
    pub(crate) old: Arc<Generation>,
    pub(crate) build: Arc<Build>,
    pub(crate) direction: Direction,
}

/// Whether a build is newer than what it takes over from.
pub(crate) enum Direction {
    /// A state that it can not read is in its way.
    Forward,
    /// It served before. When it reads neither what the present one saves nor what that can be brought down to, it goes
    /// on with the state that it had then, if it had one.
    Back(Option<Arc<Vec<u8>>>),
}

/// What a swap came to for one plugin.
pub(crate) struct Pair {
    pub(crate) old: Arc<Generation>,
    pub(crate) new: Arc<Generation>,
    /// What was handed over, encoded.
    pub(crate) state: Option<Arc<Vec<u8>>>,
    pub(crate) outcome: StateOutcome,
}

/// A swap that was done. The old generations are suspended.
pub(crate) struct Swapped {
    pub(crate) pairs: Vec<Pair>,
    pub(crate) took: Duration,
    pub(crate) paused: Duration,
}

/// A swap that was not done, or was taken back. The old generations serve as before.
pub(crate) struct NotSwapped {
    /// Whose fault it is.
    pub(crate) culprit: PluginId,
    pub(crate) reason: Reason,
    /// The new build's own code failed: it is not to be tried again. Else it was the circumstances.
    pub(crate) guilty: bool,
    /// Plugins that do not serve any more: they could not take their state back.
    pub(crate) lost: Vec<PluginId>,
}

/// A step that failed, and for which of the plugins.
struct Misstep {
    of: usize,
    failure: PhaseFailure,
    guilty: bool,
}

impl Misstep {
    fn new(of: usize, guilty: bool) -> impl FnOnce(PhaseFailure) -> Self {
        move |failure| Self { of, failure, guilty }
    }
}

/// What is in the way of handing `old`'s state to `new`, as far as the manifests tell.
fn check_state(old: &Manifest, new: &Manifest) -> Result<(), Reason> {
    let Some(held) = &old.state else { return Ok(()) };
    match &new.state {
        None => Err(Reason::new(
            "RE0501",
            format!(
                "the running build keeps a state of schema {}, the new one declares none; keep the `[state]` table, or \
                 stop the plugin first",
                held.schema
            ),
        )),
        Some(state) if !state.reads.contains(&held.schema) => Err(Reason::new(
            "RE0502",
            format!(
                "the running build's state is of schema {}, the new one reads {:?}; add a migration and list the schema \
                 in `reads`",
                held.schema, state.reads
            ),
        )),
        Some(_) => Ok(()),
    }
}

/// How one build is given a state of another's.
enum Giving {
    /// As it was saved.
    AsItIs,
    /// Brought down to this schema.
    BroughtDown(u32),
}

/// How `reader` can be given a state that `held` keeps; `None`: not at all.
fn giving(reader: &StateRules, held: &StateRules) -> Option<Giving> {
    if reader.reads.contains(&held.schema) {
        return Some(Giving::AsItIs);
    }
    let down = held.downgrades_to.iter().find(|schema| reader.reads.contains(schema));
    down.map(|schema| Giving::BroughtDown(*schema))
}

pub(crate) fn lives(generations: &[Arc<Generation>]) -> Set {
    generations.iter().map(|generation| Arc::clone(&generation.life)).collect()
}

impl Stagehand {
    /// Replaces the old generation of each change by one of its build, providers first. After an error the old ones
    /// serve as before.
    pub(crate) fn swap(&self, changes: &[Change]) -> Result<Swapped, NotSwapped> {
        let begun = Instant::now();
        for Change { old, build, direction } in changes {
            // A way back is always open, whatever stays in memory for it.
            let checked = match direction {
                Direction::Forward => check_state(&old.build.manifest, &build.manifest)
                    .and_then(|()| check_budget(&self.shared, old)),
                Direction::Back(_) => Ok(()),
            };
            if let Err(reason) = checked {
                let culprit = build.manifest.id.clone();
                return Err(NotSwapped { culprit, reason, guilty: false, lost: Vec::new() });
            }
        }
        let news = self.raise_beside(changes)?;
        let olds: Vec<_> = changes.iter().map(|change| Arc::clone(&change.old)).collect();
        let handed = self.hand_over(changes, &olds, &news);
        let (pairs, paused) = match handed {
            Ok(handed) => handed,
            Err(misstep) => return Err(self.give_up(misstep, news, Vec::new())),
        };
        for (of, new) in news.iter().enumerate() {
            if let Err(failure) = self.phase(new, Op::Start) {
                let lost = self.roll_back(&pairs, &Reason::from(failure.clone()));
                drop(pairs);
                return Err(self.give_up(Misstep { of, failure, guilty: true }, news, lost));
            }
        }
        for new in &news {
            self.shared.foresee_outputs(new.life.number, HashMap::new());
            self.shared.set_output(&new.life.plugin, Some(new.output.clone()));
        }
        Ok(Swapped { pairs, took: begun.elapsed(), paused })
    }

    /// `save`, in the form that the reader wants.
    fn save_as(
        &self,
        generation: &Arc<Generation>,
        giving: &Giving,
        deadline: Instant,
    ) -> Result<Arc<Vec<u8>>, PhaseFailure> {
        let saving = Arc::clone(generation);
        let saved = match *giving {
            Giving::AsItIs => self.within(deadline, "save", move || saving.run(Op::Save)),
            Giving::BroughtDown(schema) => self.within(deadline, "save", move || saving.save_as(schema)),
        };
        saved.map(Arc::new)
    }

    /// Retires the new generations.
    fn give_up(&self, misstep: Misstep, news: Vec<Arc<Generation>>, lost: Vec<PluginId>) -> NotSwapped {
        let Misstep { of, failure, guilty } = misstep;
        let life = Arc::clone(&news[of].life);
        tell_failure(&self.shared, &life, &failure);
        self.abandon(news);
        NotSwapped { culprit: life.plugin.clone(), reason: failure.into(), guilty, lost }
    }

    fn abandon(&self, news: Vec<Arc<Generation>>) {
        for new in &news {
            self.shared.foresee_outputs(new.life.number, HashMap::new());
        }
        self.reaper.retire_set(news);
    }

    /// Every phase up to `after_registration` of all of them, while the old generations serve.
    fn raise_beside(&self, changes: &[Change]) -> Result<Vec<Arc<Generation>>, NotSwapped> {
        let mut news: Vec<Arc<Generation>> = Vec::new();
        for change in changes {
            let number = self.shared.next_generation();
            let plugin = &change.build.manifest.id;
            if changes.len() > 1 {
                self.foresee(number, plugin, &news, changes);
            }
            match self.raise(number, Arc::clone(&change.build)) {
                Ok(new) => news.push(new),
                Err(stillborn) => {
                    let guilty = matches!(stillborn, Stillborn::Failed(..));
                    let reason = self.bury(stillborn);
                    self.routes_forget(number);
                    self.abandon(news);
                    return Err(NotSwapped { culprit: plugin.clone(), reason, guilty, lost: Vec::new() });
                }
            }
            if changes.len() > 1 {
                for up in &news {
                    self.foresee(up.life.number, &up.life.plugin, &news, changes);
                }
            }
        }
        for op in [Op::Register, Op::AfterRegistration] {
            for of in 0..news.len() {
                if let Err(failure) = self.phase(&news[of], op) {
                    // What takes too long may be the system's fault, and nothing was switched yet.
                    let guilty = !failure.given_up;
                    return Err(self.give_up(Misstep { of, failure, guilty }, news, Vec::new()));
                }
            }
        }
        Ok(news)
    }

    /// Has generation `number` of `plugin` call and read those that come up with it.
    fn foresee(&self, number: u64, plugin: &PluginId, up: &[Arc<Generation>], changes: &[Change]) {
        let others = up.iter().filter(|other| other.life.plugin != *plugin);
        let known: Vec<Arc<Life>> = others.clone().map(|other| Arc::clone(&other.life)).collect();
        let outputs = others.map(|other| (other.life.plugin.clone(), other.output.clone())).collect();
        let ids = changes.iter().map(|change| &change.build.manifest.id);
        let unknown: Vec<PluginId> =
            ids.filter(|id| *id != plugin && known.iter().all(|life| life.plugin != **id)).cloned().collect();
        self.shared.routes.foresee(number, plugin, &known, &unknown);
        self.shared.foresee_outputs(number, outputs);
    }

    fn routes_forget(&self, number: u64) {
        self.shared.routes.forget(number);
        self.shared.foresee_outputs(number, HashMap::new());
    }

    /// Retires what is left of a generation that could not be made, and says why it could not.
    pub(crate) fn bury(&self, stillborn: Stillborn) -> Reason {
        match stillborn {
            Stillborn::Unopened(error) => Reason::new(error.code(), error.to_string()),
            Stillborn::Failed(generation, failure) => {
                tell_failure(&self.shared, &generation.life, &failure);
                self.reaper.retire(Arc::new(*generation));
                failure.into()
            }
        }
    }
}

/// Whether callers are made to wait while the state of this generation is handed over, and for how long.
fn pause_of(generation: &Generation) -> Option<Duration> {
    let rules = generation.build.manifest.state.as_ref()?;
    (rules.handoff == Handoff::Pause).then_some(rules.pause_deadline)
}
