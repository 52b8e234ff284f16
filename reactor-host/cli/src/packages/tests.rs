use std::fs;

use super::*;

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
        self
    }

    /// A crate; `kind` is a crate type, `extra` more of its manifest.
    fn package(&self, folder: &str, kind: &str, extra: &str) -> &Self {
        let name = folder.rsplit('/').next().unwrap_or(folder);
        let text = format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"{kind}\"]\n{extra}"
        );
        self.write(&format!("{folder}/Cargo.toml"), &text).write(&format!("{folder}/src/lib.rs"), "")
    }

    fn plugin(&self, folder: &str, extra: &str) -> &Self {
        let name = folder.rsplit('/').next().unwrap_or(folder);
        let text = format!("schema = 1\nid = \"acme.{name}\"\nversion = \"1.0.0\"\napi = \"^1\"\n");
        self.package(folder, "cdylib", extra).write(&format!("{folder}/plugin.toml"), &text)
    }

    fn find(&self, paths: &[&str]) -> Result<Found, CliError> {
        let paths: Vec<PathBuf> = paths.iter().map(|path| self.0.path().join(path)).collect();
        let mut found = find(&Cargo::new(), &paths)?;
        if found.workspaces.is_empty() { Err(found.missing.remove(0)) } else { Ok(found) }
    }

    #[track_caller]
    fn check(&self, paths: &[&str], expected: &[&str]) {
        let found = self.find(paths).expect("plugins");
        assert_eq!(found.plugins().map(PluginCrate::label).collect::<Vec<_>>(), expected);
        assert!(found.skipped.is_empty(), "{:?}", found.skipped);
    }
}

const ALONE: &str = "[workspace]\n";

#[test]
fn a_crate_of_its_own() {
    let tree = Tree::new();
    tree.plugin("one", ALONE).check(&["one"], &["acme.one"]);
}

#[test]
fn a_folder_of_crates_one_or_two_levels_deep() {
    let tree = Tree::new();
    tree.plugin("all/one", ALONE).plugin("all/text/two", ALONE).plugin("all/far/away/three", ALONE);
    tree.package("all/tool", "rlib", ALONE).write("all/notes/README.md", "");
    tree.check(&["all"], &["acme.one", "acme.two"]);
    tree.check(&["all/text", "all/one"], &["acme.one", "acme.two"]);
}

#[test]
fn a_workspace_a_folder_in_it_and_a_member() {
    let tree = Tree::new();
    tree.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"plugins/*\", \"base\"]\n");
    tree.package("base", "rlib", "").write("base/plugin.toml", "a cdylib is missing");
    tree.plugin("plugins/one", "[dependencies]\nbase = { path = \"../../base\" }\n")
        .plugin("plugins/two", "");
    for path in [".", "plugins"] {
        tree.check(&[path], &["acme.one", "acme.two"]);
    }
    tree.check(&["plugins/two"], &["acme.two"]);
    tree.check(&["plugins/two", "plugins/one", "."], &["acme.one", "acme.two"]);

    let found = tree.find(&["."]).expect("plugins");
    let [workspace] = found.workspaces.as_slice() else { panic!("one cargo builds them all") };
    let root = tree.0.path().canonicalize().expect("a folder");
    assert_eq!(workspace.root, root);
    assert_eq!(workspace.plugins[0].sources, [root.join("plugins/one"), root.join("base")]);
    assert_eq!(workspace.plugins[1].sources, [root.join("plugins/two")]);
}

#[test]
fn a_crate_that_cargo_cannot_read_hides_no_neighbour() {
    let tree = Tree::new();
    tree.plugin("all/one", ALONE).write("all/broken/Cargo.toml", "[package");
    let found = tree.find(&["all"]).expect("plugins");
    assert_eq!(found.plugins().map(PluginCrate::label).collect::<Vec<_>>(), ["acme.one"]);
    assert_eq!(found.skipped.iter().map(CliError::code).collect::<Vec<_>>(), ["RE0902"]);
}

#[test]
fn nothing_to_build_is_an_error_that_says_what_a_plugin_crate_is() {
    let tree = Tree::new();
    tree.package("tool", "rlib", ALONE);
    for path in ["tool", "."] {
        let error = tree.find(&[path]).expect_err("no plugin");
        assert_eq!(error.code(), "RE0903");
        assert!(error.to_string().contains("plugin.toml"), "{error}");
    }
    assert_eq!(tree.find(&["absent"]).expect_err("no folder").code(), "RE0904");
}

#[test]
fn a_path_without_a_plugin_is_told_beside_those_that_have_one() {
    let tree = Tree::new();
    tree.plugin("good", ALONE).package("bare", "cdylib", ALONE).package("rlib", "rlib", ALONE);
    tree.write("rlib/plugin.toml", "").write("lone/plugin.toml", "").write("file", "");
    for (path, says) in [
        ("bare", "bare/Cargo.toml is there, plugin.toml is not"),
        (
            "rlib",
            "rlib has a plugin.toml, but its Cargo.toml makes no cdylib: add `crate-type = [\"cdylib\"]`",
        ),
        ("lone", "lone/plugin.toml is there, Cargo.toml is not"),
        ("file", "file is a file: give the folder that it is in"),
    ] {
        let found = tree.find(&["good", path]).expect("one plugin");
        assert_eq!(found.plugins().map(PluginCrate::label).collect::<Vec<_>>(), ["acme.good"]);
        let [missing] = found.missing.as_slice() else { panic!("{path}: {:?}", found.missing) };
        assert_eq!(missing.code(), "RE0903");
        assert!(missing.to_string().contains(says), "{path}: {missing}");
    }
}

#[test]
fn a_wrong_manifest_still_names_the_crate() {
    let tree = Tree::new();
    tree.plugin("one", ALONE).write("one/plugin.toml", "id = 7").check(&["one"], &["one"]);
}
