//! Every key of a manifest: the reader refuses what is not here, and the reference in the documentation is
//! made of it.

/// A table of the manifest.
#[derive(Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name; empty for the top of the file. `*` stands for a name that the author chooses.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub about: &'static str,
    /// Its keys, in the order of the reference.
    pub keys: &'static [Key],
}

/// A key of a table.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name; `*` stands for a name that the author chooses.
    pub name: &'static str,
    /// A value as it would be written.
    pub example: &'static str,
    /// What holds when the key is left out; `required` when it may not be.
    pub default: &'static str,
    /// What it says, in a sentence.
    pub about: &'static str,
}

impl Section {
    /// The key of this name.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

const fn key(name: &'static str, example: &'static str, default: &'static str, about: &'static str) -> Key {
    Key { name, example, default, about }
}

/// The top of the file.
pub(super) const ROOT: Section = Section {
    name: "",
    about: "Who the plugin is and when it runs.",
    keys: &[
        key("schema", "1", "required", "The form of the manifest itself."),
        key(
            "id",
            "\"acme.word-count\"",
            "required",
            "Dot-separated kebab-case segments, the publisher's first.",
        ),
        key("version", "\"1.4.2\"", "required", "The plugin's version, SemVer."),
        key("api", "\"^1.2\"", "required", "The versions of the plugin API that it was made for."),
        key(
            "library",
            "\"acme_word_count\"",
            "the id with `_` for `.` and `-`",
            "The stem of the library's file name.",
        ),
        key("name", "\"Word count\"", "the id", "The name that people see."),
        key("description", "\"Counts words as you type.\"", "none", "A sentence about it."),
        key("authors", "[\"Ada <ada@acme.example>\"]", "[]", "Who wrote it."),
        key("license", "\"MIT\"", "none", "Its licence, as an SPDX expression."),
        key("icon", "\"🔢\"", "none", "A character or an image file in the plugin's folder."),
        key("tags", "[\"text\"]", "[]", "Words to find it by."),
        key("categories", "[\"editing\"]", "[]", "Where a catalogue lists it."),
        key("homepage", "\"https://acme.example/word-count\"", "none", "Its web page."),
        key("repository", "\"https://git.acme.example/word-count\"", "none", "Where its source is."),
        key("documentation", "\"https://acme.example/word-count/docs\"", "none", "Where its manual is."),
        key("readme", "\"README.md\"", "none", "A file in the plugin's folder."),
        key("changelog", "\"CHANGELOG.md\"", "none", "A file in the plugin's folder."),
        key("screenshots", "[\"assets/shot.png\"]", "[]", "Image files in the plugin's folder."),
        key("activation", "[\"on-startup\"]", "[\"on-startup\"]", "The events that open the library."),
        key("deactivation", "[]", "[]", "The events that stand the plugin down; `*` is any."),
        key("conflicts-with", "[\"acme.old-count\"]", "[]", "Plugins that cannot run beside it."),
        key("tenants", "[\"*\"]", "[\"*\"]", "Who may use it when a tenant's own switch says nothing."),
        key("preserve-output", "false", "false", "Whether disabling keeps what the plugin built."),
        key("host", "{ app = \"dev.example.editor\" }", "any host", "The application it is for."),
        key("dependencies", "{ \"acme.base\" = \"^2\" }", "none", "Plugins it needs."),
        key("peer-dependencies", "{ \"acme.spell\" = \"^1\" }", "none", "Plugins it works with."),
        key("provides", "{ \"text.stats\" = \"1.2.0\" }", "none", "Interfaces it offers."),
        key("requires", "{ \"text.source\" = \"^1\" }", "none", "Interfaces it needs."),
        key(
            "contribution-points",
            "{ \"word-count.sources\" = {} }",
            "none",
            "Contribution points it opens.",
        ),
        key("commands", "{ \"word-count.reset\" = { title = \"Reset\" } }", "none", "Commands it offers."),
        key("config", "{ minimum-length = 1 }", "{}", "Defaults of its configuration."),
        key("state", "{ schema = 2 }", "no state", "How its state crosses a swap."),
        key("health", "{ trial = \"60s\" }", "see the table", "How a new build is watched."),
        key("run", "{ isolation = \"auto\" }", "see the table", "Where and how its code runs."),
        key("permissions", "{ net = \"none\" }", "see the table", "What it may use in a process of its own."),
    ],
};

/// `[host]`.
pub(super) const HOST: Section = Section {
    name: "host",
    about: "The application that the plugin is for; without it, any.",
    keys: &[
        key("app", "\"dev.example.editor\"", "required", "The application's id."),
        key("version", "\">=1.4, <3\"", "any", "The versions of the application."),
    ],
};

/// `[dependencies]`, by plugin id.
pub(super) const DEPENDENCY: Section = Section {
    name: "dependencies.*",
    about: "A plugin that must run first. A range may stand alone in place of the table.",
    keys: &[
        key("version", "\"^2\"", "required", "The versions that do."),
        key("optional", "true", "false", "Whether the plugin runs without it."),
        key("config", "{ accent = \"red\" }", "{}", "What it asks of the dependency's configuration."),
    ],
};

/// `[peer-dependencies]`, by plugin id.
pub(super) const PEER: Section = Section {
    name: "peer-dependencies.*",
    about: "A plugin that it works with, in any order. A range may stand alone in place of the table.",
    keys: &[
        key("version", "\"^1\"", "required", "The versions that do."),
        key("optional", "true", "false", "Whether its absence goes unmentioned."),
    ],
};

/// `[requires]`, by interface name.
pub(super) const REQUIREMENT: Section = Section {
    name: "requires.*",
    about: "An interface whose provider must run first. A range may stand alone in place of the table.",
    keys: &[
        key("version", "\"^1\"", "required", "The versions that do."),
        key("optional", "true", "false", "Whether the plugin runs without it."),
    ],
};

/// `[contribution-points]`, by id.
pub(super) const POINT: Section = Section {
    name: "contribution-points.*",
    about: "A place that other plugins contribute to.",
    keys: &[key("description", "\"more places to count words in\"", "none", "What belongs there.")],
};

/// `[commands]`, by id.
pub(super) const COMMAND: Section = Section {
    name: "commands.*",
    about: "A command that is offered before the library is opened.",
    keys: &[
        key("title", "\"Reset\"", "the command's id", "The name that people see."),
        key("key", "\"Mod+R\"", "none", "A key binding; `Mod` is Command on macOS, else Ctrl."),
    ],
};

/// `[state]`.
pub(super) const STATE: Section = Section {
    name: "state",
    about: "A plugin with this table has state that a swap hands over.",
    keys: &[
        key("schema", "2", "required", "The schema of what `save` writes."),
        key("reads", "[1, 2]", "[schema]", "The schemas that `restore` understands."),
        key("downgrades-to", "[1]", "[]", "Earlier schemas that it can write for a rollback."),
        key(
            "handoff",
            "\"pause\"",
            "\"pause\"",
            "`pause`: calls may wait, nothing is lost. `snapshot`: nobody waits.",
        ),
        key("pause-deadline", "\"50ms\"", "\"50ms\"", "The longest that a call waits."),
    ],
};

/// `[health]`.
pub(super) const HEALTH: Section = Section {
    name: "health",
    about: "How a new build is watched after a swap.",
    keys: &[
        key("check-every", "\"5s\"", "\"5s\"", "The time between health checks."),
        key("trial", "\"60s\"", "\"60s\"", "How long the old generation is kept ready."),
        key("max-panics", "3", "3", "Panics allowed in the trial; one more rolls back."),
    ],
};

/// `[run]`.
pub(super) const RUN: Section = Section {
    name: "run",
    about: "Where and how the code runs.",
    keys: &[
        key("isolation", "\"in-process\"", "\"in-process\"", "`in-process`, `subprocess` or `auto`."),
        key("unload", "\"auto\"", "\"auto\"", "`auto`, or `never` to keep every generation mapped."),
        key("stop-deadline", "\"2s\"", "\"2s\"", "How long `stop` may take."),
        key(
            "delete-grace",
            "\"3s\"",
            "\"3s\"",
            "How long a deleted library may be missing before the plugin stops.",
        ),
    ],
};

/// `[permissions]`.
pub(super) const PERMISSIONS: Section = Section {
    name: "permissions",
    about: "What the plugin may use in a process of its own; the host's policy can only tighten.",
    keys: &[
        key("fs-read", "[\"$PLUGIN/assets\"]", "[]", "Folders and files that it reads."),
        key("fs-write", "[\"$STATE\"]", "[]", "Folders and files that it writes."),
        key("net", "\"none\"", "\"none\"", "`none` or `all`."),
        key("env", "[\"TZ\"]", "[]", "Environment variables that it sees."),
        key("memory", "\"256MiB\"", "the host's", "The most memory."),
        key("cpu-per-call", "\"1s\"", "the host's", "The most processor time of a call."),
        key("wall-per-call", "\"2s\"", "the host's", "The longest call."),
        key("threads", "8", "the host's", "The most threads."),
        key("file-descriptors", "64", "the host's", "The most open files."),
        key("reply", "\"4MiB\"", "the host's", "The largest answer to a call."),
    ],
};

/// Every table, in the order of the reference.
pub const SECTIONS: &[Section] =
    &[ROOT, HOST, DEPENDENCY, PEER, REQUIREMENT, POINT, COMMAND, STATE, HEALTH, RUN, PERMISSIONS];
