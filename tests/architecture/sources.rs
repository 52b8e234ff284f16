use std::collections::BTreeMap;

use reactor_tests::source::{Blank, SourceFile, blank, files};

/// The longest that a file may be. Half of it is what to aim at.
const MOST_LINES: usize = 600;

/// The folders and files with the keyword `unsafe`, how often each file may say it (`None`: as it needs), and why.
const UNSAFE: &[(&str, Option<usize>, &str)] = &[
    ("reactor-abi/src/ffi/", None, "the boundary, the plugins' side"),
    ("reactor-abi/src/ffi.rs", None, "the boundary, the plugins' side"),
    ("reactor-abi/macros/src/", None, "what interfaces expand to"),
    ("reactor-abi/tests/ui/refused/", Some(1), "what an interface can not have"),
    (
        "reactor-abi/tests/loom.rs",
        Some(2),
        "the pin protocol in every order of events, on a model's own memory",
    ),
    ("reactor-host/src/native/", None, "the boundary, the host's side"),
    ("reactor-host/src/native.rs", None, "the boundary, the host's side"),
    (
        "reactor-host/src/host/builder.rs",
        Some(1),
        "`trust_native_code`, where an embedder accepts native code",
    ),
    ("reactor-host/cli/src/private_host.rs", Some(1), "the command accepts what its user names"),
    ("tests/support/lib.rs", Some(1), "the tests accept the corpus"),
    ("tests/corpus/ends-process/", Some(1), "an address that is not mapped, in a child of a test's"),
    ("tests/corpus/typed-calls/", None, "what the benches call without Reactor"),
    ("tests/corpus/early-key/", None, "what a careless plugin asks of libc"),
    ("tests/corpus/exit-handlers/", None, "what a careless plugin asks of libc"),
    ("tests/corpus/kept-text/", None, "what a careless plugin asks of libc"),
    ("tests/corpus/signal-handler/", None, "what a careless plugin asks of libc"),
    ("tests/corpus/thread-key-import/", None, "what a careless plugin asks of libc"),
    ("tests/corpus/timer-left/", None, "what a careless plugin asks of libc"),
    ("tests/edit-to-live/src/subjects/hot_lib_reloader.rs", Some(1), "what the bench compares with"),
    ("tests/edit-to-live/src/subjects/relib.rs", Some(2), "what the bench compares with"),
    ("tests/naive/", None, "what there would be without Reactor"),
    ("tests/benches/", None, "raw calls, to compare with"),
];

/// Where attributes such as `#[unsafe(no_mangle)]` stand: they export symbols.
const EXPORTS: [&str; 7] = [
    "reactor-abi/src/export.rs",
    "reactor-abi/src/ffi/",
    "reactor-host/src/native/",
    "tests/corpus/typed-calls/",
    "tests/corpus/early-key/",
    "tests/corpus/unique-symbol/",
    "tests/naive/",
];

/// Whose word it is, and the files that may say it.
const KNOWN_TO: [(&str, &[&str]); 4] = [
    ("interprocess", &["reactor-host/src/control/socket/windows.rs"]),
    ("libloading", &["reactor-host/src/native/open.rs", "tests/"]),
    ("notify", &["reactor-host/src/watch.rs", "reactor-host/src/watch/"]),
    (
        "redb",
        &[
            "reactor-host/src/store/database.rs",
            "reactor-host/src/store/database/",
            "reactor-host/src/store/tests/",
        ],
    ),
];

fn sources() -> Vec<SourceFile> {
    let sources = files("rs");
    assert!(sources.len() > 100, "the sources are where they were");
    sources
}

/// Where `word` stands alone in `code`, as byte offsets.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let alone = move |at: &usize| {
        !part(code[..*at].chars().next_back()) && !part(code[at + word.len()..].chars().next())
    };
    code.match_indices(word).map(|(at, _)| at).filter(alone)
}

