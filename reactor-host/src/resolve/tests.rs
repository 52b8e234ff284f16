use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::manifest::Dependency;

/// A manifest with `rest` after the keys that every one has.
fn plugin(id: &str, version: &str, rest: &str) -> Manifest {
    let text = format!("schema = 1\nid = \"{id}\"\nversion = \"{version}\"\napi = \"^1\"\n{rest}");
    Manifest::parse(&text, Path::new("plugin.toml")).unwrap_or_else(|error| panic!("{error}"))
}

fn needs(id: &str, dependencies: &[&str]) -> Manifest {
    let lines: Vec<_> = dependencies.iter().map(|dependency| format!("\"{dependency}\" = \"^1\"")).collect();
    plugin(id, "1.0.0", &format!("[dependencies]\n{}", lines.join("\n")))
}

fn environment() -> Environment {
    Environment {
        host_id: "dev.example.editor".to_owned(),
        host_version: Version::new(1, 6, 0),
        api_version: Version::new(1, 2, 0),
        interfaces: BTreeMap::from([("text.source".to_owned(), Version::new(1, 4, 0))]),
        running: BTreeSet::new(),
        strict_peers: false,
    }
}

fn run(plugins: &[Manifest]) -> Resolution {
    resolve(&plugins.iter().collect::<Vec<_>>(), &environment())
}

fn order(resolution: &Resolution) -> Vec<&str> {
    resolution.order.iter().map(PluginId::as_str).collect()
}

/// `id: code message` per reason.
fn reasons(resolution: &Resolution) -> Vec<String> {
    let all = resolution.refused.iter().flat_map(|(_, errors)| errors);
    all.map(|error| format!("{} {error}", error.code())).collect()
}

#[track_caller]
fn check(plugins: &[Manifest], expected_order: &[&str], expected_reasons: &[&str]) {
    let resolution = run(plugins);
    assert_eq!(order(&resolution), expected_order);
    assert_eq!(reasons(&resolution), expected_reasons);
}

#[test]
fn providers_come_first_and_ties_keep_the_order_of_the_input() {
    check(
        &[needs("a", &["z"]), needs("m", &[]), needs("z", &[]), needs("b", &["a"])],
        &["m", "z", "a", "b"],
        &[],
    );
    let uses = plugin("a", "1.0.0", "[requires]\n\"text.stats\" = \"^1\"");
    let gives = plugin("b", "1.0.0", "[provides]\n\"text.stats\" = \"1.2.0\"");
    check(&[uses, gives], &["b", "a"], &[]);
}

#[test]
fn every_missing_dependency_is_named_with_its_range_and_what_was_found() {
    let a = plugin(
        "a",
        "1.0.0",
        "[dependencies]\nb = \"^2\"\nc = \"^1\"\nd = { version = \"^1\", optional = true }\n\
         [requires]\n\"text.source\" = \"^2\"\n\"text.stats\" = \"^1\"",
    );
    let old = plugin("e", "1.0.0", "[provides]\n\"text.source\" = \"3.0.0\"");
    check(
        &[a, plugin("b", "1.3.0", ""), old],
        &["b", "e"],
        &[
            "RE0405 a depends on b ^2, found 1.3.0; install a version in that range",
            "RE0404 a depends on c ^1, which is not here; install it",
            "RE0406 a requires the interface text.source ^2, found 1.4.0 from the host, 3.0.0 from e; install a \
             plugin that provides it",
            "RE0406 a requires the interface text.stats ^1, which nobody provides; install a plugin that provides it",
        ],
    );
}

#[test]
fn the_host_is_checked_before_anything_else() {
    let mut api = plugin("a", "1.0.0", "");
    api.api = "^2".parse().expect("a range");
    check(
        &[
            api,
            plugin("b", "1.0.0", "[host]\napp = \"dev.other\"\nversion = \"^1\""),
            plugin("c", "1.0.0", "[host]\napp = \"dev.example.editor\"\nversion = \"<1.5\""),
            plugin("d", "1.0.0", "[host]\napp = \"dev.example.editor\"\nversion = \">=1.4, <3\""),
        ],
        &["d"],
        &[
            "RE0401 a needs plugin API ^2, this host speaks 1.2.0; update the application",
            "RE0402 b is for the application dev.other, this is dev.example.editor; remove it from this \
             application's plugins",
            "RE0403 c needs dev.example.editor <1.5, this is 1.6.0; install a newer build of the plugin",
        ],
    );
}

