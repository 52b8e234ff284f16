//! Opening: who may, what is brought up to date, what is cleared away.

use std::fs;

use redb::{ReadableDatabase as _, TableDefinition};

use super::*;
use crate::store::codec::schema_1;

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

#[test]
fn a_second_host_on_a_folder_is_told_who_has_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let since = Holder { since_unix: 1_700_000_000, ..holder() };
    let (first, _) = Store::open(folder.path(), &since).expect("the store opens");
    let error = Store::open(folder.path(), &holder()).expect_err("somebody has it");
    let found = StoreError::Held { folder: folder.path().to_owned(), holder: HeldBy::Known(since) };
    assert_eq!((&error, error.code()), (&found, "RE0702"));
    let said =
        format!("dev.reactor.tests 1.2.3, process {}, since 2023-11-14 22:13:20 UTC", std::process::id());
    assert!(error.to_string().contains(&said), "{error}");
    first.put_state(&plugin("a"), saved(1)).wait().expect("the first one goes on");
    let clone = first.clone();
    drop(first);
    Store::open(folder.path(), &holder()).expect_err("a clone still has it");
    clone.close().expect("everything is written");
    assert_eq!(open(folder.path()).state(&plugin("a")), Some(saved(1)), "a store that is closed lets go");
    assert_eq!(clone.put_state(&plugin("a"), saved(2)).wait(), Err(StoreError::Closed));
    assert_eq!(clone.state(&plugin("a")), Some(saved(2)), "it goes on in memory");
    assert_eq!(clone.close(), Ok(()), "closing twice is closing once");
}

#[test]
fn a_note_of_a_killed_host_does_no_harm_and_a_missing_one_is_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(open(folder.path()));
    assert!(!folder.path().join("store.holder").exists(), "who lets go takes the note along");
    for note in ["application = \"gone\"\nversion = \"1\"\npid = 1\nsince-unix = 1\n", "", "\u{0}garbage"] {
        fs::write(folder.path().join("store.holder"), note).expect("writable");
        fs::write(folder.path().join("store.holder.new"), "hal").expect("writable");
        let store = open(folder.path());
        let error = Store::open(folder.path(), &holder()).expect_err("somebody has it").to_string();
        assert!(error.contains("dev.reactor.tests 1.2.3"), "{error}");
        fs::write(folder.path().join("store.holder"), note).expect("writable");
        if !note.starts_with("application") {
            let error = Store::open(folder.path(), &holder()).expect_err("somebody has it").to_string();
            assert!(error.contains("has not said yet who it is"), "{error}");
        }
        drop(store);
    }
}

#[cfg(unix)]
#[test]
fn what_is_stored_is_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("made");
    let store = open(&folder);
    store.set_rollback(&plugin("a"), point(1), library(1)).wait().expect("written");
    let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("builds")), 0o700);
    let stored = format!("builds/{}", point(1).build);
    for file in ["store.redb", "store.lock", "store.holder", &stored] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
}

#[cfg(unix)]
#[test]
fn what_another_user_could_have_changed_is_refused() {
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
    let folder = tempfile::tempdir().expect("a folder");
    drop(open(folder.path()));
    let refused = |named: &Path, why: &str| {
        let error = Store::open(folder.path(), &holder()).expect_err(why);
        assert_eq!(error.code(), "RE0701");
        let said = error.to_string();
        assert!(said.contains(&named.display().to_string()) && said.contains(why), "{said}");
    };
    let allow = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is this user's");
    };
    allow(folder.path(), 0o777);
    refused(folder.path(), "every user can write to it");
    allow(folder.path(), 0o1777);
    drop(open(folder.path()));
    for (name, mode) in [("store.redb", 0o600), ("builds", 0o700)] {
        let (path, away) = (folder.path().join(name), folder.path().join("away"));
        allow(&path, mode | 0o002);
        refused(&path, "every user can write to it");
        allow(&path, mode);
        fs::rename(&path, &away).expect("renamed");
        symlink(&away, &path).expect("linked");
        refused(&path, "it is a link");
        fs::remove_file(&path).expect("it is a link");
        fs::rename(&away, &path).expect("renamed");
        // Only root can give a file away.
        if chown(&path, Some(12_345), None).is_ok() {
            refused(&path, "it belongs to user 12345");
            let user = rustix::process::geteuid().as_raw();
            chown(&path, Some(user), None).expect("root takes it back");
        }
        drop(open(folder.path()));
    }
}

