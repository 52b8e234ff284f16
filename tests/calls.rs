//! Guarantees: what a call brings back, and what it leaves behind.

use reactor_abi::prelude::Peer;
use reactor_host::{EventKind, Host, Value, Verdict, value};
use reactor_tests::folder::Folder;
use reactor_tests::puppet::{Script, started};
use reactor_tests::{corpus, tell, trusted, wait};
use std::sync::OnceLock;

/// A host over libraries of the corpus, all of which run.
fn over(libraries: &[&str]) -> (Folder, Host) {
    let folder = Folder::new();
    for name in libraries {
        folder.put(&format!("lib{}.so", name.replace('-', "_")), &corpus::bytes(name));
    }
    let builder = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder.path());
    let host = trusted(builder).build().expect("a host");
    let report = host.start().expect("the host starts");
    assert!(report.is_ok(), "{report:?}");
    (folder, host)
}

#[test]
fn an_error_crosses_with_its_code_its_message_and_its_context() {
    let (_folder, host) = over(&["do-as-told", "answer-one"]);
    let direct = host.invoke("do-as-told", "fail", &Value::Null).expect_err("it fails");
    assert_eq!((direct.code(), direct.message()), ("acme.full", "no space"));
    assert_eq!(direct.contexts(), ["writing", "saving"]);
    assert_eq!(direct.to_string(), "saving: writing: no space");
    let inner = value!(["do-as-told", "fail", null]);
    let through_a_peer = host.invoke("do-as-told", "call", &inner).expect_err("it fails");
    assert_eq!(through_a_peer, direct);
}

#[test]
fn a_panic_in_a_call_is_an_error_with_its_message_and_place_and_the_plugin_goes_on() {
    let (_folder, host) = over(&["do-as-told"]);
    for _ in 0..3 {
        let (code, message) = tell::error(host.invoke("do-as-told", "panic", &Value::Null));
        assert_eq!(code, "RE0603");
        assert!(
            message.contains("do-as-told/src/lib.rs:") && message.ends_with(": told to panic"),
            "{message}"
        );
        let (code, message) = tell::error(host.invoke("do-as-told", "panic-with-number", &Value::Null));
        assert_eq!(code, "RE0603");
        assert!(message.contains("no text"), "{message}");
        assert_eq!(host.invoke("do-as-told", "echo", &value!(1)).expect("it goes on"), value!(1));
    }
    let events = host.events();
    host.disable("do-as-told").expect("the host runs");
    let (_, verdict, reasons) = wait::retired(&events);
    assert_eq!(verdict, Verdict::Unloaded, "a caught panic leaves nothing behind: {reasons:?}");
}

#[test]
fn a_panic_in_a_phase_is_told_with_its_place_and_the_library_is_unloaded() {
    for phase in ["init", "register", "start"] {
        let folder = Folder::new();
        let head = "schema = 1\nid = \"do-as-told\"\nversion = \"1.0.0\"\napi = \"^1\"";
        folder.put("do_as_told.toml", format!("{head}\n[config]\npanic = {phase:?}\n").as_bytes());
        folder.put("libdo_as_told.so", &corpus::bytes("do-as-told"));
        let host = reactor_tests::host(folder.path());
        let events = host.events();
        let (code, message, _) = tell::failure(&host.start().expect("the host starts"), "do-as-told");
        assert_eq!(code, "RE0603");
        assert!(message.starts_with(&format!("{phase}: panicked at ")), "{message}");
        assert!(message.contains("do-as-told/src/lib.rs:"), "{message}");
        let (_, verdict, reasons) = wait::retired(&events);
        assert_eq!(verdict, Verdict::Unloaded, "{phase}: {reasons:?}");
    }
}

#[test]
fn what_is_not_there_is_told_by_code() {
    let (_folder, host) = over(&["do-as-told"]);
    let cases = [
        ("nobody", "echo", "RE0601", "nobody"),
        ("do-as-told", "no-such-action", "RE0602", "no-such-action"),
        ("No Id", "echo", "RE0804", "No Id"),
    ];
    for (plugin, action, expected, named) in cases {
        let (code, message) = tell::error(host.invoke(plugin, action, &Value::Null));
        assert_eq!(code, expected);
        assert!(message.contains(named), "{message}");
    }
}

#[test]
fn values_come_back_as_they_went() {
    let (_folder, host) = over(&["do-as-told"]);
    let mut nested = Value::Null;
    for _ in 0..100 {
        nested = value!({ "in": [nested] }).get("in").cloned().expect("the key");
    }
    let values = [
        Value::Null,
        value!(true),
        value!(i64::MIN),
        value!(u64::MAX),
        value!(-0.0),
        value!(f64::INFINITY),
        value!(f64::NAN),
        value!(""),
        value!("ä€🔢\u{0}"),
        Value::bytes((0..=255).collect::<Vec<u8>>()),
        Value::bytes(vec![7; 1 << 20]),
        value!([]),
        value!({}),
        value!({ "list": [1, [2, { "x": null }]], "text": "t" }),
        nested,
    ];
    for value in values {
        let answer = host.invoke("do-as-told", "echo", &value).expect("it comes back");
        assert_eq!(answer, value);
    }
}

