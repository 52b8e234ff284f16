//! The plugins of those that Reactor is compared with: as tiny as they can be, with the same profile.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::shim;

/// The profile of Reactor's templates.
const PROFILE: &str = include_str!("../../../reactor-host/cli/templates/profile.toml.in");

/// A crate that is edited, and where it is built.
pub(crate) struct Crate {
    folder: PathBuf,
    target: PathBuf,
    source: fn(u64) -> String,
}

impl Crate {
    /// Makes the crate, in its first form, and builds it. `dependencies` is a part of its manifest.
    pub(crate) fn new(
        (folder, target): (PathBuf, PathBuf),
        dependencies: &str,
        source: fn(u64) -> String,
    ) -> Self {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        std::fs::create_dir_all(folder.join("src")).expect("a folder of ours");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
             {dependencies}\n{PROFILE}\n[workspace]\n"
        );
        std::fs::write(folder.join("Cargo.toml"), manifest).expect("a file of ours");
        let made = Self { folder, target, source };
        made.edit(0);
        made.build();
        made
    }

    /// Has it answer `number`.
    pub(crate) fn edit(&self, number: u64) {
        std::fs::write(self.folder.join("src/lib.rs"), (self.source)(number)).expect("a file of ours");
    }

    /// Builds it, and tells how long that took.
    pub(crate) fn build(&self) -> Duration {
        let began = Instant::now();
        let mut cargo = Command::new(shim::cargo());
        cargo
            .current_dir(&self.folder)
            .args(["build", "--quiet", "--lib"])
            .env("CARGO_TARGET_DIR", &self.target);
        assert!(cargo.status().expect("cargo starts").success(), "{} does not build", self.folder.display());
        began.elapsed()
    }

    /// The folder that the library is in.
    pub(crate) fn built(&self) -> PathBuf {
        self.target.join("debug")
    }

    /// What the library is called, without what the system puts around it.
    pub(crate) fn stem(&self) -> String {
        stem(&self.folder)
    }
}

fn stem(folder: &Path) -> String {
    folder.file_name().expect("a name").to_string_lossy().replace('-', "_")
}
