//! What manifests say about each other is checked before any code runs.

use reactor_host::{PluginStatus, Report, Value};
use reactor_tests::puppet::{Journal, Script, host, started};
use reactor_tests::tell;

/// Starts puppets, the last of which must be refused without having run; answers code and message.
fn refused(scripts: Vec<Script>, plugin: &str) -> (String, String) {
    let journal = Journal::new();
    let host = host(scripts.into_iter().map(|script| script.journal(&journal)));
    let report = host.start().expect("the host starts");
    let (code, message, serving) = tell::failure(&report, plugin);
    assert_eq!(serving, None);
    let ran = journal.take();
    assert!(!ran.iter().any(|line| line.starts_with(plugin)), "its code ran: {ran:?}");
    assert!(matches!(tell::status(&host, plugin), PluginStatus::Refused(reason) if reason.code == code));
    let (call, why) = tell::error(host.invoke(plugin, "mark", &Value::Null));
    assert_eq!(call, "RE0601");
    assert!(why.contains(&message), "a caller is told the reason: {why}");
    (code, message)
}

fn names_all(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[test]
fn a_missing_dependency_names_every_missing_one_with_its_range_and_what_was_found() {
    let needy = Script::new("needy")
        .tables("[dependencies]\n\"acme.one\" = \"^2\"\n\"acme.three\" = \"^3\"\n\"acme.two\" = \"~1.4\"");
    let (code, message) = refused(vec![Script::new("acme.three").version("2.5.0"), needy], "needy");
    assert_eq!(code, "RE0404");
    names_all(&message, &["acme.one ^2", "acme.two ~1.4", "acme.three ^3", "found 2.5.0"]);
}

#[test]
fn a_cycle_is_printed_whole_and_others_run() {
    let ring = || {
        vec![
            Script::new("a").needs(&["b"]),
            Script::new("b").needs(&["c"]),
            Script::new("c").needs(&["a"]),
            Script::new("z"),
        ]
    };
    for plugin in ["a", "b", "c"] {
        let (code, message) = refused(ring(), plugin);
        assert_eq!(code, "RE0407");
        names_all(&message, &["a → b → c → a"]);
    }
    let host = host(ring());
    assert_eq!(tell::loaded(&host.start().expect("the host starts")), ["z"]);
}

#[test]
fn a_plugin_for_another_api_or_application_is_refused_with_its_code() {
    let host_table = |text: &str| Script::new("one").tables(&format!("[host]\n{text}"));
    let cases = [
        (Script::new("one").api("^7"), "RE0401", "^7"),
        (host_table("app = \"dev.reactor.other\""), "RE0402", "dev.reactor.other"),
        (host_table("app = \"dev.reactor.tests\"\nversion = \"^2\""), "RE0403", "^2"),
    ];
    for (script, expected, named) in cases {
        let (code, message) = refused(vec![script], "one");
        assert_eq!(code, expected);
        names_all(&message, &[named]);
    }
}

#[test]
fn two_plugins_in_conflict_do_not_run_beside_each_other_and_the_one_that_runs_stays() {
    let conflicting = || Script::new("one").conflicts(&["two"]);
    let (code, message) = refused(vec![conflicting(), Script::new("two")], "two");
    assert_eq!(code, "RE0408");
    names_all(&message, &["one", "two"]);
    let host = started([Script::new("two")]);
    let report: Report = conflicting().install(&host);
    assert_eq!(tell::failure(&report, "one").0, "RE0408");
    assert_eq!(tell::mark(&host, "two"), "two");
}

#[test]
fn an_update_that_can_not_run_here_leaves_the_running_build() {
    let journal = Journal::new();
    let host = started([Script::new("one").mark("old")]);
    let report = Script::new("one").mark("new").api("^7").journal(&journal).install(&host);
    let (code, _, serving) = tell::failure(&report, "one");
    assert_eq!((code.as_str(), serving), ("RE0401", Some(1)));
    assert_eq!(tell::mark(&host, "one"), "old");
    assert_eq!(journal.take(), [""; 0], "its code did not run");
    let shown = host.list().remove(0).refused_build.expect("the list shows the build that was refused");
    assert_eq!(shown.code, "RE0401");
}

#[test]
fn an_update_that_leaves_its_dependants_range_is_refused_or_takes_them_down_with_the_reason() {
    let needy = || Script::new("child").tables("[dependencies]\nbase = \"^1\"");
    let host = started([Script::new("base"), needy()]);
    let report = Script::new("base").version("2.0.0").mark("new").install(&host);
    assert_eq!(tell::mark(&host, "base"), "new");
    assert_eq!(tell::failure(&report, "child").0, "RE0405");
    let report = Script::new("base").version("1.1.0").install(&host);
    assert!(tell::loaded(&report).contains(&"child".to_owned()), "{report:?}");
}

/// `app`, which needs `base` of the same major version.
fn pair(major: u32) -> (Script, Script) {
    let version = format!("{major}.0.0");
    let needs = format!("[dependencies]\nbase = \"^{major}\"");
    let mark = format!("v{major}");
    (
        Script::new("base").version(&version).mark(&mark),
        Script::new("app").version(&version).mark(&mark).tables(&needs),
    )
}

#[test]
fn an_update_that_comes_before_what_it_needs_is_taken_up_when_that_comes() {
    let (base, app) = pair(1);
    let host = started([base, app]);
    let (base, app) = pair(2);
    let (_, _, serving) = tell::failure(&app.install(&host), "app");
    assert!(serving.is_some(), "the running build goes on meanwhile");
    assert_eq!(tell::mark(&host, "app"), "v1");
    base.install(&host);
    assert_eq!((tell::mark(&host, "base"), tell::mark(&host, "app")), ("v2".to_owned(), "v2".to_owned()));
}

#[test]
fn an_update_does_not_run_beside_a_dependency_whose_own_update_failed() {
    let (base, app) = pair(1);
    let host = started([base, app]);
    let (base, app) = pair(2);
    app.install(&host);
    base.on("register", |_| Err(reactor_abi::Error::msg("not today"))).install(&host);
    assert_eq!((tell::mark(&host, "base"), tell::mark(&host, "app")), ("v1".to_owned(), "v1".to_owned()));
}
