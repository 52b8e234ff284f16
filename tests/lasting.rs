//! Guarantees: what outlives the host, and who may have the folder that it is kept in.

use std::path::Path;

use reactor_host::discover::{self, ContentHash};
use reactor_host::store::{Holder, Quarantined, SavedState, Store};
use reactor_host::{Host, HostBuilder, PluginId, Value};
use reactor_tests::folder::Folder;
use reactor_tests::gate::Gate;
use reactor_tests::puppet::Script;
use reactor_tests::{corpus, tell, trusted};

fn builder(data: &Path) -> HostBuilder {
    Host::builder("dev.reactor.tests", "1.0.0").data_dir(data)
}

fn with(data: &Path, script: Script) -> HostBuilder {
    let (manifest, entry) = script.build();
    builder(data).plugin(manifest, entry)
}

/// Looks into a data folder that no host has.
fn look(data: &Path) -> Store {
    Store::open(data, &Holder::new("dev.reactor.tests.look", "1.0.0")).expect("nobody has it").0
}

#[test]
fn a_second_host_on_a_data_folder_is_refused_with_who_has_it_and_the_first_goes_on() {
    let data = Folder::new();
    let first = with(data.path(), Script::new("one")).build().expect("a host");
    assert!(first.start().expect("the host starts").is_ok());
    let error = with(data.path(), Script::new("one")).build().err().expect("the folder is taken");
    assert_eq!(error.code(), "RE0702");
    let said = error.to_string();
    for named in
        ["dev.reactor.tests 1.0.0", &std::process::id().to_string(), &data.path().display().to_string()]
    {
        assert!(said.contains(named), "`{named}` is not in: {said}");
    }
    assert_eq!(tell::mark(&first, "one"), "one");
    drop(first);
    assert!(with(data.path(), Script::new("one")).build().is_ok(), "the folder is free");
}

#[test]
fn a_data_folder_is_free_when_its_host_is_dropped_whatever_a_plugin_does() {
    let data = Folder::new();
    let gate = Gate::new();
    let inside = gate.clone();
    let deaf = Script::new("deaf").tables("[run]\nstop-deadline = \"50ms\"").on("stop", move |_| {
        inside.pass();
        Ok(())
    });
    let host = with(data.path(), deaf).build().expect("a host");
    assert!(host.start().expect("the host starts").is_ok());
    drop(host);
    gate.arrived(1);
    assert!(with(data.path(), Script::new("next")).build().is_ok(), "the folder is free");
    gate.open();
}

#[test]
fn what_was_found_good_of_a_library_is_remembered_across_runs() {
    let (plugins, data) = (Folder::new(), Folder::new());
    let library = corpus::bytes("answer-one");
    plugins.put("libanswer.so", &library);
    for _ in 0..2 {
        let host = trusted(builder(data.path()).plugins_dir(plugins.path())).build().expect("a host");
        assert!(host.start().expect("the host starts").is_ok());
        host.invoke("answer", "which", &Value::Null).expect("it serves");
        drop(host);
        assert_eq!(look(data.path()).checked_list(), [ContentHash::of(&library)]);
    }
}

#[test]
fn what_a_store_holds_is_there_after_hosts_came_and_went() {
    let data = Folder::new();
    let one = PluginId::new("one").expect("an id");
    let mut state = SavedState::new(1, [1, 2, 3], 1);
    state.unix_ms = 5;
    let (build, version) = (ContentHash::of(b"a bad build"), semver::Version::new(1, 2, 3));
    let mut record = Quarantined::new(one.clone(), build, version, "RE0603", "it panicked");
    record.unix_ms = 6;
    record.source = "/plugins/libone.so".into();
    let store = look(data.path());
    store.put_state(&one, state.clone());
    store.quarantine(record.clone());
    drop(store);
    for _ in 0..2 {
        let host = with(data.path(), Script::new("other")).build().expect("a host");
        assert!(host.start().expect("the host starts").is_ok());
    }
    let store = look(data.path());
    assert_eq!((store.state(&one), store.quarantine_list()), (Some(state), vec![record]));
}

#[test]
fn a_host_is_not_built_over_a_damaged_database_and_leaves_it_as_it_is() {
    let data = Folder::new();
    let garbage = b"no database".as_slice();
    let path = data.put("store.redb", garbage);
    let error = with(data.path(), Script::new("one")).build().err().expect("it is none");
    assert_eq!(error.code(), "RE0703");
    let said = error.to_string();
    assert!(said.contains(&path.display().to_string()) && said.contains("move it away"), "{said}");
    assert_eq!(std::fs::read(&path).expect("it is there"), garbage);
    std::fs::remove_file(&path).expect("it is there");
    assert!(with(data.path(), Script::new("one")).build().is_ok(), "without it a new one is made");
}

#[test]
fn a_rollback_point_needs_nothing_but_the_data_folder() {
    let (plugins, data) = (Folder::new(), Folder::new());
    let path = plugins.put("libanswer.so", &corpus::bytes("answer-one"));
    let found = discover::read_one(&path).expect("a plugin");
    let id = found.manifest.id.clone();
    let store = look(data.path());
    let point = reactor_host::store::RollbackPoint::of(&found, None, 0);
    store.set_rollback(&id, point, found.bytes.clone());
    drop(store);
    plugins.remove("libanswer.so");
    let store = look(data.path());
    let point = store.rollback(&id).expect("it was stored");
    let library = store.library(&point.build).expect("whole").expect("named");
    let again = point.recall(library).expect("a plugin");
    assert_eq!((again.hash, again.manifest, again.source), (found.hash, found.manifest, path));
}
