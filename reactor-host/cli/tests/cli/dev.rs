use crate::fixture::{Crates, examples, reactor};
use crate::live::{Live, events};

const MANIFEST: &str = "schema = 1\nid = \"memory\"\nlibrary = \"dev_memory\"\nversion = \"1.0.0\"\napi = \"^1\"\n\
                        [state]\nschema = 1\nreads = [1]\n";

/// Remembers which builds have run, and says so when it starts.
fn source(build: &str) -> String {
    format!(
        r#"
use reactor_abi::prelude::*;

struct Memory(Vec<String>);

impl Plugin for Memory {{
    fn init(_: &mut Init<'_>) -> Result<Self> {{
        Ok(Self(Vec::new()))
    }}
    fn start(&self, cx: &mut Start<'_>) -> Result<()> {{
        cx.services().log(Level::Info, "started").with("build", "{build}").with("before", self.0.join(" ")).emit();
        Ok(())
    }}
    fn save(&self) -> Result<State> {{
        let mut builds = self.0.clone();
        builds.push("{build}".to_owned());
        State::of(1, &builds)
    }}
    fn restore(&mut self, old: State) -> Result<()> {{
        self.0 = old.read()?;
        Ok(())
    }}
}}

export_plugin!(Memory);
"#
    )
}

#[test]
fn dev_once_builds_and_runs_everything() {
    let assert = reactor().args(["dev", "--once", "--json"]).arg(examples().path()).assert().code(0);
    let events = events(&assert.get_output().stdout);
    assert_eq!(events[0]["event"], "looking", "before cargo is asked");
    assert_eq!(events[1]["event"], "building");
    for plugin in ["greeting", "word-count"] {
        assert!(
            events.iter().any(|event| event["event"] == "loaded" && event["plugin"] == plugin),
            "{events:#?}"
        );
    }
    assert!(
        events.iter().all(|event| event["event"] != "retired" || event["verdict"] == "unloaded"),
        "{events:#?}"
    );
}

#[test]
fn dev_swaps_what_is_edited_and_keeps_what_it_knew() {
    let crates = Crates::new(&[("dev-memory", MANIFEST, &source("first"))]);
    let live = Live::start(|command| {
        command.arg("dev").arg(crates.path());
    });
    let started = |build: &'static str, before: &'static str| {
        live.event("log", |event| event["message"] == "started" && event["fields"]["build"] == build)["fields"]
            ["before"]
            == before
    };
    assert!(started("first", ""));
    live.event("following", |event| event["running"] == 1);

    crates.write("dev-memory/src/lib.rs", &source("second"));
    assert!(started("second", "first"), "the state was handed over");
    let swapped = live.event("swapped", |event| event["plugin"] == "memory");
    assert_eq!(
        (&swapped["from"], &swapped["generation"], &swapped["state"]),
        (&1.into(), &2.into(), &"handed_over".into())
    );
    assert!(swapped["cargo_micros"].is_u64() && swapped["reactor_micros"].is_u64(), "{swapped}");

    crates.write("dev-memory/src/lib.rs", "fn half( {");
    let told = live.event("not_compiled", |_| true);
    assert_eq!(
        (&told["plugin"], &told["serving"]),
        (&"memory".into(), &2.into()),
        "the build before goes on"
    );

    crates.write("dev-memory/src/lib.rs", &source("third"));
    assert!(started("third", "first second"), "and has lost nothing");
    live.event("swapped", |event| event["from"] == 2);

    let (status, rest) = live.interrupt();
    assert_eq!(status.code(), Some(0));
    assert!(rest.iter().any(|event| event["event"] == "stopped"), "{rest:#?}");
    let verdicts: Vec<_> = rest.iter().filter(|event| event["event"] == "retired").collect();
    assert!(verdicts.iter().all(|event| event["verdict"] == "unloaded"), "{verdicts:#?}");
}

/// A plugin that says in each action what the crate that it shares with others says.
fn reader(name: &str) -> String {
    format!(
        r#"
use reactor_abi::prelude::*;

#[derive(Default)]
struct Reader;

impl Invoke for Reader {{
    fn invoke(&self, _action: &str, _value: Value) -> Result<Value> {{
        Ok(Value::from(format!("{name} {{}}", shared_words::WORD)))
    }}
}}

export_plugin!(Reader);
"#
    )
}

