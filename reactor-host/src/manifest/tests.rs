use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

mod errors;

const MINIMAL: &str = "schema = 1\nid = \"acme.word-count\"\nversion = \"1.4.2\"\napi = \"^1\"\n";

const FULL: &str = r#"
schema = 1
id = "acme.word-count"
version = "1.4.2"
api = "^1.2"
library = "counter"
name = "Word count"
description = "Counts words."
authors = ["Ada <ada@acme.example>"]
license = "MIT"
icon = "🔢"
tags = ["text"]
categories = ["editing"]
homepage = "https://acme.example/word-count"
repository = "https://git.acme.example/word-count"
documentation = "https://acme.example/docs"
readme = "README.md"
changelog = "CHANGELOG.md"
screenshots = ["assets/shot.png"]
activation = ["on-command:word-count.reset", "on-contribution-point:bar", "on-interface:text.stats", "opened"]
deactivation = ["*", "closed"]
conflicts-with = ["acme.old-count"]
tenants = ["north", "south"]
preserve-output = true

[host]
app = "dev.example.editor"
version = ">=1.4, <3"

[dependencies]
"acme.base" = "^2"
"acme.theme" = { version = "^1", optional = true, config = { accent = "red", at = 2026-01-02T03:04:05Z } }

[peer-dependencies]
"acme.spell" = { version = "^1", optional = true }

[provides]
"text.stats" = "1.2.0"

[requires]
"text.source" = "^1"
"text.tokens" = { version = "^0.3", optional = true }

[contribution-points]
"word-count.sources" = { description = "more places" }

[commands]
"word-count.reset" = { title = "Reset", key = "Mod+R" }

[config]
minimum-length = 0x10
deep = { list = [1.5, true] }

[state]
schema = 2
reads = [1, 2]
downgrades-to = [1]
handoff = "snapshot"
pause-deadline = "80ms"

[health]
check-every = "1min"
trial = "0s"
max-panics = 0

[run]
isolation = "subprocess"
unload = "never"
stop-deadline = "1500ms"
delete-grace = "1h"

[permissions]
fs-read = ["$PLUGIN/assets", "/usr/share"]
fs-write = ["$STATE"]
net = "all"
env = ["TZ"]
memory = "256MiB"
cpu-per-call = "1s"
wall-per-call = "2s"
threads = 8
file-descriptors = 64
reply = "1536KiB"
"#;

fn parse(text: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(text, Path::new("plugin.toml"))
}

#[test]
fn a_manifest_with_every_key_is_read() {
    let manifest = parse(FULL).unwrap();
    assert_eq!(manifest.id.namespace(), "acme");
    assert_eq!(manifest.library_stem(), "counter");
    assert_eq!(manifest.display_name(), "Word count");
    assert_eq!(manifest.activation[0], Activation::OnCommand("word-count.reset".into()));
    assert_eq!(manifest.activation[3], Activation::Application("opened".into()));
    assert!(manifest.deactivation[0].matches(&Activation::OnStartup));
    assert!(!manifest.deactivation[1].matches(&Activation::OnStartup));
    assert!(manifest.dependencies["acme.theme"].optional);
    assert_eq!(manifest.dependencies["acme.theme"].config["accent"].as_str(), Some("red"));
    assert_eq!(manifest.config["minimum-length"].as_integer(), Some(16));
    let state = manifest.state.as_ref().unwrap();
    assert_eq!((state.schema, &state.reads[..], state.handoff), (2, &[1, 2][..], Handoff::Snapshot));
    assert_eq!(state.pause_deadline, Duration::from_millis(80));
    assert_eq!(manifest.run.delete_grace, Duration::from_hours(1));
    assert_eq!(manifest.permissions.memory_bytes, Some(256 << 20));
    assert_eq!(manifest.permissions.reply_bytes, Some(1536 << 10));
}

#[test]
fn what_is_left_out_has_its_default() {
    let manifest = parse(MINIMAL).unwrap();
    assert_eq!(manifest.activation, [Activation::OnStartup]);
    assert_eq!(manifest.tenants, ["*"]);
    assert!(!manifest.has_state());
    assert_eq!(manifest.run.stop_deadline, Duration::from_secs(2));
    let state = parse(&format!("{MINIMAL}[state]\nschema = 3")).unwrap().state.unwrap();
    assert_eq!((&state.reads[..], state.handoff), (&[3][..], Handoff::Pause));
    assert_eq!(state.pause_deadline, Duration::from_millis(50));
}

/// The text of a manifest in which `key` of `section` is `value`.
fn with(section: &Section, key: &Key, value: &str) -> String {
    let wanted = |key: &Key, value: &str| format!("{} = {value}\n", key.name);
    let required = section.keys.iter().filter(|other| other.default == "required" && other.name != key.name);
    let lines = required.map(|other| wanted(other, other.example)).collect::<String>() + &wanted(key, value);
    if section.name.is_empty() {
        return lines;
    }
    format!("{MINIMAL}[{}]\n{lines}", section.name.replace('*', "\"acme.other\""))
}

