//! Each way for a manifest to be wrong, as an author sees it.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them so")]

use expect_test::{Expect, expect};

use super::*;

#[track_caller]
fn check(text: &str, expected: &Expect) {
    let error = parse(text).expect_err("it should be refused");
    expected.assert_eq(&format!("{} {error}\n", error.code()));
}

#[test]
fn an_error_points_at_the_place() {
    check(
        &format!("{MINIMAL}\n[depnedencies]\n"),
        &expect![[r#"
        RE0103 plugin.toml:6:2: unknown key `depnedencies` (did you mean `dependencies`?)
        6 | [depnedencies]
          |  ^^^^^^^^^^^^
    "#]],
    );
    check(
        &format!("{MINIMAL}\ttagz = []"),
        &expect![[r#"
        RE0103 plugin.toml:5:2: unknown key `tagz` (did you mean `tags`?)
        5 |  tagz = []
          |  ^^^^
    "#]],
    );
    check(
        "id = 3\nschema = 1",
        &expect![[r#"
        RE0105 plugin.toml:1:6: `id` takes a text, not a whole number
        1 | id = 3
          |      ^
    "#]],
    );
    check(
        "schema = 1\nid = \"a\"\nversion = \"1.0.0\"",
        &expect![[r#"
        RE0104 plugin.toml:1:1: `api` is missing; add it, as in `api = "^1.2"`
        1 | schema = 1
          | ^
    "#]],
    );
    check(
        "\u{feff}schema = 2\nnew-key = 1",
        &expect![[r#"
            RE0106 plugin.toml:1:10: manifest schema 2 is not known here; write `schema = 1`, or update the host if it is newer
            1 | schema = 2
              |          ^
        "#]],
    );
    check(
        "schema = 1\nschema = 1",
        &expect![[r#"
        RE0102 plugin.toml:2:1: not valid TOML: duplicate key
        2 | schema = 1
          | ^^^^^^
    "#]],
    );
    check(
        "schema = 1\r\nid = \"ä.b\" # ü\r\n",
        &expect![[r#"
        RE0109 plugin.toml:2:6: `id`: `ä.b` is not a plugin id: it holds 'ä'; use lower-case letters, digits, `-` and `.` only
        2 | id = "ä.b" # ü
          |      ^^^^^
    "#]],
    );
    check(
        &format!("{MINIMAL}[host]\nversion = \"1\""),
        &expect![[r#"
        RE0104 plugin.toml:5:1: `host.app` is missing; add it, as in `app = "dev.example.editor"`
        5 | [host]
          | ^^^^^^
    "#]],
    );
    check(
        &format!("{MINIMAL}name = \" \""),
        &expect![[r#"
        RE0107 plugin.toml:5:8: `name` is empty; write something or remove the key
        5 | name = " "
          |        ^^^
    "#]],
    );
    check(
        &format!("{MINIMAL}[dependencies]\nacme.base = \"^2\""),
        &expect![[r#"
            RE0103 plugin.toml:6:6: unknown key `base` in `[dependencies.acme]` (did you mean `"acme.base"`?)
            6 | acme.base = "^2"
              |      ^^^^
        "#]],
    );
    check(
        &format!("{MINIMAL}description = \"a\\nb\"\nlicense = \"\\u001b[2J\" # \u{202e}"),
        &expect![[r#"
            RE0112 plugin.toml:6:11: `license`: `�[2J` cannot stand here: it holds the control character '\u{1b}'; remove it
            6 | license = "\u001b[2J" # �
              |           ^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn an_error_shows_a_long_line_in_part() {
    let long = "x".repeat(300);
    check(
        &format!("{MINIMAL}description = \"fine\"\ntags = [\"{long}\", \"{long}\"]"),
        &expect![[r#"
        RE0108 plugin.toml:6:9: `tags` has 300 bytes; shorten it to 256
        6 | tags = ["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
          |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    check(
        &"#".repeat(MAX_MANIFEST_BYTES + 1),
        &expect![[r#"
        RE0101 plugin.toml:1:1: the manifest has 65537 bytes; shorten it to 65536
    "#]],
    );
}

#[test]
fn each_rule_has_its_code() {
    let cases = [
        ("version = \"1.2\"", "RE0110"),
        ("api = \"one\"", "RE0111"),
        ("library = \"a/b\"", "RE0112"),
        ("library = \"libfoo.so\"", "RE0112"),
        ("homepage = \"javascript:alert(1)\"", "RE0112"),
        ("readme = \"../README.md\"", "RE0112"),
        ("screenshots = [\"/etc/passwd\"]", "RE0112"),
        ("tenants = [\"\"]", "RE0107"),
        ("tags = [\"a\", \"a\"]", "RE0116"),
        ("activation = [\"on-comand:x\"]", "RE0115"),
        ("activation = [\"on-command\"]", "RE0115"),
        ("activation = [\"on-startup:x\"]", "RE0115"),
        ("activation = [\"*\"]", "RE0115"),
        ("activation = \"on-startup\"", "RE0105"),
        ("activation = [\"on-startup\", \"on-startup\"]", "RE0116"),
        ("conflicts-with = [\"acme.word-count\"]", "RE0117"),
        ("conflicts-with = [\"Acme\"]", "RE0109"),
        ("[dependencies]\n\"acme.word-count\" = \"1\"", "RE0117"),
        ("[peer-dependencies]\n\"acme.word-count\" = \"1\"", "RE0117"),
        ("conflicts-with = [\"a.b\"]\n[dependencies]\n\"a.b\" = \"1\"", "RE0118"),
        ("[dependencies]\n\"a.b\" = \"1\"\n[peer-dependencies]\n\"a.b\" = \"1\"", "RE0118"),
        ("[dependencies]\n\"a.b\" = {}", "RE0104"),
        ("[dependencies]\n\"a.b\" = 2", "RE0105"),
        ("[dependencies]\n\"\" = \"2\"", "RE0109"),
        ("[provides]\n\"\" = \"1.0.0\"", "RE0107"),
        ("[provides]\n\"a\" = \"^1\"", "RE0110"),
        ("[provides]\n\"a\" = \"1.0.0\"\n[requires]\n\"a\" = \"1\"", "RE0117"),
        ("[commands]\n\"a b\" = {}", "RE0112"),
        ("[state]", "RE0104"),
        ("[state]\nschema = -1", "RE0114"),
        ("[state]\nschema = 99999999999999999999", "RE0114"),
        ("[state]\nschema = 2\nreads = [1]", "RE0118"),
        ("[state]\nschema = 2\nreads = [2, 2]", "RE0116"),
        ("[state]\nschema = 2\ndowngrades-to = [2]", "RE0118"),
        ("[state]\nschema = 2\nhandoff = \"stop\"", "RE0113"),
        ("[state]\nschema = 2\npause-deadline = \"0ms\"", "RE0114"),
        ("[state]\nschema = 2\npause-deadline = 50", "RE0105"),
        ("[run]\nstop-deadline = \"1.5s\"", "RE0114"),
        ("[run]\nstop-deadline = \"99999999999999999999s\"", "RE0114"),
        ("[run]\nstop-deadline = \"18446744073709551615h\"", "RE0114"),
        ("[run]\nstop-deadline = \"31s \"", "RE0114"),
        ("[run]\ndelete-grace = \"10000h\"", "RE0114"),
        ("[permissions]\nmemory = \"256MB\"", "RE0114"),
        ("[permissions]\nthreads = 0", "RE0114"),
        ("[permissions]\nfs-read = [\"$HOME\"]", "RE0112"),
        ("[permissions]\nfs-read = [\"$PLUGIN/../x\"]", "RE0112"),
        ("[permissions]\nenv = [\"A=B\"]", "RE0112"),
        ("[config]\na = 99999999999999999999999999999999999999999999", "RE0102"),
        ("[config]\na = 1\na = 2", "RE0102"),
    ];
    for (line, code) in cases {
        let replaced = line.split_once(" = ").map_or("-", |(key, _)| key);
        let others = MINIMAL.split_inclusive('\n').filter(|kept| !kept.starts_with(&format!("{replaced} ")));
        let kept: String = others.collect();
        let error = parse(&format!("{kept}{line}")).expect_err(line);
        assert_eq!(error.code(), code, "{line}: {error}");
    }
}
