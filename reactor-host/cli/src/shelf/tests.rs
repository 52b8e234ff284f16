use super::*;

struct Bench {
    root: tempfile::TempDir,
    shelf: Shelf,
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let shelf = Shelf::new(root.path().join("deep/plugins")).expect("a shelf");
        Self { root, shelf }
    }

    fn plugin(&self, name: &str, id: &str, version: &str) -> PluginCrate {
        let folder = self.root.path().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let text = format!("schema = 1\nid = \"{id}\"\nversion = \"{version}\"\napi = \"^1\"\n");
        fs::write(folder.join("plugin.toml"), text).expect("written");
        let package = PackageId { repr: name.to_owned() };
        PluginCrate { package, name: name.to_owned(), sources: vec![folder.clone()], folder, id: None }
    }

    fn place(&mut self, plugin: &PluginCrate, bytes: &str) -> Result<bool, CliError> {
        let library = self.root.path().join("built");
        fs::write(&library, bytes).expect("written");
        self.shelf.place(plugin, &library).map(|(_, changed)| changed)
    }

    /// Every file on the shelf, by its path there.
    fn files(&self) -> Vec<String> {
        let list = |folder: &Path| {
            let mut paths: Vec<_> =
                folder.read_dir().expect("a folder").map(|e| e.expect("an entry").path()).collect();
            paths.sort();
            paths
        };
        let inside = list(self.shelf.folder()).into_iter().flat_map(|folder| list(&folder));
        let name = |path: PathBuf| {
            path.strip_prefix(self.shelf.folder()).expect("on the shelf").to_string_lossy().replace('\\', "/")
        };
        inside.map(name).collect()
    }
}

fn library(stem: &str) -> String {
    format!("{DLL_PREFIX}{stem}{DLL_SUFFIX}")
}

#[test]
fn a_plugin_gets_a_folder_named_by_its_id_and_is_written_again_only_when_it_changed() {
    let mut bench = Bench::new();
    let plugin = bench.plugin("one", "acme.word-count", "1.0.0");
    assert!(bench.place(&plugin, "v1").expect("placed"));
    assert!(!bench.place(&plugin, "v1").expect("placed"));
    assert!(bench.place(&plugin, "v2").expect("placed"));
    bench.plugin("one", "acme.word-count", "1.1.0");
    assert!(bench.place(&plugin, "v2").expect("placed"), "another manifest is another build");
    let name = format!("acme.word-count/{}", library("acme_word_count"));
    assert_eq!(bench.files(), [name.clone(), "acme.word-count/plugin.toml".to_owned()]);
    assert_eq!(fs::read_to_string(bench.shelf.folder().join(name)).expect("there"), "v2");
}

#[test]
fn another_id_moves_the_plugin() {
    let mut bench = Bench::new();
    let plugin = bench.plugin("one", "acme.one", "1.0.0");
    bench.place(&plugin, "v1").expect("placed");
    bench.plugin("one", "acme.first", "1.0.0");
    assert!(bench.place(&plugin, "v1").expect("placed"));
    assert_eq!(
        bench.files(),
        [format!("acme.first/{}", library("acme_first")), "acme.first/plugin.toml".to_owned()]
    );
}

#[test]
fn what_cannot_be_placed_changes_nothing() {
    let mut bench = Bench::new();
    let one = bench.plugin("one", "acme.one", "1.0.0");
    bench.place(&one, "v1").expect("placed");
    let before = bench.files();
    let two = bench.plugin("two", "acme.one", "2.0.0");
    assert_eq!(bench.place(&two, "v2").expect_err("the same id").code(), "RE0905");
    fs::write(one.manifest_path(), "schema = 1\nid = 7").expect("written");
    assert!(bench.place(&one, "v2").expect_err("a wrong manifest").to_string().contains("plugin.toml:2:"));
    assert_eq!(bench.files(), before);
}

#[test]
fn files_that_a_person_put_beside_stay() {
    let mut bench = Bench::new();
    let plugin = bench.plugin("one", "acme.one", "1.0.0");
    bench.place(&plugin, "v1").expect("placed");
    fs::write(bench.shelf.folder().join("acme.one/notes.txt"), "mine").expect("written");
    bench.place(&plugin, "v2").expect("placed");
    assert!(bench.files().contains(&"acme.one/notes.txt".to_owned()));
}

#[test]
fn a_private_shelf_has_the_very_file_that_was_built_and_knows_it_again() {
    let mut bench = Bench::new();
    bench.shelf = Shelf::private(bench.root.path().join("private")).expect("a shelf");
    let plugin = bench.plugin("one", "acme.one", "1.0.0");
    let built = bench.root.path().join("built");
    let mut place = |bytes: &str| {
        // As a linker does: a new file takes the place of the one before.
        let new = bench.root.path().join("new");
        fs::write(&new, bytes).expect("written");
        fs::rename(&new, &built).expect("renamed");
        bench.shelf.place(&plugin, &built).expect("placed")
    };
    let (placed, changed) = place("v1");
    assert!(changed);
    let old = fs::metadata(&placed.library).expect("it is there");
    assert!(!place("v1").1, "the same bytes in another file");
    assert!(place("v2").1);
    assert_eq!(fs::read_to_string(&placed.library).expect("it is there"), "v2");
    assert!(!bench.shelf.place(&plugin, &built).expect("placed").1, "the same file");
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let ino = |path: &Path| fs::metadata(path).expect("it is there").ino();
        assert_eq!(ino(&placed.library), ino(&built));
        assert_ne!(ino(&placed.library), old.ino());
    }
    // As a linker might.
    fs::write(&built, "v3").expect("written");
    assert!(bench.shelf.place(&plugin, &built).expect("placed").1, "written over in place");
}
