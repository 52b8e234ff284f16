//! From a TOML tree to a [`Manifest`].

use std::collections::BTreeMap;
use std::time::Duration;

use semver::{Version, VersionReq};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::error::{ManifestError, Problem, shown};
use super::event::{Activation, Deactivation};
use super::keys::{self, Section};
use super::reader::{Item, Source, Table};
use super::sections::{
    About, Command, ContributionPoint, Dependency, Handoff, Health, HostApp, Isolation, Network, Peer,
    Permissions, Requirement, Run, StateRules, Unload,
};
use super::{Manifest, PluginId, quantity, rules};

type Result<T> = std::result::Result<T, ManifestError>;

pub(super) fn manifest(source: &Source<'_>) -> Result<Manifest> {
    let tree = DeTable::parse(source.text).map_err(|error| {
        let reason = shown(error.message().lines().next().unwrap_or_default());
        source.fail(error.span().unwrap_or(0..0), Problem::Syntax { reason })
    })?;
    // The schema comes first: a later one may know keys that this one does not.
    if let Some(value) = tree.get_ref().get("schema") {
        let item = Item { source, key: "schema".into(), value };
        let found = item.integer()?;
        if found != 1 {
            return Err(item.fail(Problem::UnknownSchema { found }));
        }
    }
    let root = Table::new(source, &keys::ROOT, String::new(), 0..0, tree.get_ref())?;
    root.need("schema")?;
    let manifest = Manifest {
        schema: 1,
        id: id(&root.need("id")?)?,
        version: version(&root.need("version")?)?,
        api: range(&root.need("api")?)?,
        library: root.ruled("library", rules::stem)?,
        about: about(&root)?,
        activation: match root.get("activation") {
            Some(item) => item.distinct(event(Activation::read))?,
            None => vec![Activation::OnStartup],
        },
        deactivation: match root.get("deactivation") {
            Some(item) => item.distinct(event(Deactivation::read))?,
            None => Vec::new(),
        },
        conflicts_with: root
            .get("conflicts-with")
            .map(|item| item.distinct(id))
            .transpose()?
            .unwrap_or_default(),
        tenants: match root.get("tenants") {
            Some(item) => item.distinct(|item| item.ruled(rules::tenant))?,
            None => vec!["*".to_owned()],
        },
        preserve_output: root.flag("preserve-output")?,
        host: root.get("host").map(|item| host(&item)).transpose()?,
        dependencies: map(root.get("dependencies"), plugin_name, dependency)?,
        peer_dependencies: map(root.get("peer-dependencies"), plugin_name, peer)?,
        provides: map(root.get("provides"), other_name, version)?,
        requires: map(root.get("requires"), other_name, requirement)?,
        contribution_points: map(root.get("contribution-points"), other_name, point)?,
        commands: map(root.get("commands"), other_name, command)?,
        config: root.get("config").map(|item| item.free_table()).transpose()?.unwrap_or_default(),
        state: root.get("state").map(|item| state(&item)).transpose()?,
        health: root.get("health").map(|item| health(&item)).transpose()?.unwrap_or_default(),
        run: root.get("run").map(|item| run(&item)).transpose()?.unwrap_or_default(),
        permissions: root.get("permissions").map(|item| permissions(&item)).transpose()?.unwrap_or_default(),
    };
    not_itself(&root, &manifest)?;
    Ok(manifest)
}

/// What a plugin says about itself must not be what it says about others.
fn not_itself(root: &Table<'_>, manifest: &Manifest) -> Result<()> {
    for key in ["dependencies", "peer-dependencies", "requires"] {
        let Some(item) = root.get(key) else { continue };
        for (name, _) in item.entries()? {
            let text: &str = name.get_ref();
            let own = if key == "requires" {
                manifest.provides.contains_key(text)
            } else {
                text == manifest.id.as_str()
            };
            if own {
                let problem = Problem::RefersToItself { key: key.to_owned(), value: text.to_owned() };
                return Err(item.source.fail(name.span(), problem));
            }
            if key == "peer-dependencies" && manifest.dependencies.contains_key(text) {
                let reason = format!("`{text}` is a dependency already; keep one of the two");
                return Err(item
                    .source
                    .fail(name.span(), Problem::Contradiction { key: key.to_owned(), reason }));
            }
        }
    }
    if let Some(item) = root.get("conflicts-with") {
        for (member, other) in item.members()?.zip(&manifest.conflicts_with) {
            if *other == manifest.id {
                let problem = Problem::RefersToItself { key: item.key(), value: other.to_string() };
                return Err(member.fail(problem));
            }
            if manifest.dependencies.contains_key(other) {
                let reason = format!("`{other}` is also a dependency; it cannot be needed and excluded");
                return Err(member.fail(Problem::Contradiction { key: item.key(), reason }));
            }
        }
    }
    Ok(())
}

fn id(item: &Item<'_>) -> Result<PluginId> {
    item.read(PluginId::new, |key, found, reason| Problem::BadId { key, found, reason })
}

fn version(item: &Item<'_>) -> Result<Version> {
    item.read(Version::parse, |key, found, reason| Problem::BadVersion {
        key,
        found,
        reason: reason.to_string(),
    })
}