/// A database as a program of schema 1 wrote it.
fn write_schema_1(path: &Path) {
    const QUARANTINE: TableDefinition<(&str, &[u8; 32]), &[u8]> = TableDefinition::new("quarantine");
    const BY_PLUGIN: [TableDefinition<&str, &[u8]>; 2] =
        [TableDefinition::new("rollback"), TableDefinition::new("state")];
    const BY_BUILD: [TableDefinition<&[u8; 32], &[u8]>; 2] =
        [TableDefinition::new("checked"), TableDefinition::new("libraries")];
    let database = redb::Database::create(path).expect("a database");
    let step = database.begin_write().expect("a step");
    {
        step.open_table(META).expect("a table").insert("schema", 1).expect("inserted");
        let mut quarantine = step.open_table(QUARANTINE).expect("a table");
        for build in 1..4 {
            let Quarantined { plugin, build, version, code, message, .. } = quarantined("word-count", build);
            let row = schema_1::Quarantine { version, code, message };
            let row = postcard::to_stdvec(&row).expect("encoded");
            quarantine.insert((plugin.as_str(), &build.0), row.as_slice()).expect("inserted");
        }
        for table in BY_PLUGIN {
            let mut table = step.open_table(table).expect("a table");
            if redb::TableHandle::name(&table) == "state" {
                table.insert("word-count", codec::state_row(&saved(1)).as_slice()).expect("inserted");
            }
        }
        for table in BY_BUILD {
            step.open_table(table).expect("a table");
        }
    }
    step.commit().expect("committed");
}

/// Made once by [`write_schema_1`], with redb 4.6.
const SCHEMA_1: &[u8] = include_bytes!("fixtures/schema-1.redb");

#[test]
fn an_older_database_is_brought_up_and_keeps_what_it_held() {
    for fixture in [true, false] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.redb");
        if fixture {
            fs::write(&path, SCHEMA_1).expect("writable");
        } else {
            write_schema_1(&path);
        }
        let (store, opened) = Store::open(folder.path(), &holder()).expect("it is brought up");
        assert_eq!(opened.migrated_from, Some(1));
        for _ in 0..2 {
            let without = |build| Quarantined {
                unix_ms: 0,
                source: PathBuf::new(),
                ..quarantined("word-count", build)
            };
            for build in 1..4 {
                let found = store.quarantined(&plugin("word-count"), &quarantined("word-count", build).build);
                assert_eq!(found, Some(without(build)));
            }
            assert_eq!(store.state(&plugin("word-count")), Some(saved(1)));
        }
        store.quarantine(quarantined("word-count", 4)).wait().expect("written");
        drop(store);
        let (store, opened) = Store::open(folder.path(), &holder()).expect("it opens");
        assert_eq!(opened.migrated_from, None, "once is enough");
        assert_eq!(store.quarantine_list().len(), 4);
    }
}

#[test]
fn a_migration_that_can_not_be_finished_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.redb");
    write_schema_1(&path);
    let database = redb::Database::create(&path).expect("it opens");
    let step = database.begin_write().expect("a step");
    step.open_table(database::QUARANTINE)
        .expect("a table")
        .insert(("zzz", &[9; 32]), [0xff_u8; 3].as_slice())
        .expect("inserted");
    step.commit().expect("committed");
    drop(database);
    let error = Store::open(folder.path(), &holder()).expect_err("a row can not be read");
    assert_eq!(error.code(), "RE0703");
    let database = redb::Database::create(&path).expect("it opens");
    let look = database.begin_read().expect("a look");
    let schema = look.open_table(META).expect("a table").get("schema").expect("read").expect("there").value();
    assert_eq!(schema, 1);
}

