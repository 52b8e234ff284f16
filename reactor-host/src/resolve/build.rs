//! From manifests to a graph: what each plugin waits for, and what is wrong before anybody waits.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use semver::{Version, VersionReq};

use super::graph::Graph;
use super::{Environment, ResolveError};
use crate::manifest::{Manifest, PluginId};

/// The graph and everything that needs no graph.
pub(super) struct Needs {
    pub(super) graph: Graph,
    /// Per plugin: why it cannot run.
    pub(super) faults: Vec<Vec<ResolveError>>,
    pub(super) warnings: Vec<(usize, ResolveError)>,
    /// Pairs that cannot run together, each once.
    pub(super) conflicts: Vec<(usize, usize)>,
}

/// Who provides an interface, in versions that do not fit.
type Offers = Arc<[(Option<PluginId>, Version)]>;

struct Builder<'a> {
    plugins: &'a [&'a Manifest],
    environment: &'a Environment,
    by_id: HashMap<&'a PluginId, usize>,
    by_interface: HashMap<&'a str, Vec<usize>>,
    dependency_needs: HashMap<usize, usize>,
    /// Ranges that are written alike share one need.
    interface_needs: HashMap<(&'a str, &'a VersionReq), Result<usize, Offers>>,
    out: Needs,
}

/// Reads off `plugins` what each needs.
pub(super) fn needs(plugins: &[&Manifest], environment: &Environment) -> Needs {
    let out = Needs {
        graph: Graph::new(plugins.len()),
        faults: vec![Vec::new(); plugins.len()],
        warnings: Vec::new(),
        conflicts: Vec::new(),
    };
    let mut builder = Builder {
        plugins,
        environment,
        by_id: HashMap::new(),
        by_interface: HashMap::new(),
        dependency_needs: HashMap::new(),
        interface_needs: HashMap::new(),
        out,
    };
    for (plugin, manifest) in plugins.iter().enumerate() {
        builder.enter(plugin, manifest);
    }
    for (plugin, manifest) in plugins.iter().enumerate() {
        if builder.by_id.get(&manifest.id) == Some(&plugin) {
            builder.host(plugin, manifest);
            builder.dependencies(plugin, manifest);
            builder.interfaces(plugin, manifest);
            builder.peers(plugin, manifest);
        }
    }
    builder.conflicts();
    builder.out
}

impl<'a> Builder<'a> {
    fn enter(&mut self, plugin: usize, manifest: &'a Manifest) {
        if let Some(&first) = self.by_id.get(&manifest.id) {
            let (id, version) = (manifest.id.clone(), manifest.version.clone());
            let by = self.plugins[first].version.clone();
            self.out.faults[plugin].push(ResolveError::Duplicate { id, version, by });
            return;
        }
        self.by_id.insert(&manifest.id, plugin);
        for interface in manifest.provides.keys() {
            self.by_interface.entry(interface).or_default().push(plugin);
        }
    }

    fn host(&mut self, plugin: usize, manifest: &Manifest) {
        let (faults, environment, id) = (&mut self.out.faults[plugin], self.environment, &manifest.id);
        if !manifest.api.matches(&environment.api_version) {
            let (range, found) = (manifest.api.clone(), environment.api_version.clone());
            faults.push(ResolveError::Api { id: id.clone(), range, found });
        }
        let Some(host) = &manifest.host else { return };
        if host.app != environment.host_id {
            let (wanted, found) = (host.app.clone(), environment.host_id.clone());
            faults.push(ResolveError::HostApp { id: id.clone(), wanted, found });
        } else if !host.version.matches(&environment.host_version) {
            let (range, found) = (host.version.clone(), environment.host_version.clone());
            faults.push(ResolveError::HostVersion { id: id.clone(), app: host.app.clone(), range, found });
        }
    }

