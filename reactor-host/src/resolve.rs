//! Which plugins can run together, and in which order: everything that manifests say about each other.
//!
//! Pure: manifests in, an order and reasons out. Everything over the graph is iterative; the work grows with plugins
//! plus edges, but for a heap that keeps plugins which are ready in the order they came in.
//!
//! A plugin comes after the plugins that it depends on and after those that provide the interfaces it requires.
//! Where it could run without one of them (an optional dependency, an interface with several providers), the wish to
//! come after that one yields when it would close a circle.

mod build;
mod error;
mod graph;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use semver::Version;

use self::build::Needs;
pub use self::error::ResolveError;
use self::graph::Graph;
use crate::manifest::{Manifest, PluginId};

/// What the host brings to a resolution.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The application, as manifests name it under `[host]`.
    pub host_id: String,
    /// The application's version.
    pub host_version: Version,
    /// The version of the plugin API that this host speaks.
    pub api_version: Version,
    /// The interfaces that the host itself provides, with their versions.
    pub interfaces: BTreeMap<String, Version>,
    /// Plugins that run already: of two in conflict, one that runs stays.
    pub running: BTreeSet<PluginId>,
    /// Whether a missing peer that is not optional refuses a plugin instead of warning.
    pub strict_peers: bool,
}

/// Which plugins can run, in order, and why the others cannot.
#[derive(Debug, Default)]
pub struct Resolution {
    /// The plugins that can run: providers first, else in the order of the input.
    pub order: Vec<PluginId>,
    /// Each plugin that cannot run, in the order of the input, with every reason.
    pub refused: Vec<(PluginId, Vec<ResolveError>)>,
    /// What is worth telling about plugins in `order`.
    pub warnings: Vec<(PluginId, ResolveError)>,
}

/// Resolves `plugins` against each other and `environment`.
///
/// A plugin that cannot run takes along those that need it and nobody else. Of two manifests with one id the first
/// counts.
///
/// ```
/// use std::path::Path;
/// use reactor_host::manifest::Manifest;
/// use reactor_host::resolve::{Environment, resolve};
///
/// let parse = |text: &str| Manifest::parse(text, Path::new("plugin.toml"));
/// let head = "schema = 1\nversion = \"1.0.0\"\napi = \"^1\"\n";
/// let notes = parse(&format!("{head}id = \"acme.notes\"\n[dependencies]\n\"acme.base\" = \"^1\""))?;
/// let base = parse(&format!("{head}id = \"acme.base\""))?;
/// let environment = Environment {
///     host_id: "dev.example.editor".into(),
///     host_version: "1.6.0".parse()?,
///     api_version: "1.0.0".parse()?,
///     interfaces: [].into(),
///     running: [].into(),
///     strict_peers: false,
/// };
/// let resolution = resolve(&[&notes, &base], &environment);
/// assert_eq!(resolution.order, [base.id, notes.id]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resolve(plugins: &[&Manifest], environment: &Environment) -> Resolution {
    let Needs { mut graph, mut faults, warnings, conflicts } = build::needs(plugins, environment);
    graph.remove((0..plugins.len()).filter(|&plugin| !faults[plugin].is_empty()));

    // Circles first: a plugin on one cannot run, so that it is in nobody's way.
    let order = graph.order();
    let mut next_on_circle = HashMap::new();
    for circle in graph.circles(&order) {
        // One shared list per circle, however many plugins stand on it.
        let cycle: Arc<[PluginId]> =
            circle.iter().chain(circle.first()).map(|&member| plugins[member].id.clone()).collect();
        for (&member, &next) in circle.iter().zip(circle.iter().cycle().skip(1)) {
            faults[member].push(ResolveError::Cycle { id: plugins[member].id.clone(), cycle: cycle.clone() });
            next_on_circle.insert(member, next);
        }
    }
    graph.remove(order.stuck.into_iter());

    let mut leaving = Vec::new();
    for (one, other) in conflicts {
        if !(graph.lives(one) && graph.lives(other)) {
            continue;
        }
        let runs = |plugin: usize| environment.running.contains(&plugins[plugin].id);
        for (plugin, with) in [(one, other), (other, one)] {
            if runs(with) || !runs(plugin) {
                let (id, with) = (plugins[plugin].id.clone(), plugins[with].id.clone());
                faults[plugin].push(ResolveError::Conflict { id, with });
                leaving.push(plugin);
            }
        }
    }
    graph.remove(leaving.into_iter());

    let blocked = blocked(plugins, &graph, &next_on_circle);
    for (plugin, error) in blocked {
        faults[plugin].push(error);
    }
    let id = |plugin: usize| plugins[plugin].id.clone();
    let refused = faults.into_iter().enumerate().filter(|(plugin, _)| !graph.lives(*plugin));
    let warnings = warnings.into_iter().filter(|(plugin, _)| graph.lives(*plugin));
    Resolution {
        order: graph.order().order.into_iter().map(id).collect(),
        refused: refused.map(|(plugin, faults)| (id(plugin), faults)).collect(),
        warnings: warnings.map(|(plugin, warning)| (id(plugin), warning)).collect(),
    }
}

/// What each refused plugin needs from refused plugins, but for its place on a circle, which is told already.
fn blocked(
    plugins: &[&Manifest],
    graph: &Graph,
    next_on_circle: &HashMap<usize, usize>,
) -> Vec<(usize, ResolveError)> {
    let mut lists: HashMap<usize, Arc<[PluginId]>> = HashMap::new();
    let mut errors = Vec::new();
    for plugin in (0..plugins.len()).filter(|&plugin| !graph.lives(plugin)) {
        for number in graph.unmet(plugin) {
            let need = graph.of(number);
            if next_on_circle.get(&plugin).is_some_and(|next| need.providers.contains(next)) {
                continue;
            }
            let ids = || need.providers.iter().map(|&provider| plugins[provider].id.clone()).collect();
            let by = lists.entry(number).or_insert_with(ids).clone();
            let id = plugins[plugin].id.clone();
            errors.push((
                plugin,
                match (&need.interface, by.first()) {
                    (None, Some(by)) => ResolveError::Blocked { id, by: by.clone() },
                    (interface, _) => {
                        let interface = interface.clone().unwrap_or_default();
                        ResolveError::BlockedInterface { id, interface, by }
                    }
                },
            ));
        }
    }
    errors
}
