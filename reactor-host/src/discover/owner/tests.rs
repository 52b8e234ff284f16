use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::discover::fixture::library;
use crate::discover::{DiscoverError, Known, Outcome, ScanOptions, read_one, read_one_with, scan, scan_with};

/// `app/plugins/one/libone.so` and `app/plugins/libtwo.so`, each for this user alone.
struct Tree(TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(TempDir::new().expect("a folder"));
        fs::create_dir_all(tree.at("app/plugins/one")).expect("folders");
        fs::write(tree.at("app/plugins/one/libacme_one.so"), library("acme.one", "1.0.0", 1))
            .expect("written");
        fs::write(tree.at("app/plugins/libtwo.so"), library("acme.two", "1.0.0", 1)).expect("written");
        for place in ["app", "app/plugins", "app/plugins/one"] {
            tree.mode(place, 0o755);
        }
        for place in ["app/plugins/one/libacme_one.so", "app/plugins/libtwo.so"] {
            tree.mode(place, 0o644);
        }
        tree
    }

    fn at(&self, place: &str) -> PathBuf {
        // A temporary folder may itself be reached by a link.
        self.0.path().canonicalize().expect("it is there").join(place)
    }

    fn mode(&self, place: &str, mode: u32) {
        fs::set_permissions(self.at(place), Permissions::from_mode(mode)).expect("its own");
    }

    /// As [`mode`](Self::mode); what only the group can write to is given to a group that is not this user's own.
    /// `false`: only root can do that.
    fn expose(&self, place: &str, mode: u32) -> bool {
        const NOGROUP: u32 = 65_534;
        self.mode(place, mode);
        let groups = mode & 0o022 == 0o020;
        let given = !groups || chown(self.at(place), None, Some(NOGROUP)).is_ok();
        if !given {
            println!("not run: only root can give a file to another group");
            self.mode(place, mode & !0o022);
        }
        given
    }

    /// `name: what` of each entry of a scan.
    fn scan(&self) -> Vec<String> {
        let found = scan(&[self.at("app/plugins")], &Known::new()).found;
        let word = |outcome: &Outcome| match outcome {
            Outcome::Candidate(candidate) => candidate.manifest.id.to_string(),
            Outcome::Refused(error) => error.code().to_owned(),
            other => format!("{other:?}"),
        };
        found
            .iter()
            .map(|entry| {
                let name = entry.source.file_name().expect("a name").to_string_lossy();
                format!("{name}: {}", word(&entry.outcome))
            })
            .collect()
    }
}

const ALL: [&str; 2] = ["libacme_one.so: acme.one", "libtwo.so: acme.two"];

#[track_caller]
fn exposed(path: &Path) -> Exposed {
    match read_one(path) {
        Err(DiscoverError::Exposed(exposed)) => *exposed,
        other => panic!("{} is taken, or refused for something else: {other:?}", path.display()),
    }
}

#[test]
fn what_only_this_user_can_change_is_taken() {
    assert_eq!(Tree::new().scan(), ALL);
}

#[test]
fn a_file_or_folder_that_others_can_write_to_is_refused_and_taken_again_when_that_is_put_right() {
    let tree = Tree::new();
    for (place, good, bad, expected) in [
        ("app", 0o755, 0o775, &["plugins: RE0164"][..]),
        ("app", 0o755, 0o757, &["plugins: RE0164"]),
        ("app/plugins", 0o755, 0o775, &["plugins: RE0164"]),
        // Sticky protects what others own, and not against what others add.
        ("app/plugins", 0o755, 0o1777, &["plugins: RE0164"]),
        ("app/plugins/one", 0o755, 0o770, &["libtwo.so: acme.two", "one: RE0164"]),
        ("app/plugins/one", 0o755, 0o1777, &["libtwo.so: acme.two", "one: RE0164"]),
        ("app/plugins/one/libacme_one.so", 0o644, 0o664, &["libtwo.so: acme.two", "libacme_one.so: RE0164"]),
        ("app/plugins/libtwo.so", 0o644, 0o646, &["libacme_one.so: acme.one", "libtwo.so: RE0164"]),
    ] {
        if tree.expose(place, bad) {
            assert_eq!(tree.scan(), expected, "{place} {bad:o}");
        }
        tree.mode(place, good);
        assert_eq!(tree.scan(), ALL, "{place} {good:o}");
    }
}