fn line(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

#[test]
fn unsafe_code_stays_behind_its_fences() {
    for file in sources() {
        let code = blank(&file.text, Blank::CommentsAndTexts);
        let (mut count, mut last) = (0, 0);
        for at in words(&code, "unsafe") {
            if code[at + "unsafe".len()..].starts_with('(') {
                let allowed = EXPORTS.iter().any(|place| file.is_in(place));
                assert!(allowed, "{}:{} exports a symbol", file.path, line(&code, at));
                continue;
            }
            (count, last) = (count + 1, line(&code, at));
        }
        let fence = UNSAFE.iter().find(|(place, ..)| file.is_in(place));
        let most = fence.map_or(0, |(_, most, _)| most.unwrap_or(usize::MAX));
        assert!(count <= most, "{}:{last} says `unsafe`: {most} allowed, {count} found", file.path);
    }
}

#[test]
fn fences_are_where_they_are_said_to_be() {
    let sources = sources();
    for place in UNSAFE.iter().map(|(place, ..)| *place).chain(EXPORTS) {
        assert!(sources.iter().any(|file| file.is_in(place)), "{place} is gone: strike it");
    }
}

#[test]
fn plugins_forbid_unsafe_code() {
    for file in
        sources().iter().filter(|file| file.is_in("example-plugins/") && file.path.ends_with("/lib.rs"))
    {
        assert!(file.text.contains("#![forbid(unsafe_code)]"), "{}", file.path);
    }
}

#[test]
fn one_file_knows_each_foreign_library() {
    for file in sources() {
        let code = blank(&file.text, Blank::CommentsAndTexts);
        for (word, places) in KNOWN_TO {
            if places.iter().any(|place| file.is_in(place)) {
                continue;
            }
            // The word as a crate's name: followed by a path.
            let found = words(&code, word).find(|at| code[at + word.len()..].starts_with("::"));
            assert!(found.is_none(), "{}:{} knows {word}", file.path, line(&code, found.unwrap_or(0)));
        }
    }
}

#[test]
fn a_lint_is_set_aside_for_a_reason() {
    for file in sources() {
        let code = blank(&file.text, Blank::CommentsAndTexts);
        for (start, _) in code.match_indices("#[").chain(code.match_indices("#![")) {
            let attribute = attribute(&code[start..]);
            let sets_aside = ["allow", "expect"]
                .iter()
                .any(|word| words(attribute, word).any(|at| attribute[at + word.len()..].starts_with('(')));
            let reasoned = words(attribute, "reason").next().is_some();
            assert!(!sets_aside || reasoned, "{}:{}: {attribute}", file.path, line(&code, start));
        }
    }
}

/// The attribute that `code` begins with.
fn attribute(code: &str) -> &str {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '[' => depth += 1,
            ']' if depth == 1 => return &code[..=at],
            ']' => depth -= 1,
            _ => {}
        }
    }
    code
}

#[test]
fn files_are_short_and_modules_are_named_for_themselves() {
    let mut long = BTreeMap::new();
    for file in sources() {
        assert!(!file.path.ends_with("/mod.rs"), "{}: a module is foo.rs beside foo/", file.path);
        let lines = file.text.lines().count();
        if lines > MOST_LINES {
            long.insert(file.path, lines);
        }
    }
    assert!(long.is_empty(), "more than {MOST_LINES} lines: {long:?}");
}

#[test]
fn nothing_is_left_undone() {
    let macros = ["todo", "unimplemented"];
    for file in sources() {
        let code = blank(&file.text, Blank::CommentsAndTexts);
        for word in macros {
            let found = words(&code, word).find(|at| code[at + word.len()..].starts_with('!'));
            assert!(found.is_none(), "{}:{}: `{word}!`", file.path, line(&code, found.unwrap_or(0)));
        }
        assert!(!code.contains("#[ignore"), "{}: a test that is not run proves nothing", file.path);
    }
}

#[test]
fn tests_wait_for_what_they_wait_for() {
    for file in sources() {
        let code = if file.is_test() { &file.text } else { file.unit_tests() };
        let code = blank(code, Blank::CommentsAndTexts);
        // A task of a plugin's sleeps until it is cancelled. A test that sleeps is slow, or wrong, or both.
        let sleeps = words(&code, "sleep")
            .find(|at| code[at + "sleep".len()..].starts_with('(') && !code[..*at].ends_with('.'));
        assert!(
            sleeps.is_none(),
            "{}: a test sleeps: {:?}",
            file.path,
            sleeps.and_then(|at| code[at..].lines().next())
        );
    }
}