    fn dependencies(&mut self, plugin: usize, manifest: &Manifest) {
        for (dependency, wanted) in &manifest.dependencies {
            let (id, range) = (&manifest.id, &wanted.version);
            let target = self.by_id.get(dependency).copied();
            let found = target.map(|target| &self.plugins[target].version);
            match (target, found) {
                (Some(target), Some(found)) if range.matches(found) => {
                    let graph = &mut self.out.graph;
                    let need = *self
                        .dependency_needs
                        .entry(target)
                        .or_insert_with(|| graph.need(None, vec![target]));
                    graph.wait(plugin, need, !wanted.optional);
                }
                _ if wanted.optional => {}
                (_, found) => self.out.faults[plugin].push(match found.cloned() {
                    Some(found) => ResolveError::DependencyVersion {
                        id: id.clone(),
                        dependency: dependency.clone(),
                        range: range.clone(),
                        found,
                    },
                    None => ResolveError::MissingDependency {
                        id: id.clone(),
                        dependency: dependency.clone(),
                        range: range.clone(),
                    },
                }),
            }
        }
    }

    fn interfaces(&mut self, plugin: usize, manifest: &'a Manifest) {
        for (interface, wanted) in &manifest.requires {
            let range = &wanted.version;
            if self.environment.interfaces.get(interface).is_some_and(|version| range.matches(version)) {
                continue;
            }
            match self.interface_need(interface, range) {
                Ok(need) => self.out.graph.wait(plugin, need, !wanted.optional),
                Err(_) if wanted.optional => {}
                Err(found) => {
                    let (id, interface) = (manifest.id.clone(), interface.clone());
                    let missing =
                        ResolveError::MissingInterface { id, interface, range: range.clone(), found };
                    self.out.faults[plugin].push(missing);
                }
            }
        }
    }

    fn interface_need(&mut self, interface: &'a str, range: &'a VersionReq) -> Result<usize, Offers> {
        if let Some(need) = self.interface_needs.get(&(interface, range)) {
            return need.clone();
        }
        let plugins = self.by_interface.get(interface).map_or(&[][..], Vec::as_slice);
        let version = |provider: usize| &self.plugins[provider].provides[interface];
        let providers: Vec<usize> =
            plugins.iter().copied().filter(|&one| range.matches(version(one))).collect();
        let need = if providers.is_empty() {
            let host = self.environment.interfaces.get(interface).map(|version| (None, version.clone()));
            let offer = |&one: &usize| (Some(self.plugins[one].id.clone()), version(one).clone());
            Err(host.into_iter().chain(plugins.iter().map(offer)).collect())
        } else {
            Ok(self.out.graph.need(Some(interface.to_owned()), providers))
        };
        self.interface_needs.insert((interface, range), need.clone());
        need
    }

    fn peers(&mut self, plugin: usize, manifest: &Manifest) {
        for (peer, wanted) in &manifest.peer_dependencies {
            let found = self.by_id.get(peer).map(|&found| &self.plugins[found].version);
            if wanted.optional || found.is_some_and(|found| wanted.version.matches(found)) {
                continue;
            }
            let (id, peer, range) = (manifest.id.clone(), peer.clone(), wanted.version.clone());
            let error = match found.cloned() {
                Some(found) => ResolveError::PeerVersion { id, peer, range, found },
                None => ResolveError::MissingPeer { id, peer, range },
            };
            if self.environment.strict_peers {
                self.out.faults[plugin].push(error);
            } else {
                self.out.warnings.push((plugin, error));
            }
        }
    }

    /// Each pair once, whichever of the two declares it, or both.
    fn conflicts(&mut self) {
        let mut pairs = BTreeSet::new();
        for (&id, &plugin) in &self.by_id {
            for with in &self.plugins[plugin].conflicts_with {
                if let Some(&other) = self.by_id.get(with).filter(|_| with != id) {
                    pairs.insert((plugin.min(other), plugin.max(other)));
                }
            }
        }
        self.out.conflicts = pairs.into_iter().collect();
    }
}