#[test]
fn what_only_a_group_with_nobody_else_in_it_can_write_to_is_taken() {
    let tree = Tree::new();
    let user = rustix::process::geteuid().as_raw();
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let group = rustix::process::getegid().as_raw();
    if !private_group::is_private(group, user, &read("/etc/passwd"), &read("/etc/group")) {
        println!("not run: this user has no group for itself");
        return;
    }
    for (place, mode) in [("app", 0o775), ("app/plugins", 0o775), ("app/plugins/libtwo.so", 0o664)] {
        tree.mode(place, mode);
    }
    assert_eq!(tree.scan(), ALL);
}

#[test]
fn a_manifest_that_others_can_write_to_is_refused() {
    let tree = Tree::new();
    fs::write(tree.at("app/plugins/two.toml"), crate::discover::fixture::manifest("acme.two", "1.0.0"))
        .expect("written");
    tree.mode("app/plugins/two.toml", 0o666);
    assert_eq!(tree.scan(), ["libacme_one.so: acme.one", "libtwo.so: RE0164"]);
    tree.mode("app/plugins/two.toml", 0o644);
    assert_eq!(tree.scan(), ALL);
}

#[test]
fn a_sticky_folder_above_is_no_harm() {
    let tree = Tree::new();
    tree.mode("app", 0o1777);
    assert_eq!(tree.scan(), ALL);
}

#[test]
fn a_link_is_judged_by_its_target_and_by_each_folder_that_decides_where_it_leads() {
    let tree = Tree::new();
    fs::create_dir_all(tree.at("store/inner")).expect("folders");
    fs::rename(tree.at("app/plugins/libtwo.so"), tree.at("store/inner/libreal.so")).expect("moved");
    tree.mode("store/inner", 0o755);
    fs::create_dir(tree.at("hop")).expect("a folder");
    tree.mode("hop", 0o755);
    // plugins/libtwo.so → hop/lib → ../store/inner/libreal.so
    symlink("../store/inner/libreal.so", tree.at("hop/lib")).expect("linked");
    symlink(tree.at("hop/lib"), tree.at("app/plugins/libtwo.so")).expect("linked");
    assert_eq!(tree.scan(), ALL);
    for (place, good) in
        [("store", 0o755), ("store/inner", 0o755), ("store/inner/libreal.so", 0o644), ("hop", 0o755)]
    {
        tree.mode(place, good | 0o002);
        assert_eq!(tree.scan(), ["libacme_one.so: acme.one", "libtwo.so: RE0164"], "{place}");
        let culprits = exposed(&tree.at("app/plugins/libtwo.so")).culprits;
        assert_eq!(culprits.len(), 1, "{culprits:?}");
        assert_eq!(culprits[0].path, tree.at(place));
        tree.mode(place, good);
    }
    assert_eq!(tree.scan(), ALL);
}

#[test]
fn a_folder_reached_by_a_link_is_judged_like_any_other() {
    let tree = Tree::new();
    fs::create_dir(tree.at("store")).expect("a folder");
    tree.mode("store", 0o755);
    fs::rename(tree.at("app/plugins/one"), tree.at("store/one")).expect("moved");
    symlink(tree.at("store/one"), tree.at("app/plugins/one")).expect("linked");
    assert_eq!(tree.scan(), ALL);
    tree.mode("store", 0o777);
    assert_eq!(tree.scan(), ["libtwo.so: acme.two", "one: RE0164"]);
}

