//! Plugins and what they wait for, as numbers.
//!
//! A plugin waits for *needs*; a need is met by any one of its providers. Keeping needs as nodes of their own keeps
//! the graph small when many plugins require one interface that many provide.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Something that one or more plugins wait for.
#[derive(Default)]
pub(super) struct Need {
    /// The interface; `None` for a plugin.
    pub(super) interface: Option<String>,
    pub(super) providers: Vec<usize>,
    /// Who waits, and whether it cannot run without.
    users: Vec<(usize, bool)>,
    /// How many providers can run.
    living: usize,
}

pub(super) struct Graph {
    needs: Vec<Need>,
    /// Per plugin: the needs that it helps to meet.
    meets: Vec<Vec<usize>>,
    /// Per plugin: what it waits for, and whether it cannot run without.
    waits: Vec<Vec<(usize, bool)>>,
    lives: Vec<bool>,
}

/// What came of ordering the living.
pub(super) struct Placed {
    pub(super) order: Vec<usize>,
    /// Those on circles and those behind them, in the order of the input.
    pub(super) stuck: Vec<usize>,
    /// Per need: whether a provider was placed.
    met: Vec<bool>,
}

impl Graph {
    pub(super) fn new(plugins: usize) -> Self {
        Self {
            needs: Vec::new(),
            meets: vec![Vec::new(); plugins],
            waits: vec![Vec::new(); plugins],
            lives: vec![true; plugins],
        }
    }

    pub(super) fn need(&mut self, interface: Option<String>, providers: Vec<usize>) -> usize {
        let number = self.needs.len();
        for &provider in &providers {
            self.meets[provider].push(number);
        }
        self.needs.push(Need { interface, living: providers.len(), providers, users: Vec::new() });
        number
    }

    pub(super) fn wait(&mut self, plugin: usize, need: usize, required: bool) {
        self.needs[need].users.push((plugin, required));
        self.waits[plugin].push((need, required));
    }

    pub(super) fn lives(&self, plugin: usize) -> bool {
        self.lives[plugin]
    }

    /// Takes out `plugins` and all that cannot run without them.
    pub(super) fn remove(&mut self, plugins: impl Iterator<Item = usize>) {
        let mut leaving: Vec<usize> = plugins.collect();
        while let Some(plugin) = leaving.pop() {
            if !std::mem::replace(&mut self.lives[plugin], false) {
                continue;
            }
            for &need in &self.meets[plugin] {
                let need = &mut self.needs[need];
                need.living -= 1;
                if need.living == 0 {
                    leaving
                        .extend(need.users.iter().filter(|(_, required)| *required).map(|(user, _)| *user));
                }
            }
        }
    }

    /// The needs that `plugin` cannot run without and that nobody living meets.
    pub(super) fn unmet(&self, plugin: usize) -> impl Iterator<Item = usize> {
        let required = self.waits[plugin].iter().filter(|(_, required)| *required).map(|(need, _)| *need);
        required.filter(|&need| self.needs[need].living == 0)
    }

    /// The need of this number.
    pub(super) fn of(&self, need: usize) -> &Need {
        &self.needs[need]
    }

    /// Orders the living, providers first; among those that are ready, the first of the input goes first.
    ///
    /// When nobody is ready, the first goes that *could* run: all that it cannot do without is placed, and it waits
    /// only for optional dependencies or further providers.
    pub(super) fn order(&self) -> Placed {
        let mut placed = vec![false; self.lives.len()];
        let mut pending: Vec<usize> = self.needs.iter().map(|need| need.living).collect();
        let mut met = vec![false; self.needs.len()];
        // How many needs are not wholly placed, and how many required ones have no provider placed.
        let mut open = vec![0_usize; self.lives.len()];
        let mut vital = vec![0_usize; self.lives.len()];
        for (plugin, waits) in self.waits.iter().enumerate() {
            open[plugin] = waits.iter().filter(|(need, _)| self.needs[*need].living > 0).count();
            vital[plugin] = waits.iter().filter(|(_, required)| *required).count();
        }
        let living = || (0..self.lives.len()).filter(|&plugin| self.lives[plugin]);
        let mut ready: BinaryHeap<_> = living().filter(|&plugin| open[plugin] == 0).map(Reverse).collect();
        let mut able: BinaryHeap<_> = living().filter(|&plugin| vital[plugin] == 0).map(Reverse).collect();
        let mut order = Vec::with_capacity(self.lives.len());
        while let Some(Reverse(plugin)) = ready.pop().or_else(|| able.pop()) {
            if std::mem::replace(&mut placed[plugin], true) {
                continue;
            }
            order.push(plugin);
            for &number in &self.meets[plugin] {
                let need = &self.needs[number];
                pending[number] -= 1;
                let first = !std::mem::replace(&mut met[number], true);
                for &(user, required) in &need.users {
                    if !(first || pending[number] == 0) {
                        break;
                    }
                    if first && required {
                        vital[user] -= 1;
                        if vital[user] == 0 && self.lives[user] {
                            able.push(Reverse(user));
                        }
                    }
                    if pending[number] == 0 {
                        open[user] -= 1;
                        if open[user] == 0 && self.lives[user] {
                            ready.push(Reverse(user));
                        }
                    }
                }
            }
        }
        let stuck = living().filter(|&plugin| !placed[plugin]).collect();
        Placed { order, stuck, met }
    }

    /// The circles among those who are stuck, each from its first member on: every one needs the next, the last the
    /// first.
    ///
    /// Every stuck plugin has a need whose living providers are all stuck. Following the first such provider gives
    /// each plugin one successor, so that one walk over all of them finds a circle behind every stuck plugin.
    pub(super) fn circles(&self, order: &Placed) -> Vec<Vec<usize>> {
        const UNSEEN: usize = usize::MAX;
        let mut seen = vec![UNSEEN; self.lives.len()];
        let mut circles = Vec::new();
        for (walk, &start) in order.stuck.iter().enumerate() {
            let mut path = Vec::new();
            let mut at = Some(start);
            while let Some(plugin) = at.filter(|&plugin| seen[plugin] == UNSEEN) {
                seen[plugin] = walk;
                path.push(plugin);
                at = self.blocker(plugin, order);
            }
            // Came back to a plugin of this very walk: what follows it is a circle.
            let Some(entry) = at.filter(|&plugin| seen[plugin] == walk) else { continue };
            let mut circle: Vec<usize> = path.into_iter().skip_while(|&plugin| plugin != entry).collect();
            let least = (0..circle.len()).min_by_key(|&at| circle[at]).unwrap_or(0);
            circle.rotate_left(least);
            circles.push(circle);
        }
        circles
    }

    /// The first living provider of the first thing that `plugin` cannot run without and that was not met.
    fn blocker(&self, plugin: usize, order: &Placed) -> Option<usize> {
        let mut unmet = self.waits[plugin].iter().filter(|(need, required)| *required && !order.met[*need]);
        unmet.find_map(|(need, _)| self.needs[*need].providers.iter().copied().find(|&one| self.lives[one]))
    }
}
