//! What `reactor dev` itself has to say, beside the host's events.

use std::io;
use std::path::PathBuf;

use serde::Serialize;

use crate::output::{BAD, FAINT, Output, Weight, plain};

/// A line of `reactor dev`. In JSON the variant is the field `event`, as it is for the host's events.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Notice {
    /// What will happen.
    Building {
        /// The plugins.
        plugins: Vec<String>,
        /// With optimisations.
        release: bool,
        /// Whether nothing is followed afterwards.
        #[serde(skip)]
        once: bool,
    },
    /// Cargo is done.
    Built {
        /// How long it took, in microseconds.
        cargo_micros: u64,
        /// The plugins that have new code.
        changed: Vec<String>,
    },
    /// A plugin did not compile; cargo has said why.
    NotCompiled {
        /// The plugin.
        plugin: String,
        /// The generation that goes on.
        serving: Option<u64>,
    },
    /// A plugin compiled and cannot be put in its place.
    NotPlaced {
        /// The plugin.
        plugin: String,
        /// The stable code.
        code: String,
        /// Why, and what to do.
        message: String,
        /// The generation that goes on.
        serving: Option<u64>,
    },
    /// A new build was refused or failed, which an event before has told.
    GoesOn {
        /// The plugin.
        plugin: String,
        /// The generation that goes on.
        serving: u64,
    },
    /// A plugin was built and put in its place, and the host says nothing of it.
    Missed {
        /// The plugin.
        plugin: String,
    },
    /// Sources are followed from now on.
    Following {
        /// The folders of the crates.
        folders: Vec<PathBuf>,
        /// The plugins that run.
        running: usize,
    },
}

impl Notice {
    /// Says it.
    ///
    /// # Errors
    ///
    /// Whatever standard output says.
    pub(super) fn tell(&self, output: &Output) -> io::Result<()> {
        let weight = match self {
            Self::NotCompiled { .. } | Self::NotPlaced { .. } | Self::Missed { .. } => Weight::Error,
            Self::GoesOn { .. } => Weight::Warning,
            Self::Building { .. } | Self::Built { .. } | Self::Following { .. } => Weight::News,
        };
        output.tell(weight, self, Self::text)
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Building { plugins, release, once } => {
                let profile = if *release { "release" } else { "debug" };
                let then = if *once {
                    "running them once"
                } else {
                    "running them, and swapping each when its source changes"
                };
                format!(
                    "building {} with cargo ({profile}), then {then}: {}",
                    count(plugins.len(), "plugin"),
                    plugins.join(", ")
                )
            }
            Self::Built { changed, cargo_micros } => {
                let time = crate::output::micros(*cargo_micros);
                let what =
                    if changed.is_empty() { "no plugin changed".to_owned() } else { changed.join(", ") };
                format!("{FAINT}· built: {what}  cargo {time}{FAINT:#}")
            }
            Self::NotCompiled { plugin, serving } => {
                format!("{BAD}!{BAD:#} {plugin} did not compile: {}", goes_on(*serving))
            }
            // The message comes last: it may show a piece of the manifest on lines of its own.
            Self::NotPlaced { plugin, code, message, serving } => {
                format!("{BAD}!{BAD:#} {plugin}  refused [{code}], {}: {}", goes_on(*serving), plain(message))
            }
            Self::GoesOn { plugin, serving } => format!("  {plugin}: {}", goes_on(Some(*serving))),
            Self::Missed { plugin } => {
                format!(
                    "{BAD}!{BAD:#} {plugin} was built, but the host did not look at it: start this command again"
                )
            }
            Self::Following { folders, running } => format!(
                "{} running, {} followed\nedit a source file to swap its plugin; Ctrl-C ends",
                count(*running, "plugin"),
                count(folders.len(), "crate"),
            ),
        }
    }
}

fn goes_on(serving: Option<u64>) -> String {
    serving
        .map_or_else(|| "it does not run".to_owned(), |generation| format!("generation {generation} goes on"))
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(notice: &Notice, text: &Expect, json: &Expect) {
        text.assert_eq(&strip_str(&notice.text()).to_string());
        json.assert_eq(&serde_json::to_string(notice).expect("JSON"));
    }

    #[test]
    fn the_first_line_says_what_will_happen() {
        let plugins = vec!["clock".to_owned(), "greeting".to_owned()];
        check(
            &Notice::Building { plugins, release: false, once: false },
            &expect![
                "building 2 plugins with cargo (debug), then running them, and swapping each when its source changes: clock, greeting"
            ],
            &expect![[r#"{"event":"building","plugins":["clock","greeting"],"release":false}"#]],
        );
    }

    #[test]
    fn what_does_not_compile_says_what_goes_on() {
        check(
            &Notice::NotCompiled { plugin: "greeting".into(), serving: Some(3) },
            &expect!["! greeting did not compile: generation 3 goes on"],
            &expect![[r#"{"event":"not_compiled","plugin":"greeting","serving":3}"#]],
        );
        check(
            &Notice::NotCompiled { plugin: "greeting".into(), serving: None },
            &expect!["! greeting did not compile: it does not run"],
            &expect![[r#"{"event":"not_compiled","plugin":"greeting","serving":null}"#]],
        );
    }

    #[test]
    fn what_is_refused_says_what_goes_on_before_the_reason() {
        let message = "plugin.toml:5:1: unknown key `apo`\n    5 | apo".to_owned();
        let refused = Notice::NotPlaced {
            plugin: "greeting".into(),
            code: "RE0103".into(),
            message,
            serving: Some(10),
        };
        let text =
            "! greeting  refused [RE0103], generation 10 goes on: plugin.toml:5:1: unknown key `apo`\n";
        assert!(strip_str(&refused.text()).to_string().starts_with(text), "{}", refused.text());
    }

    #[test]
    fn the_last_line_says_what_to_do_next() {
        check(
            &Notice::Following { folders: vec!["/home/ada/greeting".into()], running: 1 },
            &expect![[r"
                1 plugin running, 1 crate followed
                edit a source file to swap its plugin; Ctrl-C ends"]],
            &expect![[r#"{"event":"following","folders":["/home/ada/greeting"],"running":1}"#]],
        );
    }
}