#[test]
fn what_belongs_to_another_user_is_refused() {
    const NOBODY: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        // Who is not root can give nothing away; root's own files are others' for nobody.
        println!("not run: only root can give a file to another user");
        return;
    }
    let tree = Tree::new();
    for (place, expected) in [
        ("app", &["plugins: RE0163"][..]),
        ("app/plugins", &["plugins: RE0163"]),
        ("app/plugins/one", &["libtwo.so: acme.two", "one: RE0163"]),
        ("app/plugins/libtwo.so", &["libacme_one.so: acme.one", "libtwo.so: RE0163"]),
    ] {
        chown(tree.at(place), Some(NOBODY), None).expect("root may");
        assert_eq!(tree.scan(), expected, "{place}");
        chown(tree.at(place), Some(0), None).expect("root may");
    }
    assert_eq!(tree.scan(), ALL);
    // In a sticky folder a link of another user's leads wherever that user wants.
    tree.mode("app", 0o1777);
    symlink("plugins", tree.at("app/link")).expect("linked");
    let through = |tree: &Tree| read_one(&tree.at("app/link/libtwo.so")).map(drop).map_err(|e| e.code());
    assert_eq!(through(&tree), Ok(()));
    std::os::unix::fs::lchown(tree.at("app/link"), Some(NOBODY), None).expect("root may");
    assert_eq!(through(&tree), Err("RE0163"));
}

#[test]
fn the_sentence_says_path_mode_owner_and_what_to_do_about_all_of_it_at_once() {
    let tree = Tree::new();
    // What a umask of 002 makes, in a group of several.
    for (place, mode) in [("app", 0o775), ("app/plugins", 0o775), ("app/plugins/libtwo.so", 0o664)] {
        if !tree.expose(place, mode) {
            return;
        }
    }
    let library = tree.at("app/plugins/libtwo.so");
    let error = exposed(&library);
    let text = error.to_string();
    let owner = rustix::process::geteuid().as_raw();
    let (app, plugins) = (tree.at("app"), tree.at("app/plugins"));
    let (library, app, plugins) = (library.display(), app.display(), plugins.display());
    assert_eq!(
        text,
        format!(
            "{library} is not used: {app} (mode 0775, owner {owner}) can be changed by its group, {plugins} \
             (mode 0775, owner {owner}) can be changed by its group, it (mode 0664, owner {owner}) can be \
             changed by its group; run `chmod go-w {app} {plugins} {library}`, or accept it for development with \
             `allow_shared_folders` (`--allow-shared-folders`)"
        )
    );
}

#[test]
fn who_develops_may_accept_shared_folders() {
    let tree = Tree::new();
    for place in ["app", "app/plugins", "app/plugins/one", "app/plugins/libtwo.so"] {
        tree.mode(place, 0o777);
    }
    let options = ScanOptions { allow_shared_folders: true, ..ScanOptions::default() };
    let found = scan_with(&[tree.at("app/plugins")], &Known::new(), &options).found;
    assert!(found.iter().all(|entry| matches!(entry.outcome, Outcome::Candidate(_))) && found.len() == 2);
    read_one_with(&tree.at("app/plugins/libtwo.so"), &options).expect("accepted");
    assert_eq!(exposed(&tree.at("app/plugins/libtwo.so")).code(), "RE0164");
}

#[test]
fn a_way_in_circles_ends() {
    let tree = Tree::new();
    symlink("b.so", tree.at("app/plugins/a.so")).expect("linked");
    symlink("a.so", tree.at("app/plugins/b.so")).expect("linked");
    let error = read_one(&tree.at("app/plugins/a.so")).expect_err("it leads nowhere");
    assert_eq!(error.code(), "RE0140");
    assert!(error.to_string().contains("links lead in a circle"), "{error}");
    // Up and down again is no circle.
    let winding = tree.at("app/../app/plugins/one/.././libtwo.so");
    read_one(&winding).expect("the same file");
}