fn range(item: &Item<'_>) -> Result<VersionReq> {
    item.read(VersionReq::parse, |key, found, reason| Problem::BadRange {
        key,
        found,
        reason: reason.to_string(),
    })
}

fn event<T>(read: fn(&str) -> std::result::Result<T, String>) -> impl Fn(&Item<'_>) -> Result<T> {
    move |item| item.read(read, |key, found, reason| Problem::BadEvent { key, found, reason })
}

fn about(root: &Table<'_>) -> Result<About> {
    Ok(About {
        name: root.ruled("name", rules::line)?,
        description: root.text("description")?,
        authors: root.list("authors", rules::line)?,
        license: root.ruled("license", rules::line)?,
        icon: root.ruled("icon", rules::line)?,
        tags: root.list("tags", rules::line)?,
        categories: root.list("categories", rules::line)?,
        homepage: root.ruled("homepage", rules::url)?,
        repository: root.ruled("repository", rules::url)?,
        documentation: root.ruled("documentation", rules::url)?,
        readme: root.ruled("readme", rules::inner_path)?,
        changelog: root.ruled("changelog", rules::inner_path)?,
        screenshots: root.list("screenshots", rules::inner_path)?,
    })
}

fn host(item: &Item<'_>) -> Result<HostApp> {
    let table = item.table(&keys::HOST)?;
    Ok(HostApp {
        app: table.need("app")?.ruled(rules::name)?,
        version: table.get("version").map_or(Ok(VersionReq::STAR), |item| range(&item))?,
    })
}

/// A table whose keys are names: each is read by `name`, its value by `value`.
fn map<K: Ord, V>(
    item: Option<Item<'_>>,
    name: impl Fn(&Item<'_>, &Spanned<DeString<'_>>) -> Result<K>,
    value: impl Fn(&Item<'_>) -> Result<V>,
) -> Result<BTreeMap<K, V>> {
    let Some(item) = item else { return Ok(BTreeMap::new()) };
    item.entries()?.into_iter().map(|(key, entry)| Ok((name(&item, key)?, value(&entry)?))).collect()
}

fn plugin_name(table: &Item<'_>, name: &Spanned<DeString<'_>>) -> Result<PluginId> {
    PluginId::new(name.get_ref()).map_err(|reason| {
        let found = shown(name.get_ref());
        table.source.fail(name.span(), Problem::BadId { key: table.key(), found, reason })
    })
}

fn other_name(table: &Item<'_>, name: &Spanned<DeString<'_>>) -> Result<String> {
    let text: &str = name.get_ref();
    match rules::name(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(_) if text.is_empty() => Err(table.source.fail(name.span(), Problem::Empty { key: table.key() })),
        Err(reason) => {
            let problem = Problem::BadName { key: table.key(), found: shown(text), reason };
            Err(table.source.fail(name.span(), problem))
        }
    }
}

/// The table of an entry that may also be a range alone.
fn entry<'d>(item: &Item<'d>, section: &'static Section) -> Result<Option<Table<'d>>> {
    match item.value.get_ref() {
        DeValue::String(_) => Ok(None),
        DeValue::Table(inside) => {
            unquoted(item, section, inside)?;
            item.table(section).map(Some)
        }
        _ => Err(item.wrong("a range of versions or a table")),
    }
}

/// `acme.base = "^2"` without quotes is a table `acme` to TOML; say so instead of calling `base` unknown.
fn unquoted(item: &Item<'_>, section: &'static Section, inside: &DeTable<'_>) -> Result<()> {
    if inside.len() != 1 {
        return Ok(());
    }
    for (key, value) in inside {
        if section.key(key.get_ref()).is_none()
            && matches!(value.get_ref(), DeValue::String(_) | DeValue::Table(_))
        {
            let outer = item.key.split_once('.').map_or(&*item.key, |(_, outer)| outer);
            let problem = Problem::UnknownKey {
                key: shown(key.get_ref()),
                table: item.key(),
                suggestion: Some(shown(&format!("\"{outer}.{}\"", key.get_ref()))),
            };
            return Err(item.source.fail(key.span(), problem));
        }
    }
    Ok(())
}

/// The range and `optional` of an entry.
fn ranged(item: &Item<'_>, table: Option<&Table<'_>>) -> Result<(VersionReq, bool)> {
    match table {
        Some(table) => Ok((range(&table.need("version")?)?, table.flag("optional")?)),
        None => Ok((range(item)?, false)),
    }
}

fn dependency(item: &Item<'_>) -> Result<Dependency> {
    let table = entry(item, &keys::DEPENDENCY)?;
    let (version, optional) = ranged(item, table.as_ref())?;
    let config = table.and_then(|table| table.get("config"));
    Ok(Dependency {
        version,
        optional,
        config: config.map(|item| item.free_table()).transpose()?.unwrap_or_default(),
    })
}

fn peer(item: &Item<'_>) -> Result<Peer> {
    let (version, optional) = ranged(item, entry(item, &keys::PEER)?.as_ref())?;
    Ok(Peer { version, optional })
}

fn requirement(item: &Item<'_>) -> Result<Requirement> {
    let (version, optional) = ranged(item, entry(item, &keys::REQUIREMENT)?.as_ref())?;
    Ok(Requirement { version, optional })
}

fn point(item: &Item<'_>) -> Result<ContributionPoint> {
    Ok(ContributionPoint { description: item.table(&keys::POINT)?.text("description")? })
}

fn command(item: &Item<'_>) -> Result<Command> {
    let table = item.table(&keys::COMMAND)?;
    Ok(Command { title: table.ruled("title", rules::line)?, key: table.ruled("key", rules::line)? })
}

fn state(item: &Item<'_>) -> Result<StateRules> {
    let table = item.table(&keys::STATE)?;
    let schemas =
        |key| table.get(key).map(|item| item.distinct(|item| item.number(0..=u32::MAX))).transpose();
    let schema = table.need("schema")?.number(0..=u32::MAX)?;
    let reads = schemas("reads")?.unwrap_or_else(|| vec![schema]);
    if !reads.contains(&schema) {
        let reason = format!("it leaves out {schema}, which `save` writes (state.schema); add it");
        let place = table.need("reads")?;
        return Err(place.fail(Problem::Contradiction { key: place.key(), reason }));
    }
    let downgrades_to = schemas("downgrades-to")?.unwrap_or_default();
    if let Some(later) = downgrades_to.iter().find(|to| **to >= schema) {
        let reason = format!("{later} is not below {schema} (state.schema); remove it");
        let place = table.need("downgrades-to")?;
        return Err(place.fail(Problem::Contradiction { key: place.key(), reason }));
    }
    let handoff = table
        .get("handoff")
        .map(|item| item.choice(&[("pause", Handoff::Pause), ("snapshot", Handoff::Snapshot)]))
        .transpose()?
        .unwrap_or_default();
    let pause_deadline = duration(&table, "pause-deadline", TICK)?.unwrap_or(Duration::from_millis(50));
    Ok(StateRules { schema, reads, downgrades_to, handoff, pause_deadline })
}

/// The least duration where none would make no sense.
const TICK: Duration = Duration::from_millis(1);

fn duration(table: &Table<'_>, key: &'static str, least: Duration) -> Result<Option<Duration>> {
    let read = |item: Item<'_>| {
        item.read(
            |text| quantity::duration(text, least),
            |key, found, reason| Problem::BadQuantity { key, found, reason },
        )
    };
    table.get(key).map(read).transpose()
}