/// Two plugins that share a crate, which makes no plugin. The packages' names begin with `test`: all tests build into one
/// folder.
fn sharing(test: &str) -> Crates {
    let [one, two] = ["one", "two"].map(|id| (format!("{test}-{id}"), manifest(test, id), reader(id)));
    let crates = Crates::new(&[(&one.0, &one.1, &one.2), (&two.0, &two.1, &two.2)]);
    crates.write(
        "shared-words/Cargo.toml",
        "[package]\nname = \"shared-words\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    crates.write("shared-words/src/lib.rs", "pub const WORD: &str = \"first\";\n");
    for (name, ..) in [one, two] {
        let path = crates.path().join(&name).join("Cargo.toml");
        let before = std::fs::read_to_string(&path).expect("it was made");
        let manifest = format!("{before}shared-words = {{ path = '../shared-words' }}\n");
        crates.write(&format!("{name}/Cargo.toml"), &manifest);
    }
    crates
}

fn manifest(test: &str, id: &str) -> String {
    format!("schema = 1\nid = \"{id}\"\nversion = \"0.1.0\"\napi = \"^1\"\nlibrary = \"{test}_{id}\"\n")
}

#[test]
fn plugins_that_share_a_crate_change_together_or_not_at_all() {
    let crates = sharing("together");
    let live = Live::start(|command| {
        command.arg("dev").arg(crates.path());
    });
    live.event("following", |event| event["running"] == 2);
    crates.write("shared-words/src/lib.rs", "pub const WORD: &str = \"second\";\n");
    let built = live.event("built", |_| true);
    assert_eq!(built["changed"], serde_json::json!(["one", "two"]));
    let first = live.event("swapped", |_| true);
    let second = live.event("swapped", |_| true);
    assert_ne!(first["plugin"], second["plugin"]);
    assert_eq!(
        second["seq"].as_u64(),
        first["seq"].as_u64().map(|seq| seq + 1),
        "one step: nothing happens between them"
    );

    // What is shared changes so that only one of them still compiles: neither is swapped.
    crates.write(
        "together-two/src/lib.rs",
        &reader("two").replace("shared_words::WORD", "shared_words::OTHER"),
    );
    live.event("not_compiled", |event| event["plugin"] == "two");
    crates.write("shared-words/src/lib.rs", "pub const WORD: &str = \"third\";\n");
    let held = live.event("held", |_| true);
    assert_eq!((&held["plugin"], &held["waits_for"][0]), (&"one".into(), &"two".into()));

    crates.write("together-two/src/lib.rs", &reader("two"));
    let first = live.event("swapped", |_| true);
    let second = live.event("swapped", |_| true);
    assert_ne!(first["plugin"], second["plugin"], "both, now that both compile");
    assert_eq!(live.interrupt().0.code(), Some(0));
}

#[test]
fn an_edit_of_one_plugin_leaves_the_others_alone() {
    let crates = sharing("single");
    let live = Live::start(|command| {
        command.arg("dev").arg(crates.path());
    });
    live.event("following", |event| event["running"] == 2);
    crates.write("single-two/src/lib.rs", &reader("other"));
    assert_eq!(live.event("built", |_| true)["changed"], serde_json::json!(["two"]));
    live.event("swapped", |event| event["plugin"] == "two");
    let (_, rest) = live.interrupt();
    assert!(rest.iter().all(|event| event["event"] != "swapped"), "{rest:#?}");
}

#[test]
fn a_plugin_crate_that_is_added_beside_the_others_runs() {
    let crates = sharing("adding");
    let live = Live::start(|command| {
        command.arg("dev").arg(crates.path());
    });
    live.event("following", |event| event["running"] == 2);
    let text = std::fs::read_to_string(crates.path().join("adding-one/Cargo.toml")).expect("it was made");
    crates.write("adding-more/src/lib.rs", &reader("more"));
    crates.write("adding-more/plugin.toml", &manifest("adding", "more"));
    crates.write("adding-more/Cargo.toml", &text.replace("adding-one", "adding-more"));
    live.event("loaded", |event| event["plugin"] == "more");
    assert_eq!(live.interrupt().0.code(), Some(0));
}

