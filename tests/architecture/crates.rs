use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};
use reactor_tests::source;

/// The crates of the workspace, and those of them that each may use in its code.
const LAYERS: &[(&str, &[&str])] = &[
    // Part of it: what its attribute and its derive are compiled from.
    ("reactor-abi-macros", &[]),
    ("reactor-abi", &["reactor-abi-macros"]),
    ("reactor-host", &["reactor-abi"]),
    ("reactor-cli", &["reactor-abi", "reactor-host"]),
    // An interface crate as an application publishes one.
    ("echo-api", &["reactor-abi"]),
    ("typed-api", &["reactor-abi"]),
    ("reactor-tests", &["reactor-abi", "reactor-host", "echo-api"]),
];

/// What the crates in `example-plugins` may use: of each other, the interface crate only.
const EXAMPLES: &[&str] = &["reactor-abi", "editor-api"];

/// What must not be below a crate, however far down.
const BARRED: [(&str, &[&str]); 2] = [
    // Plugins link it: call sites and threads of these would outlive an unloaded library.
    ("reactor-abi", &["tracing", "log", "tokio", "notify", "reactor-host"]),
    // Applications choose their own runtime, if any.
    ("reactor-host", &["tokio", "axum", "sqlx", "clap"]),
];

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(source::path("Cargo.toml"));
    command.other_options([
        "--offline".into(),
        "--filter-platform".into(),
        reactor_abi::facts::TARGET.into(),
    ]);
    command.exec().expect("cargo knows the workspace that it has just built")
}

/// Calls `look` for each edge between crates of the workspace: from, to, and whether only tests use it.
fn edges(metadata: &Metadata, mut look: impl FnMut(&str, &str, bool)) {
    let members: BTreeSet<&str> = metadata.workspace_packages().iter().map(|one| one.name.as_str()).collect();
    for package in metadata.workspace_packages() {
        for dependency in &package.dependencies {
            if members.contains(dependency.name.as_str()) {
                look(package.name.as_str(), &dependency.name, dependency.kind == DependencyKind::Development);
            }
        }
    }
}

#[test]
fn crates_know_only_those_below_them() {
    let metadata = metadata();
    let examples: BTreeSet<&str> = metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| package.manifest_path.as_str().contains("/example-plugins/"))
        .map(|package| package.name.as_str())
        .collect();
    assert!(!examples.is_empty());
    for package in metadata.workspace_packages() {
        let placed = LAYERS.iter().any(|(name, _)| package.name.as_str() == *name);
        assert!(
            placed || examples.contains(package.name.as_str()),
            "say in LAYERS where {} stands",
            package.name
        );
    }
    edges(&metadata, |from, to, only_tests| {
        let allowed = LAYERS.iter().find(|(name, _)| *name == from).map_or(EXAMPLES, |(_, allowed)| *allowed);
        // A crate's own tests may use what stands beside it, an example's may not: it is copied as it is.
        assert!(
            allowed.contains(&to) || (only_tests && !examples.contains(from)),
            "{from} must not know {to}"
        );
    });
}

#[test]
fn nothing_depends_on_the_tests() {
    edges(&metadata(), |from, to, _| assert_ne!(to, "reactor-tests", "{from} depends on it"));
}

#[test]
fn plugins_and_hosts_link_no_runtime_of_ours() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().expect("cargo resolved the workspace");
    let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    for (name, barred) in BARRED {
        let package = metadata.workspace_packages().into_iter().find(|one| one.name.as_str() == name);
        let mut below = vec![&package.expect("a crate of the workspace").id];
        let mut next = 0;
        while let Some(id) = below.get(next) {
            for dependency in &nodes[id].deps {
                let linked = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
                if linked && !below.contains(&&dependency.pkg) {
                    below.push(&dependency.pkg);
                }
            }
            next += 1;
        }
        for id in below {
            let found = metadata[id].name.as_str();
            assert!(!barred.contains(&found), "{name} links {found}");
        }
    }
}