#[test]
fn a_newer_database_is_refused_with_both_numbers_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(open(folder.path()));
    let path = folder.path().join("store.redb");
    let database = redb::Database::create(&path).expect("it opens");
    let step = database.begin_write().expect("a step");
    step.open_table(META).expect("a table").insert("schema", 99).expect("inserted");
    step.commit().expect("committed");
    drop(database);
    let error = Store::open(folder.path(), &holder()).expect_err("it is newer");
    assert_eq!(error, StoreError::Newer { path, found: 99, known: database::SCHEMA });
    assert_eq!(error.code(), "RE0704");
    let said = error.to_string();
    assert!(
        said.contains("schema 99") && said.contains("up to 2") && said.contains("newer version"),
        "{said}"
    );
    assert!(Store::open(folder.path(), &holder()).is_err(), "it is not held by who was refused");
}

#[test]
fn what_the_database_does_not_list_is_swept() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    store.set_rollback(&plugin("a"), point(1), library(1));
    store.close().expect("written");
    let builds = folder.path().join("builds");
    let stray = ContentHash::of(b"stray").to_string();
    fs::write(builds.join(&stray), "stray").expect("writable");
    fs::write(builds.join(".new-0011"), "half").expect("writable");
    fs::create_dir_all(builds.join("folder/inside")).expect("writable");
    fs::write(folder.path().join("store.redb.new"), "half").expect("writable");
    let (store, opened) = Store::open(folder.path(), &holder()).expect("it opens");
    assert_eq!(opened.swept.len(), 3, "{opened:?}");
    assert!(opened.dropped.is_empty());
    assert_eq!(library_files(folder.path()), [point(1).build.to_string()]);
    assert!(!folder.path().join("store.redb.new").exists());
    assert_eq!(store.library(&point(1).build), Ok(Some(library(1))));
}

#[test]
fn a_rollback_point_whose_library_is_gone_or_another_is_dropped_and_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    for (name, build) in [("gone", 1), ("changed", 2), ("cut", 3), ("kept", 4), ("touched", 6)] {
        store.set_rollback(&plugin(name), point(build), library(build));
    }
    store.close().expect("written");
    let file = |build| folder.path().join("builds").join(point(build).build.to_string());
    fs::remove_file(file(1)).expect("it was there");
    fs::write(file(2), library(7)).expect("writable");
    fs::write(file(3), &library(3)[..10]).expect("writable");
    // Another stamp, the same bytes: as after a copy of the whole folder.
    fs::write(file(6), library(6)).expect("writable");
    let (store, opened) = Store::open(folder.path(), &holder()).expect("it opens");
    let dropped: Vec<_> =
        opened.dropped.iter().map(|dropped| (dropped.plugin.as_str(), dropped.build)).collect();
    assert_eq!(dropped, [("changed", point(2).build), ("cut", point(3).build), ("gone", point(1).build)]);
    assert!(opened.dropped.iter().all(|dropped| !dropped.message.is_empty()));
    let left: Vec<_> = store.rollback_list().into_iter().map(|(plugin, _)| plugin).collect();
    assert_eq!(left, [plugin("kept"), plugin("touched")]);
    assert_eq!(store.library(&point(6).build), Ok(Some(library(6))));
    drop(store);
    open(folder.path());
    assert_eq!(library_files(folder.path()).len(), 2, "what is wrong is gone for good");
}

#[test]
fn a_library_that_is_changed_while_the_store_is_open_is_refused_when_it_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    let build = point(1).build;
    store.set_rollback(&plugin("a"), point(1), library(1)).wait().expect("written");
    fs::write(folder.path().join("builds").join(build.to_string()), "other").expect("writable");
    let error = store.library(&build).expect_err("other bytes");
    assert_eq!(error.code(), "RE0706");
    assert!(error.to_string().contains(&build.short()), "{error}");
}

#[test]
fn a_folder_that_can_not_be_used_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("writable");
    let error = Store::open(&file.join("data"), &holder()).expect_err("a file stands there");
    assert_eq!(error.code(), "RE0701");
    // The database's place is taken by a folder.
    fs::create_dir(folder.path().join("store.redb")).expect("writable");
    let error = Store::open(folder.path(), &holder()).expect_err("a folder stands there");
    assert!(error.to_string().contains("store.redb"), "{error}");
}
