//! What `reactor dev` itself has to say, beside the host's events.

use std::io;
use std::path::PathBuf;

use serde::Serialize;

use crate::output::{BAD, FAINT, GOOD, Output, Weight, plain};

/// A line of `reactor dev`. In JSON the variant is the field `event`, as it is for the host's events.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Notice {
    /// Cargo is asked which plugins there are.
    Looking {
        /// The paths that were named.
        paths: Vec<PathBuf>,
    },
    /// What will happen.
    Building {
        /// The plugins.
        plugins: Vec<String>,
        /// With optimisations.
        release: bool,
        /// Whether nothing is followed afterwards.
        #[serde(skip)]
        once: bool,
        /// The folder that they are put into for another host; `None`: they are run here.
        #[serde(skip_serializing_if = "Option::is_none")]
        out: Option<PathBuf>,
    },
    /// Cargo is done.
    Built {
        /// How long it took, in microseconds.
        cargo_micros: u64,
        /// The plugins that have new code.
        changed: Vec<String>,
    },
    /// An edit has cargo build again.
    Rebuilding {
        /// The plugins that are asked for; those that nothing has changed for are ready at once.
        plugins: Vec<String>,
    },
    /// Cargo can not read a workspace, and has said why: no plugin is to blame, and none was built.
    NotRead {
        /// Its folder.
        workspace: PathBuf,
    },
    /// A plugin did not compile; cargo has said why.
    NotCompiled {
        /// The plugin.
        plugin: String,
        /// The generation that goes on.
        serving: Option<u64>,
        /// Whether another host runs it.
        #[serde(skip)]
        elsewhere: bool,
    },
    /// A plugin compiled, and waits for others that it is to change together with.
    Held {
        /// The plugin.
        plugin: String,
        /// Those that did not compile.
        waits_for: Vec<String>,
        /// The generation that goes on.
        serving: Option<u64>,
        /// Whether another host runs it.
        #[serde(skip)]
        elsewhere: bool,
    },
    /// A plugin was put into a folder that another host follows.
    Placed {
        /// The plugin.
        plugin: String,
        /// Its folder.
        folder: PathBuf,
        /// How long cargo took, in microseconds.
        cargo_micros: u64,
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
        /// Whether another host runs it.
        #[serde(skip)]
        elsewhere: bool,
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
        /// The plugins that run; `None`: another host runs them.
        running: Option<usize>,
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
            Self::NotRead { .. }
            | Self::NotCompiled { .. }
            | Self::NotPlaced { .. }
            | Self::Missed { .. } => Weight::Error,
            Self::GoesOn { .. } | Self::Held { .. } => Weight::Warning,
            Self::Looking { .. }
            | Self::Building { .. }
            | Self::Rebuilding { .. }
            | Self::Built { .. }
            | Self::Placed { .. }
            | Self::Following { .. } => Weight::News,
        };
        output.tell(weight, self, Self::text)
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Looking { paths } => {
                let paths = paths.iter().map(|path| plain(&path.display().to_string()));
                format!(
                    "{FAINT}· looking for plugin crates: {}{FAINT:#}",
                    paths.collect::<Vec<_>>().join(", ")
                )
            }
            Self::Building { plugins, release, once, out } => {
                let profile = if *release { "release" } else { "debug" };
                let then = match (out, *once) {
                    (Some(out), true) => format!("putting them into {}", plain(&out.display().to_string())),
                    (Some(out), false) => format!(
                        "putting them into {}, each again when its source changes",
                        plain(&out.display().to_string())
                    ),
                    (None, true) => "running them once".to_owned(),
                    (None, false) => "running them, and swapping each when its source changes".to_owned(),
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
            Self::Rebuilding { .. } => format!("{FAINT}· building …{FAINT:#}"),
            Self::NotRead { workspace } => format!(
                "{BAD}!{BAD:#} cargo can not read the workspace {}, as it says above: nothing was built, and all goes \
                 on as it is",
                plain(&workspace.display().to_string())
            ),
            Self::NotCompiled { plugin, serving, elsewhere } => {
                format!("{BAD}!{BAD:#} {plugin} did not compile: {}", goes_on(*serving, *elsewhere))
            }
            Self::Held { plugin, waits_for, serving, elsewhere } => format!(
                "{BAD}!{BAD:#} {plugin} waits for {}, which it changes together with: {}",
                waits_for.join(", "),
                goes_on(*serving, *elsewhere)
            ),
            Self::Placed { plugin, folder, cargo_micros } => format!(
                "{GOOD}+{GOOD:#} {plugin} is in {}   cargo {}",
                plain(&folder.display().to_string()),
                crate::output::micros(*cargo_micros)
            ),
            // The message comes last: it may show a piece of the manifest on lines of its own.
            Self::NotPlaced { plugin, code, message, serving, elsewhere } => {
                format!(
                    "{BAD}!{BAD:#} {plugin}  refused [{code}], {}: {}",
                    goes_on(*serving, *elsewhere),
                    plain(message)
                )
            }
            Self::GoesOn { plugin, serving } => format!("  {plugin}: {}", goes_on(Some(*serving), false)),
            Self::Missed { plugin } => {
                format!(
                    "{BAD}!{BAD:#} {plugin} was built, but the host did not look at it: start this command again"
                )
            }
            Self::Following { folders, running: Some(running) } => format!(
                "{} running; followed: {}\nedit a source file to swap its plugin; Ctrl-C ends",
                count(*running, "plugin"),
                crates(folders.len()),
            ),
            Self::Following { folders, running: None } => {
                format!(
                    "followed: {}\nedit a source file to build its plugin; whether a build is taken is told by the \
                     application that follows the folder; Ctrl-C ends",
                    crates(folders.len())
                )
            }
        }
    }
}