fn size(table: &Table<'_>, key: &'static str) -> Result<Option<u64>> {
    let read = |item: Item<'_>| {
        item.read(quantity::size, |key, found, reason| Problem::BadQuantity { key, found, reason })
    };
    table.get(key).map(read).transpose()
}

fn health(item: &Item<'_>) -> Result<Health> {
    let table = item.table(&keys::HEALTH)?;
    let default = Health::default();
    Ok(Health {
        check_every: duration(&table, "check-every", TICK)?.unwrap_or(default.check_every),
        trial: duration(&table, "trial", Duration::ZERO)?.unwrap_or(default.trial),
        max_panics: number(&table, "max-panics", 0)?.unwrap_or(default.max_panics),
    })
}

fn number(table: &Table<'_>, key: &'static str, least: u32) -> Result<Option<u32>> {
    table.get(key).map(|item| item.number(least..=u32::MAX)).transpose()
}

fn run(item: &Item<'_>) -> Result<Run> {
    let table = item.table(&keys::RUN)?;
    let default = Run::default();
    let isolation = [
        ("in-process", Isolation::InProcess),
        ("subprocess", Isolation::Subprocess),
        ("auto", Isolation::Auto),
    ];
    let unload = [("auto", Unload::Auto), ("never", Unload::Never)];
    Ok(Run {
        isolation: table.get("isolation").map_or(Ok(default.isolation), |item| item.choice(&isolation))?,
        unload: table.get("unload").map_or(Ok(default.unload), |item| item.choice(&unload))?,
        stop_deadline: duration(&table, "stop-deadline", Duration::ZERO)?.unwrap_or(default.stop_deadline),
        delete_grace: duration(&table, "delete-grace", Duration::ZERO)?.unwrap_or(default.delete_grace),
    })
}

fn permissions(item: &Item<'_>) -> Result<Permissions> {
    let table = item.table(&keys::PERMISSIONS)?;
    let net = [("none", Network::None), ("all", Network::All)];
    Ok(Permissions {
        fs_read: table.list("fs-read", rules::granted_path)?,
        fs_write: table.list("fs-write", rules::granted_path)?,
        net: table.get("net").map_or(Ok(Network::None), |item| item.choice(&net))?,
        env: table.list("env", rules::variable)?,
        memory_bytes: size(&table, "memory")?,
        cpu_per_call: duration(&table, "cpu-per-call", TICK)?,
        wall_per_call: duration(&table, "wall-per-call", TICK)?,
        threads: number(&table, "threads", 1)?,
        file_descriptors: number(&table, "file-descriptors", 1)?,
        reply_bytes: size(&table, "reply")?,
    })
}
