use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use assert_cmd::Command;
use tempfile::TempDir;

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("two folders below the root")
}

/// `reactor`, with cargo building into a folder that only these tests use.
pub(crate) fn reactor() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("reactor"));
    command.env("CARGO_TARGET_DIR", target()).env("XDG_STATE_HOME", state()).env_remove("REACTOR_DATA");
    command
}

/// Where hosts keep what lasts, instead of the person's own folder.
pub(crate) fn state() -> &'static Path {
    static STATE: OnceLock<TempDir> = OnceLock::new();
    STATE.get_or_init(|| tempfile::tempdir().expect("a temporary folder")).path()
}

/// What is left of earlier runs saves the dependencies from being built again.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins")
}

/// A cargo workspace of plugin crates, outside of this one.
pub(crate) struct Crates {
    root: TempDir,
}

impl Crates {
    /// Makes a workspace of these crates: name, `plugin.toml`, `src/lib.rs`.
    pub(crate) fn new(crates: &[(&str, &str, &str)]) -> Self {
        let made = Self { root: tempfile::tempdir().expect("a temporary folder") };
        made.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"*-*\"]\n");
        // The versions that this repository was built with, so that nothing has to be fetched.
        fs::copy(root().join("Cargo.lock"), made.path().join("Cargo.lock")).expect("the lock file");
        for (name, manifest, source) in crates {
            let abi = root().join("reactor-abi");
            // The interfaces of the example application, for the example that provides one.
            let api = root().join("example-plugins").join("editor-api");
            let api = source
                .contains("editor_api")
                .then(|| format!("editor-api = {{ path = '{}' }}\n", api.display()));
            made.write(
                &format!("{name}/Cargo.toml"),
                &format!(
                    "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
                     [lib]\ncrate-type = [\"cdylib\"]\n\n[features]\nlinked = []\n\n\
                     [dependencies]\nreactor-abi = {{ path = '{}' }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n{}",
                    abi.display(),
                    api.unwrap_or_default()
                ),
            );
            made.write(&format!("{name}/plugin.toml"), manifest);
            made.write(&format!("{name}/src/lib.rs"), source);
        }
        made
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    /// Writes a file as an editor saves it.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().expect("a file in the folder")).expect("a folder of ours");
        fs::write(path, text).expect("a file of ours");
    }
}

/// A copy of an example plugin: `plugin.toml` with a library name of its own, and the source.
pub(crate) fn example(name: &str) -> (String, String) {
    let folder = root().join("example-plugins").join(name);
    let read = |file: &str| fs::read_to_string(folder.join(file)).expect("a file of the example");
    let manifest = read("plugin.toml");
    let library = format!("api = \"^1\"\nlibrary = \"{}_copy\"", name.replace('-', "_"));
    assert!(manifest.contains("api = \"^1\""), "{manifest}");
    (manifest.replace("api = \"^1\"", &library), read("src/lib.rs"))
}

/// Copies of two example plugins.
pub(crate) fn examples() -> &'static Crates {
    static CRATES: OnceLock<Crates> = OnceLock::new();
    CRATES.get_or_init(|| {
        let (greeting, word_count) = (example("greeting"), example("word-count"));
        Crates::new(&[
            ("greeting-copy", &greeting.0, &greeting.1),
            ("word-count-copy", &word_count.0, &word_count.1),
        ])
    })
}

/// The plugins of [`examples`], built once by `reactor build`, in a folder of the test's own.
pub(crate) fn plugins() -> TempDir {
    static BUILT: OnceLock<TempDir> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let out = tempfile::tempdir().expect("a temporary folder");
        reactor().arg("build").arg(examples().path()).arg("--out").arg(out.path()).assert().success();
        out
    });
    let copy = tempfile::tempdir().expect("a temporary folder");
    for plugin in ["greeting", "word-count"] {
        let (from, to) = (built.path().join(plugin), copy.path().join(plugin));
        fs::create_dir(&to).expect("a folder of ours");
        for file in from.read_dir().expect("`reactor build` made it") {
            let file = file.expect("an entry of a folder").path();
            fs::copy(&file, to.join(file.file_name().expect("a file"))).expect("copied");
        }
    }
    copy
}

/// The library of a plugin in a folder that [`plugins`] made.
pub(crate) fn library(plugins: &Path, plugin: &str) -> PathBuf {
    plugins.join(plugin).join(format!("lib{}_copy.so", plugin.replace('-', "_")))
}
