//! What is in a folder that `reactor new` makes: the files under `templates`, with a few named places filled in.

use std::path::{Path, PathBuf};

use super::name::Name;
use super::surroundings::Surroundings;
use crate::args::Template;

/// A file and where it goes.
macro_rules! file {
    ($template:literal, $to:literal) => {
        file!($template, $to, concat!($to, ".in"))
    };
    ($template:literal, $to:literal, $from:expr) => {
        ($to, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $template, "/", $from)))
    };
}

const PLUGIN: &[(&str, &str)] = &[
    file!("plugin", "Cargo.toml"),
    file!("plugin", "plugin.toml"),
    file!("plugin", "src/lib.rs"),
    file!("plugin", "README.md"),
    file!("plugin", ".gitignore", "gitignore.in"),
];

const INTERFACE: &[(&str, &str)] = &[
    file!("interface", "Cargo.toml"),
    file!("interface", "src/lib.rs"),
    file!("interface", "README.md"),
    file!("interface", ".gitignore", "gitignore.in"),
];

const APP: &[(&str, &str)] = &[
    file!("app", "Cargo.toml"),
    file!("app", "interface/Cargo.toml"),
    file!("app", "interface/src/lib.rs"),
    file!("app", "host/Cargo.toml"),
    file!("app", "host/src/main.rs"),
    file!("app", "plugins/polite/Cargo.toml"),
    file!("app", "plugins/polite/plugin.toml"),
    file!("app", "plugins/polite/src/lib.rs"),
    file!("app", "README.md"),
    file!("app", ".gitignore", "gitignore.in"),
];

/// How the loop from an edit to running code is shortened, which only the root of a workspace can say.
const PROFILE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/profile.toml.in"));

/// What keeps a package from being taken for a part of one further up.
const OWN_WORKSPACE: &str =
    "# A workspace of its own. Without this it could be a member of the one further up.\n[workspace]";

/// Where a template's dependencies and surroundings are.
pub(super) struct Sources {
    /// The checkout that this program was built in, if it is still there.
    checkout: Option<PathBuf>,
    /// What is further up.
    surroundings: Surroundings,
}

impl Sources {
    /// For a folder that has this further up.
    pub(super) fn here(surroundings: Surroundings) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
        let checkout = root.filter(|root| root.join("reactor-abi").join("Cargo.toml").is_file());
        Self { checkout: checkout.map(Path::to_owned), surroundings }
    }

    /// A dependency on a crate of ours, as the value of a key in TOML.
    fn dependency(&self, name: &str) -> String {
        match &self.checkout {
            // What JSON makes of a path is what TOML makes of it.
            Some(root) => {
                let path = serde_json::Value::from(root.join(name).to_string_lossy().into_owned());
                format!("{{ path = {path} }}")
            }
            None => format!("\"{}\"", env!("CARGO_PKG_VERSION")),
        }
    }
}

/// The files of a template, each by its path with its text.
pub(super) fn files(template: Template, name: &Name, sources: &Sources) -> Vec<(&'static str, String)> {
    let files = match template {
        Template::Plugin => PLUGIN,
        Template::Interface => INTERFACE,
        Template::App => APP,
    };
    let profile = PROFILE.trim_end();
    let root = match &sources.surroundings {
        Surroundings::Open => format!("\n\n{profile}"),
        Surroundings::Package => format!("\n\n{profile}\n\n{OWN_WORKSPACE}"),
        // The workspace has the profile, if any, and there is one root.
        Surroundings::Member { .. } | Surroundings::Stranger { .. } => String::new(),
    };
    let places = [
        ("name", name.as_str().to_owned()),
        ("crate", name.in_code()),
        ("Type", name.as_type()),
        ("reactor-abi", sources.dependency("reactor-abi")),
        ("reactor-host", sources.dependency("reactor-host")),
        ("profile", profile.to_owned()),
        ("root", root),
    ];
    let fill = |text: &str| {
        places
            .iter()
            .fold(text.to_owned(), |text, (place, value)| text.replace(&format!("{{{{{place}}}}}"), value))
    };
    files.iter().map(|(path, text)| (*path, fill(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Template; 3] = [Template::Plugin, Template::Interface, Template::App];

    fn made(template: Template, sources: &Sources) -> Vec<(&'static str, String)> {
        files(template, &Name::of(Path::new("text-stats")).expect("a name"), sources)
    }

    #[test]
    fn every_place_is_filled_in() {
        let root = PathBuf::from("/home/ada/editor");
        for surroundings in [Surroundings::Open, Surroundings::Package, Surroundings::Member { root }] {
            let sources = Sources::here(surroundings);
            for (path, text) in ALL.iter().flat_map(|template| made(*template, &sources)) {
                assert!(
                    !text.contains("{{") && text.ends_with('\n') && !text.ends_with("\n\n"),
                    "{path}:\n{text}"
                );
            }
        }
    }

    #[test]
    fn a_checkout_is_depended_on_by_path_and_a_release_by_version() {
        let checkout =
            Sources { checkout: Some("/home/ada/\"reactor\"".into()), surroundings: Surroundings::Open };
        let release = Sources { checkout: None, surroundings: Surroundings::Open };
        for template in ALL {
            let manifest = |sources| made(template, sources).swap_remove(0).1;
            let by_path = r#"reactor-abi = { path = "/home/ada/\"reactor\"/reactor-abi" }"#;
            assert!(manifest(&checkout).contains(by_path), "{}", manifest(&checkout));
            let version = format!("reactor-abi = \"{}\"", env!("CARGO_PKG_VERSION"));
            assert!(manifest(&release).contains(&version), "{}", manifest(&release));
        }
    }
}