fn goes_on(serving: Option<u64>, elsewhere: bool) -> String {
    match serving {
        Some(generation) => format!("generation {generation} goes on"),
        None if elsewhere => "what is in the folder stays".to_owned(),
        None => "it does not run".to_owned(),
    }
}

fn crates(number: usize) -> String {
    format!("the source of {}, counting what plugins depend on by path", count(number, "crate"))
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
            &Notice::Building { plugins, release: false, once: false, out: None },
            &expect![
                "building 2 plugins with cargo (debug), then running them, and swapping each when its source changes: clock, greeting"
            ],
            &expect![[r#"{"event":"building","plugins":["clock","greeting"],"release":false}"#]],
        );
    }

    #[test]
    fn what_does_not_compile_says_what_goes_on() {
        check(
            &Notice::NotCompiled { plugin: "greeting".into(), serving: Some(3), elsewhere: false },
            &expect!["! greeting did not compile: generation 3 goes on"],
            &expect![[r#"{"event":"not_compiled","plugin":"greeting","serving":3}"#]],
        );
        check(
            &Notice::NotCompiled { plugin: "greeting".into(), serving: None, elsewhere: false },
            &expect!["! greeting did not compile: it does not run"],
            &expect![[r#"{"event":"not_compiled","plugin":"greeting","serving":null}"#]],
        );
    }

    #[test]
    fn where_another_host_runs_it_the_folder_is_left_as_it_is() {
        check(
            &Notice::NotCompiled { plugin: "greeting".into(), serving: None, elsewhere: true },
            &expect!["! greeting did not compile: what is in the folder stays"],
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
            elsewhere: false,
        };
        let text =
            "! greeting  refused [RE0103], generation 10 goes on: plugin.toml:5:1: unknown key `apo`\n";
        assert!(strip_str(&refused.text()).to_string().starts_with(text), "{}", refused.text());
    }

    #[test]
    fn the_last_line_says_what_to_do_next() {
        check(
            &Notice::Following { folders: vec!["/home/ada/greeting".into()], running: Some(1) },
            &expect![[r"
                1 plugin running; followed: the source of 1 crate, counting what plugins depend on by path
                edit a source file to swap its plugin; Ctrl-C ends"]],
            &expect![[r#"{"event":"following","folders":["/home/ada/greeting"],"running":1}"#]],
        );
    }
}