#[test]
fn the_reference_lists_what_the_reader_takes() {
    let mut defaults = 0;
    for section in SECTIONS {
        for key in section.keys {
            let example = with(section, key, key.example);
            // `downgrades-to = [1]` and `reads = [1, 2]` hold beside the example schema, which is 2.
            parse(&example).unwrap_or_else(|error| panic!("{error}\n{example}"));
            let Ok(value) = format!("v = {}", key.default).parse::<toml::Table>() else { continue };
            defaults += 1;
            let value = value["v"].to_string();
            let other = Key { name: "-", example: "", default: "", about: "" };
            let without = with(section, &other, "0").replace("- = 0\n", "");
            assert_eq!(
                parse(&with(section, key, &value)),
                parse(&without),
                "{} of {}",
                key.name,
                section.name
            );
        }
    }
    assert!(defaults > 20, "{defaults}");
}

#[test]
fn what_is_written_is_read_back() {
    for text in [MINIMAL, FULL] {
        let manifest = parse(text).unwrap();
        let written = toml::to_string(&manifest).unwrap();
        assert_eq!(parse(&written).unwrap_or_else(|error| panic!("{error}\n{written}")), manifest);
    }
}

#[test]
fn ids_are_dot_separated_kebab_case() {
    for good in ["a", "acme", "acme.word-count", "a.b.c-d-e", "acme2.x86-64", &"a".repeat(128)] {
        assert_eq!(good.parse::<PluginId>().unwrap().as_str(), good);
    }
    for bad in
        ["", ".", "a.", ".a", "a..b", "-a", "a-", "a--b", "A.b", "a_b", "a b", "ä", "a/b", &"a".repeat(129)]
    {
        bad.parse::<PluginId>().expect_err(bad);
    }
}

#[test]
fn bytes_that_are_not_text_are_refused_where_they_stand() {
    let error = Manifest::parse_bytes(b"schema = 1\nid = \"\xff\"\n", Path::new("p.toml")).unwrap_err();
    assert_eq!((error.code(), error.line(), error.column()), ("RE0102", 2, 7));
    let large =
        Manifest::parse_bytes(&b"\n".repeat(MAX_MANIFEST_BYTES + 1), Path::new("p.toml")).unwrap_err();
    assert_eq!(large, ManifestError::too_large(Path::new("p.toml"), 65537));
}

#[test]
fn a_file_must_agree_with_the_embedded_copy() {
    let file = parse(FULL).unwrap();
    let changed = |from: &str, to: &str| file.agrees_with(&parse(&FULL.replace(from, to)).unwrap());
    assert_eq!(changed("Counts words.", "Something else."), Ok(()));
    for (from, to, field, differs) in [
        ("\"acme.word-count\"", "\"acme.count\"", "id", "`acme.count`"),
        ("1.4.2", "1.4.3", "version", "`1.4.3`"),
        ("api = \"^1.2\"", "api = \"^1.3\"", "api", "`^1.3`"),
        ("stats\" = \"1.2.0\"", "stats\" = \"1.3.0\"", "provides", "`text.stats 1.3.0`"),
    ] {
        let error = changed(from, to).unwrap_err();
        assert_eq!((error.field, error.embedded.as_str(), error.code()), (field, differs, "RE0119"));
    }
}

/// Whatever the text, there is an answer, and an error stands inside the text.
fn answers(text: &str) -> Result<(), TestCaseError> {
    if let Err(error) = parse(text) {
        prop_assert!(error.line() <= text.matches('\n').count() + 1, "{error}");
        let line = text.split('\n').nth(error.line() - 1).unwrap_or_default();
        prop_assert!(error.column() <= line.chars().count() + 1, "{error}");
        prop_assert!(error.text().chars().count() <= 80);
        prop_assert!(error.to_string().chars().filter(|c| *c != '\n').all(|c| !c.is_control()));
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_gets_an_answer(text in "\\PC{0,200}|[a-z\\[\\]{}\"'=.,\\n 0-9]{0,200}") {
        answers(&text)?;
    }

    #[test]
    fn a_damaged_manifest_gets_an_answer(
        edits in prop::collection::vec((0..FULL.len(), "[\\x00-\\x7f]{0,3}|ü|\u{2028}", 0..8usize), 1..4),
    ) {
        let mut text = FULL.to_owned();
        for (at, new, cut) in edits {
            let start = text.floor_char_boundary(at);
            let end = text.floor_char_boundary(at + cut).max(start);
            text.replace_range(start..end, &new);
        }
        answers(&text)?;
    }

    #[test]
    fn ids_keep_their_text(
        id in "[a-z0-9]{1,5}(-[a-z0-9]{1,5}){0,2}(\\.[a-z0-9]{1,5}(-[a-z]{1,5}){0,2}){0,3}",
    ) {
        prop_assert_eq!(id.parse::<PluginId>().unwrap().to_string(), id);
    }

    #[test]
    fn quantities_are_read_back(ms in 1u64..=30 * 24 * 3_600_000, bytes in 1u64..) {
        let duration = Duration::from_millis(ms);
        let shown = quantity::show_duration(duration);
        prop_assert_eq!(quantity::duration(&shown, Duration::ZERO), Ok(duration));
        prop_assert_eq!(quantity::size(&quantity::show_size(bytes)), Ok(bytes));
    }
}