#[test]
fn dev_puts_plugins_where_another_host_finds_them() {
    let crates = sharing("placing");
    let out = tempfile::tempdir().expect("a temporary folder");
    let live = Live::start(|command| {
        command.arg("dev").arg(crates.path()).arg("--out").arg(out.path());
    });
    let mut placed = [live.event("placed", |_| true), live.event("placed", |_| true)]
        .map(|event| event["plugin"].to_string());
    placed.sort();
    assert_eq!(placed, ["\"one\"", "\"two\""]);
    live.event("following", |event| event["running"].is_null());

    // A host of its own follows the folder; nothing but the files connects the two.
    let host = Live::start(|command| {
        command.arg("run").arg(out.path());
    });
    host.event("loaded", |event| event["plugin"] == "one");
    crates.write("placing-one/src/lib.rs", &reader("edited"));
    live.event("placed", |event| event["plugin"] == "one");
    host.event("swapped", |event| event["plugin"] == "one");
    assert_eq!(live.interrupt().0.code(), Some(0));
    assert!(out.path().join("one/plugin.toml").is_file(), "what was put there stays");
}

#[test]
fn quarantine_ends_with_the_next_edit() {
    let good = source("good");
    let bad = good.replace(
        "fn start(&self, cx: &mut Start<'_>) -> Result<()> {",
        "fn start(&self, cx: &mut Start<'_>) -> Result<()> {\n        if self.0.len() < 100 { return Err(Error::new(\"X\", \"no\")); }",
    );
    let crates = Crates::new(&[("dev-quarantine", &MANIFEST.replace("dev_memory", "dev_quarantine"), &good)]);
    let live = Live::start(|command| {
        command.arg("dev").arg(crates.path());
    });
    live.event("following", |event| event["running"] == 1);
    let mut condemned = Vec::new();
    for build in ["second", "third"] {
        crates.write("dev-quarantine/src/lib.rs", &bad);
        condemned.push(live.event("quarantined", |_| true)["build"].clone());
        crates.write("dev-quarantine/src/lib.rs", &source(build));
        live.event("released", |event| event["build"] == condemned[0]);
        live.event("swapped", |_| true);
    }
    assert_eq!(condemned[0], condemned[1], "the same bytes were tried again");
    assert_eq!(live.interrupt().0.code(), Some(0));
}

#[test]
fn saved_state_that_is_restored_is_told() {
    let crates =
        Crates::new(&[("dev-lasting", &MANIFEST.replace("dev_memory", "dev_lasting"), &source("first"))]);
    let data = tempfile::tempdir().expect("a temporary folder");
    let start = || {
        Live::start(|command| {
            command.arg("dev").arg(crates.path()).arg("--data").arg(data.path());
        })
    };
    let live = start();
    assert_eq!(live.event("loaded", |_| true)["state"], "none");
    assert_eq!(live.interrupt().0.code(), Some(0));
    let live = start();
    assert_eq!(live.event("loaded", |_| true)["state"], "restored");
    assert_eq!(live.interrupt().0.code(), Some(0));
}

#[test]
fn a_crate_that_is_half_made_is_blamed_on_no_other_plugin() {
    let manifest = MANIFEST.replace("dev_memory", "dev_whole");
    let crates = Crates::new(&[("dev-whole", &manifest, &source("first"))]);
    let out = tempfile::tempdir().expect("a temporary folder");
    let live = Live::start(|command| {
        command.arg("dev").arg(crates.path()).arg("--out").arg(out.path());
    });
    live.event("following", |event| event["running"].is_null());
    crates.write("half-made/Cargo.toml", "[package]\nname = \"half-made\"\n");
    live.event("rebuilding", |event| event["plugins"] == serde_json::json!(["memory"]));
    let told = live.event("not_read", |_| true);
    assert!(told["workspace"].is_string(), "{told}");
    crates.write("half-made/src/lib.rs", "");
    // What is copied is the manifest, too, when nothing else is new.
    crates.write("dev-whole/plugin.toml", &format!("{manifest}\n[run]\nisolation = \"subprocess\"\n"));
    live.event("placed", |event| event["plugin"] == "memory");
    let placed = std::fs::read_to_string(out.path().join("memory/plugin.toml")).expect("it is placed");
    assert!(placed.contains("subprocess"), "{placed}");
    assert_eq!(live.interrupt().0.code(), Some(0));
}