#[test]
fn a_value_nested_too_deep_is_refused_before_the_call() {
    let (_folder, host) = over(&["do-as-told"]);
    let deep = (0..200).fold(Value::Null, |value, _| Value::List(vec![value]));
    let error = host.invoke("do-as-told", "echo", &deep).expect_err("it is too deep");
    assert_eq!(error.code(), reactor_abi::Error::from(reactor_abi::value::ValueError::TooDeep).code());
}

#[test]
fn a_log_line_arrives_with_level_fields_plugin_version_and_generation() {
    let (_folder, host) = over(&["do-as-told"]);
    let events = host.events();
    host.invoke("do-as-told", "log", &Value::Null).expect("it logs");
    let event =
        wait::event(&events, |event| matches!(event.kind, EventKind::Log { .. }).then(|| event.clone()));
    assert_eq!(event.plugin.map(|id| id.to_string()).as_deref(), Some("do-as-told"));
    assert_eq!(event.version.map(|version| version.to_string()).as_deref(), Some("1.0.0"));
    assert_eq!(event.generation, Some(1));
    let EventKind::Log { level, message, fields } = event.kind else { unreachable!() };
    assert_eq!((level, message.as_str()), ("warn", "disk is filling"));
    assert_eq!(fields.get("percent").and_then(Value::as_u64), Some(93));
    assert_eq!(fields.get("path").and_then(Value::as_str), Some("/var"));
}

#[test]
fn a_peer_call_goes_to_whichever_generation_serves() {
    let (folder, host) = over(&["do-as-told", "answer-one"]);
    let through = || -> (u64, u64) {
        let answer =
            host.invoke("do-as-told", "call", &value!(["answer", "which", null])).expect("it serves");
        answer.read().expect("two numbers")
    };
    let generation = || host.plugin("answer").expect("an id").generation().expect("it serves");
    assert_eq!(through(), (1, generation()));
    folder.put("libanswer_one.so", &corpus::bytes("answer-two"));
    assert!(tell::swapped(&host.rescan().expect("the host runs"), "answer"));
    assert_eq!(through(), (2, generation()));
}

#[test]
fn a_peer_that_is_kept_survives_the_swaps_of_the_other_plugin() {
    let kept: OnceLock<Peer> = OnceLock::new();
    let host = started([
        Script::new("base").mark("old"),
        Script::new("keeper").answer(move |cue| {
            let peer = match kept.get() {
                Some(peer) => peer,
                None => kept.get_or_init(|| cue.services.peer("base").expect("an id")),
            };
            peer.invoke("mark", &Value::Null)
        }),
    ]);
    let ask = || host.invoke("keeper", "ask", &Value::Null);
    assert_eq!(ask().expect("it serves"), value!("old"));
    assert!(tell::swapped(&Script::new("base").mark("new").install(&host), "base"));
    assert_eq!(ask().expect("it serves"), value!("new"));
    host.disable("base").expect("the host runs");
    assert_eq!(tell::error(ask()).0, "RE0601");
    host.enable("base").expect("the host runs");
    assert_eq!(ask().expect("it serves"), value!("new"));
}

#[test]
fn a_peer_that_is_not_there_is_told_with_the_reason() {
    let (_folder, host) = over(&["do-as-told", "answer-one"]);
    let call =
        |plugin: &str| tell::error(host.invoke("do-as-told", "call", &value!([(plugin), "which", null])));
    let (code, message) = call("nobody");
    assert_eq!(code, "RE0601");
    assert!(message.contains("there is no such plugin"), "{message}");
    host.disable("answer").expect("the host runs");
    let (code, message) = call("answer");
    assert_eq!(code, "RE0601");
    assert!(message.contains("switched off"), "{message}");
    assert_eq!(call("No Id").0, "RE0611");
}

#[test]
fn what_is_called_is_counted_over_swaps() {
    let build = || {
        Script::new("one").answer(|cue| {
            assert!(cue.action != "boom", "told to panic");
            Ok(Value::Null)
        })
    };
    let host = started([build(), Script::new("other")]);
    let account =
        |id: &str| host.accounts().into_iter().find(|one| one.plugin.as_str() == id).expect("it ran");
    let text = Value::from("x".repeat(1_000));
    for round in 1..=3 {
        for _ in 0..100 {
            host.invoke("one", "mark", &text).expect("it serves");
        }
        host.invoke("other", "call", &Value::of(&("one", "mark")).expect("texts")).expect("both serve");
        assert_eq!(tell::error(host.invoke("one", "boom", &Value::Null)).0, "RE0603");
        let pins = host.pin(&["one"]).expect("it serves");
        pins.invoke("one", "mark", &Value::Null).expect("it is pinned");
        drop(pins);
        let one = account("one");
        assert_eq!((one.calls, one.panics), (round * 103, round), "calls of everybody, and no pin by itself");
        assert!(one.bytes_in >= round * 100_000 && one.bytes_out > 0, "{one:?}");
        assert_eq!(one.latency.samples, 103, "of the generation that serves");
        assert!(one.latency.p50_ns > 0 && one.latency.p50_ns <= one.latency.max_ns);
        assert!(tell::swapped(&host.swap("one").expect("the host runs"), "one"));
    }
    assert_eq!(account("other").calls, 3);
    assert_eq!(account("one").calls, 309);
}