#[test]
fn a_cycle_is_printed_whole_and_those_behind_it_say_by_whom_they_are_blocked() {
    let cycle = "is in a cycle: b → c → a → b; remove one of these dependencies";
    check(
        &[needs("b", &["c"]), needs("a", &["b"]), needs("c", &["a"]), needs("d", &["c"]), needs("e", &[])],
        &["e"],
        &[
            &format!("RE0407 b {cycle}"),
            &format!("RE0407 a {cycle}"),
            &format!("RE0407 c {cycle}"),
            "RE0409 d is blocked by c, which cannot run; see why there",
        ],
    );
}

#[test]
fn a_cycle_that_an_optional_dependency_or_a_second_provider_closes_is_no_error() {
    let optional = "[dependencies]\nb = { version = \"^1\", optional = true }";
    check(&[plugin("a", "1.0.0", optional), needs("b", &["a"])], &["a", "b"], &[]);
    let user = plugin("a", "1.0.0", "[requires]\n\"x\" = \"^1\"");
    let newcomer = plugin("b", "1.0.0", "[provides]\nx = \"1.0.0\"\n[dependencies]\na = \"^1\"");
    let provider = plugin("c", "1.0.0", "[provides]\nx = \"1.0.0\"");
    check(&[user, newcomer, provider], &["c", "a", "b"], &[]);
}

#[test]
fn blocked_dependants_say_by_whom_and_others_run() {
    check(
        &[needs("a", &["b"]), needs("b", &["c"]), needs("d", &[])],
        &["d"],
        &[
            "RE0409 a is blocked by b, which cannot run; see why there",
            "RE0404 b depends on c ^1, which is not here; install it",
        ],
    );
    let user = plugin("a", "1.0.0", "[requires]\nx = \"^1\"");
    let provider = plugin("b", "1.0.0", "[provides]\nx = \"1.0.0\"\n[dependencies]\nz = \"^1\"");
    check(
        &[user, provider],
        &[],
        &[
            "RE0410 a is blocked: x is provided by b only, which cannot run; see why there",
            "RE0404 b depends on z ^1, which is not here; install it",
        ],
    );
}

#[test]
fn conflicts_hold_in_both_directions_and_spare_who_runs_already() {
    let both =
        [plugin("a", "1.0.0", "conflicts-with = [\"b\"]"), plugin("b", "1.0.0", ""), needs("c", &["b"])];
    check(
        &both,
        &[],
        &[
            "RE0408 a and b are in conflict; disable one of them",
            "RE0408 b and a are in conflict; disable one of them",
            "RE0409 c is blocked by b, which cannot run; see why there",
        ],
    );
    for (runs, stays) in [("a", vec!["a"]), ("b", vec!["b", "c"])] {
        let running = BTreeSet::from([PluginId::new(runs).expect("an id")]);
        let resolution = resolve(&both.iter().collect::<Vec<_>>(), &Environment { running, ..environment() });
        assert_eq!(order(&resolution), stays);
    }
    // One that cannot run is in nobody's way.
    let broken = plugin("a", "1.0.0", "conflicts-with = [\"b\"]\n[dependencies]\nz = \"^1\"");
    assert_eq!(order(&run(&[broken, plugin("b", "1.0.0", "")])), ["b"]);
}

