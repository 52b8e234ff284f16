//! Which plugins are swapped in one step: those that have new builds at the same time and know each other.
//!
//! A plugin that was rebuilt together with what it depends on may be unable to speak with the build before. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::Conductor;
use super::slot::Slot;
use crate::manifest::{Manifest, PluginId};

impl Conductor {
    /// The plugins with a new build, in groups; providers first, within a group as well as of the groups, as far as
    /// that can be.
    pub(super) fn groups(&self, order: &[PluginId]) -> Vec<Vec<PluginId>> {
        let changing: Vec<&PluginId> =
            order.iter().filter(|plugin| self.slots.get(*plugin).is_some_and(Slot::has_successor)).collect();
        // Each plugin's group is known by its first member's place in the order; groups that turn out to be one take the
        // smaller number.
        let mut group: BTreeMap<&PluginId, usize> = changing.iter().copied().zip(0..).collect();
        let providers = self.providers(&changing);
        for plugin in &changing {
            for other in self.known_to(plugin, &providers) {
                join(&mut group, plugin, other);
            }
        }
        for bound in &self.bound {
            let members: Vec<_> = bound.iter().filter(|one| group.contains_key(one)).collect();
            for pair in members.windows(2) {
                join(&mut group, pair[0], pair[1]);
            }
        }
        let mut groups: BTreeMap<usize, Vec<PluginId>> = BTreeMap::new();
        for plugin in &changing {
            groups.entry(group[plugin]).or_default().push((*plugin).clone());
        }
        groups.into_values().collect()
    }

    /// Who of them provides each interface, in the build that serves or the one that is to.
    fn providers<'a>(&'a self, changing: &[&'a PluginId]) -> BTreeMap<&'a str, BTreeSet<&'a PluginId>> {
        let mut providers: BTreeMap<&str, BTreeSet<&PluginId>> = BTreeMap::new();
        for plugin in changing {
            for name in self.manifests(plugin).flat_map(|manifest| manifest.provides.keys()) {
                providers.entry(name).or_default().insert(plugin);
            }
        }
        providers
    }

    fn manifests<'a>(&'a self, plugin: &PluginId) -> impl Iterator<Item = &'a Manifest> + use<'a> {
        let slot = self.slots.get(plugin);
        let serving = slot.and_then(|slot| Some(&slot.serving.as_ref()?.build.manifest));
        let next = slot.and_then(|slot| Some(&slot.successor()?.manifest));
        serving.into_iter().chain(next)
    }

    fn known_to<'a>(
        &'a self,
        plugin: &PluginId,
        providers: &BTreeMap<&'a str, BTreeSet<&'a PluginId>>,
    ) -> BTreeSet<&'a PluginId> {
        let mut known = BTreeSet::new();
        for manifest in self.manifests(plugin) {
            known.extend(manifest.dependencies.keys());
            let required = manifest.requires.keys().filter_map(|name| providers.get(name.as_str()));
            known.extend(required.flatten().copied());
        }
        known
    }
}

/// Makes the groups of two plugins one, if both have one.
fn join(group: &mut BTreeMap<&PluginId, usize>, one: &PluginId, other: &PluginId) {
    let (Some(&a), Some(&b)) = (group.get(one), group.get(other)) else { return };
    for number in group.values_mut() {
        if *number == a.max(b) {
            *number = a.min(b);
        }
    }
}
