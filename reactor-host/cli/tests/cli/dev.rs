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
    assert_eq!(events[0]["event"], "building");
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