#[test]
fn peers_warn_and_never_order() {
    let a = plugin(
        "a",
        "1.0.0",
        "[peer-dependencies]\nb = \"^1\"\nc = { version = \"^1\", optional = true }\nd = \"^2\"",
    );
    let plugins = [a, plugin("d", "1.0.0", "")];
    let resolution = run(&plugins);
    assert_eq!(order(&resolution), ["a", "d"]);
    let codes: Vec<_> = resolution.warnings.iter().map(|(_, warning)| warning.code()).collect();
    assert_eq!(codes, ["RE0412", "RE0413"]);
    let strict = Environment { strict_peers: true, ..environment() };
    assert_eq!(order(&resolve(&plugins.iter().collect::<Vec<_>>(), &strict)), ["d"]);
}

#[test]
fn of_two_with_one_id_the_first_counts() {
    check(
        &[plugin("a", "2.0.0", ""), plugin("a", "1.0.0", "")],
        &["a"],
        &["RE0411 a 1.0.0 is not used: a 2.0.0 comes before it; remove one of them"],
    );
}

/// Many plugins: parsing each would dominate.
fn many(edges: impl IntoIterator<Item = Vec<usize>>) -> Vec<Manifest> {
    let model = plugin("p0", "1.0.0", "");
    let id = |number: usize| PluginId::new(&format!("p{number}")).expect("an id");
    let any =
        Dependency { version: "^1".parse().expect("a range"), optional: false, config: toml::Table::new() };
    let make = |(number, to): (usize, Vec<usize>)| Manifest {
        id: id(number),
        dependencies: to.into_iter().map(|to| (id(to), any.clone())).collect(),
        ..model.clone()
    };
    edges.into_iter().enumerate().map(make).collect()
}

#[test]
fn a_chain_of_100_000_is_an_ordinary_input() {
    const N: usize = 100_000;
    let chain: fn(usize) -> Vec<usize> = |n| if n + 1 < N { vec![n + 1] } else { vec![] };
    let ring: fn(usize) -> Vec<usize> = |n| vec![(n + 1) % N];
    let broken: fn(usize) -> Vec<usize> = |n| vec![n + 1];
    for (edges, runs) in [(chain, N), (ring, 0), (broken, 0)] {
        let resolution = run(&many((0..N).map(edges)));
        assert_eq!((resolution.order.len(), resolution.refused.len()), (runs, N - runs));
        assert!(resolution.order.first().is_none_or(|first| first.as_str() == "p99999"));
    }
}

#[test]
fn a_dense_lattice_is_an_ordinary_input() {
    let (rows, columns) = (40, 40);
    let row = |row: usize| if row == 0 { vec![] } else { ((row - 1) * columns..row * columns).collect() };
    let lattice = many((0..rows * columns).map(|n| row(n / columns)));
    let resolution = run(&lattice);
    assert_eq!(resolution.order, lattice.iter().map(|manifest| manifest.id.clone()).collect::<Vec<_>>());
}

proptest! {
    /// Whatever depends on whatever: the order is right, and exactly those are refused that cannot run.
    #[test]
    fn agrees_with_a_search_for_what_can_run(
        edges in prop::collection::vec(prop::collection::vec(0_usize..13, 0..3), 12)
    ) {
        let edges: Vec<Vec<usize>> = edges
            .into_iter()
            .enumerate()
            .map(|(n, to)| to.into_iter().filter(|&to| to != n).collect())
            .collect();
        let resolution = run(&many(edges.clone()));
        // Whatever only needs what can run can run; number 12 does not exist.
        let mut can = [false; 13];
        for _ in 0..12 {
            for (n, to) in edges.iter().enumerate() {
                can[n] |= to.iter().all(|&to| can[to]);
            }
        }
        let place = |n: usize| resolution.order.iter().position(|id| id.as_str() == format!("p{n}"));
        for (n, to) in edges.iter().enumerate() {
            prop_assert_eq!(place(n).is_some(), can[n]);
            for &to in to.iter().filter(|_| can[n]) {
                prop_assert!(place(to) < place(n));
            }
        }
        prop_assert!(resolution.refused.iter().all(|(_, errors)| !errors.is_empty()));
        prop_assert_eq!(resolution.refused.len() + resolution.order.len(), 12);
    }
}
